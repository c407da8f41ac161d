provider "aws" {
  region = "us-east-1"
}

resource "aws_kinesis_stream" "orders" {
  name = "orders"
  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }
}
