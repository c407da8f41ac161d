# Each value is what Terraform 1.11.4 answers for it.
provider "aws" {
  region = "us-east-1"
}

variable "l" {
  type    = list(string)
  default = ["a", "b"]
}
variable "m" {
  type    = map(number)
  default = { a = "1", b = 2 }
}
variable "s" {
  type    = set(string)
  default = ["b", "a", "b"]
}
variable "any" { default = { x = [1, { y = true }], "k v" = null } }
variable "num" {
  type    = number
  default = "1e3"
}
locals { yes = true }
output "o01" { value = 1 }
output "o02" { value = "a${1.50}b${true}" }
output "o03" { value = 1 + 2 * 3 - 4 / 2 % 3 }
output "o04" { value = "5" > 3 && !false || "false" }
output "o05" { value = "1" == 1 }
output "o06" { value = true ? 1 : "a" }
output "o07" { value = true ? [1] : [] }
output "o08" { value = false ? { a = 1 } : { b = "x" } }
output "o09" { value = true ? var.l : ["z"] }
output "o10" { value = var.l[1] }
output "o11" { value = var.l["0"] }
output "o12" { value = var.l.1 }
output "o13" { value = var.m["b"] + var.m.a }
output "o14" { value = var.any.x[1].y }
output "o15" { value = var.any["k v"] == null }
output "o16" { value = var.num }
output "o17" { value = var.num }
output "o18" {
  value = <<EOT
  indented ${var.l[0]}
    more \n $${x} %%{y}
EOT
}
output "o19" {
  value = <<-EOT
    less ${var.l[0]}
      more
  ${var.l[1]}
    EOT
}
output "o24" { value = contains(["a"], "a") }
output "o25" { value = contains([1, 2], "1") }
output "o26" { value = length("abc") + length(var.s) + length(var.m) + length([]) }
output "o27" { value = -1 - -2 }
output "o28" { value = { (var.l[0]) = 1, "x${1}" = 2, c : 3 } }
output "o29" { value = 7 % 3 }
output "o30" { value = -7 % 3 }
output "o31" { value = null == null }
output "o32" { value = 1 == null }
output "o33" { value = "\u00e9 \" \t $${a} %%{b} \\ $" }
output "o34" { value = contains(var.s, "b") }
output "o37" { value = var.s }
output "o39" { value = false || true && false }
output "o40" { value = (1 < 2) == true }
output "o41" { value = "${true ? "in" : "out"}er" }
output "o42" { value = { a = { b = ["c"] } }.a.b[0] }
output "o43" { value = 1 < 2 ? "a" : 2 < 3 ? "b" : "c" }
output "o44" { value = !true == false }
output "o45" { value = 10 - 2 - 3 }
output "o46" { value = "${var.l[0]}" == "a" ? "x" : 1 }
output "o47" { value = 0.1 }
output "o48" { value = "${0.000001} ${123456789012}" }
output "o50" {
  value = <<-EOT
    a

      b ${var.l[0]}
    c
  EOT
}
output "o52" {
  value = <<-EOT
    ${var.l[0]}
      b
  EOT
}
output "p1" {
  value = <<-EOT
      four
  ${var.l[0]} two
        six
  EOT
}
output "p2" {
  value = <<-EOT
		tab
			more
	EOT
}
output "p4" {
  value = <<-EOT
${var.l[0]} zero
    b
  EOT
}
output "p5" {
  value = <<-EOT
    ${var.l[0]}${var.l[1]}
    b ${var.l[0]}
      ${var.l[1]}
  EOT
}
output "p6" {
  value = <<-EOT
    a

    b
  EOT
}
output "p8" {
  value = <<EOT

EOT
}
output "p9" {
  value = <<-EOT
    ${"x"}   
    y
  EOT
}
output "q1" {
  value = <<-EOT
    "quoted" \" \\ \t
    y $ { % $$ $${a}
  EOT
}
output "q2" {
  value = <<-EOT
    ${"x"}
  y
    ${"multi\nline"}
  EOT
}
