# Nobody confirms it, and nobody waits for that.
resource "aws_sns_topic_subscription" "pending" {
  topic_arn = aws_sns_topic.plain.arn
  protocol  = "email"
  endpoint  = "ops@example.com"
}
