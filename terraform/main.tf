# The stream of the Nautilus project. The same files, unmodified, describe it on AWS and on Nautilus: which of the
# two answers is decided outside, by AWS_ENDPOINT_URL.

terraform {
  required_version = ">= 1.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

provider "aws" {
  region = var.region
}

resource "aws_kinesis_stream" "nautilus_stream" {
  name             = "nautilus-stream"
  shard_count      = var.shard_count
  retention_period = var.retention_period

  shard_level_metrics = [
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
  ]

  stream_mode_details {
    stream_mode = "PROVISIONED"
  }

  tags = {
    Name      = "nautilus-stream"
    Project   = "Nautilus"
    ManagedBy = "Terraform"
  }
}
