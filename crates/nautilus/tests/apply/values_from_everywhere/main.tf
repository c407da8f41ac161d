# Locals come before what they are made of, and the variables' values from all four places.
locals {
  name      = "${local.prefix}-${var.stage}"
  prefix    = var.team != null ? "${var.team}-orders" : "orders"
  is_prod   = var.stage == "prod"
  retention = local.is_prod ? local.day * 7 : local.day
  day       = 24
  about     = <<-EOT
    Stream of ${var.team}
      ${local.is_prod ? "for production" : "for trying out"}.
  EOT
}

resource "aws_kinesis_stream" "orders" {
  name                = local.name
  shard_count         = local.is_prod && length(var.metrics) > 0 ? var.shards["prod"] : var.shards.other
  retention_period    = local.retention
  shard_level_metrics = var.metrics

  tags = {
    (var.stage)   = true
    "shards-${1}" = var.shards["prod"] - 1
    Budget        = "${var.budget} EUR"
  }

  timeouts {
    create = "1h30m"
  }
}

output "everything" {
  value = aws_kinesis_stream.orders
}

output "secret" {
  value     = local.name
  sensitive = true
}

output "literal" {
  value = "$${literal} ${local.about}"
}
