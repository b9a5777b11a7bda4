variable "region" {
  description = "AWS region."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "Give the name of a region, such as us-east-1."
  }
}

variable "name" {
  description = "Name of the application, its load balancer and its first target group; the second one is NAME-admin."
  type        = string
  default     = "shop"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,16}[a-z0-9]$", var.name)) && !startswith(var.name, "internal-")
    error_message = "Give 2 to 18 lower-case letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "allowed_cidrs" {
  description = "Networks that may connect to both load balancers."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Give networks, such as [\"203.0.113.0/24\"]."
  }
}

variable "repository_url" {
  description = "Git repository of the service, as in terraform/aws."
  type        = string
  default     = ""

  validation {
    condition     = var.repository_url == "" || can(regex("^https://[^\\s'\"@]+$", var.repository_url))
    error_message = "Give an https:// URL without credentials, or nothing."
  }
}

variable "token_parameter" {
  description = "SSM SecureString with the API token, as in terraform/aws."
  type        = string
  default     = "/lsapi/api-token"

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+)+$", var.token_parameter))
    error_message = "Give the full name of a parameter, such as /lsapi/api-token."
  }
}

variable "ami_parameter" {
  description = "Public SSM parameter of the application's AMI: Amazon Linux 2023 for x86_64."
  type        = string
  default     = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

  validation {
    condition     = startswith(var.ami_parameter, "/aws/service/")
    error_message = "Give a public parameter, such as /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64."
  }
}
