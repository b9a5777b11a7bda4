# The Auto Scaling group of asg = true.

variable "asg" {
  description = "Whether an Auto Scaling group launches the instances, and replaces those that fail. Requires a database and repository_url."
  type        = bool
  default     = false

  validation {
    condition     = var.asg != null
    error_message = "Give true or false."
  }
}

variable "asg_min" {
  description = "Least number of instances of the group, when others than Terraform scale it. 0: instance_count."
  type        = number
  default     = 0

  validation {
    condition     = var.asg_min >= 0 && var.asg_min <= 10 && floor(var.asg_min) == var.asg_min
    error_message = "Give a number from 1 to 10, or 0."
  }
}

variable "asg_max" {
  description = "Greatest number of instances of the group. 0: one more than instance_count, so that a new instance serves before it replaces another."
  type        = number
  default     = 0

  validation {
    condition     = var.asg_max >= 0 && var.asg_max <= 11 && floor(var.asg_max) == var.asg_max
    error_message = "Give a number from 1 to 11, or 0."
  }
}

variable "asg_launch_timeout" {
  description = "Seconds within which a new instance must serve and be attached. It is terminated otherwise, and another one launched. Set for the creation of the group."
  type        = number
  default     = 3600

  validation {
    condition     = var.asg_launch_timeout >= 300 && var.asg_launch_timeout <= 7200
    error_message = "Give seconds, from 300 to 7200."
  }
}
