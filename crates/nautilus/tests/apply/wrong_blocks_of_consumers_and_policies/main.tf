provider "aws" {
  region = "us-east-1"
}

resource "aws_kinesis_stream" "orders" {
  name                   = "orders"
  shard_count            = 1
  region                 = "eu-west-1"
  max_record_size_in_kib = 2048
}

resource "aws_kinesis_stream_consumer" "orders" {
  name               = "orders"
  stream_arn         = aws_kinesis_stream.orders.arn
  arn                = "arn"
  creation_timestamp = "now"
  tags               = { Team = "orders" }
  kms_key_id         = "none"
  timeouts {
    create = "5m"
  }
}

resource "aws_kinesis_resource_policy" "orders" {
  resource_arn = aws_kinesis_stream_consumer.missing.arn
  policy       = jsondecode("{}")
  id           = "orders"
  depends_on   = [aws_kinesis_stream.orders]
}
