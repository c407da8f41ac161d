"""How soon a server on an empty directory is ready, and what it weighs when nothing happens: the best of five."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import Server

took = []
for _ in range(5):
    with Server("ready") as server:
        took.append(server.ready_seconds)
        if len(took) == 5:
            time.sleep(1)
            status = open(f"/proc/{server.process.pid}/status")
            memory = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
print(f"ready after {min(took) * 1000:.1f} ms, {memory / 1024:.1f} MB when idle")
