output "attached_by_terraform" {
  description = "The member of the target group that Terraform attaches."
  value       = aws_lb_target_group_attachment.first.target_id
}

output "spare" {
  description = "The instances for lsapi to attach."
  value       = slice(sort(data.aws_instances.spare.ids), 1, length(data.aws_instances.spare.ids))
}
