provider "aws" {
  region = "us-east-1"
}

resource "aws_kinesis_stream" "name" {
  name        = "not a name"
  shard_count = 1
}

resource "aws_kinesis_stream" "no_name" {
  shard_count = 1
}

resource "aws_kinesis_stream" "no_shards" {
  name = "no-shards"
}

resource "aws_kinesis_stream" "shards_on_demand" {
  name        = "on-demand"
  shard_count = 2
  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }
}

resource "aws_kinesis_stream" "mode" {
  name = "mode"
  stream_mode_details {
    stream_mode = "SERVERLESS"
  }
}

resource "aws_kinesis_stream" "encrypted" {
  name            = "encrypted"
  shard_count     = 1
  encryption_type = "KMS"
  kms_key_id      = "alias/aws/kinesis"
}

resource "aws_kinesis_stream" "retention" {
  name             = "retention"
  shard_count      = 1
  retention_period = 24 / 16
}

resource "aws_kinesis_stream" "long" {
  name             = "long"
  shard_count      = 1
  retention_period = 8761
}

resource "aws_kinesis_stream" "metrics" {
  name                = "metrics"
  shard_count         = 1
  shard_level_metrics = ["ALL"]
}

resource "aws_kinesis_stream" "tags" {
  name        = "tags"
  shard_count = 1
  tags        = { Team = null }
}

resource "aws_kinesis_stream" "timeouts" {
  name        = "timeouts"
  shard_count = 1
  timeouts {
    create = "soon"
  }
}

resource "aws_kinesis_stream" "twin_a" {
  name        = "twin"
  shard_count = 1
}

resource "aws_kinesis_stream" "twin_b" {
  name        = "twin"
  shard_count = 1
}
