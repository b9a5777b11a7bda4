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
  connection_draining_timeout = var.draining_timeout
  idle_timeout                = var.idle_timeout
  internal                    = var.internal

  dynamic "listener" {
    for_each = var.http_enabled ? [80] : []

    content {
      lb_protocol       = "http"
      lb_port           = listener.value
      instance_protocol = "http"
      instance_port     = local.service_port
    }
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

  dynamic "access_logs" {
    for_each = local.access_logs_buckets

    content {
      bucket        = access_logs.value
      bucket_prefix = var.elb_name
      interval      = 5
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
    precondition {
      condition     = var.http_enabled || var.certificate_arn != ""
      error_message = "Set certificate_arn, or leave http_enabled true: no port would be open."
    }
  }

  depends_on = [aws_internet_gateway.this, aws_s3_bucket_policy.access_logs]
}

resource "aws_load_balancer_policy" "tls" {
  count = var.certificate_arn == "" ? 0 : 1

  load_balancer_name = aws_elb.this.name
  policy_name        = "lsapi-${var.tls_policy}"
  policy_type_name   = "SSLNegotiationPolicyType"

  policy_attribute {
    name  = "Reference-Security-Policy"
    value = var.tls_policy
  }

  lifecycle {
    create_before_destroy = true # the listener has one of them at any time
  }
}

resource "aws_load_balancer_listener_policy" "tls" {
  count = var.certificate_arn == "" ? 0 : 1

  load_balancer_name = aws_elb.this.name
  load_balancer_port = 443
  policy_names       = [aws_load_balancer_policy.tls[0].policy_name]
}
