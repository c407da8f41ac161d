provider "aws" {
  region = "us-east-1"
}

locals {
  first  = "${local.second}-a"
  second = local.third
  third  = "${local.first}-b"
}

resource "aws_kinesis_stream" "orders" {
  name        = local.first
  shard_count = 1
  tags        = { Self = aws_kinesis_stream.orders.arn }
}
