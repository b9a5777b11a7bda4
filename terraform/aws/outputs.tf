output "elb_dns" {
  description = "Where the service is reached."
  value       = aws_elb.this.dns_name
}

output "elb_name" {
  description = "Name of the load balancer."
  value       = aws_elb.this.name
}

output "instance_ids" {
  description = "The instances that serve."
  value       = aws_instance.this[*].id
}

output "instance_private_ips" {
  description = "Where Prometheus finds them, at port 8000, when metrics_cidrs lets it in."
  value       = aws_instance.this[*].private_ip
}

output "vpc_id" {
  description = "The network."
  value       = local.vpc_id
}

output "alarm_topic_arn" {
  description = "The topic that alarms go to."
  value       = aws_sns_topic.alarms.arn
}

output "curl" {
  description = "Lists the members; it asks for the password."
  value       = "curl -u USER http://${aws_elb.this.dns_name}/elb/${aws_elb.this.name}"
}
