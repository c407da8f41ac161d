"""The metric store's disk becomes full, a tmpfs of its own: records and metrics are taken as before, and when there is space
again, all of them are durable.
"""

import base64
import re
import subprocess
import time

from books import statistics
from harness import Server, check, wait_for_status
from load import MINUTE, NAMESPACE, STREAM, advance

SECONDS_MAX = 30
LOG_FAILS, LOG_GOES_ON = "metrics: the log cannot be written", "metrics: the log is written again"


def full(flags):
    server = Server("alarms_crash_full", *flags)
    metrics = server.data_dir / "metrics"
    metrics.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", metrics], check=True)
    try:
        with server:
            fill_and_free(server, metrics)
            server.terminate()
            subprocess.run(["umount", metrics], check=True)
    except BaseException:
        subprocess.run(["umount", "--lazy", metrics], check=False)
        raise


def fill_and_free(server, metrics):
    advance(server, 0)
    client = server.client()
    client.call("CreateStream", {"StreamName": STREAM, "ShardCount": 1})
    wait_for_status(client, STREAM)
    first, sums = int(server.now()) // MINUTE - 100, [0] * 100

    def put_metric(n):
        datum = {"MetricName": "m", "Timestamp": (first + n) * MINUTE, "Value": 1 + n}
        client.call("PutMetricData", {"Namespace": NAMESPACE, "MetricData": [datum]}, "cloudwatch")
        sums[n] += 1 + n

    def put():
        for n in range(len(sums)):
            data = base64.b64encode(b"x" * 1000).decode()
            client.call("PutRecord", {"StreamName": STREAM, "PartitionKey": "k", "Data": data})
            put_metric(n)

    put()
    filler = metrics / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"f" * 4096)
        except OSError:
            pass
    said, puts = server.log.stat().st_size, len(sums)
    words = lambda: server.log.read_bytes()[said:].decode(errors="replace")
    until = time.monotonic() + SECONDS_MAX
    while LOG_FAILS not in words():
        check(time.monotonic() < until, "a full disk is not told of")
        put()
        puts += len(sums)
    put()
    check(words().count(LOG_FAILS) == 1, f"it is told more than once: {words()}")
    check_sums(client, first, sums)

    # What failed is tried again ten seconds later. From here on nothing else is counted.
    advance(server, 11)
    filler.unlink()
    until = time.monotonic() + SECONDS_MAX
    while LOG_GOES_ON not in words():
        check(time.monotonic() < until, f"metrics are not written again: {words()}")
        put_metric(0)
        time.sleep(0.1)
    while memory_bytes(server) > 0:
        check(time.monotonic() < until, f"what waited in memory is not written: {words()}")
        time.sleep(0.1)
    put()
    server.kill()
    server.start()
    advance(server, 0)
    check_sums(server.client(), first, sums)
    print(f"  full: the disk was full within {puts} puts; all were there after it had space and a kill")


def memory_bytes(server):
    """What of the samples is in no block yet."""
    client = server.client()
    client.connection.request("GET", "/metrics")
    text = client.connection.getresponse().read().decode()
    client.close()
    return int(re.search(r"^nautilus_metric_store_memory_bytes (\d+)$", text, re.M)[1])


def check_sums(client, first, sums):
    points = statistics(client, NAMESPACE, "m", None, None, ["Sum"])
    found = {int(point["Timestamp"]) // MINUTE - first: point["Sum"] for point in points}
    wrong = [(at, found.get(at), value) for at, value in enumerate(sums) if found.get(at) != value]
    check(not wrong, f"(minute, found, put): {wrong[:3]}")
