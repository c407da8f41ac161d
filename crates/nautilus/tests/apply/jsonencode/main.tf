# Each output is, to the byte, what Terraform prints for it.

provider "aws" {
  region = "us-east-1"
}

variable "names" {
  type    = set(string)
  default = ["b", "a", "b"]
}

variable "counts" {
  type    = map(number)
  default = { one = "1", many = 1e3, few = 0.0000001 }
}

output "j01" {
  value = jsonencode(null)
}
output "j02" {
  value = jsonencode([true, false, 0, -1, 1.5, 9007199254740991, 1e3, "1"])
}
output "j03" {
  value = jsonencode({ b = { d = [], c = {} }, a = null, "B" = 1, "a b" = 2 })
}
output "j04" {
  value = jsonencode("<a href=\"x\">&amp;</a> \\ / \u2028\u2029 \u0007\u0008\u000c\u007f é 😀 \t\n\r ' `")
}
output "j05" {
  value = jsonencode({ "<&>" = "${"x"} ${1} ${true}" })
}
output "j06" {
  value = jsonencode(var.names)
}
output "j07" {
  value = jsonencode(var.counts)
}
output "j08" {
  value = jsonencode(jsonencode({ a = [1] }))
}
output "j09" {
  value = length(jsonencode([1, 2]))
}
output "j10" {
  value = jsonencode(<<-TEXT
    two
      lines
  TEXT
  )
}
