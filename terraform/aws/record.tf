# The record of a single instance is a file, on a volume of its own that outlives the instance.

locals {
  file_record = local.database == "file" && !var.asg

  record_volume_id    = one(aws_ebs_volume.record[*].id)
  record_volume_zone  = one(aws_ebs_volume.record[*].availability_zone)
  protected_record_id = local.rds ? aws_db_instance.this[0].resource_id : local.record_volume_id
  record_settings     = local.file_record ? { record_volume = local.record_volume_id } : {}
}

# Before the volume is deleted, AWS takes a snapshot of it.
resource "aws_ebs_volume" "record" {
  count = local.file_record ? 1 : 0

  availability_zone = try(local.subnet_zones[0], "none")
  type              = "gp3"
  size              = var.record_volume_gib
  encrypted         = true
  snapshot_id       = var.record_snapshot_id == "" ? null : var.record_snapshot_id
  final_snapshot    = true

  tags = { Name = "${var.name}-record", "lsapi:record" = var.name }

  timeouts {
    delete = "60m"
  }

  lifecycle {
    ignore_changes = [availability_zone] # instances follow the volume, not the order of subnets
  }
}

# The instance stops before the volume is taken from it, so that everything is written.
resource "aws_volume_attachment" "record" {
  count = local.file_record ? 1 : 0

  device_name                    = "/dev/sdf"
  volume_id                      = aws_ebs_volume.record[0].id
  instance_id                    = aws_instance.this[0].id
  stop_instance_before_detaching = true
}

# With record_protected every plan that deletes or replaces the volume, or the database, fails. `lifecycle` takes no
# variables, so this resource stands for the volume: it comes and goes with it.
resource "terraform_data" "record_protection" {
  count = var.record_protected ? 1 : 0

  triggers_replace = [local.protected_record_id]

  lifecycle {
    prevent_destroy = true
  }
}

# Snapshots each day

locals {
  record_snapshots = local.file_record && var.record_snapshots > 0
}

resource "aws_iam_role" "snapshots" {
  count = local.record_snapshots ? 1 : 0

  name_prefix = "${var.name}-snapshots-"
  path        = "/"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "dlm.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "snapshots" {
  count = local.record_snapshots ? 1 : 0

  name_prefix = "${var.name}-snapshots-"
  role        = aws_iam_role.snapshots[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "ec2:CreateSnapshot", "ec2:CreateSnapshots", "ec2:DeleteSnapshot",
          "ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeSnapshots",
        ]
        Resource = "*"
      },
      {
        Effect   = "Allow"
        Action   = "ec2:CreateTags"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/*"
      },
    ]
  })
}

resource "aws_dlm_lifecycle_policy" "record" {
  count = local.record_snapshots ? 1 : 0

  description        = "Snapshots of the record of ${var.name}"
  execution_role_arn = aws_iam_role.snapshots[0].arn
  state              = "ENABLED"

  policy_details {
    resource_types = ["VOLUME"]
    target_tags    = { "lsapi:record" = var.name }

    schedule {
      name      = "daily"
      copy_tags = true

      create_rule {
        interval      = 24
        interval_unit = "HOURS"
        times         = ["03:00"]
      }

      retain_rule {
        count = var.record_snapshots
      }
    }
  }

  depends_on = [aws_iam_role_policy.snapshots]
}
