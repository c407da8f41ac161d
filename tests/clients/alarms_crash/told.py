"""Who was told what, in the end."""

import collections
import json
import re
import time

from books import ALARMS
from harness import check
from load import COMPOSITE, MINUTE

STANDSTILL_SECONDS_MAX = 30


def check_told(server, books, endpoints, published):
    """Waits until everything is told or given up, then looks whether that is all and nothing else."""
    moody, refusing, sick = endpoints
    moody.is_calm = True
    drain(server)
    books.verify(server.client(), None)

    attempts = {endpoint: endpoint.attempts() for endpoint in endpoints}
    for endpoint in endpoints:
        check_ids(attempts[endpoint])
    taken = {envelope["MessageId"] for envelope, status in attempts[moody] if status == 200}
    reached = {envelope["MessageId"] for envelope, _ in attempts[moody]}
    check(published <= taken, f"{len(published - taken)} published messages did not come")
    check(reached <= taken, f"{len(reached - taken)} messages were not taken and not sent again")
    by_alarm = {endpoint: transitions(attempts[endpoint]) for endpoint in attempts}
    total = 0
    for name in ALARMS:
        updates = [item for item in books.histories[name] if item["HistoryItemType"] == "StateUpdate"]
        total += len(updates)
        wanted = {json.loads(item["HistoryData"])["newState"]["stateReason"] for item in updates}
        for endpoint in (sick,) if name == COMPOSITE else (moody, refusing):
            told = collections.Counter(key[1:] for key in by_alarm[endpoint] if key[0] == name)
            check(sum(told.values()) == len(updates), f"{name}: {len(updates)} changes, {sum(told.values())} were told")
            reasons = {reason for _, _, reason in told}
            check(reasons == wanted, f"{name}: {reasons ^ wanted} is in the history or was told, not both")
        executed = [item for item in books.histories[name] if item["HistorySummary"].startswith("Successfully executed")]
        check(len(executed) == len(updates), f"{name}: {len(updates)} changes, {len(executed)} actions executed")
    letters = check_letters(server, {refusing: attempts[refusing], sick: attempts[sick]})
    return (
        f"{total} changes of alarms, {len(taken)} messages, {sum(map(len, attempts.values()))} attempts, "
        f"{letters} dead letters"
    )


def drain(server):
    """Waits until nothing is to be told. That the clock may be behind what it was keeps nothing back."""
    least, until = waiting(server), time.monotonic() + STANDSTILL_SECONDS_MAX
    # Alarms are looked at in the first five seconds of a minute: what is looked at then should not change meanwhile.
    while (left := waiting(server)) or not 8 <= server.now() % MINUTE <= 50:
        if left < least or not left:
            least, until = left, time.monotonic() + STANDSTILL_SECONDS_MAX
        check(time.monotonic() < until, f"{left} deliveries wait, and none was made for {STANDSTILL_SECONDS_MAX} s")
        time.sleep(0.1)


def waiting(server):
    """How many changes of alarms and deliveries wait; of two looks, as what goes from the one to the other may be in
    neither for a look.
    """
    client, most = server.client(), 0
    for _ in range(2):
        client.connection.request("GET", "/metrics")
        text = client.connection.getresponse().read().decode()
        gauges = re.findall(r"^nautilus_(?:sns_outbox_deliveries|alarm_changes_waiting) (\d+)$", text, re.M)
        check(len(gauges) == 2, "/metrics does not say how many deliveries wait")
        most = max(most, sum(map(int, gauges)))
    client.close()
    return most


def check_ids(attempts):
    """All attempts with one id are of one message."""
    bodies = {}
    for envelope, _ in attempts:
        message = (envelope["Message"], envelope.get("Subject"), envelope["TopicArn"])
        known = bodies.setdefault(envelope["MessageId"], message)
        check(known == message, f"{envelope['MessageId']} is of two messages: {known} and {message}")


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


def check_letters(server, given_up):
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
        check(letter["attempts"] == refused.tries, f"given up after {letter['attempts']} attempts: {letter}")
    return len(letters)
