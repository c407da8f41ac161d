"""A table of medians from lines `<floor|nautilus> <connections> <kload's JSON>`."""

import json
import statistics
import sys

rounds = {}
for line in open(sys.argv[1]):
    who, connections, result = line.split(" ", 2)
    result = json.loads(result)
    rounds.setdefault((result["scenario"], int(connections)), {}).setdefault(who, []).append(result)

print(f"  {'scenario':<10} {'conns':>5} {'floor/s':>9} {'nautilus/s':>10} {'share':>6} {'MB/s':>7} {'p50 ms':>7} {'p99 ms':>7} {'RSS MB':>7}  errors")
for (scenario, connections), results in rounds.items():
    ours = results["nautilus"]
    # Each share is of one round: floor and server back to back, under the same weather.
    share = statistics.median(n["requests_s"] / f["requests_s"] for n, f in zip(ours, results["floor"]))

    def median(who, read):
        return statistics.median(read(result) for result in results[who])

    print(
        f"  {scenario:<10} {connections:>5} {median('floor', lambda r: r['requests_s']):>9.0f}"
        f" {median('nautilus', lambda r: r['requests_s']):>10.0f} {share:>6.2f} {median('nautilus', lambda r: r['mb_s']):>7.1f}"
        f" {median('nautilus', lambda r: r['ms']['p50']):>7.2f} {median('nautilus', lambda r: r['ms']['p99']):>7.2f}"
        f" {median('nautilus', lambda r: r.get('rss_mb', 0)):>7.0f}  {sum(sum(r['errors'].values()) + r['throttled'] for r in ours)}"
    )
