terraform {
  backend "s3" {
    bucket = "state"
  }
}

provider "aws" {
  region = "us-east-1"
}

resource "aws_kinesis_stream" "orders" {
  name                = "orders"
  shard_count         = 2
  retention_period    = 72
  shard_level_metrics = ["IncomingBytes", "OutgoingBytes"]
  tags = {
    Kept    = "same"
    Changed = "new"
    Added   = "yes"
  }
}

resource "aws_kinesis_stream" "same" {
  name        = "same"
  shard_count = 1
}
