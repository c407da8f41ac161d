"""Files of the metric store are damaged between a kill and a start: it starts, says so, and serves nothing that is wrong.

Each put has the same samples for a minute of its own, so that what is served tells which puts are there, and that none
is anything else than it was. Where a put ended in the log is known: what a damaged byte cannot have touched must be there.
"""

import random
import shutil
import time

from books import statistics
from harness import ApiError, Server, check
from load import MINUTE, NAMESPACE, advance

PUTS, FLIPS = 400, 4
# Of the log, `metrics/src/record_log.rs`: a byte's damage costs what is in its page and the record that it cuts.
PAGE_BYTES = 32 << 10
# Samples of one put, by metric; the many make it long.
VALUES = {**{f"m{n}": [7_919] * (n + 1) for n in range(12)}, "many": [n * n for n in range(1, 150)]}
WAIT_SECONDS_MAX = 20


def damage(flags, seed):
    chance = random.Random(seed)
    with Server("alarms_crash_damage", *flags) as server:
        advance(server, 0)
        whole = Whole(server)
        begins, ends = whole.put_all()
        server.kill()
        whole.keep()
        log = newest(server, "log")
        check(ends[-1] == log.stat().st_size, f"the log's end is {log.stat().st_size}, not {ends[-1]}")
        check(ends[-1] > 4 * PAGE_BYTES, f"{ends[-1]} bytes are no log to be damaged")
        for cut in (1, 3, chance.randrange(1, 2 * PAGE_BYTES)):
            end = ends[-1] - cut
            log.write_bytes(log.read_bytes()[:end])
            whole.look("metrics: cut what was written last", [at for at in range(PUTS) if ends[at] <= end])
        for offset in (0, 9, *(chance.randrange(PAGE_BYTES, ends[-1]) for _ in range(FLIPS))):
            flip(log, offset, chance)
            page = offset // PAGE_BYTES * PAGE_BYTES
            untouched = [at for at in range(PUTS) if ends[at] <= page or begins[at] >= page + PAGE_BYTES]
            # In the first page stands whose samples these are.
            whole.look("metrics: ", untouched if page else [])
        cases = 3 + 2 + FLIPS

        server.start()
        whole.into_blocks()
        server.kill()
        whole.keep()
        whole.look("", range(PUTS))
        for _ in range(FLIPS):
            block = chance.choice(sorted((server.data_dir / "metrics").glob("block-*")))
            flip(block, chance.randrange(block.stat().st_size), chance)
            whole.look("damage", [])
        for copy in ("manifest-a", "manifest-b"):
            path = server.data_dir / "metrics" / copy
            flip(path, chance.randrange(path.stat().st_size), chance)
            whole.look("metrics: ", range(PUTS))
    print(f"  damage: {cases + FLIPS + 2} damaged files, nothing wrong was served")


class Whole:
    """A server with samples, and a copy of its files from before they are damaged."""

    def __init__(self, server):
        self.server, self.copy = server, server.work / "whole"
        self.first = int(server.now()) // MINUTE - PUTS

    def put(self, client, minute, values):
        data = [{"MetricName": name, "Timestamp": minute * MINUTE, "Values": given} for name, given in values.items()]
        client.call("PutMetricData", {"Namespace": NAMESPACE, "MetricData": data}, "cloudwatch")

    def put_all(self):
        """Puts the samples of all minutes; answers where in the log each put begins and ends."""
        client, ends = self.server.client(), []
        for at in range(PUTS):
            self.put(client, self.first + at, VALUES)
            ends.append(newest(self.server, "log").stat().st_size)
        return [0, *ends[:-1]], ends

    def into_blocks(self):
        """An hour and a half later all that was in the log is in blocks."""
        client = self.server.client()
        put = lambda: self.put(client, self.first - 1, {"turned": [1]})
        put()
        old = newest(self.server, "log")
        advance(self.server, 16 * MINUTE)
        wait_for(lambda: put() or newest(self.server, "log") != old)
        advance(self.server, 61 * MINUTE)
        wait_for(lambda: newest(self.server, "block") and not old.exists())

    def keep(self):
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.server.data_dir, self.copy)

    def look(self, told, untouched):
        """Starts with damaged files, looks at what is served and what is told; then the files are whole again."""
        said = self.server.log.stat().st_size
        self.server.start()
        advance(self.server, 0)
        client = self.server.client()
        for name, values in VALUES.items():
            self.look_at(client, name, values, untouched)
        # It goes on, too.
        self.put(client, self.first - 2, {"after": [1]})
        check(len(statistics(client, NAMESPACE, "after", None, None, ["Sum"])) == 1, "what is put then is not there")
        self.server.kill()
        words = self.server.log.read_bytes()[said:].decode(errors="replace")
        check(told in words, f"the log does not tell of the damage: {words}")
        shutil.rmtree(self.server.data_dir)
        shutil.copytree(self.copy, self.server.data_dir)

    def look_at(self, client, name, values, untouched):
        asked = ["SampleCount", "Sum", "Minimum", "Maximum"]
        try:
            points = statistics(client, NAMESPACE, name, None, None, asked)
        except ApiError as error:
            check(error.status == 500 and not untouched, f"{name}: {error}")
            return
        found = {int(point["Timestamp"]) // MINUTE - self.first: point for point in points}
        right = [len(values), sum(values), min(values), max(values)]
        for at, point in found.items():
            check([point[statistic] for statistic in asked] == right, f"{name}, minute {at}: {point}")
            check(0 <= at < PUTS, f"{name} has samples in minute {at}, where none were put")
        lost = [at for at in untouched if at not in found]
        check(not lost, f"{name}: of {len(lost)} minutes the samples are lost, which the damage did not touch: {lost[:3]}")


def flip(path, offset, chance):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def newest(server, kind):
    """The store's newest file of a kind."""
    return max((server.data_dir / "metrics").glob(f"{kind}-*"), default=None)


def wait_for(is_so):
    until = time.monotonic() + WAIT_SECONDS_MAX
    while not is_so():
        check(time.monotonic() < until, f"it does not come to be within {WAIT_SECONDS_MAX} s")
        time.sleep(0.05)
