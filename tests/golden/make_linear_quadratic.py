"""The optimal controller of LinearQuadratic and golden traces, read by tests/env/linear_quadratic_test.cpp.

    pip install "numpy==2.4.6"
    python tests/golden/make_linear_quadratic.py

Prints the constants that stand in core/env/linear_quadratic.h, by iterating the Riccati recursion, and what they were
chosen for: how far the optimal actions stay from their bounds, in how many steps the puck settles, and what a planner
loses that looks 12 steps ahead and no further. Writes tests/golden/linear_quadratic/traces.npz, 20 seeds x 50 steps of
random actions: start [20, 4], action [20, 50, 2] float32, state [20, 50, 4], reward [20, 50]; and the optimal driver's
cost of each episode, optimal [20].
"""

import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parent / "linear_quadratic"
SEEDS, STEPS, HORIZON = 20, 50, 12
INTERVAL, GLIDE, PUSH = 0.2, 0.8, 1.0
I, O = np.eye(2), np.zeros((2, 2))
A = np.block([[I, INTERVAL * I], [O, GLIDE * I]])
B = np.vstack([O, PUSH * I])
Q = np.diag([1, 1, 0.05, 0.05])
R = 2 * I
REACH, SPEED = 1.0, 0.6


def riccati(steps):
    """Cost-to-go P and gain K with so many steps left."""
    p, k = np.zeros((4, 4)), np.zeros((2, 4))
    for _ in range(steps):
        k = np.linalg.solve(R + B.T @ p @ B, B.T @ p @ A)
        p = Q + A.T @ p @ (A - B @ k)
        p = (p + p.T) / 2
    return p, k


def start(seed):
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    high = np.array([REACH, REACH, SPEED, SPEED])
    return rng.uniform(-high, high)


def drive(x, gain):
    """Cost, largest action, and distance from the centre after each step; x is [N, 4]."""
    cost, most, away = 0, 0, []
    for _ in range(STEPS):
        u = -x @ gain.T
        most = max(most, np.abs(u).max())
        cost = cost + np.einsum("ni,ij,nj->n", x, Q, x) + np.einsum("ni,ij,nj->n", u, R, u)
        x = x @ A.T + u @ B.T
        away.append(np.hypot(x[:, 0], x[:, 1]))
    return cost, most, np.array(away)


def main():
    p, k = riccati(10000)
    print("P", repr(p[0, 0]), repr(p[0, 2]), repr(p[2, 2]), "K", repr(k[0, 0]), repr(k[0, 2]))
    print("eigenvalues of the closed loop", np.abs(np.linalg.eigvals(A - B @ k)))
    high = np.array([REACH, REACH, SPEED, SPEED])
    many = np.random.default_rng(0).uniform(-high, high, (100000, 4))
    many[:16] = [[i * REACH, j * REACH, m * SPEED, n * SPEED] for i in (-1, 1) for j in (-1, 1) for m in (-1, 1) for n in (-1, 1)]
    best, most, away = drive(many, k)
    plan, _, _ = drive(many, riccati(HORIZON)[1])
    idle, _, _ = drive(many, np.zeros((2, 4)))
    share = away / np.hypot(many[:, 0], many[:, 1])
    print("largest optimal action", most, "mean cost", best.mean(), "of an idle driver", idle.mean())
    print("horizon 12 loses", plan.mean() / best.mean() - 1, "in the mean,", (plan / best).max() - 1, "at worst")
    print("mean distance after 1..12 steps", away[:12].mean(1).round(3))
    print("cost that is left after 50 steps", np.abs(np.einsum("ni,ij,nj->n", many, p, many) - best).max())

    log = {name: [] for name in ("start", "action", "state", "reward")}
    for seed in range(SEEDS):
        x, rng, push = start(seed), np.random.default_rng(1000 + seed), np.zeros(2)
        log["start"].append(x)
        for _ in range(STEPS):
            push = 0.7 * push + 0.6 * rng.normal(size=2)  # often out of bounds
            action = push.astype(np.float32)
            u = np.clip(action.astype(np.float64), -1, 1)
            log["action"].append(action)
            log["reward"].append(-(x @ Q @ x + u @ R @ u))
            x = A @ x + B @ u
            log["state"].append(x)
    shapes = {"start": (SEEDS, 4), "action": (SEEDS, STEPS, 2), "state": (SEEDS, STEPS, 4), "reward": (SEEDS, STEPS)}
    OUT.mkdir(exist_ok=True)
    np.savez_compressed(
        OUT / "traces.npz",
        optimal=drive(np.array(log["start"]), k)[0],
        **{name: np.array(log[name]).reshape(shape) for name, shape in shapes.items()},
    )


if __name__ == "__main__":
    main()
