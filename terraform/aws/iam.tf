data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  own_resources    = "${var.region}:${data.aws_caller_identity.current.account_id}"
  parameter_prefix = "arn:${data.aws_partition.current.partition}:ssm:${local.own_resources}:parameter"
  balancing_prefix = "arn:${data.aws_partition.current.partition}:elasticloadbalancing:${local.own_resources}:"

  readable_parameters = distinct(concat(
    [aws_ssm_parameter.settings.name], aws_ssm_parameter.policy[*].name, values(local.secrets),
  ))

  # Describing cannot be limited to resources. `lsapi doctor --aws` tries changes with resources
  # that do not exist.
  classic_statements = [
    {
      Sid    = "Read"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeInstanceHealth",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeTags",
        "ec2:DescribeInstances",
        "cloudwatch:GetMetricData",
      ]
      Resource = ["*"]
    },
    {
      Sid    = "Change"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:RegisterInstancesWithLoadBalancer",
        "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
      ]
      Resource = [for name in distinct(concat([var.elb_name, "lsapi-doctor-no-such-elb"], var.classic_names)) : "${local.balancing_prefix}loadbalancer/${name}"]
    },
  ]
  target_group_statements = [
    {
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
    },
    {
      Sid    = "ChangeTargetGroups"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:DeregisterTargets",
      ]
      Resource = [for name in concat(["lsapi-doctor-no-such-tg"], var.target_group_names) : "${local.balancing_prefix}targetgroup/${name}/*"]
    },
  ]
}

resource "aws_iam_role" "instance" {
  name_prefix = "${var.name}-"
  path        = "/"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "instance" {
  name_prefix = "${var.name}-"
  role        = aws_iam_role.instance.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.classic_statements,
      [for statement in local.target_group_statements : statement if length(var.target_group_names) > 0],
      [{
        Sid      = "Settings"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = [for name in local.readable_parameters : "${local.parameter_prefix}${name}"]
      }],
      # A shell, instead of SSH. AmazonSSMManagedInstanceCore could read every parameter of the account.
      [{
        Sid    = "SessionManager"
        Effect = "Allow"
        Action = [
          "ssm:UpdateInstanceInformation",
          "ssmmessages:CreateControlChannel",
          "ssmmessages:CreateDataChannel",
          "ssmmessages:OpenControlChannel",
          "ssmmessages:OpenDataChannel",
        ]
        Resource = ["*"]
      }],
    )
  })
}

resource "aws_iam_instance_profile" "instance" {
  name_prefix = "${var.name}-"
  path        = "/"
  role        = aws_iam_role.instance.name
}
