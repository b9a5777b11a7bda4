data "aws_availability_zones" "available" {
  state = "available"

  filter { # no local zones, which have no Classic load balancers
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

data "aws_subnet" "given" {
  for_each = toset(var.subnet_ids)

  id = each.value
}

locals {
  own_network = var.vpc_id == ""
  vpc_id      = local.own_network ? aws_vpc.this[0].id : var.vpc_id
  subnet_ids  = local.own_network ? aws_subnet.public[*].id : var.subnet_ids

  subnet_cidrs = local.own_network ? aws_subnet.public[*].cidr_block : [for id in var.subnet_ids : data.aws_subnet.given[id].cidr_block]
  subnet_zones = local.own_network ? aws_subnet.public[*].availability_zone : [for id in var.subnet_ids : data.aws_subnet.given[id].availability_zone]
}

resource "aws_vpc" "this" {
  count = local.own_network ? 1 : 0

  cidr_block           = var.vpc_cidr
  instance_tenancy     = "default"
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = { Name = var.name }

  lifecycle {
    ignore_changes = [cidr_block] # it would replace everything
  }
}

# Instances of another network, or of another parameter, are other instances.
resource "terraform_data" "origin" {
  input = { network = local.vpc_id, settings = aws_ssm_parameter.settings.name }
}

resource "aws_internet_gateway" "this" {
  count = local.own_network ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = { Name = var.name }
}

resource "aws_subnet" "public" {
  count = local.own_network ? 2 : 0

  vpc_id                  = aws_vpc.this[0].id
  cidr_block              = cidrsubnet(aws_vpc.this[0].cidr_block, 4, count.index)
  availability_zone       = data.aws_availability_zones.available.names[count.index]
  ipv6_native             = false
  map_public_ip_on_launch = true # there is no NAT: instances reach AWS and the repository directly

  tags = { Name = "${var.name}-public-${count.index + 1}" }

  lifecycle {
    ignore_changes = [availability_zone] # a zone that opens later must not move them
  }
}

resource "aws_route_table" "public" {
  count = local.own_network ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this[0].id
  }

  tags = { Name = "${var.name}-public" }
}

resource "aws_route_table_association" "public" {
  count = local.own_network ? 2 : 0

  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public[0].id
}
