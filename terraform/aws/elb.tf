locals {
  service_port = 8000
}

# lsapi alone manages the membership: there are no `instances` and no attachments, so that
# changes through the API are no drift.
resource "aws_elb" "this" {
  name            = var.elb_name
  subnets         = local.subnet_ids
  security_groups = [aws_security_group.elb.id]

  cross_zone_load_balancing   = true
  connection_draining         = true
  connection_draining_timeout = 60
  idle_timeout                = 60

  listener {
    lb_protocol       = "http"
    lb_port           = 80
    instance_protocol = "http"
    instance_port     = local.service_port
  }

  dynamic "listener" {
    for_each = var.certificate_arn == "" ? [] : [var.certificate_arn]

    content {
      lb_protocol        = "https"
      lb_port            = 443
      instance_protocol  = "http"
      instance_port      = local.service_port
      ssl_certificate_id = listener.value
    }
  }

  health_check {
    target              = "HTTP:${local.service_port}/healthcheck"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  tags = { Name = var.elb_name }

  lifecycle {
    ignore_changes = [instances]

    precondition {
      condition     = (var.vpc_id == "") == (length(var.subnet_ids) == 0)
      error_message = "Set both vpc_id and subnet_ids, or neither."
    }
  }
}
