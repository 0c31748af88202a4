module "network" {
  source = "./modules/network"

  name    = local.name
  region  = var.region
  range   = var.network_range
  subnets = local.subnets
  domain  = local.domain
}
