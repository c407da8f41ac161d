# Everything that can be changed of topics, subscriptions and alarms, changed by `step`. At step 2 most of what was said
# is said no more.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

provider "aws" {
  region = "us-east-1"

  default_tags {
    tags = { Suite = "terraform" }
  }
}

variable "step" {
  type    = number
  default = 0
}

variable "endpoint" {
  description = "Where an HTTP endpoint confirms its subscriptions"
  type        = string
}

locals {
  tags = [
    { Team = "orders", Stage = "test" },
    { Team = "billing", Cost = "none" },
    {},
  ][var.step]
}

resource "aws_kinesis_stream" "orders" {
  name        = "alarms-orders"
  shard_count = 1
}

resource "aws_sns_topic" "plain" {
  name = "alarms-plain"
}

resource "aws_sns_topic" "whole" {
  name         = "alarms-whole"
  display_name = ["Alarms", "Orders' alarms", null][var.step]
  tags         = local.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "alarms <publish> here"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = ["SNS:Publish", "SNS:GetTopicAttributes", "SNS:Publish"][var.step]
      Resource  = "arn:aws:sns:us-east-1:000000000000:alarms-whole"
    }]
  })

  delivery_policy = [jsonencode({
    http = {
      defaultHealthyRetryPolicy = {
        minDelayTarget     = 1
        maxDelayTarget     = 2
        numRetries         = 3
        numMaxDelayRetries = 0
        numNoDelayRetries  = 0
        numMinDelayRetries = 0
        backoffFunction    = "linear"
      }
      disableSubscriptionOverrides = false
    }
    }), jsonencode({
    http = {
      defaultHealthyRetryPolicy = {
        minDelayTarget     = 5
        maxDelayTarget     = 20
        numRetries         = 10
        numMaxDelayRetries = 1
        numNoDelayRetries  = 2
        numMinDelayRetries = 3
        backoffFunction    = "exponential"
      }
      disableSubscriptionOverrides = true
    }
  }), null][var.step]

  kms_master_key_id                 = ["alias/aws/sns", "alias/orders", null][var.step]
  signature_version                 = [1, 2, 1][var.step]
  tracing_config                    = ["PassThrough", "Active", "PassThrough"][var.step]
  http_success_feedback_sample_rate = [50, 100, null][var.step]
  http_success_feedback_role_arn    = ["arn:aws:iam::000000000000:role/one", "arn:aws:iam::000000000000:role/two", null][var.step]
  http_failure_feedback_role_arn    = ["arn:aws:iam::000000000000:role/one", "arn:aws:iam::000000000000:role/two", null][var.step]
}

resource "aws_sns_topic_subscription" "confirmed" {
  topic_arn              = aws_sns_topic.whole.arn
  protocol               = "http"
  endpoint               = "${var.endpoint}/confirmed"
  endpoint_auto_confirms = true
  raw_message_delivery   = [true, false, null][var.step]
  filter_policy_scope    = ["MessageBody", "MessageAttributes", null][var.step]
  filter_policy = [
    jsonencode({ detail = { state = ["ALARM"] } }),
    jsonencode({ severity = ["high", "low"] }),
    null,
  ][var.step]
  redrive_policy = [
    jsonencode({ deadLetterTargetArn = "arn:aws:sqs:us-east-1:000000000000:one" }),
    jsonencode({ deadLetterTargetArn = "arn:aws:sqs:us-east-1:000000000000:two" }),
    null,
  ][var.step]
  delivery_policy = [
    jsonencode({ healthyRetryPolicy = { minDelayTarget = 1, maxDelayTarget = 2, numRetries = 3 } }),
    jsonencode({ healthyRetryPolicy = { minDelayTarget = 5, maxDelayTarget = 20, numRetries = 10 } }),
    null,
  ][var.step]
}

# With another endpoint it is another subscription.
resource "aws_sns_topic_subscription" "endpoint" {
  topic_arn              = aws_sns_topic.plain.arn
  protocol               = "http"
  endpoint               = "${var.endpoint}/${var.step > 0}"
  endpoint_auto_confirms = true
}

# Kept and shown; nothing is delivered.
resource "aws_sns_topic_subscription" "queue" {
  topic_arn            = aws_sns_topic.plain.arn
  protocol             = "sqs"
  endpoint             = "arn:aws:sqs:us-east-1:000000000000:alarms"
  raw_message_delivery = var.step == 1
}

resource "aws_cloudwatch_metric_alarm" "plain" {
  alarm_name          = "alarms-plain"
  comparison_operator = ["GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"][var.step]
  namespace           = "AWS/Kinesis"
  metric_name         = ["GetRecords.IteratorAgeMilliseconds", "IncomingRecords", "IncomingRecords"][var.step]
  statistic           = ["Maximum", "Sum", "SampleCount"][var.step]
  period              = [60, 300, 10][var.step]
  evaluation_periods  = [1, 5, 3][var.step]
  threshold           = [60000, 0.5, -1.25e-3][var.step]

  dimensions = {
    StreamName = aws_kinesis_stream.orders.name
  }
}

resource "aws_cloudwatch_metric_alarm" "whole" {
  alarm_name                            = "alarms-whole"
  alarm_description                     = ["What is <wrong> & why", "Why", null][var.step]
  actions_enabled                       = [false, true, null][var.step]
  comparison_operator                   = "GreaterThanOrEqualToThreshold"
  namespace                             = ["AWS/Kinesis", "Orders", "Orders"][var.step]
  metric_name                           = "PutRecord.Latency"
  extended_statistic                    = ["p99.9", "TM(10%:90%)", "IQM"][var.step]
  period                                = 60
  evaluation_periods                    = 5
  datapoints_to_alarm                   = [3, 2, null][var.step]
  threshold                             = 12.5
  unit                                  = ["Milliseconds", "Count/Second", null][var.step]
  treat_missing_data                    = ["notBreaching", "breaching", null][var.step]
  evaluate_low_sample_count_percentiles = ["ignore", "evaluate", "evaluate"][var.step]
  alarm_actions                         = [[aws_sns_topic.whole.arn, aws_sns_topic.plain.arn], [aws_sns_topic.plain.arn], []][var.step]
  ok_actions                            = [[aws_sns_topic.whole.arn], [aws_sns_topic.plain.arn], null][var.step]
  insufficient_data_actions             = [[aws_sns_topic.plain.arn], ["arn:aws:automate:us-east-1:ec2:stop"], []][var.step]
  dimensions                            = [{ StreamName = aws_kinesis_stream.orders.name }, { Shop = "north", Till = "3" }, {}][var.step]
  tags                                  = local.tags
}

resource "aws_cloudwatch_metric_alarm" "statistic" {
  alarm_name          = "alarms-statistic"
  comparison_operator = "GreaterThanThreshold"
  namespace           = "Orders"
  metric_name         = "Baskets"
  statistic           = [null, "Average", null][var.step]
  extended_statistic  = ["p50", null, "tc95"][var.step]
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
}

resource "aws_cloudwatch_metric_alarm" "math" {
  alarm_name          = "alarms-math"
  comparison_operator = "LessThanThreshold"
  evaluation_periods  = 2
  threshold           = 99

  metric_query {
    id          = "share"
    expression  = ["100 * taken / (taken + refused)", "100 - refused", "IF(taken > 0, 100, refused)"][var.step]
    label       = ["Share", "Other share", null][var.step]
    return_data = true
  }

  metric_query {
    id = "taken"

    metric {
      namespace   = "AWS/Kinesis"
      metric_name = "IncomingRecords"
      period      = [60, 120, 60][var.step]
      stat        = ["Sum", "Sum", "p90"][var.step]
      unit        = ["Count", null, null][var.step]
      dimensions  = { StreamName = aws_kinesis_stream.orders.name }
    }
  }

  metric_query {
    id         = "refused"
    account_id = ["000000000000", null, null][var.step]

    metric {
      namespace   = "AWS/Kinesis"
      metric_name = "WriteProvisionedThroughputExceeded"
      period      = [60, 120, 60][var.step]
      stat        = "Sum"
      dimensions  = { StreamName = aws_kinesis_stream.orders.name }
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "plain" {
  alarm_name = "alarms-composite"
  alarm_rule = "ALARM(${aws_cloudwatch_metric_alarm.plain.alarm_name})"
}

resource "aws_cloudwatch_composite_alarm" "whole" {
  alarm_name        = "alarms-composite-whole"
  alarm_description = ["Both", "Either", null][var.step]
  alarm_rule = [
    "ALARM(\"${aws_cloudwatch_metric_alarm.plain.alarm_name}\") AND ALARM(${aws_cloudwatch_metric_alarm.whole.arn})",
    "ALARM(${aws_cloudwatch_metric_alarm.plain.alarm_name}) OR NOT OK(${aws_cloudwatch_composite_alarm.plain.alarm_name})",
    "FALSE OR ALARM(${aws_cloudwatch_metric_alarm.math.arn})",
  ][var.step]
  alarm_actions             = [[aws_sns_topic.whole.arn, aws_sns_topic.plain.arn], [aws_sns_topic.plain.arn], []][var.step]
  ok_actions                = [[aws_sns_topic.whole.arn], [aws_sns_topic.plain.arn], []][var.step]
  insufficient_data_actions = [[aws_sns_topic.plain.arn], [aws_sns_topic.whole.arn], []][var.step]
  tags                      = local.tags

  actions_suppressor {
    alarm            = [aws_cloudwatch_metric_alarm.math.alarm_name, aws_cloudwatch_metric_alarm.statistic.alarm_name, aws_cloudwatch_metric_alarm.statistic.alarm_name][var.step]
    extension_period = [10, 60, 60][var.step]
    wait_period      = [20, 30, 30][var.step]
  }
}

# Without the enabling flag of a composite alarm the provider makes a new one.
resource "aws_cloudwatch_composite_alarm" "enabled" {
  alarm_name      = "alarms-composite-enabled"
  alarm_rule      = "TRUE"
  actions_enabled = var.step == 1
}
