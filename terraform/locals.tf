locals {
  project = "airaware"
  name    = "${local.project}-${var.environment}"
  domain  = "${var.environment}.${local.project}.internal"
  single  = length(var.zones) == 1
  tags    = { Project = local.project, Environment = var.environment }

  # us-west-2a -> a
  letters = { for zone in keys(var.zones) : zone => substr(zone, -1, 1) }

  subnets = {
    for zone, number in var.zones : zone => {
      public  = cidrsubnet(var.network_range, 4, number)
      private = cidrsubnet(var.network_range, 4, 8 + number)
    }
  }

  # An unknown one is refused below, in words.
  spark_zone = contains(keys(var.zones), var.spark_zone) ? var.spark_zone : keys(var.zones)[0]

  root_gigabytes = 20

  image_id = coalesce(var.image_id, data.aws_ami.this.id)

  # How long a new web host may take before its health counts. From a bare image Puppet's first run
  # installs all of it; from the fleet's own it serves at once.
  web_grace_seconds = var.image_id == null ? 900 : 300

  # What web hosts say of their CPU, and what their groups are scaled by.
  cpu_metric = { namespace = "AirAware", name = "HostCPU" }

  is_whole = var.stage == "all"

  # Hosts with a name (roles.tf); the web tier's come and go, but for the variant `single`.
  hosts = { for name, host in local.every_host : name => host if local.is_whole }

  # What outlives a host, by the host's name.
  volumes = {
    for name, host in local.every_host : name => merge(host, local.data[host.role])
    if contains(keys(local.data), host.role)
  }
}

# Conditions over several variables.
resource "terraform_data" "checks" {
  lifecycle {
    precondition {
      condition     = length(setsubtract(concat(keys(var.instance_types), keys(var.host_counts), keys(var.data_gigabytes)), keys(local.roles))) == 0
      error_message = "instance_types, host_counts or data_gigabytes name a role that roles.yaml does not have; it has ${join(", ", keys(local.roles))}."
    }
    precondition {
      condition     = contains(keys(var.zones), var.spark_zone)
      error_message = "spark_zone ${var.spark_zone} is none of the zones: ${join(", ", keys(var.zones))}."
    }
    precondition {
      condition     = alltrue([for zone in keys(var.zones) : startswith(zone, var.region)])
      error_message = "The zones ${join(", ", keys(var.zones))} are not all in the region ${var.region}."
    }
    precondition {
      condition     = local.single == (var.visitors_range != null)
      error_message = "visitors_range belongs to the variant `single`: give it with one zone, and only then."
    }
  }
}
