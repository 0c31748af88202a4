# What an administrator applies once in an account, before any environment: the bucket for the
# environments' states, and for each environment a role that deploys it and the boundary of the roles
# that this role makes.
data "aws_caller_identity" "current" {}

locals {
  project = "airaware"
  account = data.aws_caller_identity.current.account_id

  # Of a region's resources, and of IAM's.
  regional = { for service in ["autoscaling", "ec2", "elasticloadbalancing", "ssm"] : service => "arn:aws:${service}:${var.region}:${local.account}" }
  iam      = "arn:aws:iam::${local.account}"

  boundaries = { for environment in keys(var.environments) : environment => "${local.project}-${environment}-hosts" }
}

module "state" {
  source = "../modules/bucket"

  name             = var.state_bucket
  keep_data        = true
  expires          = false
  packages_readers = null
}

# Its name begins as no environment's roles do: no deployer can reach it.
resource "aws_iam_role" "deployer" {
  for_each = var.environments

  name = "deployer-${local.project}-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = length(var.deployers) > 0 ? var.deployers : ["${local.iam}:root"] }
    }]
  })
}

resource "aws_iam_policy" "deployer" {
  #checkov:skip=CKV_AWS_286: roles are made with the boundary alone, which no deployer can change
  #checkov:skip=CKV_AWS_287: the passwords of the environment's own hosts are the deployer's to make
  #checkov:skip=CKV_AWS_288: the deployer reads the environment's own bucket, and puts it there
  #checkov:skip=CKV_AWS_289: roles by the environment's name alone, and with the boundary
  #checkov:skip=CKV_AWS_290: what is not named is held by tags
  #checkov:skip=CKV_AWS_355: what EC2 describes has no ARN in policies
  for_each = merge([
    for environment in keys(var.environments) : {
      for part, statements in local.permissions[environment] : "${environment}-${part}" => statements
    }
  ]...)

  name   = "deployer-${local.project}-${each.key}"
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_role_policy_attachment" "deployer" {
  for_each = aws_iam_policy.deployer

  role       = aws_iam_role.deployer[trimsuffix(each.key, regex("-[a-z]+$", each.key))].name
  policy_arn = each.value.arn
}
