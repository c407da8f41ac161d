terraform {
  required_providers {
    aws    = { source = "elsewhere/aws" }
    random = { source = "hashicorp/random" }
  }
}

provider "aws" {
  alias   = "second"
  profile = "me"
  assume_role {
    role_arn = "arn:aws:iam::123456789012:role/x"
  }
}

provider "google" {}

module "streams" {
  source = "./streams"
}

data "aws_caller_identity" "me" {}

resource "aws_sqs_queue" "alarms" {
  name = "alarms"
}

variable "object" {
  type      = object({ name = string })
  sensitive = true
}

variable "twice" {}
variable "twice" {}

import {
  to = aws_kinesis_stream.orders
  id = "orders"
}

name = "outside"
