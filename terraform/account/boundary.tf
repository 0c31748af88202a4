# The most that a role of an environment's hosts may ever do: what ../identity.tf gives, for all of
# its roles together. A deployer can make no role without it.
resource "aws_iam_policy" "boundary" {
  #checkov:skip=CKV_AWS_287: hosts read the passwords of their own environment; each role's own policy says which
  #checkov:skip=CKV_AWS_288: hosts read their own environment's bucket
  #checkov:skip=CKV_AWS_290: metrics and Session Manager's channels have no ARN
  #checkov:skip=CKV_AWS_355: metrics, descriptions and Session Manager's channels have no ARN
  for_each = var.environments

  name        = local.boundaries[each.key]
  description = "The most that the hosts of ${each.key} may do"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Anywhere"
        Effect = "Allow"
        Action = [
          "autoscaling:DescribeAutoScalingGroups",
          "ec2:DescribeAvailabilityZones",
          "ec2:DescribeInstances",
          "elasticloadbalancing:DescribeTargetHealth",
          "ssm:UpdateInstanceInformation",
          "ssmmessages:CreateControlChannel",
          "ssmmessages:CreateDataChannel",
          "ssmmessages:OpenControlChannel",
          "ssmmessages:OpenDataChannel",
        ]
        Resource = "*"
      },
      {
        Sid       = "OwnMetrics"
        Effect    = "Allow"
        Action    = "cloudwatch:PutMetricData"
        Resource  = "*"
        Condition = { StringEquals = { "cloudwatch:namespace" = "AirAware" } }
      },
      {
        Sid      = "OwnGroups"
        Effect   = "Allow"
        Action   = "autoscaling:SetInstanceHealth"
        Resource = "${local.regional.autoscaling}:autoScalingGroup:*:autoScalingGroupName/${local.project}-${each.key}-web-*"
      },
      {
        Sid      = "OwnBucket"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject"]
        Resource = ["arn:aws:s3:::${each.value.bucket}", "arn:aws:s3:::${each.value.bucket}/*"]
      },
      {
        Sid      = "OwnFilesInBulk"
        Effect   = "Allow"
        Action   = "s3:DeleteObject"
        Resource = "arn:aws:s3:::${each.value.bucket}/bulk/*"
      },
      {
        Sid      = "OwnSecrets"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
        Resource = "${local.regional.ssm}:parameter/${local.project}/${each.key}/*"
      },
    ]
  })
}
