"""Golden traces of the real CartPole-v1, read by tests/env/cart_pole_test.cpp.

    pip install "gymnasium==1.4.0" "numpy==2.4.6"
    python tests/golden/make_cart_pole.py

Writes tests/golden/cart_pole/balance.npz, 40 seeds one after the other: length [40], and per step action, observation
[.., 4] float32, terminated, truncated; start [40, 4] is the observation of reset. Even seeds are driven at random, odd
ones by a controller that mostly lasts until the time limit.

And tests/golden/cart_pole/swing.npz: Gymnasium's own equations with its semi-implicit integrator and forces of any
strength, from a hanging pole: start [10, 4] float64 (the state), force [10, 500] float32 in units of 10 N, state
[10, 500, 4] float64 (zeros once the cart has left the track).
"""

import pathlib

import gymnasium
import numpy as np

OUT = pathlib.Path(__file__).parent / "cart_pole"


def balance():
    env = gymnasium.make("CartPole-v1")
    names = ("length", "start", "action", "observation", "terminated", "truncated")
    log = {name: [] for name in names}
    for seed in range(40):
        seen, _ = env.reset(seed=seed)
        rng = np.random.default_rng(1000 + seed)
        log["start"].append(seen)
        for step in range(1, 501):
            lean = seen[2] + 0.5 * seen[3] + 0.02 * seen[0] + 0.05 * seen[1]
            action = int(rng.integers(2) if seed % 2 == 0 or rng.random() < 0.1 else lean > 0)
            seen, reward, terminated, truncated, _ = env.step(action)
            assert reward == 1
            for name, value in zip(names[2:], (action, seen, terminated, truncated)):
                log[name].append(value)
            if terminated or truncated:
                log["length"].append(step)
                break
    np.savez_compressed(
        OUT / "balance.npz",
        length=np.array(log["length"], np.int64),
        start=np.array(log["start"], np.float32),
        action=np.array(log["action"], np.float32),
        observation=np.array(log["observation"], np.float32),
        terminated=np.array(log["terminated"], bool),
        truncated=np.array(log["truncated"], bool),
    )
    print("lengths", log["length"])


def swing():
    env = gymnasium.make("CartPole-v1").unwrapped
    env.kinematics_integrator = "semi-implicit"
    start, force, states = np.zeros((10, 4)), np.zeros((10, 500), np.float32), np.zeros((10, 500, 4))
    for seed in range(10):
        env.reset(seed=seed)
        env.state = env.state + np.array([0, 0, np.pi, 0])
        start[seed] = env.state
        rng, push = np.random.default_rng(2000 + seed), 0.0
        for step in range(500):
            # Noise, against the cart's position so that it stays, and with the pole's swing.
            x, x_dot, theta, theta_dot = env.state
            push = 0.8 * push + 0.3 * rng.normal()
            wish = push - 0.4 * x - 0.3 * x_dot - 0.08 * np.cos(theta) * theta_dot
            force[seed, step] = np.float32(np.clip(wish, -1, 1))
            env.force_mag = 10.0 * float(force[seed, step])
            env.step(1)
            states[seed, step] = env.state
            if abs(env.state[0]) > 2.4:
                break
        print("swing", seed, step + 1, states[seed, : step + 1, 3].max())
    np.savez_compressed(OUT / "swing.npz", start=start, force=force, state=states)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    balance()
    swing()
