terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 6"
    }
  }
}

# Every call goes to the emulator. The keys are no secret: the emulator takes any.
provider "aws" {
  region     = "us-east-1"
  access_key = "test"
  secret_key = "test"

  skip_metadata_api_check = true

  endpoints {
    ec2   = var.endpoint
    elb   = var.endpoint
    elbv2 = var.endpoint
    sts   = var.endpoint
  }
}

variable "endpoint" {
  description = "URL of the emulator. lsapi demo and lsapi emulator print it."
  type        = string
  default     = "http://127.0.0.1:4566"
}

variable "own_alb" {
  description = "Create an Application Load Balancer in place of a listener on the demo's. The provider waits a minute for it."
  type        = bool
  default     = false
}

# What the demo has: a load balancer, whose network the others share, and idle instances.

data "aws_lb" "demo" {
  name = "web-alb"
}

data "aws_instances" "spare" {
  instance_tags = {
    Name = "spare-*"
  }
}
