# Terraform creates the load balancer, lsapi attaches and detaches its members. With
# ignore_changes this stays so if somebody adds instances = […]: those are registered at the
# creation, and no later plan undoes what lsapi did.

resource "aws_elb" "shop" {
  name            = "shop-elb"
  subnets         = data.aws_lb.demo.subnets
  security_groups = data.aws_lb.demo.security_groups

  connection_draining         = true
  connection_draining_timeout = 60
  idle_timeout                = 60

  listener {
    lb_protocol       = "HTTP"
    lb_port           = 81
    instance_protocol = "HTTP"
    instance_port     = 8080
  }

  health_check {
    target              = "HTTP:8080/"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  tags = {
    team = "shop"
  }

  lifecycle {
    ignore_changes = [instances]
  }
}
