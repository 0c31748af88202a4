output "dns_name" {
  description = "The balancer's name in DNS."
  value       = aws_lb.this.dns_name
}

output "target_group_arn" {
  description = "ARN of the target group."
  value       = aws_lb_target_group.web.arn
}
