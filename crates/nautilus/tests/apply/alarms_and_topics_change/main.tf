provider "aws" {
  region = "us-east-1"
  default_tags {
    tags = { Team = "orders" }
  }
}

resource "aws_sns_topic" "alarms" {
  name                              = "alarms"
  display_name                      = "New"
  delivery_policy                   = jsonencode({ http = {} })
  http_failure_feedback_role_arn    = "arn:aws:iam::000000000000:role/feedback"
  http_success_feedback_sample_rate = 0
  tags                              = { New = "1" }
}

resource "aws_sns_topic" "same" {
  name = "same"
}

resource "aws_sns_topic_subscription" "first" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "http"
  endpoint  = "http://first.example.com/"
}

resource "aws_sns_topic_subscription" "body" {
  topic_arn           = aws_sns_topic.alarms.arn
  protocol            = "http"
  endpoint            = "http://body.example.com/"
  filter_policy       = jsonencode({ a = { b = ["c"] } })
  filter_policy_scope = "MessageBody"
}

resource "aws_sns_topic_subscription" "attributes" {
  topic_arn            = aws_sns_topic.alarms.arn
  protocol             = "http"
  endpoint             = "http://attributes.example.com/"
  filter_policy        = jsonencode({ a = ["b"] })
  filter_policy_scope  = "MessageAttributes"
  raw_message_delivery = true
}

resource "aws_sns_topic_subscription" "unfiltered" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "http"
  endpoint  = "http://unfiltered.example.com/"
}

# Another endpoint is another subscription.
resource "aws_sns_topic_subscription" "third" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "http"
  endpoint  = "http://third.example.com/"
}

resource "aws_cloudwatch_metric_alarm" "age" {
  alarm_name          = "age"
  actions_enabled     = false
  comparison_operator = "LessThanThreshold"
  evaluation_periods  = 2
  threshold           = 0.5
  namespace           = "AWS/Kinesis"
  metric_name         = "GetRecords.Success"
  extended_statistic  = "p90"
  period              = 120
  unit                = "Count"
  treat_missing_data  = "breaching"
  ok_actions          = [aws_sns_topic.alarms.arn]
  dimensions          = { StreamName = "clicks" }
}

resource "aws_cloudwatch_metric_alarm" "same" {
  alarm_name          = "same"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  threshold           = 0.5
  namespace           = "N"
  metric_name         = "m"
  statistic           = "Sum"
  period              = 60
  dimensions          = { A = "1", B = "2" }
  alarm_actions       = [aws_sns_topic.same.arn, aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "math" {
  alarm_name          = "math"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  threshold           = 1

  metric_query {
    id          = "b"
    expression  = "a * 3"
    return_data = true
  }

  metric_query {
    id = "a"
    metric {
      namespace   = "N"
      metric_name = "m"
      period      = 60
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "trouble" {
  alarm_name = "trouble"
  alarm_rule = "ALARM(age) OR ALARM(same)"
}
