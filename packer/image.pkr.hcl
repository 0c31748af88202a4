# The image of all hosts: every role's packages, and what image.pp has. The roles' own Puppet run does
# the rest.

locals {
  name = "airaware-${var.environment}"
  # The builder and its disk; no tag Role or Environment: it is no host of the fleet.
  builder_tags = {
    Name    = "${local.name}-image"
    Project = "airaware"
    Builder = local.name
  }
  image_tags = {
    Name        = var.name
    Project     = "airaware"
    Environment = var.environment
    Commit      = var.commit
    Digest      = var.digest
    BaseImage   = var.source_image
    Built       = var.built
  }
  # Of the builder, in the place of what only a host's own certificate can say.
  attributes = {
    extension_requests = {
      pp_role        = "web"
      pp_environment = var.environment
      pp_zone        = "unknown"
    }
  }
  packages = merge(var.packages, [for role in yamldecode(file("${var.checkout}/terraform/roles.yaml")) : role.packages]...)
  # What has the tag `host` only a host that runs can know: its certificate, its secrets, its zone.
  # The others are types of resources that ask a database that runs.
  skipped = ["host", "postgresql_conn_validator", "postgresql_psql"]
  puppet  = "/tmp/airaware-puppet"

  # A builder that is there answers every 5 s; one that is lost says nothing.
  silence_timeout = "30s"

  ssm_agent = "${var.checkout}/terraform/modules/user_data/install-ssm-agent.sh"
}

source "amazon-ebs" "image" {
  region                  = var.region
  custom_endpoint_ec2     = var.endpoint
  skip_region_validation  = true
  skip_metadata_api_check = true

  source_ami           = var.source_image
  instance_type        = var.instance_type
  iam_instance_profile = "${local.name}-image"
  run_tags             = local.builder_tags
  run_volume_tags      = local.builder_tags

  subnet_filter {
    filters = { "tag:Name" = "${local.name}-private-*" }
    random  = true
  }
  security_group_filter {
    filters = { "tag:Name" = "${local.name}-image" }
  }

  # The distributions' images lack the agent that Session Manager reaches.
  user_data_file = var.ssh_interface == "session_manager" ? local.ssm_agent : ""

  ssh_username            = var.system_images[var.system].user
  ssh_interface           = var.ssh_interface
  ssh_proxy_host          = var.ssh_proxy_host
  ssh_proxy_port          = var.ssh_proxy_port
  ssh_timeout             = "5m"
  ssh_read_write_timeout  = local.silence_timeout
  temporary_key_pair_name = "${local.name}-image"

  launch_block_device_mappings {
    device_name           = var.system_images[var.system].root_device
    encrypted             = true
    volume_type           = "gp2"
    volume_size           = 20
    delete_on_termination = true
  }

  ami_name      = var.name
  tags          = local.image_tags
  snapshot_tags = local.image_tags
}

build {
  sources = ["source.amazon-ebs.image"]

  # The system's own first boot is over.
  provisioner "shell" {
    start_retry_timeout = local.silence_timeout
    inline              = ["cloud-init status --wait", "mkdir -p ${local.puppet}"]
  }

  provisioner "file" {
    source      = "${var.checkout}/packer/baking.rb"
    destination = "${local.puppet}/baking.rb"
  }
  provisioner "file" {
    source      = var.hieradata
    destination = local.puppet
  }

  provisioner "shell" {
    start_retry_timeout = local.silence_timeout
    inline = [
      "echo '${jsonencode(local.attributes)}' >${local.puppet}/attributes.yaml",
      "[ -z '${var.packages_url}' ] || echo 'deb [trusted=yes] ${var.packages_url} packages/' | sudo tee /etc/apt/sources.list.d/airaware.list",
      "sudo apt-get -q update",
    ]
  }

  # SYSTEMD_OFFLINE, here and below: services are enabled, and none is started.
  provisioner "shell" {
    start_retry_timeout = local.silence_timeout
    inline = [
      "sudo env SYSTEMD_OFFLINE=1 DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=600 install ${join(" ", keys(local.packages))}",
    ]
  }

  provisioner "puppet-masterless" {
    staging_directory = local.puppet
    manifest_file     = "${var.checkout}/packer/image.pp"
    module_paths      = ["${var.checkout}/modules", "${var.checkout}/vendor_modules"]
    hiera_config_path = "${var.checkout}/hiera.yaml"
    execute_command   = <<-EOT
      cd {{.WorkingDir}} && sudo --preserve-env=AWS_ENDPOINT_URL,AWS_CA_BUNDLE env \
        SYSTEMD_OFFLINE=1 RUBYOPT=-r${local.puppet}/baking.rb \
        AIRAWARE_ATTRIBUTES=${local.puppet}/attributes.yaml puppet apply --detailed-exitcodes \
        --certname=image.${var.environment}.airaware.internal --skip_tags=${join(",", local.skipped)} \
        --no-preprocess_deferred --modulepath='{{.ModulePath}}' \
        --hiera_config='{{.HieraConfigPath}}' --color=false {{.ManifestFile}}
    EOT
  }

  # Puppet's plugins, as an agent has them of its master.
  provisioner "shell" {
    start_retry_timeout = local.silence_timeout
    inline = [
      "to=$(sudo puppet config print plugindest)",
      "for lib in ${local.puppet}/module-*/*/lib; do sudo mkdir -p $to && sudo cp -r $lib/. $to; done",
    ]
  }

  provisioner "shell" {
    start_retry_timeout = local.silence_timeout
    environment_vars = [
      "VERSIONS=${join(" ", [for package, version in local.packages : "${package}=${version}"])}",
    ]
    scripts         = ["${var.checkout}/packer/check.sh", "${var.checkout}/packer/forget.sh"]
    execute_command = "sudo env {{.Vars}} sh {{.Path}}"
    skip_clean      = true
  }

  post-processor "manifest" {
    output = var.manifest
  }
}
