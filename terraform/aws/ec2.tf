data "aws_ssm_parameter" "ami" {
  name = var.ami_parameter
}

resource "aws_instance" "this" {
  count = var.instance_count

  ami                         = nonsensitive(data.aws_ssm_parameter.ami.value)
  instance_type               = var.instance_type
  subnet_id                   = local.subnet_ids[count.index % length(local.subnet_ids)]
  vpc_security_group_ids      = [aws_security_group.instance.id]
  iam_instance_profile        = aws_iam_instance_profile.instance.name
  key_name                    = var.key_name == "" ? null : var.key_name
  associate_public_ip_address = true

  user_data = templatefile("${path.module}/user_data.sh.tftpl", {
    region              = var.region
    kinds               = length(var.target_group_names) > 0 ? "elb,tg" : "elb"
    elb_name            = var.elb_name
    token_parameter     = var.token_parameter
    store_url_parameter = var.store_url_parameter
    policy              = base64encode(var.policy)
    repository_url      = var.repository_url
    repository_ref      = var.repository_ref
    port                = local.service_port
  })

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
  }

  tags = { Name = "${var.name}-${count.index + 1}" }

  lifecycle {
    # A newer image or another ref does not replace a running instance: docs/deploy.md
    # describes upgrades.
    ignore_changes = [ami, user_data]

    precondition {
      condition     = var.instance_count == 1 || var.store_url_parameter != ""
      error_message = "Several instances share one record of changes: set store_url_parameter, the SSM parameter with the URL of a PostgreSQL database."
    }
  }

  depends_on = [aws_elb.this, aws_iam_role_policy.instance] # it attaches itself at the end of its first boot
}

# The plan fails if the parameter does not exist, because no instance would serve. The
# state contains its ciphertext only.
data "aws_ssm_parameter" "token" {
  name            = var.token_parameter
  with_decryption = false
}
