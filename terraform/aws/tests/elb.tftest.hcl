mock_provider "aws" {
  mock_resource "aws_ebs_volume" {
    defaults        = { id = "vol-0123456789abcdef0" }
    override_during = plan
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-east-1a", "us-east-1b"] }
  }
  mock_data "aws_ssm_parameter" {
    defaults = { value = "ami-0123456789abcdef0", type = "SecureString" }
  }
  mock_data "aws_subnet" {
    defaults = { availability_zone = "us-east-1a" }
  }
  mock_resource "aws_s3_bucket" {
    defaults        = { id = "lsapi-access-logs-1", arn = "arn:aws:s3:::lsapi-access-logs-1" }
    override_during = plan
  }
  mock_data "aws_elb_service_account" {
    defaults = { arn = "arn:aws:iam::127311923021:root" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

run "defaults" {
  command = plan

  assert {
    condition = (
      aws_elb.this.idle_timeout == 3600 && aws_elb.this.connection_draining_timeout == 60 &&
      !aws_elb.this.internal && length(aws_elb.this.access_logs) == 0
    )
    error_message = "The load balancer does not cut off the service's waits."
  }
  assert {
    condition     = strcontains(output.warning, "plain text")
    error_message = "An open port 80 is reported."
  }
}

run "https_only" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/x"
    http_enabled    = false
  }

  assert {
    condition = (
      [for listener in aws_elb.this.listener : listener.lb_port] == [443] &&
      length(aws_vpc_security_group_ingress_rule.elb_http) == 0 && length(aws_vpc_security_group_ingress_rule.elb_https) == 1
    )
    error_message = "Port 80 is closed."
  }
  assert {
    condition = (
      one(aws_load_balancer_policy.tls[0].policy_attribute).value == "ELBSecurityPolicy-TLS-1-2-2017-01" &&
      aws_load_balancer_listener_policy.tls[0].load_balancer_port == 443 &&
      tolist(aws_load_balancer_listener_policy.tls[0].policy_names)[0] == aws_load_balancer_policy.tls[0].policy_name
    )
    error_message = "Port 443 demands TLS 1.2."
  }
  assert {
    condition     = output.warning == ""
    error_message = "There is nothing to warn of."
  }
}

run "http_beside_https" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/x"
  }

  assert {
    condition     = strcontains(output.warning, "beside port 443")
    error_message = "An open port 80 is reported."
  }
}

run "internal_with_members_elsewhere" {
  command = plan

  variables {
    internal         = true
    member_cidrs     = ["10.30.0.0/24"]
    draining_timeout = 300
    idle_timeout     = 120
    tags             = { team = "edge", Project = "shared" }
  }

  assert {
    condition     = aws_elb.this.internal && aws_elb.this.connection_draining_timeout == 300 && aws_elb.this.idle_timeout == 120 && output.warning == ""
    error_message = "The load balancer is internal."
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.elb_to_members["10.30.0.0/24"].from_port == 8000
    error_message = "The load balancer may connect to the members."
  }
  assert {
    condition     = aws_instance.this[0].root_block_device[0].tags == tomap({ Name = "lsapi-1", Project = "shared", team = "edge" })
    error_message = "Volumes have the tags, too."
  }
}

run "access_logs" {
  command = plan

  variables {
    access_logs = true
  }

  assert {
    condition     = one(aws_elb.this.access_logs).bucket == aws_s3_bucket.access_logs[0].id && one(aws_elb.this.access_logs).bucket_prefix == "default-elb"
    error_message = "They go to a bucket of their own."
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.access_logs[0].policy).Statement[0].Principal.AWS == "arn:aws:iam::127311923021:root"
    error_message = "AWS may write them."
  }
}

run "access_logs_in_a_given_bucket" {
  command = plan

  variables {
    access_logs        = true
    access_logs_bucket = "logs-of-the-company"
  }

  assert {
    condition     = one(aws_elb.this.access_logs).bucket == "logs-of-the-company" && length(aws_s3_bucket.access_logs) == 0
    error_message = "No bucket is created."
  }
}
