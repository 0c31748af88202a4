output "environment" {
  description = "Name of the environment."
  value       = var.environment
}

output "site_url" {
  description = "Where the site is; null before there are web hosts."
  value = !local.is_whole ? null : local.single ? "http://${module.host["web"].public_ip}:${local.port.web}" : join("", [
    var.certificate_arn == null ? "http://" : "https://", module.balancer[0].dns_name,
  ])
}

output "balancer_dns_name" {
  description = "The balancer's name in DNS; null in the variant `single`."
  value       = one(module.balancer[*].dns_name)
}

output "target_group_arn" {
  description = "The web tier's target group; null in the variant `single`."
  value       = one(module.balancer[*].target_group_arn)
}

output "web_groups" {
  description = "Zone -> name of its web hosts' auto-scaling group; empty in the variant `single`."
  value       = { for zone, tier in module.web_tier : zone => tier.group_name }
}

output "most_web_hosts" {
  description = "How many web hosts there may be, in all zones together: the databases have connections for them."
  value       = local.single ? 1 : length(var.zones) * local.roles["web"].most
}

output "load_generators" {
  description = "Addresses that web hosts answer however much they ask."
  value       = var.load_generators
}

output "balanced" {
  description = "Whether the site has a balancer, also before it exists: web hosts then take the client's address from X-Forwarded-For."
  value       = !local.single
}

output "hosts" {
  description = "Hosts with a name -> role, zone, instance and addresses. The web tier's are found by their tag Role."
  value = {
    for name, host in local.hosts : name => {
      role        = host.role
      zone        = host.zone
      instance_id = module.host[name].instance_id
      private_ip  = module.host[name].private_ip
      public_ip   = module.host[name].public_ip
    }
  }
}

output "databases" {
  description = "Zone -> its database's name in DNS, also before there are hosts."
  value       = { for name, host in local.every_host : host.zone => "${name}.${local.domain}" if host.role == "database" }
}

output "domain" {
  description = "The hosts' private domain."
  value       = local.domain
}

output "bucket" {
  description = "The bucket for raw files and releases."
  value       = module.bucket.name
}
