resource "aws_kinesis_stream_consumer" "billing" {
  name       = "${aws_kinesis_stream.orders.name}-billing"
  stream_arn = aws_kinesis_stream.orders.arn
}

resource "aws_kinesis_stream_consumer" "audit" {
  name       = "audit"
  stream_arn = "arn:aws:kinesis:eu-west-1:000000000000:stream/orders"
}
