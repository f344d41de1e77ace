"""Writes the small data sets of tests/golden/lerobot with LeRobot's own software, for scripts/bring_lerobot.py's tests.

    python make_lerobot.py LEROBOT OUT

LEROBOT is the folder that holds the package `lerobot`: of 0.3.3, which writes v2.1, and once more of 0.4.4, which writes v3.0.
Needs what its datasets do (torch, datasets, av, jsonlines, pandas, pillow); torchvision is stood in for, as nothing is read.

v2.1: `v21`, an MP4 (AV1) an episode. v3.0: `v30`, all episodes in one MP4 (H.264) and one Parquet file; `images`, pictures as PNG
in that; `numbers`, no camera, and an action that is a choice. What they hold is said by picture(), state() and action().
"""
import importlib.machinery
import pathlib
import shutil
import sys
import types

import numpy as np
from pyarrow import parquet

LENGTHS = (9, 12, 5)
HEIGHT, WIDTH = 48, 64


def picture(episode, t, height=HEIGHT, width=WIDTH):
    """Red rises to the right, green with the episode, blue with time: a wrong frame is another colour."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[..., 0] = np.arange(width, dtype=np.uint8) * (192 // width)
    frame[..., 1], frame[..., 2] = 60 * episode, 18 * t
    return frame


def state(episode, t):
    return np.array([episode, t / 4, -t], np.float32)


def action(episode, t):
    return np.array([t / 8, episode - 0.5], np.float32)


STATE = {"dtype": "float32", "shape": (3,), "names": ["shoulder.pos", "elbow.pos", "grip.pos"]}
ACTION = {"dtype": "float32", "shape": (2,), "names": {"motors": ["shoulder.pos", "grip.pos"]}}
OUTCOME = {"next.reward": {"dtype": "float32", "shape": (1,), "names": None}, "next.done": {"dtype": "bool", "shape": (1,), "names": None}}


def camera(kind, height=HEIGHT, width=WIDTH):
    return {"dtype": kind, "shape": (height, width, 3), "names": ["height", "width", "channels"]}


def write(module, folder, features, row, **options):
    shutil.rmtree(folder, ignore_errors=True)
    made = module.LeRobotDataset.create("golden/" + folder.name, fps=10, features=features, root=folder, robot_type="by_hand", **options)
    for episode, length in enumerate(LENGTHS):
        for t in range(length):
            task = "Touch the wall." if episode < 2 else "Touch nothing."
            frame = row(episode, t, t == length - 1)
            if module.CODEBASE_VERSION == "v2.1":
                made.add_frame(frame, task)
            else:
                made.add_frame(frame | {"task": task})
        made.save_episode()
    if hasattr(made, "finalize"):
        made.finalize()
    shutil.rmtree(folder / "images", ignore_errors=True)  # what was not cleaned up
    (folder / "meta" / "stats.json").unlink(missing_ok=True)
    for file in folder.glob("meta/episodes/*/*.parquet"):  # statistics are nine parts of ten, and nothing here reads them
        table = parquet.read_table(file)
        parquet.write_table(table.select([name for name in table.column_names if not name.startswith("stats/")]), file)


def outcome(t, last):
    return {"next.reward": np.array([t if not last else 100], np.float32), "next.done": np.array([last])}


def main():
    package, out = sys.argv[1], pathlib.Path(sys.argv[2])
    stand_in = types.ModuleType("torchvision")
    stand_in.__spec__ = importlib.machinery.ModuleSpec("torchvision", None)
    stand_in.transforms = sys.modules["torchvision.transforms"] = types.ModuleType("torchvision.transforms")
    sys.modules["torchvision"] = stand_in
    sys.path.insert(0, package)
    from lerobot.datasets import lerobot_dataset as module

    seen = lambda e, t: {"observation.state": state(e, t), "action": action(e, t)}
    filmed = {"observation.images.wrist": camera("video", 64, 64)} if module.CODEBASE_VERSION == "v2.1" else {}
    filmed |= {"observation.images.front": camera("video"), "observation.state": STATE, "action": ACTION}
    if module.CODEBASE_VERSION == "v2.1":
        write(module, out / "v21", filmed | OUTCOME,
              lambda e, t, last: seen(e, t) | outcome(t, last) | {"observation.images.front": picture(e, t),
                                                                  "observation.images.wrist": picture(e, t, 64, 64)})
        return
    # As people are recorded: nothing is rewarded.
    write(module, out / "v30", filmed, lambda e, t, last: seen(e, t) | {"observation.images.front": picture(e, t)}, vcodec="h264")
    write(module, out / "images", {"observation.image": camera("image", 8, 8), "observation.state": STATE, "action": ACTION} | OUTCOME,
          lambda e, t, last: seen(e, t) | outcome(t, last) | {"observation.image": picture(e, t, 8, 8)}, use_videos=False)
    write(module, out / "numbers",
          {"observation.state": STATE, "observation.environment_state": {"dtype": "float32", "shape": (1,), "names": None},
           "action": {"dtype": "int64", "shape": (1,), "names": None}},
          lambda e, t, last: {"observation.state": state(e, t), "observation.environment_state": np.array([t], np.float32),
                              "action": np.array([t % 3])}, use_videos=False)


if __name__ == "__main__":
    main()
