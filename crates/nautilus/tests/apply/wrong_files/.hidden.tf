not read by Terraform either
