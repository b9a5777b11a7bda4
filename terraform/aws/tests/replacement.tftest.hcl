# What replaces an instance or the volume of the record, and what does not. A mocked provider makes the
# state; the real one, which knows what must be replaced, plans changes of it without refreshing.
mock_provider "aws" {
  alias = "mocked"

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/lsapi" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:123456789012:lsapi", fifo_throughput_scope = "" }
  }
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
}

override_data {
  target = data.aws_availability_zones.available
  values = { names = ["us-east-1a", "us-east-1b", "us-east-1c"] }
}
override_data {
  target = data.aws_ssm_parameter.ami
  values = { value = "ami-0123456789abcdef0" }
}
override_data {
  target = data.aws_ssm_parameter.secret
  values = { value = "", type = "SecureString" }
}
override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}
override_data {
  target = data.aws_partition.current
  values = { partition = "aws" }
}

override_data {
  target = data.aws_subnet.given["subnet-0123456789abcdef0"]
  values = { availability_zone = "us-east-1a" }
}
override_data {
  target = data.aws_subnet.given["subnet-0123456789abcdef1"]
  values = { availability_zone = "us-east-1b" }
}
override_data {
  target = data.aws_subnet.given["subnet-0123456789abcdef2"]
  values = { availability_zone = "us-east-1c" }
}

run "before" {
  providers = { aws = aws.mocked }
}

run "no_change" {
  command = plan

  plan_options {
    refresh = false
  }

  assert {
    condition     = output.instance_ids == run.before.instance_ids && output.record_volume_id == run.before.record_volume_id
    error_message = "Nothing is replaced without a change."
  }
}

run "settings_of_the_network_and_the_instance" {
  command = plan

  plan_options {
    refresh = false
  }

  variables {
    vpc_cidr        = "10.30.0.0/16"
    key_name        = "admin"
    root_volume_gib = 32
    ssh_cidrs       = ["203.0.113.0/24"]
    metrics_cidrs   = ["10.30.0.0/24"]
  }

  assert {
    condition     = output.instance_ids == run.before.instance_ids && output.record_volume_id == run.before.record_volume_id
    error_message = "The instance stays as it is."
  }
  assert {
    condition     = output.vpc_id == run.before.vpc_id && output.subnet_ids == run.before.subnet_ids
    error_message = "The network stays as it is."
  }
}

run "settings_of_the_service" {
  command = plan

  plan_options {
    refresh = false
  }

  variables {
    elb_name           = "other-elb"
    repository_url     = "https://git.example.com/lsapi.git"
    repository_ref     = "v2"
    policy             = "guards: []"
    settings           = { LOG_FORMAT = "json" }
    target_group_names = ["shop"]
    token_parameter    = "/lsapi/other-token"
  }

  assert {
    condition     = output.instance_ids == run.before.instance_ids && output.record_volume_id == run.before.record_volume_id
    error_message = "The instance reads them at its next boot."
  }
}

run "settings_of_the_record" {
  command = plan

  plan_options {
    refresh = false
  }

  variables {
    record_volume_gib = 20
    record_snapshots  = 30
    record_protected  = true
  }

  assert {
    condition     = output.instance_ids == run.before.instance_ids && output.record_volume_id == run.before.record_volume_id
    error_message = "The volume grows in its place."
  }
}

run "given_network" {
  providers = { aws = aws.mocked }

  variables {
    vpc_id     = "vpc-0123456789abcdef0"
    subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  }

  assert {
    condition     = aws_ebs_volume.record[0].availability_zone == "us-east-1a" && aws_instance.this[0].subnet_id == "subnet-0123456789abcdef0"
    error_message = "The instance is in the zone of the volume."
  }
}

run "subnets_in_another_order" {
  command = plan

  plan_options {
    refresh = false
  }

  variables {
    vpc_id     = "vpc-0123456789abcdef0"
    subnet_ids = ["subnet-0123456789abcdef1", "subnet-0123456789abcdef0"]
  }

  assert {
    condition     = output.instance_ids == run.given_network.instance_ids && output.record_volume_id == run.given_network.record_volume_id
    error_message = "Neither the instance nor the volume moves."
  }
}

run "no_subnet_in_the_zone_of_the_record" {
  command = plan

  plan_options {
    refresh = false
  }

  variables {
    vpc_id     = "vpc-0123456789abcdef0"
    subnet_ids = ["subnet-0123456789abcdef1", "subnet-0123456789abcdef2"]
  }

  expect_failures = [aws_instance.this[0]]
}

run "two_instances" {
  providers = { aws = aws.mocked }

  variables {
    vpc_id              = "vpc-0123456789abcdef0"
    subnet_ids          = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    instance_count      = 2
    store_url_parameter = "/lsapi/store-url"
  }
}

run "subnets_of_two_instances_in_another_order" {
  command = plan

  plan_options {
    refresh = false
  }

  variables {
    vpc_id              = "vpc-0123456789abcdef0"
    subnet_ids          = ["subnet-0123456789abcdef1", "subnet-0123456789abcdef0"]
    instance_count      = 2
    store_url_parameter = "/lsapi/store-url"
  }

  assert {
    condition     = output.instance_ids == run.two_instances.instance_ids
    error_message = "No instance moves."
  }
}
