provider "aws" {
  region = "us-east-1"
}

resource "aws_kinesis_stream" "orders" {
  name        = "orders"
  shard_count = 1
  tags        = { Reader = aws_kinesis_stream_consumer.orders.name }
}

resource "aws_kinesis_stream_consumer" "orders" {
  name       = "orders"
  stream_arn = aws_kinesis_stream.orders.arn
}
