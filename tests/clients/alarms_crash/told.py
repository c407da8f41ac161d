"""Who was told what, in the end."""

import collections
import json
import re
import time

from books import ALARMS
from harness import check
from load import COMPOSITE, advance

TOLD_SECONDS_MAX = 60


def check_told(server, books, mailbox, published):
    """Waits until everything is told or given up, then looks whether that is all and nothing else."""
    moody, refusing, sick = mailbox.topics
    moody.is_calm = True
    # A clock that is behind what it was keeps nothing back.
    until = time.monotonic() + TOLD_SECONDS_MAX
    while (left := waiting(server)) and time.monotonic() < until:
        time.sleep(0.1)
    check(not left, f"{left} deliveries wait after {TOLD_SECONDS_MAX} s")
    books.verify(server.client(), None)

    attempts = {endpoint: mailbox.attempts(endpoint) for endpoint in mailbox.topics}
    for endpoint in attempts:
        check_ids(endpoint, attempts[endpoint])
    taken = {envelope["MessageId"] for envelope, status in attempts[moody] if status == 200}
    reached = {envelope["MessageId"] for envelope, _ in attempts[moody]}
    check(published <= taken, f"{len(published - taken)} published messages did not come")
    check(reached <= taken, f"{len(reached - taken)} messages were not taken and not sent again")
    by_alarm = {endpoint: transitions(attempts[endpoint]) for endpoint in attempts}
    total = 0
    for name in ALARMS:
        updates = [item for item in books.histories[name] if item["HistoryItemType"] == "StateUpdate"]
        total += len(updates)
        wanted = collections.Counter(new_state(item) for item in updates)
        for endpoint in (sick,) if name == COMPOSITE else (moody, refusing):
            told = collections.Counter(key[1:] for key in by_alarm[endpoint] if key[0] == name)
            check(sum(told.values()) == len(updates), f"{name}: {len(updates)} changes, {sum(told.values())} were told")
            if name != COMPOSITE:
                check({reason: n for (_, _, reason), n in told.items()}.keys() == wanted.keys(), f"{name}: {told}")
        executed = [item for item in books.histories[name] if item["HistorySummary"].startswith("Successfully executed")]
        check(len(executed) == len(updates), f"{name}: {len(updates)} changes, {len(executed)} actions executed")
    letters = check_letters(server, {refusing: attempts[refusing], sick: attempts[sick]}, published, attempts[moody])
    return {
        "transitions": total, "told": len(taken), "attempts": sum(map(len, attempts.values())), "letters": letters,
    }


def waiting(server):
    """How many deliveries wait."""
    client = server.client()
    client.connection.request("GET", "/metrics")
    text = client.connection.getresponse().read().decode()
    client.close()
    gauges = re.findall(r"^nautilus_sns_outbox_deliveries (\d+)$|^nautilus_alarm_changes_waiting (\d+)$", text, re.M)
    check(gauges, "/metrics does not say how many deliveries wait")
    return sum(int(one or other) for one, other in gauges)


def check_ids(endpoint, attempts):
    """All attempts with one id are of one message."""
    bodies = {}
    for envelope, _ in attempts:
        message = (envelope["Message"], envelope.get("Subject"), envelope["TopicArn"], envelope["Timestamp"])
        known = bodies.setdefault(envelope["MessageId"], message)
        check(known[:3] == message[:3], f"{envelope['MessageId']} is of two messages: {known} and {message}")


def transitions(attempts):
    """The changes that were told, each of which has one id."""
    ids = collections.defaultdict(set)
    for envelope, _ in attempts:
        if "Subject" not in envelope:
            continue
        message = json.loads(envelope["Message"])
        key = message["AlarmName"], message["StateChangeTime"], message["NewStateValue"], message["NewStateReason"]
        ids[key].add(envelope["MessageId"])
    several = {key: found for key, found in ids.items() if len(found) > 1}
    check(not several, f"a change was told under more than one id: {list(several.items())[:2]}")
    return ids


def new_state(item):
    return json.loads(item["HistoryData"])["newState"]["stateReason"]


def check_letters(server, given_up, published, taken):
    """What no endpoint will take stands in the file, and nothing else."""
    lines = (server.data_dir / "sns-dead-letters.jsonl").read_text().splitlines()
    letters = [json.loads(line) for line in lines]
    found = {(letter["endpoint"], letter["message_id"]) for letter in letters}
    wanted = {
        (endpoint.url, envelope["MessageId"]) for endpoint, attempts in given_up.items() for envelope, _ in attempts
    }
    check(found == wanted, f"{len(found - wanted)} dead letters too many, {len(wanted - found)} are missing")
    for letter in letters:
        refused = next(endpoint for endpoint in given_up if endpoint.url == letter["endpoint"])
        tries = 1 if type(refused).__name__ == "Refusing" else 3
        check(letter["attempts"] == tries, f"given up after {letter['attempts']} attempts instead of {tries}: {letter}")
    return len(letters)
