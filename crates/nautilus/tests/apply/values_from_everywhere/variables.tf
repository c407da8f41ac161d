variable "stage" {
  type = string
  validation {
    condition     = contains(["dev", "prod"], var.stage)
    error_message = "The stage is dev or prod, not ${var.stage}."
  }
}

variable "team" {
  default = null
}

variable "shards" {
  type = map(number)
}

variable "metrics" {
  type     = set(string)
  nullable = false
  default  = ["OutgoingBytes", "IncomingBytes"]
}

variable "budget" {
  type = any
}
