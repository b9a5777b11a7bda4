# lsapi alone manages the members of the target groups: there are no attachments, so that
# changes through the API are no drift.

locals {
  shop_port  = 8080
  admin_port = 8081
}

resource "aws_lb" "this" {
  name               = var.name
  load_balancer_type = "application"
  subnets            = local.subnet_ids
  security_groups    = local.alb_security_group_ids
}

# Both groups have the same instances, on different ports.

resource "aws_lb_target_group" "shop" {
  name     = var.name
  protocol = "HTTP"
  port     = local.shop_port
  vpc_id   = local.vpc_id

  deregistration_delay = 60

  health_check {
    path                = "/"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_target_group" "admin" {
  name     = "${var.name}-admin"
  protocol = "HTTP"
  port     = local.admin_port
  vpc_id   = local.vpc_id

  deregistration_delay = 60

  health_check {
    path                = "/"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.shop.arn
  }
}

resource "aws_lb_listener_rule" "admin" {
  listener_arn = aws_lb_listener.http.arn
  priority     = 10

  condition {
    path_pattern {
      values = ["/admin", "/admin/*"]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.admin.arn
  }
}
