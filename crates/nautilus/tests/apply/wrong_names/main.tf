provider "aws" {
  region = "us-east-1"
}

resource "aws_kinesis_stream" "orders" {
  name        = var.missing
  shard_count = local.missing
  arn         = "arn:aws:kinesis:us-east-1:000000000000:stream/orders"
  shards      = 2
  tags        = { Me = data.aws_caller_identity.me.account_id, Stream = aws_kinesis_stream.other.arn }
  stream_mode_details {
    mode = "PROVISIONED"
  }
  timeouts {
    read = "5m"
  }
}

output "nothing" {}

variable "constant" {
  default = local.names
}

variable "loose" {
  type = list(any)
}
