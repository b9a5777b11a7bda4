# The PostgreSQL of database = "rds", which several instances share. Its password is in Secrets
# Manager only, where AWS rotates it: boot/password.sh.

locals {
  database = var.database != "" ? var.database : var.store_url_parameter != "" ? "url" : "file"
  rds      = local.database == "rds"

  private_subnet_ids = local.own_network ? aws_subnet.private[*].id : var.private_subnet_ids

  # Regions whose authorities are in packaging/rds/rds.pem, which the image has.
  verifiable_regions = [
    "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
    "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ca-central-1", "eu-central-1",
    "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "me-central-1",
    "me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
  ]

  # The URL has no password: the service reads the file before each connection.
  store_url = local.rds ? join("", [
    "postgres://${aws_db_instance.this[0].username}@${aws_db_instance.this[0].address}:${aws_db_instance.this[0].port}/${aws_db_instance.this[0].db_name}",
    "?sslmode=verify-full&sslrootcert=/usr/share/lsapi/rds.pem&passfile=/etc/lsapi/pgpass",
  ]) : ""
}

# On each instance, beside the other files of boot/.
locals {
  database_files = local.rds ? {
    "/usr/local/lib/lsapi/password.sh"           = { mode = "755", text = file("${path.module}/boot/password.sh") }
    "/etc/systemd/system/lsapi-password.service" = { mode = "644", text = file("${path.module}/boot/lsapi-password.service") }
    "/etc/systemd/system/lsapi-password.timer"   = { mode = "644", text = file("${path.module}/boot/lsapi-password.timer") }
  } : {}
  database_units = local.rds ? ["lsapi-password.timer"] : []
}

resource "aws_subnet" "private" {
  count = local.rds && local.own_network ? 2 : 0

  vpc_id            = aws_vpc.this[0].id
  cidr_block        = cidrsubnet(aws_vpc.this[0].cidr_block, 4, 8 + count.index)
  availability_zone = data.aws_availability_zones.available.names[count.index]

  tags = { Name = "${var.name}-private-${count.index + 1}" }

  lifecycle {
    ignore_changes = [availability_zone] # a zone that opens later must not move them
  }
}

# No routes but those within the VPC.
resource "aws_route_table" "private" {
  count = local.rds && local.own_network ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = { Name = "${var.name}-private" }
}

resource "aws_route_table_association" "private" {
  count = local.rds && local.own_network ? 2 : 0

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[0].id
}

resource "aws_db_subnet_group" "this" {
  count = local.rds ? 1 : 0

  name_prefix = "${var.name}-"
  description = "The record of changes of ${var.name}"
  subnet_ids  = local.private_subnet_ids
}

resource "aws_security_group" "database" {
  count = local.rds ? 1 : 0

  name_prefix = "${var.name}-database-"
  description = "The record of changes of ${var.name}"
  vpc_id      = local.vpc_id

  tags = { Name = "${var.name}-database" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  count = local.rds ? 1 : 0

  security_group_id            = aws_security_group.database[0].id
  description                  = "PostgreSQL, from the instances"
  referenced_security_group_id = aws_security_group.instance.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_parameter_group" "this" {
  count = local.rds ? 1 : 0

  name_prefix = "${var.name}-"
  description = "The record of changes of ${var.name}"
  family      = "postgres${var.database_version}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000" # ms
  }

  lifecycle {
    create_before_destroy = true
  }
}

# Before the database, which would create it with logs that never expire.
resource "aws_cloudwatch_log_group" "database" {
  count = local.rds ? 1 : 0

  name              = "/aws/rds/instance/${var.name}/postgresql"
  retention_in_days = 30
}

resource "aws_db_instance" "this" {
  count = local.rds ? 1 : 0

  identifier     = var.name
  engine         = "postgres"
  engine_version = var.database_version
  instance_class = var.database_class

  storage_type          = "gp3"
  storage_encrypted     = true
  allocated_storage     = var.database_storage_gib
  max_allocated_storage = 5 * var.database_storage_gib

  snapshot_identifier         = var.database_snapshot_id == "" ? null : var.database_snapshot_id
  db_name                     = "lsapi"
  username                    = "lsapi"
  manage_master_user_password = true

  db_subnet_group_name   = aws_db_subnet_group.this[0].name
  vpc_security_group_ids = [aws_security_group.database[0].id]
  publicly_accessible    = false
  multi_az               = var.database_multi_az
  port                   = 5432
  parameter_group_name   = aws_db_parameter_group.this[0].name
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  auto_minor_version_upgrade  = true
  allow_major_version_upgrade = true # only when database_version changes
  maintenance_window          = "sun:04:00-sun:05:00"
  backup_window               = "02:30-03:30"
  backup_retention_period     = var.database_backup_days
  copy_tags_to_snapshot       = true
  delete_automated_backups    = false

  deletion_protection       = var.database_deletion_protection
  skip_final_snapshot       = false
  final_snapshot_identifier = "${var.name}-final-${formatdate("YYYYMMDDhhmmss", plantimestamp())}"

  performance_insights_enabled    = true # with the 7 days that are free
  enabled_cloudwatch_logs_exports = ["postgresql"]

  tags = { Name = var.name }

  lifecycle {
    ignore_changes = [final_snapshot_identifier] # that of the creation is as unique

    precondition {
      condition     = local.own_network == (length(var.private_subnet_ids) == 0)
      error_message = "Set both vpc_id and private_subnet_ids, or neither: a created VPC has private subnets of its own."
    }
    precondition {
      condition     = contains(local.verifiable_regions, var.region)
      error_message = "The image has no certificate authority of RDS in ${var.region}. Use database = \"url\" with a file of yours as sslrootcert."
    }
    precondition {
      condition     = var.instance_count <= 4 || !endswith(var.database_class, ".micro")
      error_message = "A ${var.database_class} has connections for 4 instances: set database_class = \"db.t4g.small\"."
    }
  }

  depends_on = [aws_cloudwatch_log_group.database]
}

resource "aws_iam_role_policy" "database" {
  count = local.rds ? 1 : 0

  name_prefix = "${var.name}-database-"
  role        = aws_iam_role.instance.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Password"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = [aws_db_instance.this[0].master_user_secret[0].secret_arn]
    }]
  })
}

resource "aws_cloudwatch_metric_alarm" "database_storage" {
  count = local.rds ? 1 : 0

  alarm_name          = "${var.name}-database-storage"
  alarm_description   = "The database has less than 2 GiB of free storage: it could not grow. See docs/runbook.md, database-storage."
  namespace           = "AWS/RDS"
  metric_name         = "FreeStorageSpace"
  dimensions          = { DBInstanceIdentifier = aws_db_instance.this[0].identifier }
  statistic           = "Minimum"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "LessThanThreshold"
  threshold           = 2147483648
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

output "database" {
  description = "Where the record of changes is: file, url or rds."
  value       = local.database

  precondition {
    condition     = (local.database == "url") == (var.store_url_parameter != "")
    error_message = "Set store_url_parameter with database = \"url\", and only with it."
  }
}

output "database_address" {
  description = "Host of the database of database = \"rds\", which only the instances can reach; empty otherwise."
  value       = local.rds ? aws_db_instance.this[0].address : ""
}

output "database_secret_arn" {
  description = "The secret in Secrets Manager with the user and the password of that database; empty otherwise."
  value       = local.rds ? aws_db_instance.this[0].master_user_secret[0].secret_arn : ""
}
