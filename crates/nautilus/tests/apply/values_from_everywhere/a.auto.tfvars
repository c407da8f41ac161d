stage   = "wrong, and overwritten by the next file"
metrics = null
