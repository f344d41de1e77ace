"""Golden traces of the real Pendulum-v1, read by tests/env/pendulum_test.cpp.

    pip install "gymnasium==1.2.3" "numpy==2.3.5"
    python tests/golden/make_pendulum.py

Writes tests/golden/pendulum/traces.npz, 20 seeds x 200 steps: start [20, 3] (the observation of reset), action [20, 200]
(smooth noise that often leaves the bounds), observation [20, 200, 3], reward [20, 200], truncated [20, 200].
"""

import pathlib

import gymnasium
import numpy as np

SEEDS, STEPS = 20, 200
OUT = pathlib.Path(__file__).parent / "pendulum"


def main():
    env = gymnasium.make("Pendulum-v1")
    log = {name: [] for name in ("start", "action", "observation", "reward", "truncated")}
    for seed in range(SEEDS):
        start, _ = env.reset(seed=seed)
        rng, push = np.random.default_rng(1000 + seed), 0.0
        log["start"].append(start)
        for _ in range(STEPS):
            push = 0.8 * push + rng.normal()
            action = np.array([push], np.float32)
            observation, reward, terminated, truncated, _ = env.step(action)
            assert not terminated
            log["action"].append(action[0])
            log["observation"].append(observation)
            log["reward"].append(reward)
            log["truncated"].append(truncated)
    OUT.mkdir(exist_ok=True)
    np.savez_compressed(
        OUT / "traces.npz",
        start=np.array(log["start"], np.float32),
        action=np.array(log["action"], np.float32).reshape(SEEDS, STEPS),
        observation=np.array(log["observation"], np.float32).reshape(SEEDS, STEPS, 3),
        reward=np.array(log["reward"], np.float64).reshape(SEEDS, STEPS),
        truncated=np.array(log["truncated"], bool).reshape(SEEDS, STEPS),
    )


if __name__ == "__main__":
    main()
