"""Reads what strace wrote: journal write, its fdatasync and the answer of each record must follow one another.

For each record: the write that carries its partition key gives the journal's file; an fdatasync of that very file (of
any descriptor of it: it may be open twice) must begin after the write has ended, and end before the write of the answer
begins.
"""

import re
import sys

LINE = re.compile(r"^(\d+)\s+(\d+\.\d+)\s+(.*)$")
TOOK = re.compile(r"<(\d+\.\d+)>$")
START = re.compile(r"^(\w+)\(\d+<([^>]*)>")


def calls(path):
    """(name, file, arguments, began, ended) of every whole call, in order of their ends; the times are strace's."""
    waiting = {}
    for line in open(path, errors="replace"):
        found = LINE.match(line)
        if not found:
            continue
        thread, at, text = found[1], float(found[2]), found[3]
        if text.startswith("<... "):
            if thread in waiting:
                yield *waiting.pop(thread), at
        elif call := START.match(text):
            if "<unfinished ...>" in text:
                waiting[thread] = (call[1], call[2], text, at)
            else:
                took = TOOK.search(text)
                yield call[1], call[2], text, at, at + float(took[1] if took else 0)


def main(trace, numbers):
    every = list(calls(trace))
    sequence_numbers = open(numbers).read().split()
    assert len(sequence_numbers) == 3, sequence_numbers
    for i, sequence in enumerate(sequence_numbers, 1):
        key = f"traced-record-{i}"
        writes = [c for c in every if c[0].startswith("pwrite") or c[0] in ("write", "writev")]
        journal = [c for c in writes if key in c[2] and c[1].endswith(".seg")]
        assert journal, f"{key}: no write to the journal in the trace"
        written = journal[0]
        answers = [c for c in every if sequence in c[2] and c[0] in ("write", "writev", "sendto", "sendmsg")]
        assert answers, f"{key}: no answer with {sequence} in the trace"
        answered = answers[0]
        syncs = [
            c for c in every
            if c[0] in ("fdatasync", "fsync") and c[1] == written[1] and written[4] <= c[3] and c[4] <= answered[3]
        ]
        assert syncs, f"{key}: no fdatasync of {written[1]} between its write and its answer"
        print(
            f"  strace: {key}: {written[0]} to {written[1].rsplit('/')[-1]}, {syncs[0][0]} ended after "
            f"{(syncs[0][4] - written[3]) * 1000:.1f} ms, answer began after {(answered[3] - written[3]) * 1000:.1f} ms"
        )


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except AssertionError as error:
        sys.exit(str(error))
