locals {
  alb_security_group_ids = [aws_security_group.alb.id]
}

# The load balancer's: in from clients, out to the instances.

resource "aws_security_group" "alb" {
  name_prefix = "${var.name}-alb-"
  description = "Load balancer ${var.name}"
  vpc_id      = local.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "alb_http" {
  for_each = toset(var.allowed_cidrs)

  security_group_id = aws_security_group.alb.id
  description       = "HTTP from clients"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_vpc_security_group_egress_rule" "alb_to_instances" {
  security_group_id            = aws_security_group.alb.id
  description                  = "The application and its health checks"
  referenced_security_group_id = aws_security_group.shop.id
  ip_protocol                  = "tcp"
  from_port                    = local.shop_port
  to_port                      = local.admin_port
}

# The instances': in from the load balancer. Nothing goes out.

resource "aws_security_group" "shop" {
  name_prefix = "${var.name}-instance-"
  description = "Instances of ${var.name}"
  vpc_id      = local.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "shop_from_alb" {
  security_group_id            = aws_security_group.shop.id
  description                  = "The application, from the load balancer"
  referenced_security_group_id = aws_security_group.alb.id
  ip_protocol                  = "tcp"
  from_port                    = local.shop_port
  to_port                      = local.admin_port
}
