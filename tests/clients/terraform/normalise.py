"""JSON documents from standard input, one after another, without what differs between two lives of one resource."""

import json
import re
import sys

DIFFERS = {"ConsumerCreationTimestamp", "StartingSequenceNumber", "StreamCreationTimestamp"}
CONSUMER_ARN = re.compile(r"(/consumer/[\w.-]+):\d+")  # which ends in the second of its creation


def normalise(value):
    if isinstance(value, dict):
        return {k: "(left out)" if k in DIFFERS else normalise(v) for k, v in value.items()}
    if isinstance(value, list):
        # Sets of names have no order; lists of structures do.
        return sorted(value) if all(isinstance(v, str) for v in value) else [normalise(v) for v in value]
    if isinstance(value, str):
        return CONSUMER_ARN.sub(r"\1:(left out)", value)
    return value


text, at, decoder = sys.stdin.read(), 0, json.JSONDecoder()
while text[at:].strip():
    at += len(text[at:]) - len(text[at:].lstrip())
    document, at = decoder.raw_decode(text, at)
    print(json.dumps(normalise(document), indent=1, sort_keys=True))
