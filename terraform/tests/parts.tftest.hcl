# The modules one by one: what holds for a host, a web tier, a balancer, a bucket.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name              = "test"
  domain            = "test.airaware.internal"
  zone_id           = "Z0123456789"
  zone              = "us-west-2a"
  tags              = { Project = "airaware", Environment = "test" }
  image_id          = "ami-0123456789abcdef0"
  instance_type     = "t3.small"
  root_gigabytes    = 20
  subnet_id         = "subnet-1"
  security_group_id = "sg-1"
  profile           = "test"
  key_name          = "test"
  keep_data         = true
  environment       = "test"
  bucket            = "test-epa-data"
  packages_url      = null
  packages_readers  = null
  grace_seconds     = 900
  vpc_id            = "vpc-1"
  groups            = ["web", "database"]
  max_size          = 7
  idle_seconds      = 60
  metric            = { namespace = "AirAware", name = "HostCPU" }
}

run "a_host_has_imdsv2_only" {
  command = plan

  module {
    source = "./modules/host"
  }
  variables {
    role   = "controller"
    public = false
    data   = null
  }

  assert {
    condition     = aws_instance.this.metadata_options[0].http_tokens == "required" && aws_instance.this.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "The host answers IMDSv1."
  }
}

run "a_host_has_an_encrypted_disk_and_no_public_address" {
  command = plan

  module {
    source = "./modules/host"
  }
  variables {
    role   = "controller"
    public = false
    data   = null
  }

  assert {
    condition     = aws_instance.this.root_block_device[0].encrypted && length(aws_eip.this) == 0
    error_message = "The host's disk is open, or its address public."
  }
}

run "a_host_mounts_its_volume" {
  command = apply

  module {
    source = "./modules/host"
  }
  variables {
    role   = "database"
    public = false
    data   = { volume_id = "vol-0123456789abcdef0", mount = "/var/lib/postgresql" }
  }

  assert {
    condition     = aws_volume_attachment.data[0].volume_id == "vol-0123456789abcdef0"
    error_message = "The data's volume is not the host's."
  }
  assert {
    condition     = strcontains(aws_instance.this.user_data, "vol0123456789abcdef0")
    error_message = "The first boot does not know the volume."
  }
}

run "a_zone_has_one_web_host_or_several" {
  command = plan

  module {
    source = "./modules/web_tier"
  }
  variables {
    role             = "web"
    target_group_arn = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/test/1"
  }

  assert {
    condition     = aws_autoscaling_group.this.min_size == 1 && aws_autoscaling_group.this.max_size == 7
    error_message = "The group's bounds are not 1 and max_size."
  }
}

run "a_web_host_is_not_replaced_for_what_the_balancer_sees" {
  command = plan

  module {
    source = "./modules/web_tier"
  }
  variables {
    role             = "web"
    target_group_arn = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/test/1"
  }

  assert {
    condition     = aws_autoscaling_group.this.health_check_type == "EC2"
    error_message = "The group replaces a host that is only busy, or has lost its database."
  }
}

run "web_hosts_have_imdsv2_only_and_encrypted_disks" {
  command = plan

  module {
    source = "./modules/web_tier"
  }
  variables {
    role             = "web"
    target_group_arn = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/test/1"
  }

  assert {
    condition     = aws_launch_template.this.metadata_options[0].http_tokens == "required"
    error_message = "Web hosts answer IMDSv1."
  }
  assert {
    condition     = aws_launch_template.this.block_device_mappings[0].ebs[0].encrypted == "true"
    error_message = "Web hosts' disks are open."
  }
}

run "a_zones_group_follows_the_cpu_of_its_own_hosts" {
  command = plan

  module {
    source = "./modules/web_tier"
  }
  variables {
    role             = "web"
    target_group_arn = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/test/1"
  }

  assert {
    condition     = aws_autoscaling_policy.cpu.target_tracking_configuration[0].target_value <= 45
    error_message = "One zone could not carry the load of two."
  }
  assert {
    condition     = coalesce(aws_autoscaling_policy.cpu.target_tracking_configuration[0].disable_scale_in, false) == false
    error_message = "A group that has grown stays so."
  }
  assert {
    condition = [for metric in aws_autoscaling_policy.cpu.target_tracking_configuration[0].customized_metric_specification : {
      metric = "${metric.namespace} ${metric.metric_name} ${metric.statistic} ${metric.period}"
      of     = { for dimension in metric.metric_dimension : dimension.name => dimension.value }
    }] == [{ metric = "AirAware HostCPU Average 10", of = { AutoScalingGroupName = "test" } }]
    error_message = "The group is not scaled by its own hosts' CPU, each 10 seconds."
  }
  assert {
    condition     = aws_launch_template.this.metadata_options[0].instance_metadata_tags == "enabled"
    error_message = "A host cannot know whose CPU it is that it publishes."
  }
}

# That an apply leaves them as they are takes a group: tests/terraform/test_applied.py.
run "what_is_suspended_is_not_terraforms" {
  command = plan

  module {
    source = "./modules/web_tier"
  }
  variables {
    role             = "web"
    target_group_arn = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/test/1"
  }

  assert {
    condition     = aws_autoscaling_group.this.suspended_processes == null && can(regex("ignore_changes\\s*=\\s*\\[suspended_processes\\]", file("./modules/web_tier/main.tf")))
    error_message = "An apply takes a shift of a zone back."
  }
}

run "web_hosts_carry_all_tags" {
  command = plan

  module {
    source = "./modules/web_tier"
  }
  variables {
    role             = "web"
    target_group_arn = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/test/1"
  }

  assert {
    condition     = { for tag in aws_autoscaling_group.this.tag : tag.key => tag.value if tag.propagate_at_launch } == { Name = "test", Role = "web", Project = "airaware", Environment = "test" }
    error_message = "A tag does not reach the group's hosts."
  }
}

run "the_balancer_asks_as_often_as_it_can" {
  command = plan

  module {
    source = "./modules/balancer"
  }
  variables {
    subnet_ids      = { us-west-2a = "subnet-1", us-west-2b = "subnet-2" }
    target_port     = 8000
    certificate_arn = null
    protect         = true
  }

  assert {
    condition     = aws_lb_target_group.web.health_check[0].interval == 5 && aws_lb_target_group.web.health_check[0].path == "/readyz"
    error_message = "The health check is not of /readyz each 5 seconds."
  }
  assert {
    condition     = aws_lb.this.enable_zonal_shift
    error_message = "The balancer takes part in no zonal shift."
  }
}

run "with_a_certificate_http_only_leads_to_https" {
  command = plan

  module {
    source = "./modules/balancer"
  }
  variables {
    subnet_ids      = { us-west-2a = "subnet-1", us-west-2b = "subnet-2" }
    target_port     = 8000
    certificate_arn = "arn:aws:acm:us-west-2:123456789012:certificate/00000000-0000-0000-0000-000000000000"
    protect         = true
  }

  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "redirect" && aws_lb_listener.https[0].default_action[0].type == "forward"
    error_message = "The site is served in the clear beside its certificate."
  }
}

run "the_bucket_is_private_encrypted_and_versioned" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this.block_public_policy && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    error_message = "The bucket can be made public."
  }
  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "The bucket keeps no versions."
  }
}

run "a_group_lets_in_only_what_the_table_names" {
  command = plan

  module {
    source = "./modules/firewall"
  }
  variables {
    ranges = { internet = "0.0.0.0/0" }
    flows = {
      "web-database-5432" = { from = "web", to = "database", port = 5432, why = "queries" }
      "web-internet-443"  = { from = "web", to = "internet", port = 443, why = "packages" }
    }
  }

  assert {
    condition     = [for key, rule in aws_vpc_security_group_ingress_rule.this : "${key} ${rule.from_port} ${rule.to_port}"] == ["web-database-5432 5432 5432"]
    error_message = "Another way in than the table's."
  }
  assert {
    condition     = [for key, rule in aws_vpc_security_group_egress_rule.this : "${key} ${coalesce(rule.cidr_ipv4, "group")}"] == ["web-database-5432 group", "web-internet-443 0.0.0.0/0"]
    error_message = "Another way out than the table's."
  }
}

run "a_permission_may_have_a_condition" {
  command = plan

  module {
    source = "./modules/identity"
  }
  variables {
    role     = "web"
    boundary = "arn:aws:iam::123456789012:policy/mock"
    permissions = {
      publish_cpu = {
        actions   = ["cloudwatch:PutMetricData"]
        resources = ["*"]
        condition = { StringEquals = { "cloudwatch:namespace" = "AirAware" } }
      }
      read = { actions = ["s3:GetObject"], resources = ["arn:aws:s3:::mock/*"] }
    }
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : lookup(statement, "Condition", null)] == [
      { StringEquals = { "cloudwatch:namespace" = "AirAware" } }, null,
    ]
    error_message = "A condition is lost, or is on what should have none."
  }

  assert {
    condition     = aws_iam_role.this.permissions_boundary == var.boundary
    error_message = "The role is without its boundary."
  }
}

run "a_rule_whose_description_ec2_would_refuse_is_refused" {
  command = plan

  module {
    source = "./modules/firewall"
  }
  variables {
    ranges = {}
    flows  = { web-database-5432 = { from = "web", to = "database", port = 5432, why = "a host's queries" } }
  }

  expect_failures = [var.flows]
}

run "a_rule_between_groups_has_no_ampersand" {
  command = plan

  module {
    source = "./modules/firewall"
  }
  variables {
    ranges = {}
    flows  = { web-database-5432 = { from = "web", to = "database", port = 5432, why = "queries & looks" } }
  }

  expect_failures = [var.flows]
}
