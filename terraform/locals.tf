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

  # What each role keeps beyond a host's life, and where.
  data = {
    database   = { mount = "/var/lib/postgresql", gigabytes = var.data_gigabytes.database }
    puppet     = { mount = "/var/lib/puppet", gigabytes = var.data_gigabytes.puppet }
    monitoring = { mount = "/var/lib/prometheus", gigabytes = var.data_gigabytes.monitoring }
  }

  has_master = var.stage != "network"
  is_whole   = var.stage == "all"

  # Hosts with a name; the web tier's come and go, but for the variant `single`.
  hosts = { for name, host in local.every_host : name => host if local.is_whole || local.has_master && host.role == "puppet" }
  every_host = merge(
    { for zone, letter in local.letters : "database-${letter}" => { role = "database", zone = zone } },
    { for n in range(1, var.spark_workers + 1) : "spark-worker-${n}" => { role = "spark_worker", zone = local.spark_zone } },
    {
      "spark-master" = { role = "spark_master", zone = local.spark_zone }
      "controller"   = { role = "controller", zone = local.spark_zone }
      "puppet"       = { role = "puppet", zone = local.spark_zone }
      "monitoring"   = { role = "monitoring", zone = local.spark_zone }
    },
    local.single ? { "web" = { role = "web", zone = local.spark_zone } } : {},
  )
}

# Conditions over several variables.
resource "terraform_data" "checks" {
  lifecycle {
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
