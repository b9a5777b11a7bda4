mock_provider "aws" {
  mock_resource "aws_ebs_volume" {
    defaults        = { id = "vol-0123456789abcdef0" }
    override_during = plan
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-east-1a", "us-east-1b", "us-east-1c"] }
  }
  mock_data "aws_ssm_parameter" {
    defaults = { value = "ami-0123456789abcdef0", type = "SecureString" }
  }
  mock_data "aws_subnet" {
    defaults = { availability_zone = "us-east-1a", cidr_block = "10.9.0.0/24" }
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
    condition     = aws_elb.this.name == "default-elb" && aws_elb.this.health_check[0].target == "HTTP:8000/healthcheck"
    error_message = "The load balancer is default-elb, and probes /healthcheck on port 8000."
  }
  assert {
    condition     = length(aws_elb.this.listener) == 1
    error_message = "Without a certificate there is HTTP only."
  }
  assert {
    condition     = length(aws_instance.this) == 1 && aws_instance.this[0].metadata_options[0].http_tokens == "required"
    error_message = "One instance, with IMDSv2 only."
  }
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.instance_ssh) == 0
    error_message = "SSH is closed."
  }
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.instance_metrics) == 0
    error_message = "The service is open to the load balancer only."
  }
  assert {
    condition     = length(aws_subnet.public) == 2 && aws_subnet.public[0].availability_zone != aws_subnet.public[1].availability_zone
    error_message = "Two subnets, in two zones."
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.elb) == 7
    error_message = "Seven alarms."
  }
  assert {
    condition     = length(aws_instance.this[0].user_data) <= 14 * 1024
    error_message = "EC2 takes 16 KiB of user data."
  }
  assert {
    condition     = strcontains(aws_ssm_parameter.settings.insecure_value, "TRUSTED_PROXIES=10.20.0.0/20,10.20.16.0/20\n")
    error_message = "The service knows the clients behind the load balancer."
  }
  assert {
    condition     = strcontains(aws_ssm_parameter.settings.insecure_value, "repository_url=\n")
    error_message = "Without a repository nothing is built."
  }
  assert {
    condition     = !strcontains(aws_ssm_parameter.settings.insecure_value, "policy") && length(aws_ssm_parameter.policy) == 0
    error_message = "Without a policy there is no policy file."
  }
}

run "https_and_ssh" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/x"
    ssh_cidrs       = ["203.0.113.0/24"]
    allowed_cidrs   = ["198.51.100.0/24", "203.0.113.0/24"]
    repository_url  = "https://git.example.com/lsapi.git"
  }

  assert {
    condition     = length(aws_elb.this.listener) == 2 && length(aws_vpc_security_group_ingress_rule.elb_https) == 2
    error_message = "A certificate opens HTTPS."
  }
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.instance_ssh) == 1
    error_message = "SSH is open to the given networks."
  }
  assert {
    condition     = strcontains(aws_ssm_parameter.settings.insecure_value, "repository_ref=main\nrepository_url=https://git.example.com/lsapi.git\n")
    error_message = "The first boot builds the service."
  }
}

run "prometheus" {
  command = plan

  variables {
    instance_count      = 2
    store_url_parameter = "/lsapi/store-url"
    metrics_cidrs       = ["10.30.0.0/24"]
  }

  assert {
    condition = (
      length(aws_vpc_security_group_ingress_rule.instance_metrics) == 1 &&
      aws_vpc_security_group_ingress_rule.instance_metrics["10.30.0.0/24"].from_port == 8000 &&
      aws_vpc_security_group_ingress_rule.instance_metrics["10.30.0.0/24"].to_port == 8000
    )
    error_message = "Port 8000 is open to the given networks."
  }
  assert {
    condition     = length(output.instance_private_ips) == 2
    error_message = "The addresses to scrape are an output."
  }
}

run "policy" {
  command = plan

  variables {
    policy = "guards: [{pools: ['*/*'], minInService: 1}]"
  }

  assert {
    condition = (
      strcontains(aws_ssm_parameter.settings.insecure_value, "POLICY=/etc/lsapi/policy.yaml\n") &&
      strcontains(aws_ssm_parameter.settings.insecure_value, "policy_parameter=/lsapi/policy/lsapi\n") &&
      aws_ssm_parameter.policy[0].insecure_value == var.policy && aws_ssm_parameter.policy[0].tier == "Standard"
    )
    error_message = "Each boot writes the policy file."
  }
}

run "existing_network" {
  command = plan

  variables {
    vpc_id     = "vpc-0123456789abcdef0"
    subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  }

  assert {
    condition     = strcontains(aws_ssm_parameter.settings.insecure_value, "TRUSTED_PROXIES=10.9.0.0/24\n")
    error_message = "The load balancer is in the given subnets."
  }
  assert {
    condition     = length(aws_vpc.this) == 0 && output.vpc_id == "vpc-0123456789abcdef0"
    error_message = "No network is created beside the given one."
  }
}

run "several_instances" {
  command = plan

  variables {
    instance_count      = 3
    store_url_parameter = "/lsapi/store-url"
  }

  assert {
    condition     = length(aws_instance.this) == 3 && strcontains(aws_ssm_parameter.settings.insecure_value, "secret.STORE_URL=/lsapi/store-url")
    error_message = "They share a record."
  }
}

run "more_settings" {
  command = plan

  variables {
    settings        = { LOG_FORMAT = "json" }
    secret_settings = { NOTIFY = "/lsapi/notify" }
  }

  assert {
    condition     = strcontains(aws_ssm_parameter.settings.insecure_value, "LOG_FORMAT=json\n")
    error_message = "They are in the environment of the service."
  }
  assert {
    condition     = endswith(aws_ssm_parameter.settings.insecure_value, "secret.API_TOKEN=/lsapi/api-token\nsecret.NOTIFY=/lsapi/notify")
    error_message = "Instances read the secret ones."
  }
  assert {
    condition = contains(
      jsondecode(aws_iam_role_policy.instance.policy).Statement[2].Resource, "arn:aws:ssm:us-east-1:123456789012:parameter/lsapi/notify",
    )
    error_message = "Instances may read the secret ones."
  }
}
