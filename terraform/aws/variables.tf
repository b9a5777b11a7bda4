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
  description = "Name of the resources, and value of the tag Project."
  type        = string
  default     = "lsapi"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,23}$", var.name))
    error_message = "Give 1 to 24 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "tags" {
  description = "Tags of everything, beside Project."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(var.tags) <= 40 && alltrue([for name, value in var.tags : length(name) <= 128 && length(value) <= 256 && !startswith(lower(name), "aws:")])
    error_message = "Give at most 40 tags, with names of 128 characters that do not begin with aws:, and values of 256."
  }
}

variable "elb_name" {
  description = "Name of the load balancer. An existing one fails the apply. Another one later replaces the load balancer; the instances attach themselves to it at their next boot."
  type        = string
  default     = "default-elb"

  validation {
    condition     = can(regex("^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$", var.elb_name))
    error_message = "Give 1 to 32 letters, digits and hyphens, no hyphen at either end."
  }
}

# The network

variable "vpc_id" {
  description = "An existing VPC. Empty creates one."
  type        = string
  default     = ""

  validation {
    condition     = var.vpc_id == "" || can(regex("^vpc-[0-9a-f]{8,17}$", var.vpc_id))
    error_message = "Give the id of a VPC, such as vpc-0123456789abcdef0, or nothing."
  }
}

variable "subnet_ids" {
  description = "Two or more public subnets of vpc_id, in different zones. Required with vpc_id."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.subnet_ids) != 1 && alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]{8,17}$", id))])
    error_message = "Give two or more ids of subnets, such as subnet-0123456789abcdef0, or none."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the created VPC. Later changes have no effect."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 8, 1)) && can(regex("/(1[6-9]|20)$", var.vpc_cidr))
    error_message = "Give a network of /16 to /20, such as 10.20.0.0/16."
  }
}

variable "allowed_cidrs" {
  description = "Networks that may connect to the load balancer."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Give networks, such as [\"203.0.113.0/24\"]."
  }
}

variable "ssh_cidrs" {
  description = "Networks that may connect to port 22 of the instances. None by default: use SSM Session Manager."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.ssh_cidrs : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")])
    error_message = "Give networks, such as [\"203.0.113.0/24\"]; SSH must not be open to the world."
  }
}

variable "metrics_cidrs" {
  description = "Networks, besides the load balancer, that may connect to port 8000 of the instances, such as that of Prometheus. None by default."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.metrics_cidrs : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")])
    error_message = "Give networks, such as [\"10.30.0.0/24\"]; the instances must not be open to the world."
  }
}

variable "certificate_arn" {
  description = "ARN of a certificate for HTTPS on port 443. Empty is HTTP only."
  type        = string
  default     = ""

  validation {
    condition     = var.certificate_arn == "" || can(regex("^arn:aws[a-z-]*:(acm|iam):", var.certificate_arn))
    error_message = "Give the ARN of a certificate of ACM or IAM, or nothing."
  }
}

variable "http_enabled" {
  description = "Whether port 80 is open. Without it, certificate_arn is required."
  type        = bool
  default     = true
}

variable "tls_policy" {
  description = "Predefined security policy of port 443."
  type        = string
  default     = "ELBSecurityPolicy-TLS-1-2-2017-01"

  validation {
    condition     = can(regex("^ELBSecurityPolicy-[A-Za-z0-9-]+$", var.tls_policy))
    error_message = "Give a predefined policy of Classic load balancers, such as ELBSecurityPolicy-TLS-1-2-2017-01."
  }
}

variable "internal" {
  description = "Whether the load balancer has private addresses only. Another value replaces it."
  type        = bool
  default     = false
}

variable "idle_timeout" {
  description = "Seconds after which the load balancer closes a silent connection. Waits of the API are silent until their end."
  type        = number
  default     = 3600

  validation {
    condition     = var.idle_timeout >= 1 && var.idle_timeout <= 4000 && floor(var.idle_timeout) == var.idle_timeout
    error_message = "Give a number of seconds from 1 to 4000, AWS's maximum."
  }
}

variable "draining_timeout" {
  description = "Seconds for which a detached instance may finish its requests. An instance that stops waits 100 s at most."
  type        = number
  default     = 60

  validation {
    condition     = var.draining_timeout >= 1 && var.draining_timeout <= 3600 && floor(var.draining_timeout) == var.draining_timeout
    error_message = "Give a number of seconds from 1 to 3600."
  }
}

variable "member_cidrs" {
  description = "Networks of members outside of this module, which the load balancer may connect to at port 8000. They must admit elb_security_group_id."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.member_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Give networks, such as [\"10.30.0.0/24\"]."
  }
}

variable "access_logs" {
  description = "Whether the load balancer writes access logs to S3, every 5 minutes."
  type        = bool
  default     = false
}

variable "access_logs_bucket" {
  description = "An existing bucket for access logs, whose policy admits them. Empty creates one, which terraform destroy removes with its logs. Required in regions opened since August 2022."
  type        = string
  default     = ""

  validation {
    condition     = var.access_logs_bucket == "" || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.access_logs_bucket))
    error_message = "Give the name of a bucket, or nothing."
  }
}

variable "access_logs_days" {
  description = "Days after which access logs in the created bucket are deleted."
  type        = number
  default     = 90

  validation {
    condition     = var.access_logs_days >= 1 && var.access_logs_days <= 3650 && floor(var.access_logs_days) == var.access_logs_days
    error_message = "Give a number of days from 1 to 3650."
  }
}

# The instances

variable "instance_count" {
  description = "Number of instances. More than one requires store_url_parameter."
  type        = number
  default     = 1

  validation {
    condition     = var.instance_count >= 1 && var.instance_count <= 10 && floor(var.instance_count) == var.instance_count
    error_message = "Give a number from 1 to 10."
  }
}

variable "instance_type" {
  description = "Type of the instances, x86_64."
  type        = string
  default     = "t3.micro"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "Give an instance type, such as t3.micro."
  }
}

variable "key_name" {
  description = "Name of an EC2 key pair, for SSH. Empty is none. Existing instances keep theirs."
  type        = string
  default     = ""
}

variable "root_volume_gib" {
  description = "Size of the root volume, for images. It can grow later."
  type        = number
  default     = 16

  validation {
    condition     = var.root_volume_gib >= 8 && var.root_volume_gib <= 1024
    error_message = "Give a size from 8 to 1024 GiB."
  }
}

variable "ami_parameter" {
  description = "Public SSM parameter of the AMI: Amazon Linux 2023 for x86_64."
  type        = string
  default     = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

  validation {
    condition     = startswith(var.ami_parameter, "/aws/service/")
    error_message = "Give a public parameter, such as /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64."
  }
}

# The service

variable "token_parameter" {
  description = "SSM SecureString with the API token: base64 of user:password. Only the instances read it, never Terraform."
  type        = string
  default     = "/lsapi/api-token"

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+)+$", var.token_parameter))
    error_message = "Give the full name of a parameter, such as /lsapi/api-token."
  }
}

variable "store_url_parameter" {
  description = "SSM SecureString with the URL of the PostgreSQL database that several instances share. Empty: a single instance stores its record in a file."
  type        = string
  default     = ""

  validation {
    condition     = var.store_url_parameter == "" || can(regex("^(/[A-Za-z0-9_.-]+)+$", var.store_url_parameter))
    error_message = "Give the full name of a parameter, such as /lsapi/store-url, or nothing."
  }
}

variable "policy" {
  description = "Content of the policy file of guards, such as file(\"policy.yaml\"). Empty: guards in tags only."
  type        = string
  default     = ""

  validation {
    condition     = var.policy == "" || can(keys(yamldecode(var.policy)))
    error_message = "Give YAML; lsapi policy check finds what else is wrong."
  }

  validation {
    condition     = length(base64encode(var.policy)) <= 10920 && !strcontains(var.policy, "{{")
    error_message = "Give at most 8 KiB, without {{, which parameters cannot contain."
  }
}

variable "settings" {
  description = "More settings of the service (docs/running.md), by the names of their environment variables, such as { LOG_FORMAT = \"json\" }."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for name, value in var.settings : can(regex("^[A-Z][A-Z0-9_]*$", name)) && can(regex("^[^\n]*$", value)) &&
      !contains(["API_TOKEN", "STORE_URL", "LISTEN", "AWS_REGION", "KINDS"], name)
    ])
    error_message = "Give settings in capital letters with values of one line, none of API_TOKEN, STORE_URL, LISTEN, AWS_REGION and KINDS, which others set."
  }

  validation {
    condition     = length(setintersection(keys(var.settings), ["NOTIFY_SECRET", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])) == 0
    error_message = "Give NOTIFY_SECRET, PGPASSWORD, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in secret_settings: these values are in plain text in the state and in SSM."
  }
}

variable "secret_settings" {
  description = "The same whose values are secret, by the names of SSM SecureStrings, such as { NOTIFY_SECRET = \"/lsapi/notify-secret\" }."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for name, parameter in var.secret_settings : can(regex("^[A-Z][A-Z0-9_]*$", name)) && can(regex("^(/[A-Za-z0-9_.-]+)+$", parameter)) &&
      !contains(["API_TOKEN", "STORE_URL", "LISTEN", "AWS_REGION", "KINDS"], name)
    ])
    error_message = "Give settings in capital letters with full names of parameters, such as /lsapi/notify-secret, none of API_TOKEN, STORE_URL, LISTEN, AWS_REGION and KINDS, which others set."
  }
}

variable "repository_url" {
  description = "Git repository from which instances build the service at their first boot. Empty: no build; docs/deploy.md has the command."
  type        = string
  default     = ""

  validation {
    condition     = var.repository_url == "" || can(regex("^https://[^\\s'\"@]+$", var.repository_url))
    error_message = "Give an https:// URL without credentials, or nothing."
  }
}

variable "repository_ref" {
  description = "Branch, tag or commit to build. Whoever can move it in the repository is root on the instances: prefer a commit."
  type        = string
  default     = "main"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*$", var.repository_ref))
    error_message = "Give the name of a branch or tag, or a commit."
  }
}

# The record of a single instance, without store_url_parameter

variable "record_volume_gib" {
  description = "Size of the volume of the record. It can grow later, and not shrink."
  type        = number
  default     = 8

  validation {
    condition     = var.record_volume_gib >= 1 && var.record_volume_gib <= 16384 && floor(var.record_volume_gib) == var.record_volume_gib
    error_message = "Give a size from 1 to 16384 GiB."
  }
}

variable "record_snapshots" {
  description = "How many daily snapshots of the record are kept. 0: none are taken."
  type        = number
  default     = 14

  validation {
    condition     = var.record_snapshots >= 0 && var.record_snapshots <= 1000 && floor(var.record_snapshots) == var.record_snapshots
    error_message = "Give a number from 0 to 1000."
  }
}

variable "record_snapshot_id" {
  description = "Snapshot from which the volume of the record is created. Another one replaces the volume. Empty: a new record, or the one there is."
  type        = string
  default     = ""

  validation {
    condition     = var.record_snapshot_id == "" || can(regex("^snap-[0-9a-f]{8,17}$", var.record_snapshot_id))
    error_message = "Give the id of a snapshot, such as snap-0123456789abcdef0, or nothing."
  }
}

variable "record_protected" {
  description = "Whether plans that delete or replace the volume of the record fail, also those of terraform destroy. docs/deploy.md describes how to end it."
  type        = bool
  default     = false
}

# Permissions. In names, * matches any characters and ? any single one, as in IAM.

variable "classic_names" {
  description = "Names of the Classic load balancers, besides elb_name, whose members the service may change."
  type        = list(string)
  default     = ["*"]

  validation {
    condition     = alltrue([for name in var.classic_names : can(regex("^[A-Za-z0-9*?-]{1,32}$", name))])
    error_message = "Give names of load balancers, such as web-*, or none."
  }
}

variable "target_group_names" {
  description = "Names of the target groups whose members the service may change. Empty: the service may not even read target groups."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.target_group_names : can(regex("^[A-Za-z0-9*?-]{1,32}$", name))])
    error_message = "Give names of target groups, such as shop-*, or none."
  }
}

# Alarms

variable "alarm_email" {
  description = "E-mail address for alarms, which must confirm the subscription. Empty is none: subscribe to the topic alarm_topic_arn."
  type        = string
  default     = ""

  validation {
    condition     = var.alarm_email == "" || can(regex("^[^@\\s]+@[^@\\s]+$", var.alarm_email))
    error_message = "Give an e-mail address, or nothing."
  }
}
