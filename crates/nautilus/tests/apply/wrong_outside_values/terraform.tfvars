stranger = 1
known    = var.constant
block {}
