data "aws_ssm_parameter" "ami" {
  name = var.ami_parameter
}

# Each instance serves the application on both ports.
resource "aws_instance" "shop" {
  count = 2

  ami                         = nonsensitive(data.aws_ssm_parameter.ami.value)
  instance_type               = "t3.micro"
  subnet_id                   = local.subnet_ids[count.index % length(local.subnet_ids)]
  vpc_security_group_ids      = [aws_security_group.shop.id]
  associate_public_ip_address = false # they open no connections

  user_data = templatefile("${path.module}/user_data.sh.tftpl", {
    ports = "${local.shop_port} ${local.admin_port}"
  })

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
  }

  root_block_device {
    encrypted = true
  }

  tags = { Name = "${var.name}-${count.index + 1}" }

  lifecycle {
    ignore_changes = [ami]
  }
}
