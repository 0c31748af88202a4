output "group_ids" {
  description = "Group's name -> id, once its rules are there: a host's first boot needs its way out."
  value       = { for name, group in aws_security_group.this : name => group.id }
  depends_on  = [aws_vpc_security_group_egress_rule.this, aws_vpc_security_group_ingress_rule.this]
}
