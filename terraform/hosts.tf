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
  zone           = each.value.zone
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
  data              = lookup(local.data, each.value.role, null)
  keep_data         = var.keep_data
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
