# The instances of asg = true. The group has no load balancer: it would register instances past
# lsapi, which alone manages the membership. Instances attach, detach and check themselves, and
# report to the group: boot/lifecycle.sh, boot/health.sh.

locals {
  asg_count = var.asg ? 1 : 0
  asg_name  = var.name
  asg_min   = var.asg_min == 0 ? var.instance_count : var.asg_min
  asg_max   = var.asg_max == 0 ? var.instance_count + 1 : var.asg_max
}

# On each instance, beside the other files of boot/.
locals {
  group_files = var.asg ? {
    "/usr/local/lib/lsapi/lifecycle.sh"           = { mode = "755", text = file("${path.module}/boot/lifecycle.sh") }
    "/usr/local/lib/lsapi/health.sh"              = { mode = "755", text = file("${path.module}/boot/health.sh") }
    "/etc/systemd/system/lsapi-lifecycle.service" = { mode = "644", text = file("${path.module}/boot/lsapi-lifecycle.service") }
    "/etc/systemd/system/lsapi-health.service"    = { mode = "644", text = file("${path.module}/boot/lsapi-health.service") }
    "/etc/systemd/system/lsapi-health.timer"      = { mode = "644", text = file("${path.module}/boot/lsapi-health.timer") }
    # Other settings are another template, and so reach the instances by a refresh.
    "/etc/lsapi-boot/version-of-settings" = { mode = "644", text = "${sha256("${local.settings_text}\n${var.policy}")}\n" }
  } : {}
  group_units = var.asg ? ["lsapi-lifecycle.service", "lsapi-health.timer"] : []
}

resource "aws_launch_template" "this" {
  count = local.asg_count

  name_prefix            = "${var.name}-"
  image_id               = "resolve:ssm:${var.ami_parameter}" # at each launch: a newer image replaces no instance
  instance_type          = var.instance_type
  key_name               = var.key_name == "" ? null : var.key_name
  update_default_version = true

  user_data = base64gzip(local.user_data)

  iam_instance_profile {
    name = aws_iam_instance_profile.instance.name
  }

  network_interfaces {
    associate_public_ip_address = true
    security_groups             = [aws_security_group.instance.id]
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 2 # the service is in a container
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = var.root_volume_gib
      encrypted             = true
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = ["instance", "volume", "network-interface"]

    content {
      resource_type = tag_specifications.value
      tags          = merge(local.tags, { Name = var.name })
    }
  }
}

resource "aws_autoscaling_group" "this" {
  count = local.asg_count

  name                = local.asg_name
  min_size            = local.asg_min
  max_size            = local.asg_max
  desired_capacity    = var.instance_count
  vpc_zone_identifier = local.subnet_ids

  # Of EC2 alone: boot/health.sh reports an instance that does not serve.
  health_check_type         = "EC2"
  health_check_grace_period = 60
  wait_for_capacity_timeout = "0" # a first build takes minutes
  termination_policies      = ["OldestLaunchTemplate", "OldestInstance"]

  launch_template {
    id      = aws_launch_template.this[0].id
    version = aws_launch_template.this[0].latest_version
  }

  # Of the group itself, so that they are there before its first instance.
  initial_lifecycle_hook {
    name                 = "launching"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_LAUNCHING"
    heartbeat_timeout    = var.asg_launch_timeout
    default_result       = "ABANDON"
  }

  # An instance that cannot detach itself is replaced all the same.
  initial_lifecycle_hook {
    name                 = "terminating"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    heartbeat_timeout    = max(900, aws_elb.this.connection_draining_timeout + 300)
    default_result       = "CONTINUE"
  }

  # A new instance serves before another one is terminated.
  instance_maintenance_policy {
    min_healthy_percentage = 100
    max_healthy_percentage = 110
  }

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 110
      instance_warmup        = 0 # it serves when it is in service
    }
  }

  tag {
    key                 = "Project"
    value               = var.name
    propagate_at_launch = false # the template tags what it launches
  }

  timeouts {
    delete = "30m" # the instances detach
  }

  lifecycle {
    ignore_changes = [initial_lifecycle_hook] # the group has them from its creation

    precondition {
      condition     = local.database != "file"
      error_message = "Instances that are replaced need a record outside of them: set database = \"rds\", or store_url_parameter."
    }
    precondition {
      condition     = var.repository_url != ""
      error_message = "Set repository_url: a new instance must start the service by itself."
    }
    precondition {
      condition     = local.asg_min <= var.instance_count && var.instance_count <= local.asg_max
      error_message = "instance_count must be from asg_min to asg_max."
    }
  }

  depends_on = [
    aws_elb.this, aws_iam_role_policy.instance, aws_iam_role_policy.asg, aws_iam_role_policy.database,
    aws_route_table_association.public, aws_vpc_security_group_egress_rule.instance_out, aws_vpc_security_group_ingress_rule.database,
  ]
}

resource "aws_iam_role_policy" "asg" {
  count = local.asg_count

  name_prefix = "${var.name}-asg-"
  role        = aws_iam_role.instance.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "AutoScaling"
      Effect   = "Allow"
      Action   = ["autoscaling:CompleteLifecycleAction", "autoscaling:SetInstanceHealth"]
      Resource = ["arn:${data.aws_partition.current.partition}:autoscaling:${local.own_resources}:autoScalingGroup:*:autoScalingGroupName/${local.asg_name}"]
    }]
  })
}

output "asg_name" {
  description = "The Auto Scaling group of asg = true; empty otherwise."
  value       = var.asg ? aws_autoscaling_group.this[0].name : ""
}
