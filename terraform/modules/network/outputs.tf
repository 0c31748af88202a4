output "vpc_id" {
  description = "The network's id."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Zone -> id of its public subnet, once it has its way out."
  value       = { for zone, subnet in aws_subnet.public : zone => subnet.id }
  depends_on  = [aws_route.internet, aws_route_table_association.public, aws_network_acl.this]
}

output "private_subnet_ids" {
  description = "Zone -> id of its private subnet, once it has its way out."
  value       = { for zone, subnet in aws_subnet.private : zone => subnet.id }
  depends_on  = [aws_route.nat, aws_route_table_association.private, aws_network_acl.this, aws_vpc_dhcp_options_association.this]
}

output "s3_endpoint_id" {
  description = "The endpoint by which the network reaches S3."
  value       = aws_vpc_endpoint.s3.id
}
