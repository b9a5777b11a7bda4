# Where the record of changes is, and the PostgreSQL of database = "rds".

variable "database" {
  description = "Where the record of changes is: file (on the instance), url (the PostgreSQL of store_url_parameter), or rds (a PostgreSQL that is created). Empty: url with store_url_parameter, file without."
  type        = string
  default     = ""

  validation {
    condition     = contains(["", "file", "url", "rds"], var.database)
    error_message = "Give file, url or rds, or nothing."
  }
}

variable "private_subnet_ids" {
  description = "Two or more subnets of vpc_id, in different zones, for the database. Required with vpc_id and database = \"rds\"; a created VPC has its own."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.private_subnet_ids) != 1 && alltrue([for id in var.private_subnet_ids : can(regex("^subnet-[0-9a-f]{8,17}$", id))])
    error_message = "Give two or more ids of subnets, such as subnet-0123456789abcdef0, or none."
  }
}

variable "database_class" {
  description = "Class of the database's instance."
  type        = string
  default     = "db.t4g.micro"

  validation {
    condition     = can(regex("^db\\.[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.database_class))
    error_message = "Give a class, such as db.t4g.small."
  }
}

variable "database_version" {
  description = "Major version of PostgreSQL. Minor versions are applied in the maintenance window."
  type        = string
  default     = "17"

  validation {
    condition     = contains(["16", "17"], var.database_version)
    error_message = "Give 16 or 17, with which lsapi is tested."
  }
}

variable "database_multi_az" {
  description = "Whether the database has a standby in another zone, for twice the price."
  type        = bool
  default     = false

  validation {
    condition     = var.database_multi_az != null
    error_message = "Give true or false."
  }
}

variable "database_storage_gib" {
  description = "Initial size of the database's storage, which grows by itself up to five times of it."
  type        = number
  default     = 20

  validation {
    condition     = var.database_storage_gib >= 20 && var.database_storage_gib <= 1024 && floor(var.database_storage_gib) == var.database_storage_gib
    error_message = "Give a size from 20 to 1024 GiB."
  }
}

variable "database_backup_days" {
  description = "Days for which the database can be restored to any point in time."
  type        = number
  default     = 7

  validation {
    condition     = var.database_backup_days >= 1 && var.database_backup_days <= 35 && floor(var.database_backup_days) == var.database_backup_days
    error_message = "Give a number of days from 1 to 35."
  }
}

variable "database_snapshot_id" {
  description = "A snapshot from which the database is created. Another one replaces the database: docs/deploy.md describes how to restore."
  type        = string
  default     = ""

  validation {
    condition     = var.database_snapshot_id == "" || can(regex("^(arn:|rds:)?[A-Za-z][A-Za-z0-9:-]*$", var.database_snapshot_id))
    error_message = "Give the name or ARN of a snapshot, such as rds:lsapi-2026-11-30-02-30, or nothing."
  }
}

variable "database_deletion_protection" {
  description = "Whether AWS refuses to delete the database. Set it to false and apply before destroy, which leaves a last snapshot."
  type        = bool
  default     = true

  validation {
    condition     = var.database_deletion_protection != null
    error_message = "Give true or false."
  }
}
