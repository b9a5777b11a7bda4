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
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

run "record_in_a_file" {
  command = plan

  assert {
    condition = (
      aws_ebs_volume.record[0].encrypted && aws_ebs_volume.record[0].final_snapshot &&
      aws_ebs_volume.record[0].availability_zone == aws_subnet.public[0].availability_zone
    )
    error_message = "An encrypted volume in the zone of the instance, with a snapshot before it is deleted."
  }
  assert {
    condition     = aws_volume_attachment.record[0].stop_instance_before_detaching
    error_message = "Everything is written before it is detached."
  }
  assert {
    condition     = strcontains(aws_ssm_parameter.settings.insecure_value, "record_volume=vol-0123456789abcdef0\n")
    error_message = "The instance mounts it."
  }
  assert {
    condition = (
      aws_dlm_lifecycle_policy.record[0].policy_details[0].target_tags["lsapi:record"] == aws_ebs_volume.record[0].tags["lsapi:record"] &&
      aws_dlm_lifecycle_policy.record[0].policy_details[0].schedule[0].create_rule[0].interval == 24 &&
      aws_dlm_lifecycle_policy.record[0].policy_details[0].schedule[0].retain_rule[0].count == 14
    )
    error_message = "AWS takes a snapshot each day, and keeps 14."
  }
  assert {
    condition     = jsondecode(aws_iam_role.snapshots[0].assume_role_policy).Statement[0].Condition == { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    error_message = "The role serves policies of this account only."
  }
  assert {
    condition     = length(terraform_data.record_protection) == 0
    error_message = "terraform destroy removes everything."
  }
}

run "record_in_a_database" {
  command = plan

  variables {
    store_url_parameter = "/lsapi/store-url"
  }

  assert {
    condition = (
      length(aws_ebs_volume.record) + length(aws_volume_attachment.record) + length(aws_dlm_lifecycle_policy.record) == 0 &&
      output.record_volume_id == null && !strcontains(aws_ssm_parameter.settings.insecure_value, "record_volume")
    )
    error_message = "There is no volume."
  }
}

run "record_from_a_snapshot" {
  command = plan

  variables {
    record_snapshot_id = "snap-0123456789abcdef0"
    record_protected   = true
    record_snapshots   = 0
  }

  assert {
    condition     = aws_ebs_volume.record[0].snapshot_id == "snap-0123456789abcdef0"
    error_message = "The volume is created from it."
  }
  assert {
    condition     = length(aws_dlm_lifecycle_policy.record) == 0 && length(aws_iam_role.snapshots) == 0
    error_message = "No snapshots are taken."
  }
  assert {
    condition     = length(terraform_data.record_protection) == 1
    error_message = "The volume is protected."
  }
}
