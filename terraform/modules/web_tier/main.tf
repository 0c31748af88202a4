# The web hosts of one zone: a group that keeps itself at its size, in this zone alone.

module "user_data" {
  source = "../user_data"

  role         = var.role
  environment  = var.environment
  domain       = var.domain
  bucket       = var.bucket
  packages_url = var.packages_url
}

locals {
  tags = merge(var.tags, { Name = var.name, Role = var.role })
}

resource "aws_launch_template" "this" {
  name                   = var.name
  image_id               = var.image_id
  instance_type          = var.instance_type
  key_name               = var.key_name
  user_data              = base64encode(module.user_data.text)
  update_default_version = true
  ebs_optimized          = true
  vpc_security_group_ids = [var.security_group_id]
  tags                   = { Name = var.name, Role = var.role }

  iam_instance_profile {
    name = var.profile
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    # A host learns here that it is a web host, and its group's name, which the metric of its CPU bears.
    instance_metadata_tags = "enabled"
  }

  block_device_mappings {
    # The root disk of Debian's images.
    device_name = "/dev/xvda"

    ebs {
      encrypted             = true
      volume_type           = "gp3"
      volume_size           = var.root_gigabytes
      delete_on_termination = true
    }
  }

  tag_specifications {
    resource_type = "volume"
    tags          = local.tags
  }
}

resource "aws_autoscaling_group" "this" {
  name                = var.name
  min_size            = 1
  max_size            = var.max_size
  vpc_zone_identifier = [var.subnet_id]
  target_group_arns   = [var.target_group_arn]
  # A host that the balancer passes over may only be busy, or without a database. One that hangs has
  # its watchdog report it (airaware/host/watchdog.py).
  health_check_type         = "EC2"
  health_check_grace_period = var.grace_seconds

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version
  }

  # The provider's default tags do not reach a group's instances.
  dynamic "tag" {
    for_each = local.tags
    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    # fab suspends processes and resumes them itself: an apply must not take a shift of the zone back.
    ignore_changes = [suspended_processes]
  }
}

# Out as soon as the hosts' CPU is above the target for three periods, in when it has long been well
# below. In either zone half of what a host can is free, so that one zone can carry both: 45% and 45%
# are 90%.
resource "aws_autoscaling_policy" "cpu" {
  name                      = "${var.name}-cpu"
  autoscaling_group_name    = aws_autoscaling_group.this.name
  policy_type               = "TargetTrackingScaling"
  estimated_instance_warmup = var.warmup_seconds

  target_tracking_configuration {
    target_value = 45

    # EC2's own metric has a point a minute at best: the hosts publish theirs (airaware/host/cpu.py).
    customized_metric_specification {
      namespace   = var.metric.namespace
      metric_name = var.metric.name
      statistic   = "Average"
      unit        = "Percent"
      period      = 10

      metric_dimension {
        name  = "AutoScalingGroupName"
        value = aws_autoscaling_group.this.name
      }
    }
  }
}
