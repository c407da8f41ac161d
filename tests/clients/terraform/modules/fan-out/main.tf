# A stream that is read by fan-out: consumers, and the policies by which other accounts write and read. What refers
# stands before what it refers to.

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
    tags = { Team = "platform" }
  }
}

variable "account" {
  description = "The account that writes and reads"
  type        = string
  default     = "123456789012"
}

locals {
  partner = { AWS = "arn:aws:iam::${var.account}:root" }
}

resource "aws_kinesis_resource_policy" "billing" {
  resource_arn = aws_kinesis_stream_consumer.billing.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "billing reads <all & everything>"
      Effect    = "Allow"
      Principal = local.partner
      Action    = ["kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"]
      Resource  = aws_kinesis_stream_consumer.billing.arn
    }]
  })
}

resource "aws_kinesis_resource_policy" "clicks" {
  resource_arn = aws_kinesis_stream.clicks.arn

  policy = <<-POLICY
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Effect": "Allow",
          "Principal": { "AWS": "${var.account}" },
          "Action": ["kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:PutRecord"],
          "Resource": "${aws_kinesis_stream.clicks.arn}"
        }
      ]
    }
  POLICY
}

resource "aws_kinesis_stream_consumer" "audit" {
  name       = "audit"
  stream_arn = aws_kinesis_stream.archive.arn
}

resource "aws_kinesis_stream_consumer" "billing" {
  name       = "billing"
  stream_arn = aws_kinesis_stream.clicks.arn
}

resource "aws_kinesis_stream" "archive" {
  name             = "clicks-archive"
  retention_period = 7 * 24

  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }

  tags = {
    Of = "clicks"
  }
}

resource "aws_kinesis_stream" "clicks" {
  name        = "clicks"
  shard_count = 2
}

output "consumer_arn" {
  value = aws_kinesis_stream_consumer.billing.arn
}
