#!/usr/bin/env python3
"""Opens a run's event files with TensorBoard and prints its curves: name, points, last step, last value.

    python check_tensorboard.py RUN
"""
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
for tag in sorted(events.Tags()["scalars"]):
    points = events.Scalars(tag)
    print(tag, len(points), points[-1].step, f"{points[-1].value:.6g}")
