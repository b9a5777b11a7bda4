resource "aws_sns_topic" "alarms" {
  name_prefix = "${var.name}-alarms-"
}

resource "aws_sns_topic_subscription" "email" {
  count = var.alarm_email == "" ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

locals {
  # Without requests there are no request metrics, which is fine. Missing counts of hosts
  # are a problem.
  alarms = {
    unhealthy-hosts = {
      metric = "UnHealthyHostCount", statistic = "Maximum", operator = "GreaterThanThreshold", threshold = 0, periods = 3, missing = "breaching"
      why    = "A member fails its health checks."
    }
    too-few-healthy-hosts = {
      metric = "HealthyHostCount", statistic = "Minimum", operator = "LessThanThreshold", threshold = var.instance_count, periods = 3, missing = "breaching"
      why    = "Fewer members serve than there are instances."
    }
    latency = {
      metric = "Latency", statistic = "Average", operator = "GreaterThanThreshold", threshold = 1, periods = 5, missing = "notBreaching"
      why    = "Answers take more than a second on average."
    }
    backend-5xx = {
      metric = "HTTPCode_Backend_5XX", statistic = "Sum", operator = "GreaterThanThreshold", threshold = 10, periods = 3, missing = "notBreaching"
      why    = "The service answers with errors."
    }
    elb-5xx = {
      metric = "HTTPCode_ELB_5XX", statistic = "Sum", operator = "GreaterThanThreshold", threshold = 5, periods = 3, missing = "notBreaching"
      why    = "The load balancer finds no member that answers."
    }
    surge-queue = {
      metric = "SurgeQueueLength", statistic = "Maximum", operator = "GreaterThanThreshold", threshold = 100, periods = 3, missing = "notBreaching"
      why    = "Requests wait for a member: there are too few, or they are too slow."
    }
    spillover = {
      metric = "SpilloverCount", statistic = "Sum", operator = "GreaterThanThreshold", threshold = 0, periods = 1, missing = "notBreaching"
      why    = "The surge queue was full, and requests were turned away."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "elb" {
  for_each = local.alarms

  alarm_name          = "${var.elb_name}-${each.key}"
  alarm_description   = "${each.value.why} See docs/runbook.md, ${each.key}."
  namespace           = "AWS/ELB"
  metric_name         = each.value.metric
  dimensions          = { LoadBalancerName = aws_elb.this.name }
  statistic           = each.value.statistic
  period              = 60
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
