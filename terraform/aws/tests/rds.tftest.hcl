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

run "file" {
  command = plan

  assert {
    condition     = output.database == "file" && length(aws_db_instance.this) == 0 && length(aws_subnet.private) == 0
    error_message = "By default the record is in a file, and there is no database."
  }
}

run "url_of_before" {
  command = plan

  variables {
    store_url_parameter = "/lsapi/store-url"
    instance_count      = 2
  }

  assert {
    condition     = output.database == "url" && length(aws_db_instance.this) == 0
    error_message = "store_url_parameter alone is a URL."
  }
}

run "rds" {
  variables {
    database       = "rds"
    instance_count = 2
  }

  assert {
    condition     = length(aws_instance.this) == 2
    error_message = "Several instances share the database."
  }
  assert {
    condition = (
      strcontains(aws_ssm_parameter.settings.insecure_value, "STORE_URL=postgres://lsapi@lsapi.abcdefghijkl.us-east-1.rds.amazonaws.com:5432/lsapi?sslmode=verify-full&sslrootcert=/usr/share/lsapi/rds.pem&passfile=/etc/lsapi/pgpass\n") &&
      strcontains(aws_ssm_parameter.settings.insecure_value, "password_secret=arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-x\n")
    )
    error_message = "The service verifies the database, and reads the password from a file."
  }
  assert {
    condition     = strcontains(aws_instance.this[0].user_data, "lsapi-password.timer") && length(aws_instance.this[0].user_data) <= 16384
    error_message = "The instances fetch the password; AWS takes at most 16 KiB of user data."
  }
  assert {
    condition = (
      aws_db_instance.this[0].storage_encrypted && aws_db_instance.this[0].storage_type == "gp3" &&
      aws_db_instance.this[0].deletion_protection && !aws_db_instance.this[0].skip_final_snapshot &&
      startswith(aws_db_instance.this[0].final_snapshot_identifier, "lsapi-final-20") &&
      aws_db_instance.this[0].backup_retention_period == 7 && aws_db_instance.this[0].auto_minor_version_upgrade
    )
    error_message = "The record is encrypted, backed up, and not deleted by mistake."
  }
  assert {
    condition     = aws_db_instance.this[0].engine == "postgres" && aws_db_instance.this[0].engine_version == "17" && aws_db_parameter_group.this[0].family == "postgres17"
    error_message = "The major version is pinned."
  }
  assert {
    condition     = aws_db_instance.this[0].manage_master_user_password && aws_db_instance.this[0].password == null
    error_message = "The password is in Secrets Manager only."
  }
  assert {
    condition     = one([for parameter in aws_db_parameter_group.this[0].parameter : parameter.value if parameter.name == "rds.force_ssl"]) == "1"
    error_message = "The database refuses connections without TLS."
  }
  assert {
    condition = (
      !aws_db_instance.this[0].publicly_accessible && length(aws_route_table.private[0].route) == 0 &&
      [for subnet in aws_subnet.private : [subnet.cidr_block, subnet.availability_zone]] == [["10.20.128.0/20", "us-east-1a"], ["10.20.144.0/20", "us-east-1b"]]
    )
    error_message = "The database is in private subnets of two zones, without a route out."
  }
  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.database[0].referenced_security_group_id == aws_security_group.instance.id &&
      aws_vpc_security_group_ingress_rule.database[0].from_port == 5432 && aws_vpc_security_group_ingress_rule.database[0].to_port == 5432
    )
    error_message = "Only the instances can connect to it."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.database[0].policy).Statement == [{
      Sid      = "Password"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = [output.database_secret_arn]
    }]
    error_message = "The instances can read that secret only."
  }
}

run "another_snapshot_of_a_protected_database" {
  command = plan

  variables {
    database             = "rds"
    database_snapshot_id = "rds:lsapi-2026-11-30-02-30"
    record_protected     = true
  }

  assert {
    condition     = aws_db_instance.this[0].snapshot_identifier == "rds:lsapi-2026-11-30-02-30" && length(terraform_data.record_protection) == 1
    error_message = "The database is created from the snapshot."
  }
}

run "rds_in_an_existing_network" {
  command = plan

  variables {
    database           = "rds"
    vpc_id             = "vpc-0123456789abcdef0"
    subnet_ids         = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    private_subnet_ids = ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]
  }

  assert {
    condition     = length(aws_subnet.private) == 0 && aws_db_subnet_group.this[0].subnet_ids == toset(var.private_subnet_ids)
    error_message = "The database is in the given subnets."
  }
}

run "invalid_values" {
  command = plan

  variables {
    database             = "mysql"
    private_subnet_ids   = ["subnet-0123456789abcdef0"]
    database_class       = "t4g.micro"
    database_version     = "15"
    database_storage_gib = 19
    database_backup_days = 0
    database_snapshot_id = "7"
  }

  expect_failures = [
    var.database, var.private_subnet_ids, var.database_class, var.database_version, var.database_storage_gib, var.database_backup_days,
    var.database_snapshot_id,
  ]
}

run "url_without_a_url" {
  command = plan

  variables {
    database = "url"
  }

  expect_failures = [output.database]
}

run "rds_with_a_url" {
  command = plan

  variables {
    database            = "rds"
    store_url_parameter = "/lsapi/store-url"
  }

  expect_failures = [output.database]
}

run "file_of_several_instances" {
  command = plan

  variables {
    database       = "file"
    instance_count = 2
  }

  expect_failures = [aws_instance.this[0], aws_instance.this[1]]
}

run "rds_in_a_given_network_without_private_subnets" {
  command = plan

  variables {
    database   = "rds"
    vpc_id     = "vpc-0123456789abcdef0"
    subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  }

  expect_failures = [aws_db_instance.this]
}

run "rds_that_cannot_be_verified" {
  command = plan

  variables {
    database = "rds"
    region   = "mx-central-1"
  }

  expect_failures = [aws_db_instance.this]
}

run "rds_too_small_for_its_connections" {
  command = plan

  variables {
    database       = "rds"
    instance_count = 5
  }

  expect_failures = [aws_db_instance.this]
}
