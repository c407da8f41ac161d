provider "aws" {
  region = "us-east-1"
}

# In the order of the provider: tags, shards, retention.
resource "aws_kinesis_stream" "orders" {
  name             = "orders"
  shard_count      = 1
  retention_period = 24
  tags             = { Team = "blue" }
}
