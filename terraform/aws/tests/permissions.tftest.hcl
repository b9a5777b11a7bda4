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

run "classic_load_balancers_only" {
  command = plan

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.instance.policy).Statement : statement.Sid] == ["Read", "Change", "Settings", "SessionManager"]
    error_message = "By default nothing is granted for target groups."
  }
  assert {
    condition     = strcontains(aws_ssm_parameter.settings.insecure_value, "KINDS=elb\n")
    error_message = "The service leaves out target groups, which it may not list."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.instance.policy).Statement[1].Resource == [
      "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/default-elb",
      "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/lsapi-doctor-no-such-elb",
      "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/*",
    ]
    error_message = "All Classic load balancers of the account can be changed."
  }
}

run "both_kinds" {
  command = plan

  variables {
    classic_names      = []
    target_group_names = ["shop", "team-*"]
  }

  assert {
    condition     = strcontains(aws_ssm_parameter.settings.insecure_value, "KINDS=elb,tg\n")
    error_message = "The service serves both kinds."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.instance.policy).Statement[1].Resource == [
      "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/default-elb",
      "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/lsapi-doctor-no-such-elb",
    ]
    error_message = "Only the module's own load balancer can be changed."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.instance.policy).Statement[2] == {
      Sid    = "ReadTargetGroups"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeRules",
      ]
      Resource = ["*"]
    }
    error_message = "Target groups and their routes can be read."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.instance.policy).Statement[3] == {
      Sid    = "ChangeTargetGroups"
      Effect = "Allow"
      Action = ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"]
      Resource = [
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lsapi-doctor-no-such-tg/*",
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/*",
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/team-*/*",
      ]
    }
    error_message = "Only the named target groups can be changed."
  }
}
