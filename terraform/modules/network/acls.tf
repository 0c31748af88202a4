# Stateless, so answers count as traffic of their own: they come to the ports from 1024 on. Who may
# speak to whom is the security groups' matter; these keep out what neither tier ever needs.
locals {
  anywhere = "0.0.0.0/0"
  network  = { number = 100, protocol = "-1", from_port = 0, to_port = 0, range = var.range }
  http     = { number = 110, protocol = "tcp", from_port = 80, to_port = 80, range = local.anywhere }
  https    = { number = 120, protocol = "tcp", from_port = 443, to_port = 443, range = local.anywhere }
  answers  = { number = 130, protocol = "tcp", from_port = 1024, to_port = 65535, range = local.anywhere }

  acls = {
    public = {
      subnet_ids = [for subnet in aws_subnet.public : subnet.id]
      ingress    = [local.network, local.http, local.https, local.answers]
      egress     = [local.network, local.http, local.https, local.answers]
    }
    private = {
      subnet_ids = [for subnet in aws_subnet.private : subnet.id]
      ingress    = [local.network, local.answers]
      egress     = [local.network, local.http, local.https]
    }
  }
}

resource "aws_network_acl" "this" {
  for_each = local.acls

  vpc_id     = aws_vpc.this.id
  subnet_ids = each.value.subnet_ids
  tags       = { Name = "${var.name}-${each.key}" }

  dynamic "ingress" {
    for_each = each.value.ingress
    content {
      rule_no    = ingress.value.number
      action     = "allow"
      protocol   = ingress.value.protocol
      from_port  = ingress.value.from_port
      to_port    = ingress.value.to_port
      cidr_block = ingress.value.range
    }
  }

  dynamic "egress" {
    for_each = each.value.egress
    content {
      rule_no    = egress.value.number
      action     = "allow"
      protocol   = egress.value.protocol
      from_port  = egress.value.from_port
      to_port    = egress.value.to_port
      cidr_block = egress.value.range
    }
  }
}
