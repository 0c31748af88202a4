data "aws_ami" "this" {
  most_recent = true
  owners      = [var.image.owner]

  filter {
    name   = "name"
    values = [var.image.name]
  }
}

resource "aws_key_pair" "operator" {
  key_name   = local.name
  public_key = trimspace(var.ssh_public_key)
  tags       = { Name = local.name }
}

module "host" {
  source   = "./modules/host"
  for_each = local.hosts

  name           = each.key
  domain         = local.domain
  zone_id        = aws_route53_zone.private[0].zone_id
  environment    = var.environment
  bucket         = module.bucket.name
  packages_url   = var.packages_url
  role           = each.value.role
  tags           = local.tags
  image_id       = local.image_id
  instance_type  = local.instance_types[each.value.role]
  root_gigabytes = local.root_gigabytes
  # Only the variant `single` has a web host with a name, and it is open to its visitors.
  public            = each.value.role == "web"
  subnet_id         = each.value.role == "web" ? module.network.public_subnet_ids[each.value.zone] : module.network.private_subnet_ids[each.value.zone]
  security_group_id = module.firewall.group_ids[each.value.role]
  profile           = module.identity[each.value.role].profile
  key_name          = aws_key_pair.operator.key_name
  data = !contains(keys(local.volumes), each.key) ? null : {
    volume_id = aws_ebs_volume.data[each.key].id
    mount     = local.volumes[each.key].mount
  }
}

# In the first stage, too: a host starts with its volume's id, which AWS takes ten seconds to give.
resource "aws_ebs_volume" "data" {
  #checkov:skip=CKV_AWS_189: encrypted with AWS's own key: a key of ours would have the same readers
  for_each = local.volumes

  availability_zone = each.value.zone
  size              = each.value.gigabytes
  type              = "gp3"
  encrypted         = true
  final_snapshot    = var.keep_data
  tags              = { Name = "${each.key}-data", Role = each.value.role, Mount = each.value.mount }
}

# Volumes were the host module's until 2026-11; data must not be lost with the change.
moved {
  from = module.host["puppet"].aws_ebs_volume.data[0]
  to   = aws_ebs_volume.data["puppet"]
}

moved {
  from = module.host["database-a"].aws_ebs_volume.data[0]
  to   = aws_ebs_volume.data["database-a"]
}

moved {
  from = module.host["database-b"].aws_ebs_volume.data[0]
  to   = aws_ebs_volume.data["database-b"]
}

moved {
  from = module.host["monitoring"].aws_ebs_volume.data[0]
  to   = aws_ebs_volume.data["monitoring"]
}

resource "aws_route53_zone" "private" {
  count = local.is_whole ? 1 : 0

  name          = local.domain
  comment       = "Names of the hosts of ${local.name}"
  force_destroy = true

  vpc {
    vpc_id = module.network.vpc_id
  }
}

# The site by a name that Prometheus can be given beforehand.
resource "aws_route53_record" "site" {
  #checkov:skip=CKV2_AWS_23: the balancer is in a module, which the check does not follow
  count = local.is_whole ? 1 : 0

  zone_id = aws_route53_zone.private[0].zone_id
  name    = "site.${local.domain}"
  type    = local.single ? "A" : "CNAME"
  ttl     = 60
  records = [local.single ? module.host["web"].private_ip : module.balancer[0].dns_name]
}
