provider "aws" {
  region = var.region
}

variable "region" {
  default = "mars"
}

variable "retention_period" {
  type = number
  validation {
    condition     = var.retention_period >= 24
    error_message = "At least a day, not ${var.retention_period} hours."
  }
}

variable "shard_count" {
  type = number
}

variable "unset" {}

resource "aws_kinesis_stream" "orders" {
  name             = "orders"
  shard_count      = var.shard_count
  retention_period = var.retention_period
}
