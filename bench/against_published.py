#!/usr/bin/env python3
"""The returns that a run of Dreamer V3 collected, beside the published ones at the same step.

    bench/against_published.py RUN SCORES TASK [--frames N]

SCORES is a file of danijar/dreamerv3's scores/ (atari100k-dreamerv3.json.gz, dmc_proprio-dreamerv3.json.gz, …), TASK one of its tasks
(atari_pong, dmc_walker_walk). Published steps are frames of the game: --frames says how many of them a step of the run is (4 for Atari's).
A row is a stretch of the run: the mean of the episodes that ended in it, and of each published seed's that ended there.
"""
import argparse
import gzip
import json
import pathlib
import statistics
import struct
import sys


def curve(run, name):
    """[steps], [values] of a run's curve, out of its checkpoint."""
    file = pathlib.Path(run)
    file = file / "checkpoint.safetensors" if file.is_dir() else file
    with open(file, "rb") as opened:
        (size,) = struct.unpack("<Q", opened.read(8))
        about = json.loads(opened.read(size)).get(f"curve/{name}")
        if about is None or about["shape"][1] == 0:
            sys.exit(f"against_published.py: {file} has no curve {name}: no episode has ended yet")
        begin, end = about["data_offsets"]
        opened.seek(8 + size + begin)
        kind = {"F64": "d", "F32": "f"}[about["dtype"]]
        values = struct.unpack(f"<{about['shape'][0] * about['shape'][1]}{kind}", opened.read(end - begin))
    return values[:len(values) // 2], values[len(values) // 2:]


def within(steps, values, first, last):
    return [value for step, value in zip(steps, values) if first < step <= last]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("scores")
    parser.add_argument("task")
    parser.add_argument("--frames", type=int, default=1)
    parser.add_argument("--rows", type=int, default=5)
    asked = parser.parse_args()
    with gzip.open(asked.scores, "rt") as opened:
        published = [each for each in json.load(opened) if each["task"] == asked.task]
    if not published:
        sys.exit(f"against_published.py: {asked.scores} has no task {asked.task}")
    steps, returns = curve(asked.run, "learn/return")
    steps = [step * asked.frames for step in steps]
    print(f"{asked.task}: frames | this run | episodes | published, mean ± deviation over seeds | seeds")
    for row in range(asked.rows):
        first, last = steps[-1] * row / asked.rows, steps[-1] * (row + 1) / asked.rows
        own = within(steps, returns, first, last)
        seeds = [statistics.mean(found) for each in published if (found := within(each["xs"], each["ys"], first, last))]
        mine = f"{statistics.mean(own):.1f}" if own else "none ended"
        theirs = f"{statistics.mean(seeds):.1f} ± {statistics.pstdev(seeds):.1f}" if seeds else "none ended"
        print(f"{last:.0f} | {mine} | {len(own)} | {theirs} | {len(seeds)}")


if __name__ == "__main__":
    main()
