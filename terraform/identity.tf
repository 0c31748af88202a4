# What each role may do with AWS. Every host reads releases, and the secrets of its own role;
# Systems Manager carries the operator's SSH. AWS's own policy for that would also read all secrets.
data "aws_caller_identity" "current" {}

locals {
  raw      = "${module.bucket.arn}/raw/*"
  releases = "${module.bucket.arn}/releases/*"
  backup   = "${module.bucket.arn}/backup/*"
  bulk     = "${module.bucket.arn}/bulk/*"
  secrets  = "arn:aws:ssm:${var.region}:${data.aws_caller_identity.current.account_id}:parameter/${local.project}/${var.environment}"
  boundary = var.has_boundary ? "arn:aws:iam::${data.aws_caller_identity.current.account_id}:policy/${local.name}-hosts" : null

  # What every host may do, and what an image is made of.
  common_permissions = {
    list_bucket   = { actions = ["s3:ListBucket"], resources = [module.bucket.arn] }
    read_releases = { actions = ["s3:GetObject"], resources = [local.releases] }
    be_reached_by_session_manager = {
      actions = [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ]
      resources = ["*"]
    }
  }

  # What a role's entry in roles.yaml may name.
  permissions = {
    find_hosts  = { actions = ["ec2:DescribeAvailabilityZones", "ec2:DescribeInstances"], resources = ["*"] }
    keep_backup = { actions = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], resources = [local.backup] }
    publish_cpu = {
      actions   = ["cloudwatch:PutMetricData"]
      resources = ["*"] # a metric has no ARN
      condition = { StringEquals = { "cloudwatch:namespace" = local.cpu_metric.namespace } }
    }
    # Reported as unhealthy, a host is replaced by its group.
    report_hung_host = {
      actions   = ["autoscaling:SetInstanceHealth"]
      resources = ["arn:aws:autoscaling:${var.region}:${data.aws_caller_identity.current.account_id}:autoScalingGroup:*:autoScalingGroupName/${local.name}-web-*"]
    }
    # A load's tasks read one version of its file, whatever takes its name meanwhile.
    read_raw  = { actions = ["s3:GetObject", "s3:GetObjectVersion"], resources = [local.raw] }
    write_raw = { actions = ["s3:AbortMultipartUpload", "s3:PutObject"], resources = [local.raw] }
    # Files of years in bulk: the job makes them, and deletes those of a load that was replaced.
    read_bulk  = { actions = ["s3:GetObject"], resources = [local.bulk] }
    write_bulk = { actions = ["s3:DeleteObject", "s3:PutObject"], resources = [local.bulk] }
    # Neither takes an ARN.
    watch_site = {
      actions   = ["autoscaling:DescribeAutoScalingGroups", "elasticloadbalancing:DescribeTargetHealth"]
      resources = ["*"]
    }
    watch_suspensions = { actions = ["autoscaling:DescribeAutoScalingGroups"], resources = ["*"] }
  }

  role_permissions = {
    for role, entry in local.roles : role => { for name in entry.permissions : name => local.permissions[name] }
  }
}

module "identity" {
  source   = "./modules/identity"
  for_each = local.role_permissions

  name     = "${local.name}-${each.key}"
  role     = each.key
  boundary = local.boundary
  permissions = merge(each.value, local.common_permissions, {
    write_logs = { actions = ["s3:PutObject"], resources = ["${module.bucket.arn}/logs/${each.key}/*"] }
    read_secrets = {
      actions   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
      resources = ["${local.secrets}/${each.key}", "${local.secrets}/${each.key}/*"]
    }
  })
}

# An image is made without any secret.
module "image_identity" {
  source = "./modules/identity"

  name        = "${local.name}-image"
  role        = "image"
  boundary    = local.boundary
  permissions = local.common_permissions
}
