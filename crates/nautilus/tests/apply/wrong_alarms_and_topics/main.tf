provider "aws" {
  region = "us-east-1"
}

resource "aws_sns_topic" "prefix" {
  name_prefix = "alarms-"
}

resource "aws_sns_topic" "nothing" {
}

resource "aws_sns_topic" "both" {
  name        = "both"
  name_prefix = "both-"
}

resource "aws_sns_topic" "a_name" {
  name = "a name"
}

resource "aws_sns_topic" "fifo" {
  name       = "orders"
  fifo_topic = true
}

resource "aws_sns_topic" "deduplicated" {
  name                        = "orders"
  content_based_deduplication = true
}

resource "aws_sns_topic" "no_json" {
  name   = "no-json"
  policy = "Allow"
}

resource "aws_sns_topic" "traced" {
  name           = "traced"
  tracing_config = "Passive"
}

resource "aws_sns_topic" "rated" {
  name                             = "rated"
  sqs_success_feedback_sample_rate = 101
}

resource "aws_sns_topic" "twin" {
  name = "twin"
}

resource "aws_sns_topic" "second" {
  name = "twin"
}

resource "aws_sns_topic_subscription" "no_topic" {
  topic_arn = "arn:aws:sns:eu-west-1:000000000000:alarms"
  protocol  = "http"
  endpoint  = "http://example.com/"
}

resource "aws_sns_topic_subscription" "no_protocol" {
  topic_arn = aws_sns_topic.twin.arn
  protocol  = "smtp"
  endpoint  = "http://example.com/"
}

resource "aws_sns_topic_subscription" "no_endpoint" {
  topic_arn = aws_sns_topic.twin.arn
  protocol  = "http"
}

resource "aws_sns_topic_subscription" "no_filter" {
  topic_arn           = aws_sns_topic.twin.arn
  protocol            = "http"
  endpoint            = "http://example.com/filter"
  filter_policy_scope = "MessageBody"
}

resource "aws_sns_topic_subscription" "replayed" {
  topic_arn     = aws_sns_topic.twin.arn
  protocol      = "http"
  endpoint      = "http://example.com/replay"
  replay_policy = jsonencode({})
}

resource "aws_sns_topic_subscription" "redriven" {
  topic_arn      = aws_sns_topic.twin.arn
  protocol       = "http"
  endpoint       = "http://example.com/redrive"
  redrive_policy = "{"
}

resource "aws_cloudwatch_metric_alarm" "nothing" {
  alarm_name          = "nothing"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
}

resource "aws_cloudwatch_metric_alarm" "no_name" {
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
}

resource "aws_cloudwatch_metric_alarm" "no_periods" {
  alarm_name          = "no-periods"
  comparison_operator = "GreaterThanThreshold"
}

resource "aws_cloudwatch_metric_alarm" "no_statistic" {
  alarm_name          = "no-statistic"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "m"
  namespace           = "N"
  period              = 60
}

resource "aws_cloudwatch_metric_alarm" "two_statistics" {
  alarm_name          = "two-statistics"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "m"
  namespace           = "N"
  period              = 60
  statistic           = "Sum"
  extended_statistic  = "p90"
}

resource "aws_cloudwatch_metric_alarm" "words" {
  alarm_name          = "words"
  comparison_operator = "MoreThan"
  evaluation_periods  = 1
}

resource "aws_cloudwatch_metric_alarm" "statistic" {
  alarm_name          = "statistic"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "m"
  statistic           = "Median"
}

resource "aws_cloudwatch_metric_alarm" "unit" {
  alarm_name          = "unit"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "m"
  namespace           = "N"
  period              = 60
  statistic           = "Sum"
  unit                = "Furlongs"
}

resource "aws_cloudwatch_metric_alarm" "missing" {
  alarm_name          = "missing"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  treat_missing_data  = "good"
}

resource "aws_cloudwatch_metric_alarm" "period" {
  alarm_name          = "period"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "m"
  namespace           = "N"
  statistic           = "Sum"
  period              = 90
}

resource "aws_cloudwatch_metric_alarm" "band" {
  alarm_name          = "band"
  comparison_operator = "LessThanLowerThreshold"
  evaluation_periods  = 1
}

resource "aws_cloudwatch_metric_alarm" "band_metric" {
  alarm_name          = "band-metric"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  threshold_metric_id = "band"
}

resource "aws_cloudwatch_metric_alarm" "dimension" {
  alarm_name          = "dimension"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "m"
  namespace           = "N"
  statistic           = "Sum"
  period              = 60
  dimensions          = { StreamName = null }
}

resource "aws_cloudwatch_metric_alarm" "beside_queries" {
  alarm_name          = "beside-queries"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "m"

  metric_query {
    id          = "a"
    expression  = "TIME_SERIES(1)"
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "empty_query" {
  alarm_name          = "empty-query"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1

  metric_query {
    id = "a"
  }
}

resource "aws_cloudwatch_metric_alarm" "double_query" {
  alarm_name          = "double-query"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1

  metric_query {
    id         = "a"
    expression = "b"

    metric {
      metric_name = "m"
      period      = 60
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "query_period" {
  alarm_name          = "query-period"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1

  metric_query {
    id = "a"

    metric {
      metric_name = "m"
      period      = 7
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "no_rule" {
  alarm_name = "no-rule"
}

# Known only when it is confirmed.
resource "aws_cloudwatch_composite_alarm" "unknown" {
  alarm_name    = "unknown"
  alarm_rule    = "TRUE"
  alarm_actions = [aws_sns_topic_subscription.late.arn]
}

resource "aws_sns_topic_subscription" "late" {
  topic_arn = aws_sns_topic.twin.arn
  protocol  = "http"
  endpoint  = "http://example.com/late"
}
