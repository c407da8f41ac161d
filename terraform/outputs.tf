output "stream_name" {
  description = "Name of the stream"
  value       = aws_kinesis_stream.nautilus_stream.name
}

output "stream_arn" {
  description = "ARN of the stream"
  value       = aws_kinesis_stream.nautilus_stream.arn
}

output "stream_id" {
  description = "Identifier of the stream, which for Kinesis is its ARN"
  value       = aws_kinesis_stream.nautilus_stream.id
}
