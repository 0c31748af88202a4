# A host with a name; the volume that outlives it, where its role keeps data, is attached to it.

module "user_data" {
  source = "../user_data"

  role         = var.role
  environment  = var.environment
  hostname     = var.name
  domain       = var.domain
  bucket       = var.bucket
  packages_url = var.packages_url
  volume_id    = try(var.data.volume_id, null)
  mount        = try(var.data.mount, null)
}

resource "aws_instance" "this" {
  #checkov:skip=CKV_AWS_126: the monitoring host measures them itself; AWS would be paid for the same
  ami                    = var.image_id
  instance_type          = var.instance_type
  subnet_id              = var.subnet_id
  vpc_security_group_ids = [var.security_group_id]
  iam_instance_profile   = var.profile
  key_name               = var.key_name
  user_data              = module.user_data.text
  ebs_optimized          = true
  tags                   = { Name = var.name, Role = var.role }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    # A host of the variant `single` learns here that it is a web host.
    instance_metadata_tags = "enabled"
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
    volume_size = var.root_gigabytes
    tags        = merge(var.tags, { Name = "${var.name}-root", Role = var.role })
  }

  lifecycle {
    # A newer image or first-boot script is for new hosts: `-replace` makes one where it is wanted.
    ignore_changes = [ami, user_data]
  }
}

# It stays the same when the host is replaced.
resource "aws_eip" "this" {
  count = var.public ? 1 : 0

  domain   = "vpc"
  instance = aws_instance.this.id
  tags     = { Name = var.name, Role = var.role }
}

resource "aws_volume_attachment" "data" {
  count = var.data == null ? 0 : 1

  device_name                    = "/dev/sdf"
  volume_id                      = var.data.volume_id
  instance_id                    = aws_instance.this.id
  stop_instance_before_detaching = true
}

resource "aws_route53_record" "this" {
  zone_id = var.zone_id
  name    = "${var.name}.${var.domain}"
  type    = "A"
  ttl     = 60
  records = [aws_instance.this.private_ip]
}
