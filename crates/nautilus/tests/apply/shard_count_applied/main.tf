provider "aws" {
  region = "us-east-1"
}

# The shards cannot be changed yet: then nothing else is done either.
resource "aws_kinesis_stream" "orders" {
  name             = "orders"
  shard_count      = 1
  retention_period = 24
  tags             = { Team = "blue" }
}
