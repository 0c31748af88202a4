# The web tier: behind the balancer, a group of hosts per zone. The variant `single` has one host
# with a name instead (locals.tf).

module "balancer" {
  source = "./modules/balancer"
  count  = local.single || !local.is_whole ? 0 : 1

  name              = local.name
  vpc_id            = module.network.vpc_id
  subnet_ids        = module.network.public_subnet_ids
  security_group_id = module.firewall.group_ids["balancer"]
  target_port       = local.port.web
  idle_seconds      = var.balancer_idle_seconds
  certificate_arn   = var.certificate_arn
  protect           = var.keep_data
}

module "web_tier" {
  source   = "./modules/web_tier"
  for_each = { for zone, letter in local.letters : zone => letter if !local.single && local.is_whole }

  name              = "${local.name}-web-${each.value}"
  domain            = local.domain
  environment       = var.environment
  bucket            = module.bucket.name
  packages_url      = var.packages_url
  grace_seconds     = local.web_grace_seconds
  role              = "web"
  max_size          = local.roles["web"].most
  zone              = each.key
  tags              = local.tags
  image_id          = local.image_id
  instance_type     = local.instance_types["web"]
  root_gigabytes    = local.root_gigabytes
  subnet_id         = module.network.private_subnet_ids[each.key]
  security_group_id = module.firewall.group_ids["web"]
  profile           = module.identity["web-${each.value}"].profile
  key_name          = aws_key_pair.operator.key_name
  target_group_arn  = module.balancer[0].target_group_arn
  metric            = local.cpu_metric
}
