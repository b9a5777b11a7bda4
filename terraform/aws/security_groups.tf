# The load balancer's: in from clients, out to the instances.

resource "aws_security_group" "elb" {
  name_prefix = "${var.name}-elb-"
  description = "Load balancer ${var.elb_name}"
  vpc_id      = local.vpc_id

  tags = { Name = "${var.name}-elb" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "elb_http" {
  for_each = toset(var.http_enabled ? var.allowed_cidrs : [])

  security_group_id = aws_security_group.elb.id
  description       = "HTTP from clients"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_vpc_security_group_ingress_rule" "elb_https" {
  for_each = toset(var.certificate_arn == "" ? [] : var.allowed_cidrs)

  security_group_id = aws_security_group.elb.id
  description       = "HTTPS from clients"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "elb_to_instances" {
  security_group_id            = aws_security_group.elb.id
  description                  = "The service and its health check"
  referenced_security_group_id = aws_security_group.instance.id
  ip_protocol                  = "tcp"
  from_port                    = local.service_port
  to_port                      = local.service_port
}

resource "aws_vpc_security_group_egress_rule" "elb_to_members" {
  for_each = toset(var.member_cidrs)

  security_group_id = aws_security_group.elb.id
  description       = "Members outside of this module"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = local.service_port
  to_port           = local.service_port
}

# The instances': in from the load balancer and the networks of the variables, out to AWS
# and the repository.

resource "aws_security_group" "instance" {
  name_prefix = "${var.name}-instance-"
  description = "Instances of ${var.name}"
  vpc_id      = local.vpc_id

  tags = { Name = "${var.name}-instance" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "instance_service" {
  security_group_id            = aws_security_group.instance.id
  description                  = "The service, from the load balancer"
  referenced_security_group_id = aws_security_group.elb.id
  ip_protocol                  = "tcp"
  from_port                    = local.service_port
  to_port                      = local.service_port
}

resource "aws_vpc_security_group_ingress_rule" "instance_metrics" {
  for_each = toset(var.metrics_cidrs)

  security_group_id = aws_security_group.instance.id
  description       = "The service, from Prometheus"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = local.service_port
  to_port           = local.service_port
}

resource "aws_vpc_security_group_ingress_rule" "instance_ssh" {
  for_each = toset(var.ssh_cidrs)

  security_group_id = aws_security_group.instance.id
  description       = "SSH"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

resource "aws_vpc_security_group_egress_rule" "instance_out" {
  security_group_id = aws_security_group.instance.id
  description       = "AWS, package mirrors, the repository, the record's database"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
