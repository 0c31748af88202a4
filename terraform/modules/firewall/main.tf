# A security group per role, its rules made from a table of flows: what a flow's receiver lets in,
# its sender lets out.

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5: attached by the modules of hosts, web tier and balancer, which the check does not follow
  for_each = var.groups

  name        = "${var.name}-${each.key}"
  description = "Role ${each.key}"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-${each.key}", Role = each.key }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = { for key, flow in var.flows : key => flow if contains(var.groups, flow.to) }

  security_group_id            = aws_security_group.this[each.value.to].id
  description                  = each.value.why
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  cidr_ipv4                    = lookup(var.ranges, each.value.from, null)
  referenced_security_group_id = contains(var.groups, each.value.from) ? aws_security_group.this[each.value.from].id : null
  tags                         = { Name = each.key }
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = { for key, flow in var.flows : key => flow if contains(var.groups, flow.from) }

  security_group_id            = aws_security_group.this[each.value.from].id
  description                  = each.value.why
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  cidr_ipv4                    = lookup(var.ranges, each.value.to, null)
  referenced_security_group_id = contains(var.groups, each.value.to) ? aws_security_group.this[each.value.to].id : null
  tags                         = { Name = each.key }
}
