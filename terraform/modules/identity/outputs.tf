output "profile" {
  description = "Name of the instance profile, once its permissions are there."
  value       = aws_iam_instance_profile.this.name
  depends_on  = [aws_iam_role_policy.this]
}
