variable "tags" {
  type    = map(string)
  default = {}
}

locals {
  names  = [for name in ["a", "b"] : upper(name)]
  untold = true ? "fine" : format("%s", "also named, though not taken")
}

resource "aws_kinesis_stream" "orders" {
  for_each = toset(local.names)
  name     = each.key
  tags = merge(var.tags, {
    Names = "${join(",", local.names[*])}"
    Loop  = "%{for name in local.names}${name}%{endfor}"
    Some  = "%{if true}some%{endif}"
    Strip = "a ${~"b"}"
  })
}

resource "aws_kinesis_stream" "twice" {
  count       = 2
  name        = "twice"
  shard_count = 1
  lifecycle {
    prevent_destroy = true
  }
}

# What the parser would take otherwise than Terraform: a line of two spaces, and an empty text that swallows the next.
output "spaces" {
  value = <<-EOT
    a
  
    b
  EOT
}

output "empty" {
  value = <<EOT
EOT
}

output "swallowed" {
  value = <<EOT
EOT
}
