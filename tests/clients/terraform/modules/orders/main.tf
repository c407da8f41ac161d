# Locals, a conditional, a template, `default_tags` and no mode: the corners in which `--apply` could differ.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

variable "stage" {
  type    = string
  default = "staging"
}

locals {
  name   = "orders-${var.stage}"
  shards = var.stage == "production" ? 8 : local.small
  small  = 1 + 2
}

provider "aws" {
  region = "us-east-1"

  default_tags {
    tags = {
      Stage = var.stage
      Team  = "platform"
    }
  }
}

resource "aws_kinesis_stream" "orders" {
  name                = local.name
  shard_count         = local.shards
  retention_period    = 2 * 24
  shard_level_metrics = ["IteratorAgeMilliseconds"]

  tags = {
    Team    = "orders"
    Purpose = "new orders of ${var.stage}"
  }
}
