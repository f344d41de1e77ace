"""Golden traces of the MinAtar package, read by tests/env/minatar_test.cpp.

    pip install minatar==1.0.15 "numpy==2.3.5"
    python tests/golden/make_minatar.py [OUT KEEP CANDIDATES]

Writes into tests/golden/minatar/ (or OUT):
  <game>.npz   episodes one after the other: seed [E], length [E], plain [E] (no sticky actions, no ramping); for every
               step action, reward, terminal; state, one more per episode than it has steps, 10 x 10 x n bits packed;
               palette [n, 3]
  numpy.npz    NumPy's legacy streams

Of the CANDIDATES (40) episodes that a driver plays who knows the game, the KEEP (4) of the highest return are kept, so
that walls fall, waves end, divers are brought up and the difficulty rises; then two plain ones, and two at random.
"""

import pathlib
import sys

import numpy as np
import seaborn
from minatar import Environment

GAMES = ("breakout", "asterix", "freeway", "seaquest", "space_invaders")
STEPS = 2600  # Freeway ends by itself after 2501
NONE, LEFT, UP, RIGHT, DOWN, FIRE = range(6)


def towards(x, y, to_x, to_y):
    if y != to_y:
        return DOWN if to_y > y else UP
    if x != to_x:
        return RIGHT if to_x > x else LEFT
    return NONE


def breakout(env, rng):
    x = env.ball_x + (1 if env.ball_dir in (1, 2) else -1) * (env.ball_y < 8)
    return towards(env.pos, 0, x, 0)


def asterix(env, rng):
    def worth(action):
        x = np.clip(env.player_x + (action == RIGHT) - (action == LEFT), 0, 9)
        y = np.clip(env.player_y + (action == DOWN) - (action == UP), 1, 8)
        total = 0.01 * rng.random() - 0.02 * abs(x - 4.5)
        for e in env.entities:
            if e is None:
                continue
            ahead = (x - e[0]) * (1 if e[2] else -1)
            near = e[1] == y and -1 <= ahead <= 2
            total += (0.5 / (1 + abs(e[1] - y) + abs(e[0] - x))) if e[3] else -10.0 * near
        return total

    return max(range(5), key=worth)


def freeway(env, rng):
    for car in env.cars:
        if car[1] == env.pos - 1 and abs(car[0] - 4) <= 1:
            return NONE
    return UP


def seaquest(env, rng):
    # A practised player of low ambition: flees what comes at it, shoots what it faces, fetches divers, surfaces in time.
    enemies = env.e_fish + env.e_subs
    if env.diver_count > 0 and (env.oxygen < 60 or env.diver_count >= 6) or (env.diver_count < 0 and env.oxygen < 40):
        return UP

    def danger(x, y):
        return any(e[1] == y and -1 <= (x - e[0]) * (1 if e[2] else -1) <= 2 for e in enemies + env.e_bullets)

    moves = {
        NONE: (env.sub_x, env.sub_y),
        LEFT: (max(0, env.sub_x - 1), env.sub_y),
        RIGHT: (min(9, env.sub_x + 1), env.sub_y),
        UP: (env.sub_x, max(1, env.sub_y - 1)),
        DOWN: (env.sub_x, min(8, env.sub_y + 1)),
    }
    if env.shot_timer == 0:
        for e in enemies:
            if e[1] == env.sub_y and (e[0] > env.sub_x) == bool(env.sub_or) and not danger(env.sub_x, env.sub_y):
                return FIRE
    goal = (4, 4)
    if env.divers:
        d = min(env.divers, key=lambda d: abs(d[0] - env.sub_x) + abs(d[1] - env.sub_y))
        goal = (d[0], d[1])
    elif enemies:
        goal = (5 if env.sub_x < 5 else 4, enemies[0][1])

    def cost(action):
        x, y = moves[action]
        return 100 * danger(x, y) + abs(x - goal[0]) + abs(y - goal[1]) + 0.1 * rng.random()

    return min(moves, key=cost)


def would_hit(env):
    aliens, direction, timer = env.alien_map.copy(), env.alien_dir, env.alien_move_timer
    for row in range(8, -1, -1):
        if timer == 0:
            timer = min(np.count_nonzero(aliens), env.enemy_move_interval)
            if aliens[:, 0 if direction < 0 else 9].any():
                direction = -direction
                aliens = np.roll(aliens, 1, axis=0)
            else:
                aliens = np.roll(aliens, direction, axis=1)
        if aliens[row, env.pos]:
            return True
        timer -= 1
    return False


def space_invaders(env, rng):
    def threatened(x):
        return env.e_bullet_map[8, x] or env.e_bullet_map[7, x]

    options = {NONE: env.pos, LEFT: max(0, env.pos - 1), RIGHT: min(9, env.pos + 1)}
    if threatened(env.pos):
        return min(options, key=lambda a: (bool(threatened(options[a])), rng.random()))
    if env.shot_timer == 0 and would_hit(env):
        return FIRE
    columns = np.flatnonzero(env.alien_map.any(axis=0))
    target = columns[np.argmin(abs(columns + env.alien_dir * 0.6 - env.pos))]
    action = towards(env.pos, 0, target, 0)
    return NONE if threatened(options[action]) else action


def play(game, number, skilled=True, plain=False):
    env = Environment(game, 0.0 if plain else 0.1, not plain)
    seed = number + (2**32 - 10000 if number % 4 == 3 else 0)
    env.seed(seed)
    env.reset()
    rng = np.random.default_rng([7, number])
    log = {"action": [], "reward": [], "terminal": [], "state": [np.packbits(env.state())]}
    terminal = False
    while not terminal and len(log["action"]) < STEPS:
        guided = skilled and rng.random() > 0.03
        action = globals()[game](env.env, rng) if guided else int(rng.integers(6))
        reward, terminal = env.act(action)
        log["action"].append(action)
        log["reward"].append(reward)
        log["terminal"].append(terminal)
        log["state"].append(np.packbits(env.state()))
    return seed, plain, {key: np.array(value, np.uint8) for key, value in log.items()}


def record(out, game, keep, candidates):
    runs = [play(game, number) for number in range(candidates)]
    runs = sorted(runs, key=lambda run: -run[2]["reward"].sum(dtype=int))[:keep]
    runs += [play(game, candidates + i, plain=True) for i in range(keep // 2)]
    runs += [play(game, 2 * candidates + i, skilled=False) for i in range(keep // 2)]
    lengths = [len(log["action"]) for _, _, log in runs]
    channels = Environment(game).n_channels
    np.savez_compressed(
        out / f"{game}.npz",
        seed=np.array([seed for seed, _, _ in runs], np.int64),
        plain=np.array([plain for _, plain, _ in runs], np.uint8),
        length=np.array(lengths, np.int64),
        palette=np.rint(255 * np.array(seaborn.color_palette("cubehelix", channels))).astype(np.uint8),
        **{key: np.concatenate([log[key] for _, _, log in runs]) for key in runs[0][2]},
    )
    returns = [int(log["reward"].sum()) for _, _, log in runs]
    print(game, "steps", sum(lengths), "lengths", lengths[:20], "returns", returns[:20])


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "minatar"
    keep, candidates = (int(a) for a in sys.argv[2:4]) if len(sys.argv) > 3 else (4, 40)
    out.mkdir(exist_ok=True, parents=True)
    for game in GAMES:
        record(out, game, keep, candidates)

    streams = {}
    for seed in (0, 1, 42, 2**32 - 1, 2**32 + 5, 2**64 - 1):
        random = np.random.RandomState(seed if seed < 2**32 else [seed % 2**32, seed >> 32])
        streams[f"rand_{seed}"] = random.rand(700)
        streams[f"randint_{seed}"] = np.array([random.randint(1 + i % 9) for i in range(900)], np.int64)
    np.savez_compressed(out / "numpy.npz", **streams)


main()
