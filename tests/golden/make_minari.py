"""Writes the small data sets of tests/golden/minari with the real Minari (0.5.3), for core/data's tests.

    python make_minari.py OUT

Needs minari[hdf5]==0.5.3, numpy, pillow. `pictures` holds frames as Minari keeps them (JPEG, of unequal length),
`dictionary` a small picture beside a vector, `vectors` observations of numbers with discrete actions.
"""
import pathlib
import shutil
import sys

import gymnasium
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


def write(name, out, observation_space, action_space, episodes):
    create_dataset_from_buffers(
        f"golden/{name}-v0", buffer=episodes, observation_space=observation_space, action_space=action_space,
        algorithm_name="by hand", author="Dreamscope", author_email="none", code_permalink="none",
        description="a test's data")
    shutil.copytree(get_dataset_path(f"golden/{name}-v0"), out / name, dirs_exist_ok=True)


def main():
    out = pathlib.Path(sys.argv[1])
    pair = spaces.Box(np.array([-1, 0], np.float32), np.array([1, np.inf], np.float32))
    actions = lambda steps: [np.array([0.5, t], np.float32) for t in range(steps)]

    write("pictures", out, spaces.Box(0, 255, (32, 48, 3), np.uint8), pair,
          [episode(i, n, list(gradient(n, 32, 48)), actions(n)) for i, n in enumerate([3, 5])])
    write("dictionary", out,
          spaces.Dict({"pixels": spaces.Box(0, 255, (4, 5, 3), np.uint8), "speed": spaces.Box(-np.inf, np.inf, (2,), np.float64)}),
          pair,
          [episode(0, 2, {"pixels": gradient(2, 4, 5).astype(np.uint8) , "speed": np.arange(6, dtype=np.float64).reshape(3, 2) / 4},
                   actions(2))])
    write("vectors", out, spaces.Box(-1, 1, (3,), np.float32), spaces.Discrete(4),
          [episode(0, 4, list(np.arange(15, dtype=np.float32).reshape(5, 3) / 16), [np.int64(t) for t in range(4)])])


if __name__ == "__main__":
    main()
