provider "aws" {
  region = "us-east-1"
}

resource "aws_kinesis_stream" "orders" {
  name        = "orders"
  shard_count = 1
  tags        = { Reader = aws_kinesis_stream_consumer.orders.arn }
}

resource "aws_kinesis_stream_consumer" "orders" {
  name       = "orders"
  stream_arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders"
}

resource "aws_kinesis_stream_consumer" "twin" {
  name       = "orders"
  stream_arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders"
}

resource "aws_kinesis_stream_consumer" "nothing" {
}

resource "aws_kinesis_stream_consumer" "nowhere" {
  name = "nowhere"
}

resource "aws_kinesis_stream_consumer" "elsewhere" {
  name       = "elsewhere"
  stream_arn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
}

resource "aws_kinesis_stream_consumer" "of_a_consumer" {
  name       = "of-a-consumer"
  stream_arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/orders:1"
}

resource "aws_kinesis_stream_consumer" "a_name" {
  name       = "a name"
  stream_arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders"
}

resource "aws_kinesis_stream_consumer" "of_its_own" {
  name       = aws_kinesis_stream_consumer.orders.creation_timestamp
  stream_arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders"
}

resource "aws_kinesis_resource_policy" "first" {
  resource_arn = aws_kinesis_stream_consumer.orders.arn
  policy       = jsonencode({ length = length(5), of = aws_kinesis_stream_consumer.orders.arn })
}

resource "aws_kinesis_resource_policy" "second" {
  resource_arn = aws_kinesis_stream_consumer.orders.id
  policy       = jsonencode({})
}

resource "aws_kinesis_resource_policy" "third" {
  resource_arn = "${aws_kinesis_stream_consumer.orders.arn}"
  policy       = jsonencode([])
}

resource "aws_kinesis_resource_policy" "no_json" {
  resource_arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders"
  policy       = "Allow"
}

resource "aws_kinesis_resource_policy" "no_kinesis" {
  resource_arn = "arn:aws:sqs:us-east-1:000000000000:orders"
  policy       = jsonencode({})
}

resource "aws_kinesis_resource_policy" "no_second" {
  resource_arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/orders:now"
  policy       = jsonencode({})
}

resource "aws_kinesis_resource_policy" "nothing" {
  resource_arn = ""
}

variable "rule" {
  default = 1
  validation {
    condition     = aws_kinesis_stream_consumer.orders.arn != ""
    error_message = "Never."
  }
}
