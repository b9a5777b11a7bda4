# What alb.tf of examples/alb takes from the other files there, as the emulator has it.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 6"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "name" {
  default = "shop"
}

locals {
  vpc_id                 = "vpc-0a1b2c3d4e5f60718"
  subnet_ids             = ["subnet-0000000000000000a", "subnet-0000000000000000b"]
  alb_security_group_ids = ["sg-0a1b2c3d4e5f60718"]

  instance_ids = ["i-0bee000000000cd01", "i-0bee000000000cd02"]
}

resource "aws_lb_target_group_attachment" "shop" {
  count = 2

  target_group_arn = aws_lb_target_group.shop.arn
  target_id        = local.instance_ids[count.index]
}

resource "aws_lb_target_group_attachment" "admin" {
  count = 2

  target_group_arn = aws_lb_target_group.admin.arn
  target_id        = local.instance_ids[count.index]
  port             = local.admin_port
}

# What the example has no use for: rules by host, weights, fixed responses and redirects, tags,
# and a Network Load Balancer with IP addresses.

resource "aws_lb_listener_rule" "weights" {
  listener_arn = aws_lb_listener.http.arn
  priority     = 20

  condition {
    host_header {
      values = ["new.example.com"]
    }
  }

  action {
    type = "forward"

    forward {
      target_group {
        arn    = aws_lb_target_group.shop.arn
        weight = 90
      }
      target_group {
        arn    = aws_lb_target_group.admin.arn
        weight = 10
      }
    }
  }
}

resource "aws_lb_listener_rule" "maintenance" {
  listener_arn = aws_lb_listener.http.arn
  priority     = 30

  condition {
    path_pattern {
      values = ["/old/*"]
    }
  }

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "gone"
      status_code  = "410"
    }
  }
}

resource "aws_lb_listener" "redirect" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 81

  default_action {
    type = "redirect"

    redirect {
      port        = "80"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb" "network" {
  name                             = "${var.name}-network"
  load_balancer_type               = "network"
  internal                         = true
  subnets                          = local.subnet_ids
  enable_cross_zone_load_balancing = true

  tags = { team = "shop" }
}

resource "aws_lb_target_group" "addresses" {
  name        = "${var.name}-addresses"
  target_type = "ip"
  protocol    = "TCP"
  port        = 5432
  vpc_id      = local.vpc_id

  connection_termination = true
  preserve_client_ip     = "false"

  tags = { team = "shop" }
}

resource "aws_lb_target_group_attachment" "address" {
  target_group_arn  = aws_lb_target_group.addresses.arn
  target_id         = "192.168.0.7"
  port              = 5433
  availability_zone = "all"
}

resource "aws_lb_listener" "tcp" {
  load_balancer_arn = aws_lb.network.arn
  protocol          = "TCP"
  port              = 5432

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.addresses.arn
  }
}
