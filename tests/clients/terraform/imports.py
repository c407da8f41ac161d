"""From `terraform show -json` on standard input: an import block for each of its resources."""

import json
import sys

for resource in json.load(sys.stdin)["values"]["root_module"]["resources"]:
    values = resource["values"]
    by_name = resource["type"] == "aws_kinesis_stream"  # all others by what Terraform calls their id
    print("import {")
    print(f"  to = {resource['address']}")
    print(f"  id = {json.dumps(values['name'] if by_name else values['id'])}")
    print("}")
