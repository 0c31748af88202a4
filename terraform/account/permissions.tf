# What a deployer may do. EC2's resources are the environment's by the tag Environment, those of
# Packer's builder by the tag Builder; all others by their names. Where AWS knows neither for an
# action, the statement says so.
locals {
  permissions = {
    for environment, own in var.environments : environment => {
      look      = local.look
      instances = local.instances[environment]
      tags      = local.tags[environment]
      services  = local.services[environment]
      identity  = local.identity[environment]
      data      = local.data[environment]
    }
  }

  # Descriptions have no ARN: they show the whole account's.
  look = [{
    Sid    = "Look"
    Effect = "Allow"
    Action = [
      "arc-zonal-shift:ListZonalShifts",
      "autoscaling:Describe*",
      "cloudwatch:GetMetricData",
      "ec2:Describe*",
      "elasticloadbalancing:Describe*",
      "route53:GetChange",
      "route53:GetDNSSEC",
      "route53:GetHostedZone",
      "route53:ListHostedZones",
      "route53:ListResourceRecordSets",
      "route53:ListTagsForResource",
    ]
    Resource = "*"
  }]

  makes = [
    "ec2:AllocateAddress", "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateDhcpOptions",
    "ec2:CreateImage", "ec2:CreateInternetGateway", "ec2:CreateKeyPair", "ec2:CreateLaunchTemplate", "ec2:CreateNatGateway",
    "ec2:CreateNetworkAcl", "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSnapshot", "ec2:CreateSubnet",
    "ec2:CreateVolume", "ec2:CreateVpc", "ec2:CreateVpcEndpoint", "ec2:ImportKeyPair", "ec2:RunInstances",
  ]
  changes = [
    "ec2:AssociateAddress", "ec2:AssociateDhcpOptions", "ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:AttachVolume",
    "ec2:CreateLaunchTemplateVersion", "ec2:CreateNetworkAclEntry", "ec2:CreateRoute", "ec2:Delete*", "ec2:DeregisterImage",
    "ec2:DetachInternetGateway", "ec2:DetachVolume", "ec2:DisassociateAddress", "ec2:DisassociateRouteTable",
    "ec2:ModifyInstanceAttribute", "ec2:ModifyInstanceMetadataOptions", "ec2:ModifyLaunchTemplate",
    "ec2:ModifySecurityGroupRules", "ec2:ModifySubnetAttribute", "ec2:ModifyVolume", "ec2:ModifyVpcAttribute",
    "ec2:ModifyVpcEndpoint", "ec2:ReleaseAddress", "ec2:ReplaceNetworkAclAssociation", "ec2:ReplaceNetworkAclEntry",
    "ec2:ReplaceRoute", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress", "ec2:StartInstances",
    "ec2:StopInstances", "ec2:TerminateInstances",
  ]

  owners = { for environment in keys(var.environments) : environment => {
    Environment = environment
    Builder     = "${local.project}-${environment}"
  } }

  instances = { for environment in keys(var.environments) : environment => flatten([
    [for tag, value in local.owners[environment] : [
      {
        Sid       = "Make${tag}"
        Effect    = "Allow"
        Action    = local.makes
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestTag/${tag}" = value } }
      },
      {
        Sid       = "Change${tag}"
        Effect    = "Allow"
        Action    = concat(local.makes, local.changes)
        Resource  = "*"
        Condition = { StringEquals = { "aws:ResourceTag/${tag}" = value } }
      },
    ]],
    {
      # Images are others' too; interfaces and volumes get their tags once they are there.
      Sid      = "Start"
      Effect   = "Allow"
      Action   = "ec2:RunInstances"
      Resource = concat(["arn:aws:ec2:${var.region}::image/*"], [for kind in ["network-interface", "volume"] : "${local.regional.ec2}:${kind}/*"])
    },
    {
      # A scaling group gives its hosts their tags. The template has to be the environment's own.
      Sid       = "StartByTemplate"
      Effect    = "Allow"
      Action    = "ec2:RunInstances"
      Resource  = "${local.regional.ec2}:instance/*"
      Condition = { ArnLike = { "ec2:LaunchTemplate" = "${local.regional.ec2}:launch-template/*" } }
    },
    {
      # A network that is taken down goes back to what it had at first, which has no tags.
      Sid      = "PutBack"
      Effect   = "Allow"
      Action   = ["ec2:AssociateDhcpOptions", "ec2:ReplaceNetworkAclAssociation"]
      Resource = ["${local.regional.ec2}:dhcp-options/default", "${local.regional.ec2}:network-acl/*"]
    },
    {
      Sid      = "BuildersKey"
      Effect   = "Allow"
      Action   = ["ec2:CreateKeyPair", "ec2:DeleteKeyPair", "ec2:RunInstances"]
      Resource = "${local.regional.ec2}:key-pair/${local.project}-${environment}-image"
    },
    {
      # Packer tags an image and its snapshots once they are there.
      Sid      = "Image"
      Effect   = "Allow"
      Action   = "ec2:CreateImage"
      Resource = ["arn:aws:ec2:${var.region}::image/*", "arn:aws:ec2:${var.region}::snapshot/*"]
    },
  ]) }

  # No deployer gives its own resource another environment's tag, or takes one with it.
  tags = { for environment in keys(var.environments) : environment => flatten([
    [for tag, value in local.owners[environment] : {
      Sid       = "TagNew${tag}"
      Effect    = "Allow"
      Action    = "ec2:CreateTags"
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestTag/${tag}" = value, "ec2:CreateAction" = [for action in local.makes : trimprefix(action, "ec2:")] } }
    }],
    {
      Sid    = "TagOwn"
      Effect = "Allow"
      Action = "ec2:CreateTags"
      Condition = {
        StringEquals         = { "aws:ResourceTag/Environment" = environment }
        StringEqualsIfExists = { "aws:RequestTag/Environment" = environment }
      }
      Resource = "*"
    },
    {
      # A network's first security group, an instance's root volume, an image.
      Sid    = "TagUntagged"
      Effect = "Allow"
      Action = "ec2:CreateTags"
      Resource = concat(
        [for kind in ["security-group", "volume"] : "${local.regional.ec2}:${kind}/*"],
        [for kind in ["image", "snapshot"] : "arn:aws:ec2:${var.region}::${kind}/*"],
      )
      Condition = {
        Null         = { "aws:ResourceTag/Environment" = "true", "aws:ResourceTag/Builder" = "true" }
        StringEquals = { "aws:RequestTag/Environment" = environment }
      }
    },
    {
      # What an interrupted build has left, which could as well be tagged first.
      Sid       = "DropUntagged"
      Effect    = "Allow"
      Action    = ["ec2:DeleteSnapshot", "ec2:DeregisterImage"]
      Resource  = [for kind in ["image", "snapshot"] : "arn:aws:ec2:${var.region}::${kind}/*"]
      Condition = { Null = { "aws:ResourceTag/Environment" = "true", "aws:ResourceTag/Builder" = "true" } }
    },
  ]) }

  services = { for environment in keys(var.environments) : environment => [
    {
      Sid    = "Balancer"
      Effect = "Allow"
      Action = [
        "arc-zonal-shift:*",
        "elasticloadbalancing:AddTags", "elasticloadbalancing:Create*", "elasticloadbalancing:Delete*",
        "elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:Modify*", "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:RemoveTags", "elasticloadbalancing:SetSecurityGroups", "elasticloadbalancing:SetSubnets",
      ]
      Resource = [
        for name in ["loadbalancer/app/%s/*", "listener/app/%s/*", "listener-rule/app/%s/*", "targetgroup/%s-web/*"] :
        "${local.regional.elasticloadbalancing}:${format(name, "${local.project}-${environment}")}"
      ]
    },
    {
      Sid    = "Groups"
      Effect = "Allow"
      Action = [
        "autoscaling:CompleteLifecycleAction", "autoscaling:CreateAutoScalingGroup", "autoscaling:CreateOrUpdateTags",
        "autoscaling:Delete*", "autoscaling:DisableMetricsCollection", "autoscaling:EnableMetricsCollection",
        "autoscaling:PutLifecycleHook", "autoscaling:PutScalingPolicy", "autoscaling:ResumeProcesses",
        "autoscaling:SetDesiredCapacity", "autoscaling:SetInstanceHealth", "autoscaling:SetInstanceProtection",
        "autoscaling:SuspendProcesses", "autoscaling:TerminateInstanceInAutoScalingGroup", "autoscaling:UpdateAutoScalingGroup",
      ]
      Resource = "${local.regional.autoscaling}:autoScalingGroup:*:autoScalingGroupName/${local.project}-${environment}-web-*"
    },
    {
      # A zone's id is known only once it is there; AWS deletes none that has records.
      Sid      = "Zone"
      Effect   = "Allow"
      Action   = ["route53:ChangeTagsForResource", "route53:CreateHostedZone", "route53:DeleteHostedZone"]
      Resource = "*"
    },
    {
      Sid      = "Names"
      Effect   = "Allow"
      Action   = "route53:ChangeResourceRecordSets"
      Resource = "*"
      Condition = { "ForAllValues:StringLike" = {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames" = ["*.${environment}.${local.project}.internal", "${environment}.${local.project}.internal"]
      } }
    },
    {
      Sid       = "Session"
      Effect    = "Allow"
      Action    = "ssm:StartSession"
      Resource  = "${local.regional.ec2}:instance/*"
      Condition = { StringEquals = { "aws:ResourceTag/Environment" = environment } }
    },
    {
      Sid      = "SessionBySsh"
      Effect   = "Allow"
      Action   = "ssm:StartSession"
      Resource = "arn:aws:ssm:${var.region}::document/AWS-StartSSHSession"
    },
  ] }

  identity = { for environment in keys(var.environments) : environment => [
    {
      Sid       = "MakeRoles"
      Effect    = "Allow"
      Action    = ["iam:CreateRole", "iam:PutRolePolicy"]
      Resource  = "${local.iam}:role/${local.project}-${environment}-*"
      Condition = { ArnEquals = { "iam:PermissionsBoundary" = "${local.iam}:policy/${local.boundaries[environment]}" } }
    },
    {
      Sid    = "ChangeRoles"
      Effect = "Allow"
      Action = [
        "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies", "iam:TagRole", "iam:UntagRole",
      ]
      Resource = "${local.iam}:role/${local.project}-${environment}-*"
    },
    {
      Sid    = "Profiles"
      Effect = "Allow"
      Action = [
        "iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile", "iam:GetInstanceProfile",
        "iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile", "iam:UntagInstanceProfile",
      ]
      Resource = "${local.iam}:instance-profile/${local.project}-${environment}-*"
    },
    {
      Sid       = "PassRoles"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = "${local.iam}:role/${local.project}-${environment}-*"
      Condition = { StringEquals = { "iam:PassedToService" = "ec2.amazonaws.com" } }
    },
    {
      # AWS's own, which each service makes at its first use in an account.
      Sid       = "ServicesRoles"
      Effect    = "Allow"
      Action    = "iam:CreateServiceLinkedRole"
      Resource  = "${local.iam}:role/aws-service-role/*"
      Condition = { StringEquals = { "iam:AWSServiceName" = ["autoscaling.amazonaws.com", "elasticloadbalancing.amazonaws.com"] } }
    },
  ] }

  data = { for environment, own in var.environments : environment => [
    {
      Sid    = "Bucket"
      Effect = "Allow"
      Action = [
        "s3:AbortMultipartUpload", "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteObject",
        "s3:DeleteObjectVersion", "s3:Get*", "s3:List*", "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration", "s3:PutObject",
      ]
      Resource = ["arn:aws:s3:::${own.bucket}", "arn:aws:s3:::${own.bucket}/*"]
    },
    {
      # S3 answers for a state that is not there yet to those alone who may list: names are no secret.
      Sid      = "ListStates"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = module.state.arn
    },
    {
      Sid      = "State"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = "${module.state.arn}/${environment}.tfstate"
    },
    {
      Sid      = "StateLock"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = "${module.state.arn}/${environment}.tfstate.tflock"
    },
    {
      Sid      = "Secrets"
      Effect   = "Allow"
      Action   = ["ssm:DeleteParameter", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:PutParameter"]
      Resource = ["${local.regional.ssm}:parameter/${local.project}/${environment}", "${local.regional.ssm}:parameter/${local.project}/${environment}/*"]
    },
  ] }
}
