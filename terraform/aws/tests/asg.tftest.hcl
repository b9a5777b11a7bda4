mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-east-1a", "us-east-1b", "us-east-1c"] }
  }
  mock_data "aws_ssm_parameter" {
    defaults = { value = "ami-0123456789abcdef0", type = "SecureString" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0123456789abcdef0" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:123456789012:alarms" }
  }
  mock_resource "aws_db_instance" {
    defaults = {
      address            = "lsapi.abcdefghijkl.us-east-1.rds.amazonaws.com"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-x" }]
    }
  }
}

variables {
  asg            = true
  database       = "rds"
  instance_count = 2
  repository_url = "https://git.example.com/lsapi.git"
}

run "group_in_place_of_instances" {
  assert {
    condition     = length(aws_instance.this) == 0 && output.asg_name == "lsapi" && length(output.instance_ids) == 0
    error_message = "The group launches the instances."
  }
  assert {
    condition     = [for group in aws_autoscaling_group.this : [group.min_size, group.desired_capacity, group.max_size]] == [[2, 2, 3]]
    error_message = "The group keeps two instances, with room for one that replaces another."
  }
  assert {
    condition = (
      aws_autoscaling_group.this[0].health_check_type == "EC2" &&
      length(coalesce(aws_autoscaling_group.this[0].load_balancers, [])) == 0 && length(coalesce(aws_autoscaling_group.this[0].target_group_arns, [])) == 0
    )
    error_message = "lsapi alone manages the membership."
  }
  assert {
    condition = { for hook in aws_autoscaling_group.this[0].initial_lifecycle_hook : hook.name => [hook.lifecycle_transition, hook.default_result, tostring(hook.heartbeat_timeout)] } == {
      launching   = ["autoscaling:EC2_INSTANCE_LAUNCHING", "ABANDON", "3600"]
      terminating = ["autoscaling:EC2_INSTANCE_TERMINATING", "CONTINUE", "900"]
    }
    error_message = "An instance that does not serve in time is abandoned, and one that cannot detach is terminated all the same."
  }
  assert {
    condition     = length(aws_autoscaling_group.this[0].instance_refresh) == 1 && aws_autoscaling_group.this[0].instance_refresh[0].preferences[0].min_healthy_percentage == 100
    error_message = "Another template replaces the instances one by one."
  }
  assert {
    condition     = aws_launch_template.this[0].image_id == "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    error_message = "A newer Amazon Linux is no other template."
  }
  assert {
    condition     = aws_launch_template.this[0].metadata_options[0].http_tokens == "required" && tobool(aws_launch_template.this[0].block_device_mappings[0].ebs[0].encrypted)
    error_message = "Instances of the group are hardened as others are."
  }
  assert {
    condition     = startswith(aws_launch_template.this[0].user_data, "H4sI") && length(aws_launch_template.this[0].user_data) <= 21844
    error_message = "AWS takes at most 16 KiB of user data."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.asg[0].policy).Statement == [{
      Sid      = "AutoScaling"
      Effect   = "Allow"
      Action   = ["autoscaling:CompleteLifecycleAction", "autoscaling:SetInstanceHealth"]
      Resource = ["arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:*:autoScalingGroupName/lsapi"]
    }]
    error_message = "Instances can report to their own group only."
  }
}

run "url_of_ones_own" {
  command = plan

  variables {
    database            = ""
    store_url_parameter = "/lsapi/store-url"
    asg_min             = 1
    asg_max             = 4
  }

  assert {
    condition     = [for group in aws_autoscaling_group.this : [group.min_size, group.desired_capacity, group.max_size]] == [[1, 2, 4]] && length(aws_db_instance.this) == 0
    error_message = "The group is in the given limits."
  }
}

run "without_a_database" {
  command = plan

  variables {
    database       = ""
    instance_count = 1
  }

  expect_failures = [aws_autoscaling_group.this]
}

run "without_a_repository" {
  command = plan

  variables {
    repository_url = ""
  }

  expect_failures = [aws_autoscaling_group.this]
}

run "count_outside_of_its_limits" {
  command = plan

  variables {
    asg_max = 1
  }

  expect_failures = [aws_autoscaling_group.this]
}

run "invalid_values" {
  command = plan

  variables {
    asg_min            = -1
    asg_max            = 12
    asg_launch_timeout = 60
  }

  expect_failures = [var.asg_min, var.asg_max, var.asg_launch_timeout]
}
