output "elb_dns" {
  description = "DNS name of the service."
  value       = aws_elb.this.dns_name
}

output "elb_name" {
  description = "Name of the load balancer."
  value       = aws_elb.this.name
}

output "instance_ids" {
  description = "The instances."
  value       = aws_instance.this[*].id
}

output "instance_private_ips" {
  description = "Targets for Prometheus, at port 8000, if metrics_cidrs admits it."
  value       = aws_instance.this[*].private_ip
}

output "role_name" {
  description = "The role of the instances, for further policies, such as kms:Decrypt for parameters under a key of yours."
  value       = aws_iam_role.instance.name
}

output "record_volume_id" {
  description = "The volume of the record; null if it is in a database."
  value       = local.record_volume_id
}

output "vpc_id" {
  description = "The network."
  value       = local.vpc_id
}

output "subnet_ids" {
  description = "The subnets of the load balancer and the instances."
  value       = local.subnet_ids
}

output "elb_security_group_id" {
  description = "Group of the load balancer: members outside of this module must admit it."
  value       = aws_security_group.elb.id
}

output "instance_security_group_id" {
  description = "Group of the instances."
  value       = aws_security_group.instance.id
}

output "warning" {
  description = "What is unsafe in these settings, or nothing."
  value = join(" ", compact([
    var.http_enabled && contains(var.allowed_cidrs, "0.0.0.0/0") && !var.internal && var.certificate_arn == "" ?
    "Port 80 is open to the internet, and passwords cross it in plain text: set certificate_arn and http_enabled = false, or allowed_cidrs." : "",
    var.http_enabled && contains(var.allowed_cidrs, "0.0.0.0/0") && !var.internal && var.certificate_arn != "" ?
    "Port 80 is open to the internet beside port 443: set http_enabled = false once no client uses it." : "",
  ]))
}

output "alarm_topic_arn" {
  description = "The topic of the alarms."
  value       = aws_sns_topic.alarms.arn
}

output "curl" {
  description = "Lists the members; curl prompts for the password."
  value       = "curl -u USER ${var.http_enabled ? "http" : "https"}://${aws_elb.this.dns_name}/elb/${aws_elb.this.name}"
}
