# Two alarms on the stream, and a topic that tells of them. Optional: to have them, copy this file beside main.tf.
#
#     cp terraform/optional/alarms.tf terraform/
#
# On AWS an alarm costs about 0.10 USD a month. Here it costs nothing.

resource "aws_sns_topic" "stream_alarms" {
  name = "nautilus-stream-alarms"
}

# Readers fall behind: the oldest record that one of them got in a minute had waited for more than a minute. Nobody who
# reads gives no datapoint, so a stream without readers leaves the alarm as it is.
resource "aws_cloudwatch_metric_alarm" "iterator_age" {
  alarm_name          = "nautilus-stream-high-iterator-age"
  alarm_description   = "Readers of nautilus-stream are more than a minute behind"
  namespace           = "AWS/Kinesis"
  metric_name         = "GetRecords.IteratorAgeMilliseconds"
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 2
  threshold           = 60000
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "ignore"
  alarm_actions       = [aws_sns_topic.stream_alarms.arn]
  ok_actions          = [aws_sns_topic.stream_alarms.arn]

  dimensions = {
    StreamName = aws_kinesis_stream.nautilus_stream.name
  }
}

# Writers are refused: a shard takes 1,000 records and 1 MiB a second. More shards are the cure.
resource "aws_cloudwatch_metric_alarm" "write_throttle" {
  alarm_name          = "nautilus-stream-write-throttled"
  alarm_description   = "Records to nautilus-stream are refused: it needs more shards, or its keys spread better"
  namespace           = "AWS/Kinesis"
  metric_name         = "WriteProvisionedThroughputExceeded"
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.stream_alarms.arn]
  ok_actions          = [aws_sns_topic.stream_alarms.arn]

  dimensions = {
    StreamName = aws_kinesis_stream.nautilus_stream.name
  }
}
