# What each role may do with AWS. Every host reads releases, and the secrets of its own role;
# Systems Manager carries the operator's SSH. AWS's own policy for that would also read all secrets.
data "aws_caller_identity" "current" {}

locals {
  raw      = "${module.bucket.arn}/raw/*"
  releases = "${module.bucket.arn}/releases/*"
  backup   = "${module.bucket.arn}/backup/*"
  bulk     = "${module.bucket.arn}/bulk/*"
  secrets  = "arn:aws:ssm:${var.region}:${data.aws_caller_identity.current.account_id}:parameter/${local.project}/${var.environment}"
  # account/ makes it; the deployer can make no role without.
  boundary = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:policy/${local.name}-hosts"

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
      resources = ["arn:aws:autoscaling:${var.region}:${data.aws_caller_identity.current.account_id}:autoScalingGroup:*:autoScalingGroupName/OWN_GROUP"]
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

  # Each group of web hosts has an identity of its own, by which they report hosts of their group alone.
  identities = merge([
    for role, entry in local.roles : {
      for suffix in entry.hosts == "group" && !local.single ? [for letter in values(local.letters) : "-${letter}"] : [""] : "${role}${suffix}" => role
    }
  ]...)

  role_permissions = {
    for identity, role in local.identities : identity => {
      for name in local.roles[role].permissions : name => merge(local.permissions[name], {
        resources = [for resource in local.permissions[name].resources : replace(resource, "OWN_GROUP", "${local.name}-${identity}")]
      })
    }
  }
}

module "identity" {
  source   = "./modules/identity"
  for_each = local.role_permissions

  name     = "${local.name}-${each.key}"
  role     = local.identities[each.key]
  boundary = local.boundary
  permissions = merge(each.value, local.common_permissions, {
    write_logs = { actions = ["s3:PutObject"], resources = ["${module.bucket.arn}/logs/${local.identities[each.key]}/*"] }
    read_secrets = {
      actions   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
      resources = [for below in ["", "/*"] : "${local.secrets}/${local.identities[each.key]}${below}"]
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
