# An IAM role for a role's hosts, and the profile that gives it to them.

resource "aws_iam_role" "this" {
  name                 = var.name
  permissions_boundary = var.boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
  tags = { Name = var.name, Role = var.role }
}

resource "aws_iam_role_policy" "this" {
  name = var.name
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for name, permission in var.permissions : merge(
        {
          Sid      = replace(title(replace(name, "_", " ")), " ", "")
          Effect   = "Allow"
          Action   = permission.actions
          Resource = permission.resources
        },
        permission.condition == null ? {} : { Condition = permission.condition },
      )
    ]
  })
}

resource "aws_iam_instance_profile" "this" {
  name = var.name
  role = aws_iam_role.this.name
  tags = { Name = var.name, Role = var.role }
}
