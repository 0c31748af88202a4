# What cloud-init does at a host's first boot.
locals {
  hostname = var.hostname == null ? {} : {
    hostname = var.hostname
    fqdn     = "${var.hostname}.${var.domain}"
  }

  # An EBS volume shows as an NVMe disk under its id without the hyphen.
  mount_data = var.mount == null ? { files = [], commands = [] } : {
    files = [{
      path        = "/usr/local/sbin/mount-data"
      permissions = "0755"
      content     = file("${path.module}/mount-data.sh")
    }]
    commands = [[
      "/usr/local/sbin/mount-data", var.mount,
      "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${replace(var.volume_id, "-", "")}",
    ]]
  }

  # Where hosts have no way to the distribution's mirrors, packages come from here.
  sources = var.packages_url == null ? [] : [{
    path        = "/etc/apt/sources.list.d/airaware.list"
    permissions = "0644"
    content     = "deb [trusted=yes] ${var.packages_url} packages/\n"
  }]

  puppet_release = var.role != "puppet" ? [] : [{
    path        = "/usr/local/sbin/puppet-release"
    permissions = "0755"
    content     = file("${path.module}/puppet-release.py")
  }]

  first_boot = {
    files = concat(local.sources, local.puppet_release, [
      {
        path        = "/usr/local/sbin/first-boot"
        permissions = "0755"
        content     = file("${path.module}/first-boot.sh")
      },
      {
        path        = "/usr/local/sbin/first-run"
        permissions = "0755"
        content     = file("${path.module}/first-run.sh")
      },
      {
        path        = "/etc/systemd/system/first-run.service"
        permissions = "0644"
        content = templatefile("${path.module}/first-run.service", {
          role   = var.role
          bucket = var.bucket
          domain = var.domain
        })
      },
    ])
    commands = [concat(
      ["/usr/local/sbin/first-boot", var.role, var.environment, var.domain],
      var.hostname == null ? [] : [var.hostname],
    )]
  }

  ssm_agent = {
    files = [{
      path        = "/usr/local/sbin/install-ssm-agent"
      permissions = "0755"
      content     = file("${path.module}/install-ssm-agent.sh")
    }]
    commands = [["/usr/local/sbin/install-ssm-agent"]]
  }

  # The host's work first: it need not wait for the operator's way in.
  parts = [local.mount_data, local.first_boot, local.ssm_agent]
}
