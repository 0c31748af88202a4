output "deployers" {
  description = "Environment -> ARN of the role that deploys it."
  value       = { for environment, role in aws_iam_role.deployer : environment => role.arn }
}
