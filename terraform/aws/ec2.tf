data "aws_ssm_parameter" "ami" {
  name = var.ami_parameter
}

locals {
  # The first instance is where the volume of the record is, if there is one.
  instance_subnet_ids = [
    for index in range(var.instance_count) :
    try(local.subnet_ids[index(local.subnet_zones, local.record_volume_zone)], local.subnet_ids[index % length(local.subnet_ids)], null)
  ]

  # Installs boot/, at the first boot only.
  user_data = templatefile("${path.module}/boot/user_data.sh.tftpl", {
    files = merge({
      "/usr/local/lib/lsapi/boot.sh"                    = { mode = "755", text = file("${path.module}/boot/boot.sh") }
      "/usr/local/lib/lsapi/member.sh"                  = { mode = "755", text = file("${path.module}/boot/member.sh") }
      "/etc/systemd/system/lsapi-boot.service"          = { mode = "644", text = file("${path.module}/boot/lsapi-boot.service") }
      "/etc/systemd/system/lsapi-attach.service"        = { mode = "644", text = file("${path.module}/boot/lsapi-attach.service") }
      "/usr/local/lib/lsapi/record.sh"                  = { mode = "755", text = file("${path.module}/boot/record.sh") }
      "/etc/systemd/system/docker.service.d/lsapi.conf" = { mode = "644", text = file("${path.module}/boot/docker.conf") }
      "/etc/lsapi-boot/instance" = { mode = "644", text = <<-END
        region=${var.region}
        settings_parameter=${aws_ssm_parameter.settings.name}
        group=${var.asg ? local.asg_name : ""}
      END
      }
    }, local.database_files, local.group_files)
    units = concat(["lsapi-boot.service", "lsapi-attach.service"], local.database_units, local.group_units)
  })
}

resource "aws_instance" "this" {
  count = var.asg ? 0 : var.instance_count

  ami                         = nonsensitive(data.aws_ssm_parameter.ami.value)
  instance_type               = var.instance_type
  subnet_id                   = local.instance_subnet_ids[count.index]
  vpc_security_group_ids      = [aws_security_group.instance.id]
  iam_instance_profile        = aws_iam_instance_profile.instance.name
  key_name                    = var.key_name == "" ? null : var.key_name
  associate_public_ip_address = true

  user_data = local.user_data

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 2 # the service is in a container
  }

  root_block_device {
    volume_type           = "gp3"
    volume_size           = var.root_volume_gib
    encrypted             = true
    delete_on_termination = true
    tags                  = merge(local.tags, { Name = "${var.name}-${count.index + 1}" })
  }

  tags = { Name = "${var.name}-${count.index + 1}" }

  lifecycle {
    # None of these replaces a running instance: docs/deploy.md describes upgrades.
    ignore_changes       = [ami, user_data, subnet_id, key_name, associate_public_ip_address]
    replace_triggered_by = [terraform_data.origin]

    precondition {
      condition     = var.instance_count == 1 || local.database != "file"
      error_message = "Several instances share one record of changes: set database = \"rds\", or store_url_parameter, the SSM parameter with the URL of a PostgreSQL database."
    }
    precondition {
      condition     = !local.file_record || length(local.subnet_zones) == 0 || anytrue([for zone in local.subnet_zones : zone == local.record_volume_zone])
      error_message = "The record's volume is in a zone without a subnet of the instance: add one to subnet_ids."
    }
  }

  depends_on = [
    aws_elb.this, aws_ssm_parameter.settings, aws_iam_role_policy.instance, # at its first boot it reads, and attaches itself
    aws_route_table_association.public, aws_vpc_security_group_egress_rule.instance_out,
  ]
}
