terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The version of the tests, the last one of 5. Nobody has tried 6: it reads user_data of
      # instances as text, and gives each resource a region of its own.
      version = ">= 5.100, < 6"
    }
  }
}

locals {
  tags = merge({ Project = var.name }, var.tags)
}

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}
