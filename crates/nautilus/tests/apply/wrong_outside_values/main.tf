provider "aws" {}

variable "known" {
  type     = list(string)
  nullable = false
}
