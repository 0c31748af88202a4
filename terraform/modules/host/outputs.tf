output "instance_id" {
  description = "The instance's id."
  value       = aws_instance.this.id
}

output "private_ip" {
  description = "The host's address in the network."
  value       = aws_instance.this.private_ip
}

output "public_ip" {
  description = "The host's public address; null without."
  value       = one(aws_eip.this[*].public_ip)
}
