# Who is told of the alarms: an HTTP or HTTPS address. Optional: to have it, copy this file and alarms.tf beside main.tf,
#
#     cp terraform/optional/*.tf terraform/
#
# and give the address with -var alarm_endpoint=https://… (with `nautilus serve --apply`: --var alarm_endpoint=https://…).
# An http:// address needs alarm_protocol=http besides. Nautilus posts to a private address only where it is started with
# --allowed-webhook.
#
# Whoever answers there must confirm the subscription, by a GET of the SubscribeURL that the first message holds.
# Terraform waits a minute for that; `--apply` does not wait.

variable "alarm_endpoint" {
  description = "Where alarms are posted to, like https://alerts.example.com/kinesis"
  type        = string
}

variable "alarm_protocol" {
  description = "http or https, as the address has it"
  type        = string
  default     = "https"

  validation {
    condition     = contains(["http", "https"], var.alarm_protocol)
    error_message = "The protocol is http or https."
  }
}

resource "aws_sns_topic_subscription" "stream_alarms" {
  topic_arn              = aws_sns_topic.stream_alarms.arn
  protocol               = var.alarm_protocol
  endpoint               = var.alarm_endpoint
  endpoint_auto_confirms = true
}
