# Access logs of the load balancer, in a bucket of their own or in a given one.

locals {
  own_access_logs     = var.access_logs && var.access_logs_bucket == ""
  access_logs_buckets = !var.access_logs ? [] : local.own_access_logs ? aws_s3_bucket.access_logs[*].id : [var.access_logs_bucket]
}

# The account of AWS in the region that writes them.
data "aws_elb_service_account" "this" {
  count = local.own_access_logs ? 1 : 0
}

resource "aws_s3_bucket" "access_logs" {
  count = local.own_access_logs ? 1 : 0

  bucket_prefix = "${var.name}-access-logs-"
  force_destroy = true # terraform destroy removes them
}

resource "aws_s3_bucket_public_access_block" "access_logs" {
  count = local.own_access_logs ? 1 : 0

  bucket                  = aws_s3_bucket.access_logs[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "access_logs" {
  count = local.own_access_logs ? 1 : 0

  bucket = aws_s3_bucket.access_logs[0].id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.access_logs_days
    }
  }
}

resource "aws_s3_bucket_policy" "access_logs" {
  count = local.own_access_logs ? 1 : 0

  bucket = aws_s3_bucket.access_logs[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccessLogs"
      Effect    = "Allow"
      Action    = "s3:PutObject"
      Principal = { AWS = data.aws_elb_service_account.this[0].arn }
      Resource  = "${aws_s3_bucket.access_logs[0].arn}/${var.elb_name}/AWSLogs/${data.aws_caller_identity.current.account_id}/*"
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.access_logs]
}
