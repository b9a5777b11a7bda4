# What alb.tf of examples/alb takes from the other files there, as the emulator has it.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40, < 7"
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
