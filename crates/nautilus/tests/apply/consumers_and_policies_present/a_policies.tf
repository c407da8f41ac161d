# What refers stands before what it refers to.

resource "aws_kinesis_resource_policy" "billing" {
  resource_arn = aws_kinesis_stream_consumer.billing.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "billing"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${var.account}:root" }
      Action    = ["kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"]
      Resource  = aws_kinesis_stream_consumer.billing.arn
    }]
  })
}

resource "aws_kinesis_resource_policy" "orders" {
  resource_arn = aws_kinesis_stream.orders.arn
  policy       = <<-POLICY
    {
      "Version": "2012-10-17",
      "Statement": [{
        "Effect": "Allow",
        "Principal": { "AWS": "${var.account}" },
        "Action": "kinesis:PutRecord",
        "Resource": "${aws_kinesis_stream.orders.arn}"
      }]
    }
  POLICY
}

output "consumer" {
  value = "${aws_kinesis_stream_consumer.billing.arn} of ${aws_kinesis_stream_consumer.billing.creation_timestamp}"
}

output "policy_id" {
  value = aws_kinesis_resource_policy.billing.id
}
