output "service_name" {
  description = "What consumers make an interface endpoint for."
  value       = aws_vpc_endpoint_service.gate.service_name
}

output "balancer_name" {
  description = "Where the name that clients sign for must lead."
  value       = aws_lb.gate.dns_name
}

output "s3_endpoint_id" {
  description = "The only way to the bucket."
  value       = aws_vpc_endpoint.s3.id
}
