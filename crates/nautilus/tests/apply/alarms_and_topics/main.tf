provider "aws" {
  region = "us-east-1"
  default_tags {
    tags = { Team = "orders" }
  }
}

# What refers stands before what it refers to.

resource "aws_sns_topic_subscription" "pager" {
  topic_arn              = aws_sns_topic.alarms.arn
  protocol               = "https"
  endpoint               = "https://alerts.example.com/kinesis"
  endpoint_auto_confirms = true
  raw_message_delivery   = true
  filter_policy_scope    = "MessageBody"
  filter_policy          = jsonencode({ NewStateValue = ["ALARM"] })
}

# Nobody is there who confirms.
resource "aws_sns_topic_subscription" "silent" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "http"
  endpoint  = "http://silent.example.com/"
}

resource "aws_sns_topic_subscription" "person" {
  topic_arn = "arn:aws:sns:us-east-1:000000000000:orders-alarms"
  protocol  = "email"
  endpoint  = "ops@example.com"
}

resource "aws_cloudwatch_composite_alarm" "trouble" {
  alarm_name        = "orders-trouble"
  alarm_description = "Something is wrong with orders"
  alarm_rule        = "ALARM(\"${aws_cloudwatch_metric_alarm.age.alarm_name}\") OR ALARM(${aws_cloudwatch_metric_alarm.share.arn})"
  alarm_actions     = [aws_sns_topic.alarms.arn]

  actions_suppressor {
    alarm            = aws_cloudwatch_metric_alarm.latency.alarm_name
    extension_period = 60
    wait_period      = 120
  }
}

resource "aws_cloudwatch_metric_alarm" "age" {
  alarm_name          = "orders-age"
  comparison_operator = "GreaterThanThreshold"
  namespace           = "AWS/Kinesis"
  metric_name         = "GetRecords.IteratorAgeMilliseconds"
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = 60 * 1000
  alarm_actions       = [aws_sns_topic.pages.arn, aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  dimensions          = { StreamName = aws_kinesis_stream.orders.name }
  tags                = { Severity = "high" }
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  alarm_name                            = "orders-latency"
  alarm_description                     = "Slow"
  actions_enabled                       = false
  comparison_operator                   = "GreaterThanOrEqualToThreshold"
  namespace                             = "AWS/Kinesis"
  metric_name                           = "PutRecord.Latency"
  extended_statistic                    = "p99.9"
  period                                = 300
  evaluation_periods                    = 1
  threshold                             = 12.5
  unit                                  = "Milliseconds"
  treat_missing_data                    = "notBreaching"
  evaluate_low_sample_count_percentiles = "ignore"
  insufficient_data_actions             = ["arn:aws:automate:us-east-1:ec2:stop"]
}

resource "aws_cloudwatch_metric_alarm" "share" {
  alarm_name          = "orders-share"
  comparison_operator = "LessThanThreshold"
  evaluation_periods  = 1
  threshold           = 99

  metric_query {
    id          = "share"
    expression  = "100 * (1 - refused / taken)"
    label       = "percent"
    return_data = true
  }

  metric_query {
    id = "refused"

    metric {
      namespace   = "AWS/Kinesis"
      metric_name = "WriteProvisionedThroughputExceeded"
      period      = 60
      stat        = "Sum"
      unit        = "Count"
      dimensions  = { StreamName = aws_kinesis_stream.orders.name }
    }
  }

  metric_query {
    id         = "taken"
    account_id = "000000000000"

    metric {
      namespace   = "AWS/Kinesis"
      metric_name = "IncomingRecords"
      period      = 60
      stat        = "Sum"
      dimensions  = { StreamName = aws_kinesis_stream.orders.name }
    }
  }
}

resource "aws_sns_topic" "alarms" {
  name                          = "${aws_kinesis_stream.orders.name}-alarms"
  display_name                  = "Orders"
  signature_version             = 2
  tracing_config                = "PassThrough"
  http_success_feedback_sample_rate = 5
  tags                          = { Use = "alarms" }

  policy = jsonencode({
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "SNS:Publish"
      Resource  = "arn:aws:sns:us-east-1:000000000000:orders-alarms"
    }]
  })
}

resource "aws_sns_topic" "pages" {
  name       = "pages"
  fifo_topic = false
}

resource "aws_kinesis_stream" "orders" {
  name        = "orders"
  shard_count = 1
}

output "topic" {
  value = "${aws_sns_topic.alarms.arn} ${aws_sns_topic.alarms.display_name} ${aws_sns_topic.alarms.owner}"
}

output "policy_of_pages" {
  value = aws_sns_topic.pages.policy
}

output "alarm" {
  value = [
    aws_cloudwatch_metric_alarm.age.id,
    aws_cloudwatch_metric_alarm.age.threshold,
    aws_cloudwatch_metric_alarm.age.dimensions,
    aws_cloudwatch_metric_alarm.age.ok_actions,
    aws_cloudwatch_metric_alarm.age.tags_all,
    aws_cloudwatch_metric_alarm.age.unit,
    aws_cloudwatch_composite_alarm.trouble.arn,
  ]
}

output "subscription" {
  value = aws_sns_topic_subscription.pager.arn
}

output "silent" {
  value = aws_sns_topic_subscription.silent.arn
}
