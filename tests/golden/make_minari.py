"""Writes the small data sets of tests/golden/minari with the real Minari (0.5.4), for core/data's tests.

    python make_minari.py OUT

Needs minari[hdf5]==0.5.4, numpy, pillow. `pictures` holds frames as Minari keeps them (JPEG, of unequal length),
`dictionary` a small picture beside a vector, `vectors` observations of numbers with discrete actions. `mixed` has every
kind of space within dictionaries and tuples, and actions of several choices at once, and is there as arrow too (`mixed_arrow`), as
`pictures` is as parquet (both need pyarrow); `stacked` four greys on a first axis,
`channels_first` colours there, `clip` pictures on a fourth axis, `unit` pictures of numbers from 0 to 1; `state` the number
of a state, with actions that begin at 1. `car` has actions of several kinds, as the world Car of tests/support/gym_worlds.py, whose reward
tells what was done, and is there as arrow too (`car_arrow`); `buttons` several choices at once in tuples and dictionaries. `damaged` is `vectors` with three episodes, of which the second has a hole and flags
are numbers; its metadata lacks what need not be there and holds NaN.
"""
import dataclasses
import json
import pathlib
import shutil
import sys

import gymnasium
import h5py
import numpy as np
from gymnasium import spaces
from minari import create_dataset_from_buffers
from minari.data_collector.episode_buffer import EpisodeBuffer
from minari.storage.datasets_root_dir import get_dataset_path


def episode(index, steps, observation, action):
    return EpisodeBuffer(
        id=index, seed=100 + index, observations=observation, actions=action,
        rewards=[float(t) - 0.25 for t in range(steps)],
        terminations=[t == steps - 1 for t in range(steps)], truncations=[False] * steps, infos={})


def gradient(steps, height, width):
    """Smooth frames, so that JPEG changes little: red rises to the right, green downwards, blue with time."""
    frame = np.zeros((steps + 1, height, width, 3), np.uint8)
    frame[..., 0] = np.linspace(0, 200, width, dtype=np.uint8)[None, None, :]
    frame[..., 1] = np.linspace(0, 200, height, dtype=np.uint8)[None, :, None]
    frame[..., 2] = (np.arange(steps + 1, dtype=np.uint8) * 10)[:, None, None]
    return frame


def write(name, out, observation_space, action_space, episodes, data_format="hdf5"):
    create_dataset_from_buffers(
        f"golden/{name}-v0", buffer=episodes, observation_space=observation_space, action_space=action_space, data_format=data_format,
        algorithm_name="by hand", author="Dreamscope", author_email="none", code_permalink="none",
        description="a test's data")
    shutil.copytree(get_dataset_path(f"golden/{name}-v0"), out / name, dirs_exist_ok=True)


def main():
    out = pathlib.Path(sys.argv[1])
    pair = spaces.Box(np.array([-1, 0], np.float32), np.array([1, np.inf], np.float32))
    actions = lambda steps: [np.array([0.5, t], np.float32) for t in range(steps)]

    for name, kept in (("pictures", "hdf5"), ("pictures_parquet", "parquet")):
        write(name, out, spaces.Box(0, 255, (32, 48, 3), np.uint8), pair,
              [episode(i, n, list(gradient(n, 32, 48)), actions(n)) for i, n in enumerate([3, 5])], kept)
    write("dictionary", out,
          spaces.Dict({"pixels": spaces.Box(0, 255, (4, 5, 3), np.uint8), "speed": spaces.Box(-np.inf, np.inf, (2,), np.float64)}),
          pair,
          [episode(0, 2, {"pixels": gradient(2, 4, 5).astype(np.uint8) , "speed": np.arange(6, dtype=np.float64).reshape(3, 2) / 4},
                   actions(2))])
    write("vectors", out, spaces.Box(-1, 1, (3,), np.float32), spaces.Discrete(4),
          [episode(0, 4, list(np.arange(15, dtype=np.float32).reshape(5, 3) / 16), [np.int64(t) for t in range(4)])])

    few = 3
    parts = {
        "arm": (np.arange(2 * (few + 1), dtype=np.float32).reshape(few + 1, 2), [np.int64(t % 2) for t in range(few + 1)]),
        "camera": np.full((few + 1, 6, 7, 3), 9, np.uint8),
        "counts": np.arange(2 * (few + 1)).reshape(few + 1, 2) % 3 + 1,
        "goal": [f"step {t}" for t in range(few + 1)],
        "lamps": np.eye(4, dtype=np.int8)[: few + 1],
        "second camera": np.full((few + 1, 6, 7, 3), 5, np.uint8),
        "way": [np.int64(t + 2) for t in range(few + 1)],
    }
    for name, kept in (("mixed", "hdf5"), ("mixed_arrow", "arrow")):
        write(name, out,
              spaces.Dict({
                  "arm": spaces.Tuple([spaces.Box(-np.inf, np.inf, (2,), np.float32), spaces.Discrete(2)]),
                  "camera": spaces.Box(0, 255, (6, 7, 3), np.uint8),
                  "counts": spaces.MultiDiscrete([3, 4], start=[1, 1]),
                  "goal": spaces.Text(16),
                  "lamps": spaces.MultiBinary(4),
                  "second camera": spaces.Box(0, 255, (6, 7, 3), np.uint8),
                  "way": spaces.Discrete(4, start=2)}),
              spaces.MultiDiscrete([2, 3]),
              [episode(0, few, parts, [np.array([t % 2, t % 3]) for t in range(few)])], kept)

    def pictures(name, shape, dtype=np.uint8, high=255):
        frames = (np.arange((few + 1) * int(np.prod(shape))).reshape(few + 1, *shape) % 251).astype(dtype)
        if high == 1: frames = frames / dtype(255)
        write(name, out, spaces.Box(0, high, shape, dtype), pair, [episode(0, few, list(frames), actions(few))])

    pictures("stacked", (4, 8, 9))
    pictures("channels_first", (3, 8, 9))
    pictures("clip", (2, 8, 9, 3))
    pictures("unit", (8, 9, 3), np.float32, 1)
    write("state", out, spaces.Discrete(48), spaces.Discrete(4, start=1),
          [episode(0, few, [np.int64(36 + t) for t in range(few + 1)], [np.int64(t + 1) for t in range(few)])])

    count = [np.array([7, t], np.float32) for t in range(few + 1)]
    done = {"arm": np.array([[0, 0.5], [-1, 1], [0.25, -0.5]]), "gear": np.array([3, 1, 2]), "lights": np.array([[0, 1], [1, 1], [0, 0]], np.int8),
            "steer": np.array([[-2], [0.5], [1]], np.float32)}
    car = spaces.Dict({"steer": spaces.Box(-2, 1, (1,), np.float32), "gear": spaces.Discrete(3, start=1), "lights": spaces.MultiBinary(2),
                       "arm": spaces.Box(-1, 1, (2,), np.float64)})
    for name, kept in (("car", "hdf5"), ("car_arrow", "arrow")):
        earned = 100 * done["gear"] + done["lights"] @ [10, 1] + done["steer"][:, 0] + done["arm"][:, 1] / 8
        one = dataclasses.replace(episode(0, few, count, done), rewards=[float(v) for v in earned])
        write(name, out, spaces.Box(-1000, 1000, (2,), np.float32), car, [one], kept)
    write("buttons", out, spaces.Box(-1000, 1000, (2,), np.float32),
          spaces.Tuple([spaces.Discrete(2, start=1), spaces.Dict({"pad": spaces.MultiBinary(2), "arrow": spaces.MultiDiscrete([2, 3])})]),
          [episode(0, few, count, (np.array([1, 2, 2]), {"pad": np.array([[0, 1], [1, 0], [1, 1]], np.int8), "arrow": np.array([[0, 2], [1, 1], [1, 2]])}))])

    write("damaged", out, spaces.Box(-1, 1, (3,), np.float32), spaces.Discrete(4),
          [episode(i, 4, list(np.arange(15, dtype=np.float32).reshape(5, 3) / 16), [np.int64(t) for t in range(4)]) for i in range(3)])
    with h5py.File(out / "damaged" / "data" / "main_data.hdf5", "a") as file:
        file["episode_1/observations"][2, 1] = np.nan
        for i in range(3):
            for name in ("terminations", "truncations"):
                flags = file[f"episode_{i}/{name}"][()].astype(np.float32)
                del file[f"episode_{i}/{name}"]
                file[f"episode_{i}/{name}"] = flags
    path = out / "damaged" / "data" / "metadata.json"
    metadata = json.loads(path.read_text())
    for name in ("total_steps", "algorithm_name", "data_format"): metadata.pop(name, None)
    metadata["note"] = float("nan")
    path.write_text(json.dumps(metadata))


if __name__ == "__main__":
    main()
