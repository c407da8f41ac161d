# Merged into the others by Terraform.
