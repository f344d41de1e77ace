#!/usr/bin/env python3
"""Writes the curve of a run as CSV, from its TensorBoard events: step, minutes since it began, mean over the last N points.

    pip install tensorboard
    python bench/learning_curve.py runs/catch --reach 0.9 > catch.csv

The time in which a run lay still is left out: between two processes, and wherever half a minute passed without an event.
"""
import argparse
import pathlib
import sys

from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

STILL = 30  # seconds


def points(run, tag):
    worked = 0.0  # seconds
    for path in sorted(pathlib.Path(run).glob("events.out.tfevents.*")):
        last = None
        for raw in RawEventFileLoader(str(path)).Load():
            event = Event.FromString(raw)
            passed = event.wall_time - last if last is not None else 0
            worked += passed if passed < STILL else 0
            last = event.wall_time
            for value in event.summary.value:
                if value.tag == tag:
                    simple = value.WhichOneof("value") == "simple_value"
                    yield event.step, worked / 60, value.simple_value if simple else value.tensor.float_val[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--tag", default="learn/return")
    parser.add_argument("--mean", type=int, default=100, help="points that are averaged")
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--reach", type=float, help="say on the error stream when the mean first reached this")
    options = parser.parse_args()
    found = list(points(options.run, options.tag))
    if not found:
        sys.exit(f"{options.run} holds no points of {options.tag}")
    rows = []
    for i in range(min(options.mean, len(found)) - 1, len(found)):
        window = found[max(0, i + 1 - options.mean):i + 1]
        rows.append((found[i][0], found[i][1], sum(value for _, _, value in window) / len(window)))
    print(f"step,minutes,{options.tag} (mean of {options.mean})")
    stride = max(1, len(rows) // options.rows)
    for row in rows[::-1][::stride][::-1]:
        print("%d,%.2f,%.4f" % row)
    if options.reach is not None:
        first = next((row for row in rows if row[2] >= options.reach), None)
        print(f"{options.reach} was " + ("never reached" if first is None else "first reached at step %d, after %.1f minutes" % first[:2]), file=sys.stderr)


if __name__ == "__main__":
    main()
