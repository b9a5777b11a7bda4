# The service with its Classic load balancer. It may change the target groups of this example,
# and no Classic load balancer but its own.
module "lsapi" {
  source = "../../aws"

  region             = var.region
  name               = "${var.name}-lsapi"
  elb_name           = "${var.name}-lsapi"
  allowed_cidrs      = var.allowed_cidrs
  repository_url     = var.repository_url
  token_parameter    = var.token_parameter
  classic_names      = []
  target_group_names = [var.name, "${var.name}-admin"]
}

locals {
  vpc_id     = module.lsapi.vpc_id
  subnet_ids = module.lsapi.subnet_ids
}
