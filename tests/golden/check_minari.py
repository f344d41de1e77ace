"""Opens a dataset written by Dreamscope with h5py and with the real Minari, and compares what they see.

    python check_minari.py DATASET [--episodes N]

Needs h5py, minari (0.5.3 or newer), numpy, pillow. Prints one line per episode and ends non-zero when something differs.
"""
import argparse
import json
import pathlib

import h5py
import numpy as np
from minari import MinariDataset


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=pathlib.Path)
    parser.add_argument("--episodes", type=int, default=5, help="how many to compare in full")
    arguments = parser.parse_args()
    data = arguments.dataset / "data"

    metadata = json.loads((data / "metadata.json").read_text())
    dataset = MinariDataset(data)
    print(f"Minari opens {dataset.id}: {dataset.total_episodes} episodes, {dataset.total_steps} steps")
    print(f"  observation {dataset.observation_space}")
    print(f"  action {dataset.action_space}")
    assert dataset.total_episodes == metadata["total_episodes"]
    assert dataset.total_steps == metadata["total_steps"]

    steps = 0
    with h5py.File(data / "main_data.hdf5", "r") as file:
        names = [f"episode_{i}" for i in range(len(file.keys()))]
        assert set(names) == set(file.keys()), "the episodes are not numbered from 0"
        for index, name in enumerate(names):
            group = file[name]
            steps += int(group.attrs["total_steps"])
            if index >= arguments.episodes:
                continue
            episode = dataset[index]
            length = len(episode)
            assert int(group.attrs["id"]) == index and int(group.attrs["total_steps"]) == length
            assert group["terminations"].dtype == bool and group["truncations"].dtype == bool
            assert group["rewards"].dtype == np.float64
            observations = episode.observations
            parts = observations if isinstance(observations, dict) else {"": observations}
            for key, value in parts.items():
                space = dataset.observation_space.spaces[key] if key else dataset.observation_space
                assert value.shape == (length + 1, *space.shape), (key, value.shape)
                assert value.dtype == space.dtype, (key, value.dtype)
                raw = group["observations"][key] if key else group["observations"]
                if raw.ndim == 2 and raw.dtype == np.uint8 and raw.shape[1] != value[0].size:
                    header = raw.shape[1] - value[0].size  # "P6\n64 64\n255\n"
                    assert bytes(raw[0, :2]) in (b"P5", b"P6")
                    np.testing.assert_array_equal(raw[:, header:].reshape(value.shape), value)
            # An action is checked as Gymnasium checks it: shape, type and bounds of the space.
            assert dataset.action_space.contains(episode.actions[0]), episode.actions[0]
            assert len(episode.actions) == length
            seed = next(iter(dataset.storage.get_episode_metadata([index]))).get("seed", "unknown")
            print(f"  {name}: seed {seed}, {length} steps, return {episode.rewards.sum():.3f}, "
                  f"mean observation {np.mean([np.mean(v) for v in parts.values()]):.4f}")
    assert steps == metadata["total_steps"], (steps, metadata["total_steps"])
    print("Minari, h5py and metadata.json agree.")


if __name__ == "__main__":
    main()
