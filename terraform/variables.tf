variable "region" {
  description = "AWS region of the stream"
  type        = string
  default     = "us-east-1"
}

variable "shard_count" {
  description = "Shards of the stream; each takes 1 MiB/s or 1,000 records/s in and gives 2 MiB/s out"
  type        = number
  default     = 1

  validation {
    condition     = var.shard_count >= 1
    error_message = "A provisioned stream needs at least 1 shard."
  }
}

variable "retention_period" {
  description = "Hours for which the stream keeps its records"
  type        = number
  default     = 24

  validation {
    condition     = var.retention_period >= 24 && var.retention_period <= 8760
    error_message = "The retention period must be between 24 hours (1 day) and 8760 hours (365 days)."
  }
}
