"""Golden traces of the real CarRacing-v3, read by tests/env/car_racing_test.cpp.

    pip install "gymnasium[box2d]==1.2.3" "numpy==2.3.5" "pygame==2.6.1"
    python tests/golden/make_car_racing.py

Writes tests/golden/car_racing/*.npz:
  traces.npz      20 seeds x 200 steps of a driver that follows the road with noise: actions, reward, terminated, pose
                  (x, y, angle of the hull after each step), tracks one after the other; frames of five seeds
  lap.npz         one whole lap, to the end that the lap rule gives
  field.npz       gas straight ahead, to the end that leaving the field gives
  idle.npz        no gas at all (Box2D lets the car fall asleep) and full brakes
  discrete.npz    the five discrete actions
  randomized.npz  frames with domain randomisation
  numpy.npz       NumPy's own random streams
"""

import math
import pathlib

import gymnasium
import numpy as np

OUT = pathlib.Path(__file__).parent / "car_racing"
FRAME_SEEDS = 5
FRAME_EVERY = 20


def make(**options):
    env = gymnasium.make("CarRacing-v3", **options).unwrapped
    return env


def pose(env):
    hull = env.car.hull
    return [hull.position[0], hull.position[1], hull.angle]


def driver(env, rng, state, noise, pace):
    """Steers towards a point ahead on the centre line; `state` holds the smooth noise."""
    track = np.array(env.track)
    x, y, angle = pose(env)
    nearest = int(np.argmin((track[:, 2] - x) ** 2 + (track[:, 3] - y) ** 2))
    ahead = track[(nearest + 5) % len(track)]
    heading = math.atan2(ahead[3] - y, ahead[2] - x) - math.pi / 2
    turn = (heading - angle + math.pi) % (2 * math.pi) - math.pi
    speed = math.hypot(*env.car.hull.linearVelocity)
    state[:] = 0.9 * state + 0.1 * rng.uniform(-1, 1, size=2)
    steer = np.clip(-1.5 * turn + noise * state[0], -1, 1)
    target = pace * (1 - 0.6 * min(1, abs(turn))) + 30 * noise * state[1]
    gas = np.clip(0.1 * (target - speed), 0, 1) * (0.3 if abs(turn) > 0.5 else 0.7)
    brake = np.clip(0.03 * (speed - target - 8), 0, 0.8)
    return np.array([steer, gas, brake], np.float32)


def play(env, seed, steps, policy, frames=False):
    observation, _ = env.reset(seed=seed)
    log = {"action": [], "reward": [], "terminated": [], "pose": [], "frame": [observation]}
    for step in range(steps):
        action = policy(step)
        observation, reward, terminated, _, _ = env.step(action)
        log["action"].append(action)
        log["reward"].append(reward)
        log["terminated"].append(terminated)
        log["pose"].append(pose(env))
        if frames and (step + 1) % FRAME_EVERY == 0:
            log["frame"].append(observation)
        if terminated:
            break
    return {
        "action": np.array(log["action"], np.float32),
        "reward": np.array(log["reward"], np.float64),
        "terminated": np.array(log["terminated"], bool),
        "pose": np.array(log["pose"], np.float64),
        "track": np.array(env.track, np.float64),
        "frame": np.array(log["frame"], np.uint8),
    }


def noisy_driver(env, seed, noise, pace=45):
    rng = np.random.default_rng(1000 + seed)
    state = np.zeros(2)
    return lambda step: driver(env, rng, state, noise, pace)


def save(name, **arrays):
    np.savez_compressed(OUT / name, **arrays)


def main():
    OUT.mkdir(exist_ok=True)
    env = make()

    runs = [play(env, seed, 200, noisy_driver(env, seed, 1.5), seed < FRAME_SEEDS) for seed in range(20)]
    save(
        "traces.npz",
        **{key: np.stack([run[key] for run in runs]) for key in ("action", "reward", "terminated", "pose")},
        track=np.concatenate([run["track"] for run in runs]),
        track_length=np.array([len(run["track"]) for run in runs], np.int64),
        frame=np.stack([run["frame"] for run in runs[:FRAME_SEEDS]]),
    )

    lap = play(env, 7, 1000, noisy_driver(env, 7, 0.0, 62))
    assert lap["terminated"][-1] and lap["reward"][-1] > -100, "the driver must finish its lap"
    save("lap.npz", **{key: lap[key] for key in ("action", "reward", "terminated", "pose")})

    field = play(env, 3, 1000, lambda step: np.array([0, 0.6, 0], np.float32))
    assert field["reward"][-1] == -100
    save("field.npz", **{key: field[key] for key in ("action", "reward", "terminated", "pose")})

    def idle(step):
        return np.array([0.5 if step > 60 else 0, 0.6 if step > 70 else 0, 1.0 if step > 110 else 0], np.float32)

    run = play(env, 11, 200, idle)
    save("idle.npz", **{key: run[key] for key in ("action", "reward", "terminated", "pose")})

    env = make(continuous=False)
    rng = np.random.default_rng(5)
    choices = np.repeat(rng.integers(0, 5, size=40), 5)
    choices[:30] = 3
    run = play(env, 21, 200, lambda step: int(choices[step]))
    save("discrete.npz", **{key: run[key] for key in ("action", "reward", "terminated", "pose")})

    env = make(domain_randomize=True)
    gas = np.array([0.1, 0.5, 0], np.float32)
    runs = [play(env, seed, 40, lambda step: gas, True) for seed in range(4)]
    save("randomized.npz", frame=np.stack([run["frame"] for run in runs]), pose=np.stack([run["pose"] for run in runs]))

    streams = {}
    for seed in (0, 1, 42, 2**32 + 5, 2**64 - 1):
        rng = np.random.default_rng(seed)
        streams[f"random_{seed}"] = rng.random(4)
        bounds = (3, 3, 7, 1000, 2**31, 2**32, 2**40)
        streams[f"integers_{seed}"] = np.array([rng.integers(n) for n in bounds], np.int64)
        streams[f"uniform_{seed}"] = rng.uniform(-3, 5, size=3)
    save("numpy.npz", **streams)


main()
