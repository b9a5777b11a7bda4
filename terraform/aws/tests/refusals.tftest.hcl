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
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

run "several_instances_without_a_shared_record" {
  command = plan

  variables {
    instance_count = 2
  }

  expect_failures = [aws_instance.this[0], aws_instance.this[1]]
}

run "a_network_without_subnets" {
  command = plan

  variables {
    vpc_id = "vpc-0123456789abcdef0"
  }

  expect_failures = [aws_elb.this]
}

run "ssh_for_the_world" {
  command = plan

  variables {
    ssh_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.ssh_cidrs]
}

run "metrics_for_the_world" {
  command = plan

  variables {
    metrics_cidrs = ["10.30.0.0/24", "0.0.0.0/0"]
  }

  expect_failures = [var.metrics_cidrs]
}

run "invalid_values" {
  command = plan

  variables {
    region             = "Frankfurt"
    elb_name           = "-elb"
    subnet_ids         = ["subnet-0123456789abcdef0"]
    allowed_cidrs      = []
    metrics_cidrs      = ["prometheus"]
    certificate_arn    = "cert"
    instance_count     = 0
    token_parameter    = "token"
    repository_url     = "https://user:secret@git.example.com/x.git"
    alarm_email        = "nobody"
    settings           = { LISTEN = ":9000" }
    tls_policy         = "TLS-1-2"
    idle_timeout       = 4001
    draining_timeout   = 0
    member_cidrs       = ["vpc"]
    access_logs_bucket = "Logs"
    access_logs_days   = 0
    tags               = { "aws:x" = "y" }
    record_snapshot_id = "vol-0123456789abcdef0"
    record_volume_gib  = 0
    record_snapshots   = -1
    secret_settings    = { NOTIFY = "https://hooks.example.com" }

    classic_names      = ["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/web"]
    target_group_names = ["shop/0123456789abcdef"]
  }

  expect_failures = [
    var.region, var.elb_name, var.subnet_ids, var.allowed_cidrs, var.metrics_cidrs, var.certificate_arn,
    var.instance_count, var.token_parameter, var.repository_url, var.alarm_email,
    var.settings, var.secret_settings, var.tls_policy, var.idle_timeout, var.draining_timeout, var.member_cidrs, var.access_logs_bucket, var.access_logs_days, var.tags,
    var.record_snapshot_id, var.record_volume_gib, var.record_snapshots,
    var.classic_names, var.target_group_names,
  ]
}

run "policy_that_is_not_yaml" {
  command = plan

  variables {
    policy = "guards: ["
  }

  expect_failures = [var.policy]
}

run "policy_without_fields" {
  command = plan

  variables {
    policy = "true"
  }

  expect_failures = [var.policy]
}

run "policy_that_no_parameter_can_hold" {
  command = plan

  variables {
    policy = "guards: [{pools: ['{{x}}'], minInService: 1}]"
  }

  expect_failures = [var.policy]
}

run "no_open_port" {
  command = plan

  variables {
    http_enabled = false
  }

  expect_failures = [aws_elb.this]
}

run "parameter_that_is_not_encrypted" {
  command = plan

  override_data {
    target = data.aws_ssm_parameter.secret["API_TOKEN"]
    values = { type = "String" }
  }

  expect_failures = [data.aws_ssm_parameter.secret["API_TOKEN"]]
}

run "secret_in_plain_text" {
  command = plan

  variables {
    settings = { NOTIFY_SECRET = "swordfish" }
  }

  expect_failures = [var.settings]
}
