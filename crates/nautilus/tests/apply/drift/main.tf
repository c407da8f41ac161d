provider "aws" {
  region = "us-east-1"
}

# Everything about it that --apply does not change by itself, and a tag, which it does.
resource "aws_kinesis_stream" "orders" {
  name             = "orders"
  shard_count      = 1
  retention_period = 24
  tags             = { Team = "blue" }
}

resource "aws_kinesis_stream" "clicks" {
  name = "clicks"
  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }
}
