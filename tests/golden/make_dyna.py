"""Golden data of tabular Dyna: run `python make_dyna.py` in this folder (`pip install torch==2.13.0 numpy`).

dyna/dyna.npz: for each variant the states and actions of a walk through the maze of Sutton & Barto (2018), figure 8.2, and Q
at its end. Written from the book's boxes, in plain Python with dictionaries; torch gives the stream of random numbers alone,
which ours draws in the same order: three numbers for a decision (explore? which? which of the best?), then two for each
planned step (which state, which action).
"""
import pathlib

import numpy as np
import torch

ROWS, COLUMNS, START, GOAL = 6, 9, (2, 0), (0, 8)
WALLS = {(1, 2), (2, 2), (3, 2), (0, 7), (1, 7), (2, 7), (4, 5)}
MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]  # up, down, left, right


def step(place, action):
    to = (place[0] + MOVES[action][0], place[1] + MOVES[action][1])
    if to in WALLS or not (0 <= to[0] < ROWS and 0 <= to[1] < COLUMNS):
        to = place
    return to, float(to == GOAL), to == GOAL


def walk(seed, steps, n, alpha=0.1, gamma=0.95, epsilon=0.1, kappa=None, theta=None):
    rng = torch.Generator().manual_seed(seed)
    q = {(r, c): [0.0] * 4 for r in range(ROWS) for c in range(COLUMNS)}
    model, visited, queue = {}, [], {}
    place, walked, acted = START, [], []

    def delta(s, a, reward, to, done):
        return reward + (0.0 if done else gamma * max(q[to])) - q[s][a]

    def push(s, a):
        reward, to, done, _ = model[s][a]
        size = abs(delta(s, a, reward, to, done))
        if size > theta:
            queue[s, a] = max(queue.get((s, a), 0.0), size)

    for time in range(1, steps + 1):
        explore, which, tie = torch.rand(1, 3, generator=rng, dtype=torch.float64)[0].tolist()
        best = [a for a in range(4) if q[place][a] == max(q[place])]
        action = int(which * 4) if explore < epsilon else best[int(tie * len(best))]
        walked.append(place[0] * COLUMNS + place[1])
        acted.append(action)
        to, reward, done = step(place, action)
        if theta is None:
            q[place][action] += alpha * delta(place, action, reward, to, done)
        if place not in visited:
            visited.append(place)
        model.setdefault(place, {})[action] = (reward, to, done, time)
        if theta is not None:
            push(place, action)
            for _ in range(n):
                if not queue:
                    break
                s, a = max(queue, key=lambda k: (queue[k], -(k[0][0] * COLUMNS + k[0][1]) * 4 - k[1]))
                del queue[s, a]
                r, t, d, _ = model[s][a]
                q[s][a] += alpha * delta(s, a, r, t, d)
                for before in visited:
                    for b, (_, lead, ends, _) in sorted(model[before].items()):
                        if lead == s and not ends:
                            push(before, b)
        elif n > 0:
            for u, v in torch.rand(n, 2, generator=rng, dtype=torch.float64).tolist():
                s = visited[int(u * len(visited))]
                known = range(4) if kappa is not None else sorted(model[s])
                a = known[int(v * len(known))]
                r, t, d, last = model[s].get(a, (0.0, s, False, 1))
                if kappa is not None:
                    r += kappa * (time - last) ** 0.5
                q[s][a] += alpha * delta(s, a, r, t, d)
        place = START if done else to
    values = np.array([q[r, c] for r in range(ROWS) for c in range(COLUMNS)])
    return np.array(walked, np.float64), np.array(acted, np.float64), values


def main():
    arrays = {}
    for name, options in {"q0": dict(n=0), "q5": dict(n=5), "q50": dict(n=50), "plus": dict(n=10, kappa=1e-3),
                          "sweep": dict(n=5, theta=1e-4, alpha=0.5)}.items():
        states, actions, values = walk(7, 1500, **options)
        arrays[f"{name}/states"], arrays[f"{name}/actions"], arrays[f"{name}/q"] = states, actions, values
        print(name, "episodes", int((states == START[0] * COLUMNS).sum()), "max Q", values.max())
    out = pathlib.Path(__file__).parent / "dyna"
    out.mkdir(exist_ok=True)
    np.savez_compressed(out / "dyna.npz", **arrays)


if __name__ == "__main__":
    main()
