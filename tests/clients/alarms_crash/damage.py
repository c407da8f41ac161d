"""Files of the metric store are damaged between a kill and a start: it starts, says so, and serves nothing that is wrong.

Each put is one sample of the same value for a minute of its own, so that what is served tells which puts are there, and
that none is another number than it was. Where a put ended in the log is known: what a damaged byte cannot have touched
must be there.
"""

import random
import shutil

from books import statistics
from harness import ApiError, Server, check
from load import MINUTE, NAMESPACE, advance

PUTS, BATCH, VALUE = 400, 12, 7_919.0
# Of the log, `metrics/src/record_log.rs`: a byte's damage costs what is in its page and the record that it cuts.
PAGE_BYTES = 32 << 10
FLIPS = 4


def damage(flags, seed):
    chance = random.Random(seed)
    with Server("alarms_crash_damage", *flags) as server:
        advance(server, 0)
        ends, first = put_all(server)
        server.kill()
        whole = server.work / "whole"
        shutil.copytree(server.data_dir, whole)
        log = newest(server, "log")
        check(ends[-1] == log.stat().st_size and ends[-1] > 4 * PAGE_BYTES, f"the log's end is {log.stat().st_size}, not {ends[-1]}")

        for cut in (1, 3, chance.randrange(1, 2 * PAGE_BYTES)):
            data = log.read_bytes()[:-cut]
            log.write_bytes(data)
            look(server, whole, first, "not whole", [at for at, end in enumerate(ends) if end <= len(data)])
        for offset in [0, 9, *(chance.randrange(PAGE_BYTES, ends[-1]) for _ in range(FLIPS))]:
            flip(log, offset, chance)
            pages = (offset // PAGE_BYTES * PAGE_BYTES, (offset // PAGE_BYTES + 1) * PAGE_BYTES)
            begins = [0, *ends]
            untouched = [at for at, end in enumerate(ends) if end <= pages[0] or begins[at] >= pages[1]]
            # What is in a page behind the head's damage is found all the same.
            look(server, whole, first, "metrics: ", untouched if offset > PAGE_BYTES else [])

        # What is in blocks: an hour and a half later it is.
        server.start()
        advance(server, 16 * MINUTE)
        wait_for(server, lambda: True, seconds=2)
        advance(server, 61 * MINUTE)
        wait_for(server, lambda: newest(server, "block") and not list((server.data_dir / "metrics").glob("*.tmp")))
        server.kill()
        shutil.rmtree(whole)
        shutil.copytree(server.data_dir, whole)
        everything = list(range(PUTS))
        look(server, whole, first, None, everything)
        block = newest(server, "block")
        for _ in range(FLIPS):
            flip(block, chance.randrange(block.stat().st_size), chance)
            look(server, whole, first, "damage", [])
        for copy in ("manifest-a", "manifest-b"):
            path = server.data_dir / "metrics" / copy
            flip(path, chance.randrange(path.stat().st_size), chance)
            look(server, whole, first, "metrics: ", everything)
        print(f"  damage: {3 + 3 * FLIPS} damaged files, nothing wrong was served")
        server.start()
        server.terminate()


def put_all(server):
    """Puts samples of all minutes; answers where each ended in the log, and the first minute."""
    client, ends = server.client(), []
    first = int(server.now()) // MINUTE - PUTS
    for at in range(PUTS):
        data = [
            {"MetricName": f"m{n}", "Timestamp": (first + at) * MINUTE, "Values": [VALUE], "Counts": [n + 1]}
            for n in range(BATCH)
        ]
        data.append({
            "MetricName": f"{'long-name-' * 20}{at}", "Dimensions": [{"Name": "Fill", "Value": "f" * 200}], "Value": 1,
            "Timestamp": (first + at) * MINUTE,
        })
        client.call("PutMetricData", {"Namespace": NAMESPACE, "MetricData": data}, "cloudwatch")
        ends.append(newest(server, "log").stat().st_size)
    return ends, first


def look(server, whole, first, told, untouched):
    """Starts with damaged files, looks at what is served and at the log; then the files are whole again."""
    said = server.log.stat().st_size
    server.start()
    advance(server, 0)
    client = server.client()
    for n in range(BATCH):
        try:
            points = statistics(client, NAMESPACE, f"m{n}", "", "", ["SampleCount", "Sum", "Minimum", "Maximum"])
        except ApiError as error:
            check(error.status == 500 and not untouched, f"m{n}: {error}")
            continue
        found = {int(point["Timestamp"]) // MINUTE - first: point for point in points}
        for at, point in found.items():
            is_right = (point["SampleCount"], point["Sum"], point["Minimum"], point["Maximum"])
            check(is_right == (n + 1, (n + 1) * VALUE, VALUE, VALUE), f"m{n}, minute {at}: {point}")
            check(0 <= at < PUTS, f"m{n} has a sample in minute {at}, where none was put")
        lost = [at for at in untouched if at not in found]
        check(not lost, f"m{n}: {len(lost)} samples are lost that the damage did not touch, the first in minute {lost[:1]}")
    # It goes on, too.
    now = int(server.now())
    datum = {"MetricName": "after", "Timestamp": now, "Value": 1}
    client.call("PutMetricData", {"Namespace": NAMESPACE, "MetricData": [datum]}, "cloudwatch")
    check(len(statistics(client, NAMESPACE, "after", "", "", ["Sum"])) == 1, "what is put after the damage is not there")
    server.kill()
    words = server.log.read_bytes()[said:].decode(errors="replace")
    check(told is None or told in words, f"the log does not tell of the damage: {words}")
    shutil.rmtree(server.data_dir)
    shutil.copytree(whole, server.data_dir)


def flip(path, offset, chance):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def newest(server, kind):
    """The store's newest file of a kind."""
    return max((server.data_dir / "metrics").glob(f"{kind}-*"), default=None)


def wait_for(server, is_so, seconds=20):
    import time

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (found := is_so()) and seconds != 2:
            return found
        time.sleep(0.05)
    check(seconds == 2, "it does not come to be")
