# The region of two zones: network, hosts, web tier.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment    = "test"
  ssh_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUCFuhlTuDCYYUrqU6Z9oNsvvDXH2nzIAhAAx7lJ3Fs"
}

run "a_zone_keeps_its_ranges_whatever_the_other_zones_are" {
  command = plan

  variables {
    zones      = { us-west-2b = 1, us-west-2c = 2 }
    spark_zone = "us-west-2b"
  }

  assert {
    condition     = local.subnets["us-west-2b"] == { public = "10.20.16.0/20", private = "10.20.144.0/20" }
    error_message = "Zone b's ranges depend on the other zones."
  }
}

run "each_zone_has_a_database_and_a_web_group" {
  command = apply

  assert {
    condition     = { for name, host in output.hosts : name => host.zone if host.role == "database" } == { database-a = "us-west-2a", database-b = "us-west-2b" }
    error_message = "There is not one database in each zone."
  }
  assert {
    condition     = output.most_web_hosts == 2 * local.roles["web"].most
    error_message = "The databases reckon with another number of web hosts than the groups may have."
  }
  assert {
    condition     = output.balanced && length(output.load_generators) == 0
    error_message = "The web hosts do not go by the balancer's word, or let somebody ask without limit."
  }
  assert {
    condition     = output.web_groups == { us-west-2a = "airaware-test-web-a", us-west-2b = "airaware-test-web-b" }
    error_message = "There is not one group of web hosts in each zone."
  }
}

run "whoever_reads_a_raw_file_may_read_one_version_of_it" {
  command = plan

  assert {
    condition     = alltrue([for reader in [local.role_permissions.spark_worker, local.role_permissions.controller] : contains(reader.read_raw.actions, "s3:GetObjectVersion")])
    error_message = "A job's tasks may not read the version of a file that its manifest names."
  }
}

run "a_web_host_from_a_bare_image_is_given_time" {
  command = plan

  assert {
    condition     = local.web_grace_seconds == 900
    error_message = "A web host would be taken for a sick one while it is installed."
  }
}

run "a_web_host_from_the_fleets_image_is_soon_judged" {
  command = plan

  variables {
    image_id = "ami-0123456789abcdef0"
  }

  assert {
    condition     = local.web_grace_seconds == 300
    error_message = "A web host that hangs stays for long."
  }
}

run "data_lie_on_an_encrypted_volume_in_their_hosts_zone" {
  command = plan

  assert {
    condition     = alltrue([for volume in aws_ebs_volume.data : volume.encrypted])
    error_message = "A volume is not encrypted."
  }
  assert {
    condition     = { for name, volume in aws_ebs_volume.data : name => volume.availability_zone } == { for name, host in output.hosts : name => host.zone if contains(keys(local.data), host.role) }
    error_message = "A host that keeps data has no volume in its zone, or there is one for nobody."
  }
  assert {
    condition     = aws_ebs_volume.data["database-a"].tags["Mount"] == "/var/lib/postgresql"
    error_message = "The volume does not say where it belongs."
  }
}

run "a_volume_that_is_kept_leaves_a_snapshot" {
  command = plan

  variables {
    keep_data = true
  }

  assert {
    condition     = alltrue([for volume in aws_ebs_volume.data : volume.final_snapshot])
    error_message = "Destroying loses the data."
  }
}

run "all_of_spark_is_in_one_zone" {
  command = apply

  variables {
    spark_zone  = "us-west-2b"
    host_counts = { spark_worker = 3 }
  }

  assert {
    condition     = { for name, host in output.hosts : name => host.zone if startswith(host.role, "spark") } == { for name in ["spark-master", "spark-worker-1", "spark-worker-2", "spark-worker-3"] : name => "us-west-2b" }
    error_message = "Spark's hosts are not all in its zone."
  }
}

run "what_images_are_built_in_has_no_host" {
  command = apply

  variables {
    stage = "network"
  }

  assert {
    condition     = output.hosts == {} && output.web_groups == {} && output.site_url == null && output.balancer_dns_name == null
    error_message = "There is a host or a balancer before the image is."
  }
  assert {
    condition     = output.databases == { us-west-2a = "database-a.test.airaware.internal", us-west-2b = "database-b.test.airaware.internal" }
    error_message = "A release cannot name the databases before they are there."
  }
  assert {
    condition     = length(aws_ebs_volume.data) == 4
    error_message = "Hosts wait for their volumes to be made."
  }
  assert {
    condition     = output.bucket == var.bucket && contains(keys(module.firewall.group_ids), "image") && module.image_identity.profile != null
    error_message = "An image cannot be built: bucket, group or profile are missing."
  }
}

run "every_role_has_hosts" {
  command = apply

  assert {
    condition     = setunion([for host in output.hosts : host.role], ["web"]) == toset(keys(local.roles))
    error_message = "A role has no host."
  }
}

run "http_alone_is_open_without_a_certificate" {
  command = plan

  assert {
    condition     = [for flow in local.flows : flow.port if flow.from == "internet"] == ["http"]
    error_message = "The Internet may open other ports than 80."
  }
}

run "https_is_open_with_a_certificate" {
  command = apply

  variables {
    certificate_arn = "arn:aws:acm:us-west-2:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = [for flow in local.flows : flow.port if flow.from == "internet"] == ["http", "https"]
    error_message = "The Internet may not open 80 and 443 alone."
  }
  assert {
    condition     = startswith(output.site_url, "https://")
    error_message = "The site's address is not of https."
  }
}

run "nobody_may_open_ssh" {
  command = plan

  assert {
    condition     = !contains([for flow in local.flows : local.port[flow.port]], 22)
    error_message = "Somebody may open SSH."
  }
}

run "the_internet_reaches_the_balancer_alone" {
  command = plan

  assert {
    condition     = toset([for flow in local.flows : flow.to if flow.from == "internet"]) == toset(["balancer"])
    error_message = "The Internet reaches more than the balancer."
  }
}

run "web_reaches_the_database_and_puppet_alone" {
  command = plan

  assert {
    condition     = toset([for flow in local.flows : "${flow.to} ${flow.port}" if contains(["web", "hosts"], flow.from) && flow.to != "internet"]) == toset(["database postgresql", "puppet puppet"])
    error_message = "A web host reaches what it must not."
  }
}

run "web_hosts_alone_publish_metrics_and_in_their_namespace_alone" {
  command = plan

  assert {
    condition = { for role, permissions in local.role_permissions : role => [
      for permission in permissions : permission.condition.StringEquals["cloudwatch:namespace"] if contains(permission.actions, "cloudwatch:PutMetricData")
    ] if anytrue([for permission in permissions : contains(permission.actions, "cloudwatch:PutMetricData")]) } == { web-a = ["AirAware"], web-b = ["AirAware"] }
    error_message = "Another role than web, or in another namespace, may publish metrics."
  }
}

run "an_environment_s_sizes_go_before_the_roles_own" {
  command = plan

  variables {
    instance_types = { database = "t3.large" }
    data_gigabytes = { database = 100 }
  }

  assert {
    condition     = local.instance_types == merge({ for role, entry in local.roles : role => entry.instance_type }, { database = "t3.large" })
    error_message = "Another instance type than the database's was changed, or that was not."
  }
  assert {
    condition     = { for role, data in local.data : role => data.gigabytes } == { database = 100, puppet = 2, monitoring = 20 }
    error_message = "Another volume than the database's was changed, or that was not."
  }
}

run "monitoring_and_web_hosts_alone_see_what_the_web_groups_have_suspended" {
  command = plan

  assert {
    condition     = [for role, permissions in local.role_permissions : role if anytrue([for permission in permissions : contains(permission.actions, "autoscaling:DescribeAutoScalingGroups")])] == ["monitoring", "web-a", "web-b"]
    error_message = "The monitoring host or a web host cannot see what a group has suspended, or another role can."
  }
}

run "web_hosts_alone_report_hosts_and_of_their_own_group_alone" {
  command = plan

  assert {
    condition = { for role, permissions in local.role_permissions : role => flatten([
      for permission in permissions : permission.resources if contains(permission.actions, "autoscaling:SetInstanceHealth")
      ]) if anytrue([for permission in permissions : contains(permission.actions, "autoscaling:SetInstanceHealth")]) } == {
      for name in ["web-a", "web-b"] : name => ["arn:aws:autoscaling:us-west-2:123456789012:autoScalingGroup:*:autoScalingGroupName/${local.name}-${name}"]
    }
    error_message = "Another role than web may report hosts, or hosts of other groups."
  }
}
