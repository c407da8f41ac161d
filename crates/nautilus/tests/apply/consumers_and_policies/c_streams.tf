provider "aws" {
  region = "eu-west-1"
}

variable "account" {
  type    = string
  default = "123456789012"
}

resource "aws_kinesis_stream" "orders" {
  name        = "orders"
  shard_count = 1
}

# Refers to one that its name comes before.
resource "aws_kinesis_stream" "copies" {
  name        = "${aws_kinesis_stream.orders.name}-copy"
  shard_count = 1
}
