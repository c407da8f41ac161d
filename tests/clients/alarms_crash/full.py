"""The metric store's disk becomes full, a tmpfs of its own: records and metrics are taken as before, and when there is space
again, all of them are durable.
"""

import base64
import subprocess
import time

from books import statistics
from harness import Server, check, wait_for_status
from load import MINUTE, NAMESPACE, STREAM, advance

SECONDS_MAX = 30


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

    def put(count):
        for n in range(count):
            data = base64.b64encode(b"x" * 1000).decode()
            client.call("PutRecord", {"StreamName": STREAM, "PartitionKey": "k", "Data": data})
            datum = {"MetricName": "m", "Timestamp": (first + n % 100) * MINUTE, "Value": 1 + n}
            client.call("PutMetricData", {"Namespace": NAMESPACE, "MetricData": [datum]}, "cloudwatch")
            sums[n % 100] += 1 + n

    put(100)
    filler = metrics / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"f" * 4096)
        except OSError:
            pass
    said = server.log.stat().st_size
    words = lambda: server.log.read_bytes()[said:].decode(errors="replace")
    until = time.monotonic() + SECONDS_MAX
    puts = 100
    while "metrics: the log cannot be written" not in words():
        check(time.monotonic() < until, "a full disk is not told of")
        put(100)
        puts += 100
    put(100)
    check(words().count("metrics: the log cannot be written") == 1, f"it is told more than once: {words()}")
    check_sums(client, first, sums)
    filler.unlink()
    # What failed is tried again after ten seconds.
    advance(server, 11)
    until = time.monotonic() + SECONDS_MAX
    while "again" not in words():
        check(time.monotonic() < until, f"metrics are not written again: {words()}")
        put(1)
        time.sleep(0.1)
    # What waited in memory follows within a few seconds.
    until = time.monotonic() + SECONDS_MAX
    while not list(metrics.glob("block-*")):
        check(time.monotonic() < until, f"what waited is not written: {words()}")
        time.sleep(0.05)
    time.sleep(1)
    put(10)
    server.kill()
    server.start()
    advance(server, 0)
    check_sums(server.client(), first, sums)
    print(f"  full: {puts} puts until the disk was full, all there after it had space and a kill")


def check_sums(client, first, sums):
    points = statistics(client, NAMESPACE, "m", "", "", ["Sum"])
    found = {int(point["Timestamp"]) // MINUTE - first: point["Sum"] for point in points}
    wrong = [(at, found.get(at), value) for at, value in enumerate(sums) if found.get(at) != value]
    check(not wrong, f"(minute, found, put): {wrong[:3]}")
