# What roles.yaml says of the fleet's roles, with what the environment has otherwise.
locals {
  roles = yamldecode(file("${path.module}/roles.yaml"))

  instance_types = { for role, entry in local.roles : role => lookup(var.instance_types, role, entry.instance_type) }

  # What each role keeps beyond a host's life, and where.
  data = {
    for role, entry in local.roles : role => {
      mount     = entry.data.mount
      gigabytes = lookup(var.data_gigabytes, role, entry.data.gigabytes)
    } if can(entry.data)
  }

  # Role -> what its hosts' names end in -> their zone.
  placed = {
    for role, entry in local.roles : role => {
      one     = { "" = local.spark_zone }
      zones   = { for zone, letter in local.letters : "-${letter}" => zone }
      several = { for n in range(1, try(lookup(var.host_counts, role, entry.count), 0) + 1) : "-${n}" => local.spark_zone }
      group   = { for suffix, zone in { "" = local.spark_zone } : suffix => zone if local.single }
    }[entry.hosts]
  }

  every_host = merge([
    for role, placed in local.placed : {
      for suffix, zone in placed : "${replace(role, "_", "-")}${suffix}" => { role = role, zone = zone }
    }
  ]...)
}
