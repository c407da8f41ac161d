provider "aws" {
  region = "cn-north-1"
  default_tags {
    tags = {
      Owner = "platform"
      Stage = "dev"
    }
  }
}

resource "aws_kinesis_stream" "clicks" {
  name                      = "clicks"
  enforce_consumer_deletion = true
  encryption_type           = "NONE"
  kms_key_id                = null
  shard_level_metrics       = []

  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }

  tags = { Stage = "prod" }
}

resource "aws_kinesis_stream" "copies" {
  name             = "${aws_kinesis_stream.clicks.name}-copy"
  shard_count      = 2
  retention_period = 48
  tags             = { Of = aws_kinesis_stream.clicks.arn }
}

output "mode" {
  value = aws_kinesis_stream.clicks.stream_mode_details[0].stream_mode
}
