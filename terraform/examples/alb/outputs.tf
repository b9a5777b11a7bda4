output "lsapi_url" {
  description = "URL of the service."
  value       = "http://${module.lsapi.elb_dns}"
}

output "shop_url" {
  description = "URL of the application; /admin goes to the second target group."
  value       = "http://${aws_lb.this.dns_name}"
}

output "attach" {
  description = "Commands that make the instances members of both target groups. They read LSAPI_URL, LSAPI_USER and LSAPI_PASSWORD."
  value = join("\n", [
    "lsapi tg attach ${aws_lb_target_group.shop.name} ${join(" ", aws_instance.shop[*].id)}",
    "lsapi tg attach ${aws_lb_target_group.admin.name} ${join(" ", aws_instance.shop[*].id)}",
  ])
}
