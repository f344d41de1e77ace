"""Writes small episodes as NumPy files in the layouts of Dreamer and of ctallec/world-models, for core/data's tests.

    python make_npz.py OUT

Needs numpy. `dreamer_v1` is an episode of half-precision numbers that ends by its discount; `dreamer_v2` the same with one-hot
choices; `dreamer_v3` a chunk of a stream, whose actions stand beside what they were taken at, with the end of one episode, a whole one, and the beginning of a third; `rollouts` two
episodes, whose actions are longer than what was seen; `texts` an episode with a text and Python's objects beside it, and `text_reward`
one whose rewards are texts.
"""
import pathlib
import sys

import numpy as np


def frames(rows, height=6, width=7):
    return (np.arange(rows * height * width * 3) % 251).astype(np.uint8).reshape(rows, height, width, 3)


def save(path, **arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def main():
    out = pathlib.Path(sys.argv[1])
    rows = 5
    ramp = np.arange(rows)
    discount = np.ones(rows)
    discount[-1] = 0
    save(out / "dreamer_v1" / "20200101T000000-abc-5.npz", image=frames(rows), discount=discount.astype(np.float16),
         action=np.stack([ramp / 8, -ramp / 4], 1).astype(np.float16), reward=(ramp / 2).astype(np.float16))
    save(out / "dreamer_v2" / "20210101T000000-abc-5.npz", image=frames(rows), discount=np.ones(rows, np.float32),
         action=np.concatenate([np.zeros((1, 3)), np.eye(3)[[2, 0, 1, 1]]]).astype(np.float32), reward=ramp.astype(np.float32),
         is_first=ramp == 0, is_terminal=np.zeros(rows, bool))
    rows = 9
    first, last = np.zeros(rows, bool), np.zeros(rows, bool)
    first[[3, 7]] = True
    last[[2, 6]] = True
    action = np.eye(2, dtype=np.float32)[np.arange(rows) % 2] * ~last[:, None]  # taken at its row, none at an episode's end
    save(out / "dreamer_v3" / "20230101T000000F0-a-b-9.npz", image=frames(rows), action=action,
         reward=np.arange(rows, dtype=np.float32), is_first=first, is_last=last, is_terminal=last & (np.arange(rows) == 6),
         position=np.arange(2 * rows, dtype=np.float32).reshape(rows, 2), stepid=np.zeros((rows, 20), np.uint8), log_speed=np.zeros(rows))
    for i in range(2):
        rows = 4 + i
        done = np.zeros(rows, bool)
        done[-1] = True
        save(out / "rollouts" / f"rollout_{i}.npz", observations=frames(rows), rewards=np.arange(rows) - 0.5,
             actions=np.arange(30.0).reshape(10, 3) / 32, terminals=done)
    rows = 5
    good = dict(image=frames(rows), action=np.eye(3, dtype=np.float32)[[0, 2, 0, 1, 1]], discount=np.ones(rows, np.float32))
    save(out / "texts" / "texts.npz", **good, reward=np.arange(rows, dtype=np.float32), note=np.array("hello"),
         info=np.array([{"t": t} for t in range(rows)], dtype=object))
    save(out / "text_reward" / "text_reward.npz", **good, reward=np.array(["none"] * rows))


if __name__ == "__main__":
    main()
