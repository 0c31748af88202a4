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

  stand_in = var.role != "web" ? { files = [], commands = [] } : {
    files = [
      {
        path        = "/usr/local/sbin/stand-in"
        permissions = "0755"
        content     = file("${path.module}/stand-in.py")
      },
      {
        path        = "/etc/systemd/system/stand-in.service"
        permissions = "0644"
        content     = templatefile("${path.module}/stand-in.service", { zone = var.zone })
      },
    ]
    commands = [["systemctl", "enable", "--now", "stand-in.service"]]
  }

  ssm_agent = {
    files = [{
      path        = "/usr/local/sbin/install-ssm-agent"
      permissions = "0755"
      content     = file("${path.module}/install-ssm-agent.sh")
    }]
    commands = [["/usr/local/sbin/install-ssm-agent"]]
  }

  # The site first: it need not wait for the operator's way in.
  parts = [local.mount_data, local.stand_in, local.ssm_agent]
}
