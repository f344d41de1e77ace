"""Golden walks through the mazes of Sutton and Barto's chapter 8, read by tests/env/maze_test.cpp.

    pip install numpy matplotlib tqdm
    curl -O https://raw.githubusercontent.com/ShangtongZhang/reinforcement-learning-an-introduction/96bc203617a70eba6b7784a8f876aaf218b2c914/chapter08/maze.py
    python tests/golden/make_maze.py maze.py

The moves are those of that file's Maze; the time at which walls move is the book's, which the file only approaches, as
it waits for the end of an episode. Writes tests/golden/maze/<name>.npz: length [N] and, one walk after the other, action,
state (row * 9 + column) and reward, all of them after the step. dyna: 12 random walks to the goal or 5000 steps.
blocking and shortcut: 3 lives of 3000 and 6000 steps, half of whose moves are random and half go towards the goal, so
that all of the maze is met.
"""

import importlib.util
import pathlib
import sys

import numpy as np

OUT = pathlib.Path(__file__).parent / "maze"


def load(path):
    spec = importlib.util.spec_from_file_location("maze", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def walk(maze, rng, limit, ends, moves_after=None, later=None):
    state, rows = list(maze.START_STATE), []
    for step in range(limit):
        if step == moves_after:
            maze.obstacles = later
        action = int(rng.integers(4))
        if not ends and rng.random() < 0.5:
            action = int(rng.choice([maze.ACTION_UP, maze.ACTION_UP, maze.ACTION_LEFT, maze.ACTION_RIGHT]))
        state, reward = maze.step(state, action)
        if reward and not ends:
            state = list(maze.START_STATE)
        rows.append((action, state[0] * maze.WORLD_WIDTH + state[1], reward))
        if reward and ends:
            break
    return rows


def save(name, walks):
    rows = [row for one in walks for row in one]
    np.savez_compressed(
        OUT / f"{name}.npz",
        length=np.array([len(one) for one in walks], np.int64),
        action=np.array([row[0] for row in rows], np.float32),
        state=np.array([row[1] for row in rows], np.float32),
        reward=np.array([row[2] for row in rows], np.float32),
    )
    print(name, [(len(one), sum(row[2] for row in one)) for one in walks])


def main():
    port = load(sys.argv[1])
    OUT.mkdir(exist_ok=True)
    save("dyna", [walk(port.Maze(), np.random.default_rng(seed), 5000, True) for seed in range(12)])
    for name, limit, moves_after, before, after in (
        ("blocking", 3000, 1000, range(0, 8), range(1, 9)),
        ("shortcut", 6000, 3000, range(1, 9), range(1, 8)),
    ):
        lives = []
        for seed in range(3):
            maze = port.Maze()
            maze.START_STATE = [5, 3]
            maze.obstacles = [[3, column] for column in before]
            later = [[3, column] for column in after]
            lives.append(walk(maze, np.random.default_rng(seed), limit, False, moves_after, later))
        save(name, lives)


if __name__ == "__main__":
    main()
