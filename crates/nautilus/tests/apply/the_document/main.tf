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

variable "region" {
  description = "Where the stream lives."
  type        = string
  default     = "us-east-1"
}

variable "shard_count" {
  type    = number
  default = 1
}

variable "retention_period" {
  type    = number
  default = 24
  validation {
    condition     = var.retention_period >= 24 && var.retention_period <= 8760
    error_message = "The retention period is 24 to 8760 hours."
  }
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
    Name        = "nautilus-stream"
    Environment = "dev"
  }
}

output "stream_name" {
  value = aws_kinesis_stream.nautilus_stream.name
}

output "stream_arn" {
  value = aws_kinesis_stream.nautilus_stream.arn
}

output "stream_id" {
  value = aws_kinesis_stream.nautilus_stream.id
}
