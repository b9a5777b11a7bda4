# Terraform attaches the first spare instance, lsapi the others. Both can: an attachment is a
# resource of its own, and Terraform ignores the members for which it has none.

resource "aws_lb_target_group" "shop" {
  name     = "shop"
  protocol = "HTTP"
  port     = 8080
  vpc_id   = data.aws_lb.demo.vpc_id

  deregistration_delay = 5

  health_check {
    path                = "/"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  tags = {
    team = "shop"
  }
}

resource "aws_lb_target_group_attachment" "first" {
  target_group_arn = aws_lb_target_group.shop.arn
  target_id        = sort(data.aws_instances.spare.ids)[0]
}

resource "aws_lb" "own" {
  count = var.own_alb ? 1 : 0

  name               = "shop-alb"
  load_balancer_type = "application"
  subnets            = data.aws_lb.demo.subnets
  security_groups    = data.aws_lb.demo.security_groups
}

resource "aws_lb_listener" "shop" {
  load_balancer_arn = var.own_alb ? aws_lb.own[0].arn : data.aws_lb.demo.arn
  protocol          = "HTTP"
  port              = 82

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.shop.arn
  }
}
