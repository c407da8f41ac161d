"""JSON documents from standard input, one after another, without what differs between two lives of one resource."""

import json
import re
import sys

DIFFERS = {
    "AlarmConfigurationUpdatedTimestamp",
    "ConsumerCreationTimestamp",
    "StartingSequenceNumber",
    "StateReason",
    "StateReasonData",
    "StateTransitionedTimestamp",
    "StateUpdatedTimestamp",
    "StateValue",
    "StreamCreationTimestamp",
}
# ARNs end in the second of its creation (a consumer) or in something random (a subscription).
ENDS_OF_ARNS = re.compile(r"(/consumer/[\w.-]+|:sns:[\w-]+:\d+:[\w-]+):([0-9a-f-]{36}|\d+)")


def normalise(value):
    if isinstance(value, dict):
        return {k: "(left out)" if k in DIFFERS else normalise(v) for k, v in value.items()}
    if isinstance(value, list):
        # Sets of names have no order; lists of structures do.
        return sorted(value) if all(isinstance(v, str) for v in value) else [normalise(v) for v in value]
    if isinstance(value, str):
        return ENDS_OF_ARNS.sub(r"\1:(left out)", value)
    return value


text, at, decoder = sys.stdin.read(), 0, json.JSONDecoder()
while text[at:].strip():
    at += len(text[at:]) - len(text[at:].lstrip())
    document, at = decoder.raw_decode(text, at)
    print(json.dumps(normalise(document), indent=1, sort_keys=True))
