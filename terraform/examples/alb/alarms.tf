locals {
  target_groups = {
    (aws_lb_target_group.shop.name)  = aws_lb_target_group.shop.arn_suffix
    (aws_lb_target_group.admin.name) = aws_lb_target_group.admin.arn_suffix
  }

  # Missing means: counts of hosts are reported only for groups with members, metrics of
  # requests only with requests.
  alarms = {
    unhealthy-targets = {
      metric = "UnHealthyHostCount", statistic = "Maximum", operator = "GreaterThanThreshold", threshold = 0, periods = 3, missing = "notBreaching"
      why    = "A member fails its health checks."
    }
    no-healthy-targets = {
      metric = "HealthyHostCount", statistic = "Maximum", operator = "LessThanThreshold", threshold = 1, periods = 2, missing = "breaching"
      why    = "No member is healthy: the load balancer sends requests to unhealthy members, or has none."
    }
    target-5xx = {
      metric = "HTTPCode_Target_5XX_Count", statistic = "Sum", operator = "GreaterThanThreshold", threshold = 10, periods = 3, missing = "notBreaching"
      why    = "The members answer with errors."
    }
    target-connection-errors = {
      metric = "TargetConnectionErrorCount", statistic = "Sum", operator = "GreaterThanThreshold", threshold = 10, periods = 3, missing = "notBreaching"
      why    = "Members refuse connections, or do not respond."
    }
  }

  group_alarms = merge([
    for group, suffix in local.target_groups : {
      for alarm, settings in local.alarms : "${group}-${alarm}" => merge(settings, { alarm = alarm, suffix = suffix })
    }
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "target_group" {
  for_each = local.group_alarms

  alarm_name          = each.key
  alarm_description   = "${each.value.why} See docs/runbook.md, ${each.value.alarm}."
  namespace           = "AWS/ApplicationELB"
  metric_name         = each.value.metric
  dimensions          = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = each.value.suffix }
  statistic           = each.value.statistic
  period              = 60
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = [module.lsapi.alarm_topic_arn]
  ok_actions          = [module.lsapi.alarm_topic_arn]
}
