stage  = "dev"
shards = { prod = "4", other = 2 }
