# Everything that can be changed of Kinesis's resources, changed by `step`: each argument at a resource of its own, so
# that the provider waits for all of them at once. Step 3 asks for what is refused.

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

resource "aws_kinesis_stream" "shards" {
  name        = "life-shards"
  shard_count = [1, 2, 1, 1][var.step]
}

resource "aws_kinesis_stream" "retention" {
  name             = "life-retention"
  shard_count      = 1
  retention_period = [24, 168, 48, 48][var.step]
}

resource "aws_kinesis_stream" "metrics" {
  name        = "life-metrics"
  shard_count = 1
  shard_level_metrics = [
    [],
    ["IncomingBytes", "OutgoingBytes"],
    ["OutgoingBytes", "IteratorAgeMilliseconds"],
    ["OutgoingBytes", "IteratorAgeMilliseconds"],
  ][var.step]
}

resource "aws_kinesis_stream" "mode" {
  name        = "life-mode"
  shard_count = [4, null, 4, 4][var.step]

  stream_mode_details {
    stream_mode = ["PROVISIONED", "ON_DEMAND", "PROVISIONED", "PROVISIONED"][var.step]
  }
}

resource "aws_kinesis_stream" "on_demand" {
  name             = "life-on-demand"
  retention_period = [24, 48, 24, 24][var.step]

  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }
}

resource "aws_kinesis_stream" "tags" {
  name        = "life-tags"
  shard_count = 1
  tags = [
    { Team = "orders", Stage = "test" },
    { Team = "billing", Cost = "none" },
    {},
    {},
  ][var.step]
}

resource "aws_kinesis_stream" "enforced" {
  name                      = "life-enforced"
  shard_count               = 1
  enforce_consumer_deletion = var.step > 0
}

resource "aws_kinesis_stream" "encrypted" {
  name            = "life-encrypted"
  shard_count     = 1
  encryption_type = ["NONE", "NONE", "NONE", "KMS"][var.step]
  kms_key_id      = [null, null, null, "alias/aws/kinesis"][var.step]
}

# A consumer's arguments are its name and its stream; with another one it is another consumer.
resource "aws_kinesis_stream_consumer" "name" {
  name       = ["reader", "reader", "another-reader", "another-reader"][var.step]
  stream_arn = aws_kinesis_stream.retention.arn
}

resource "aws_kinesis_stream_consumer" "stream" {
  name       = "follower"
  stream_arn = [aws_kinesis_stream.retention.arn, aws_kinesis_stream.tags.arn, aws_kinesis_stream.tags.arn, aws_kinesis_stream.tags.arn][var.step]
}

locals {
  statements = {
    write = ["kinesis:PutRecord"]
    both  = ["kinesis:PutRecord", "kinesis:PutRecords"]
  }
}

resource "aws_kinesis_resource_policy" "policy" {
  resource_arn = aws_kinesis_stream.metrics.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::123456789012:root" }
      Action    = [local.statements.write, local.statements.both, local.statements.write, local.statements.write][var.step]
      Resource  = aws_kinesis_stream.metrics.arn
    }]
  })
}

# A policy of a consumer follows it; at step 1 it becomes another stream's.
resource "aws_kinesis_resource_policy" "resource" {
  resource_arn = local.subject
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "123456789012" }
      Action    = var.step == 1 ? ["kinesis:PutRecord"] : ["kinesis:SubscribeToShard"]
      Resource  = local.subject
    }]
  })
}

locals {
  subject = var.step == 1 ? aws_kinesis_stream.tags.arn : aws_kinesis_stream_consumer.name.arn
}
