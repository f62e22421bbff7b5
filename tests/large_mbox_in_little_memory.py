#!/usr/bin/env python3
"""Makes an mbox of 2 GB, plans and copies it on the practice server, and looks at the peak memory.

usage: large_mbox_in_little_memory.py PROGRAM [GIGABYTES]

The practice server lives in the same process, so its memory is counted too.
"""
import json
import os
import random
import resource
import subprocess
import sys
import tempfile

LIMIT_KB = 100 * 1000


def write_mbox(path, wanted):
    """Messages of every size up to 20 MB; returns how many."""
    dice = random.Random(7)
    filler = bytes(dice.choice(b"abcdefghijklmnopqrstuvwxyz ") for _ in range(1 << 16))
    line = b"".join(filler[at:at + 70] + b"\n" for at in range(0, 1 << 16, 70))
    count = written = 0
    with open(path, "wb") as out:
        while written < wanted:
            count += 1
            size = min(int(dice.lognormvariate(9.2, 1.9)), 20_000_000)
            if count % 5000 == 0:
                size = 20_000_000
            head = (f"From jane@example.org Mon Jan  1 10:00:00 2018\n"
                    f"Message-ID: <{count}@example.org>\nFrom: jane@example.org\n"
                    f"Date: Mon, 1 Jan 2018 10:{count % 60:02}:00 +0000\nSubject: number {count}\n\n").encode()
            out.write(head)
            left = size
            while left > 0:
                piece = line[:left]
                out.write(piece)
                left -= len(piece)
            out.write(b"\n\n")
            written += len(head) + size + 2
    return count


def main():
    program = os.path.abspath(sys.argv[1])
    gigabytes = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    with tempfile.TemporaryDirectory() as place:
        mbox = os.path.join(place, "twenty-years")
        count = write_mbox(mbox, int(gigabytes * 1e9))
        print(f"{count} messages, {os.path.getsize(mbox)} bytes", flush=True)
        run = subprocess.run(
            [program, "rehearse", "--non-interactive", "--yes", "--source", mbox,
             "--state-dir", os.path.join(place, "state"), "--format", "json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        report = json.loads(run.stdout.strip().splitlines()[-1])
        counts = report["counts"]
        found = counts.pop("found")
        print(f"exit code {run.returncode}, found {found}, {counts}, verified {report['verified']}")
        print(f"peak memory {peak} KB, limit {LIMIT_KB} KB")
        good = (run.returncode == 0 and found == count == counts["copied"]
                and sum(counts.values()) == found and peak < LIMIT_KB)
        return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
