provider "aws" {
  region = "us-east-1"
}

resource "aws_sns_topic" "topic" {
  name                   = "topic"
  arn                    = "arn"
  owner                  = "me"
  beginning_archive_time = "now"
  tags_all               = {}
  region                 = "eu-west-1"
  colour                 = "red"
  for_each               = {}
}

resource "aws_sns_topic_subscription" "subscription" {
  topic_arn            = aws_sns_topic.missing.arn
  pending_confirmation = false
  owner_id             = "me"
  tags                 = {}
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  alarm_name          = "alarm"
  arn                 = "arn"
  id                  = "id"
  evaluation_interval = 10

  metric_query {
    expression = aws_kinesis_stream.missing.name
    colour     = "red"

    metric {
      metric_name = var.missing
      period      = 60
      colour      = "red"
    }

    metric {
      metric_name = "m"
      period      = 60
      stat        = "Sum"
    }
  }

  metric_query "labelled" {
    id = "b"
  }

  dynamic "metric_query" {
    for_each = []
  }
}

resource "aws_cloudwatch_composite_alarm" "alarm" {
  alarm_name = "alarm"
  alarm_rule = "TRUE"

  actions_suppressor {
    alarm = "other"
  }
}

resource "aws_sns_topic_policy" "policy" {
  arn    = "arn"
  policy = "{}"
}
