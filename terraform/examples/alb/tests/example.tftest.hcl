mock_provider "aws" {
  mock_data "aws_ssm_parameter" {
    defaults = { value = "ami-0123456789abcdef0", type = "SecureString" }
  }
  mock_resource "aws_lb" {
    defaults = {
      arn        = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188"
      arn_suffix = "app/shop/50dc6c495c0c9188"
      dns_name   = "shop-1234567890.us-east-1.elb.amazonaws.com"
    }
  }
  mock_resource "aws_lb_target_group" {
    defaults = {
      arn        = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/943f017f100becff"
      arn_suffix = "targetgroup/shop/943f017f100becff"
    }
  }
  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2" }
  }
}

# terraform/aws has tests of its own.
override_module {
  target = module.lsapi
  outputs = {
    vpc_id          = "vpc-0123456789abcdef0"
    subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    elb_dns         = "default-elb-1234567890.us-east-1.elb.amazonaws.com"
    alarm_topic_arn = "arn:aws:sns:us-east-1:123456789012:lsapi-alarms"
  }
}

run "groups_share_the_instances" {
  assert {
    condition     = length(aws_instance.shop) == 2 && aws_instance.shop[0].subnet_id != aws_instance.shop[1].subnet_id
    error_message = "Two instances, in two zones."
  }
  assert {
    condition = (
      aws_lb_target_group.shop.name == "shop" && aws_lb_target_group.shop.port == 8080 &&
      aws_lb_target_group.admin.name == "shop-admin" && aws_lb_target_group.admin.port == 8081
    )
    error_message = "Two groups, on two ports."
  }
  assert {
    condition     = strcontains(aws_instance.shop[0].user_data, "for port in 8080 8081;")
    error_message = "The instances listen on the ports of both groups."
  }
  assert {
    condition     = aws_lb_listener.http.default_action[0].target_group_arn == aws_lb_target_group.shop.arn && aws_lb_listener_rule.admin.action[0].target_group_arn == aws_lb_target_group.admin.arn
    error_message = "The load balancer routes to both groups."
  }
  assert {
    condition = output.attach == join("\n", [
      "lsapi tg attach shop ${join(" ", aws_instance.shop[*].id)}",
      "lsapi tg attach shop-admin ${join(" ", aws_instance.shop[*].id)}",
    ])
    error_message = "The output has a command for each group."
  }
}

run "network_is_closed" {
  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.shop_from_alb.referenced_security_group_id == aws_security_group.alb.id &&
      aws_vpc_security_group_ingress_rule.shop_from_alb.cidr_ipv4 == null
    )
    error_message = "Only the load balancer connects to the instances."
  }
  assert {
    condition     = alltrue([for instance in aws_instance.shop : !instance.associate_public_ip_address && instance.metadata_options[0].http_tokens == "required"])
    error_message = "The instances have no public address, and IMDSv2 only."
  }
  assert {
    condition     = aws_lb.this.security_groups == toset([aws_security_group.alb.id])
    error_message = "The load balancer has its own group."
  }
}

run "alarms_of_each_group" {
  assert {
    condition = keys(aws_cloudwatch_metric_alarm.target_group) == [
      "shop-admin-no-healthy-targets", "shop-admin-target-5xx", "shop-admin-target-connection-errors", "shop-admin-unhealthy-targets",
      "shop-no-healthy-targets", "shop-target-5xx", "shop-target-connection-errors", "shop-unhealthy-targets",
    ]
    error_message = "Four alarms for each group."
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.target_group["shop-unhealthy-targets"].namespace == "AWS/ApplicationELB" &&
      aws_cloudwatch_metric_alarm.target_group["shop-unhealthy-targets"].metric_name == "UnHealthyHostCount" &&
      aws_cloudwatch_metric_alarm.target_group["shop-unhealthy-targets"].dimensions["LoadBalancer"] == "app/shop/50dc6c495c0c9188" &&
      startswith(aws_cloudwatch_metric_alarm.target_group["shop-unhealthy-targets"].dimensions["TargetGroup"], "targetgroup/")
    )
    error_message = "The alarms watch the group behind the load balancer."
  }
}

run "invalid_values" {
  command = plan

  variables {
    region          = "Frankfurt"
    name            = "internal-shop"
    allowed_cidrs   = []
    repository_url  = "https://user:secret@git.example.com/x.git"
    token_parameter = "token"
    ami_parameter   = "ami-0123456789abcdef0"
  }

  expect_failures = [var.region, var.name, var.allowed_cidrs, var.repository_url, var.token_parameter, var.ami_parameter]
}
