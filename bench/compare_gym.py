#!/usr/bin/env python3
"""Steps per second of Gymnasium environments: bridged into Dreamscope, and in a plain Python loop of the same Python.

    bench/compare_gym.py [NAME...] [--lanes 1,8,64] [--seconds S] [--rounds N]

Both sides take random actions and turns, so that what else runs disturbs both; of each turn's three stretches the best counts,
and of the turns the best, with the median beside it. Every episode of the bridge begins with a seed of its own. The plain loop is
measured with and without: some environments take long to be seeded. With as many lanes, Gymnasium's own vectors stand beside it: of
environments that take turns within one process, and of those that have a process each.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

PLAIN = """
import importlib, sys, time
import gymnasium
for beginning, module in {"ALE/": "ale_py", "MiniGrid-": "minigrid", "Vizdoom": "vizdoom.gymnasium_wrapper"}.items():
    if sys.argv[1].startswith(beginning):
        importlib.import_module(module)  # which registers its worlds
name, seconds, seeded = sys.argv[1], float(sys.argv[2]), sys.argv[3] == "seeded"


class Older:  # an interface from before Gymnasium, as one of Gymnasium's: no more than its calls
    def __init__(self, env, seed, step, actions):
        self.env, self.seed, self.go, self.action_space = env, seed, step, actions

    def reset(self, seed=None):
        if seed is not None:
            self.seed(seed)
        self.env.reset()

    def step(self, action):
        return self.go(self.env.step(action))


def made(name):
    family, _, rest = name.partition(":")
    if family == "crafter":
        import crafter
        env = crafter.Env(reward=rest == "reward")
        return Older(env, lambda seed: setattr(env, "_seed", seed), lambda found: (None, found[1], found[2], False, None),
                     gymnasium.spaces.Discrete(env.action_space.n))
    if family == "dmc":
        import numpy
        from dm_control import suite
        env = suite.load(*rest.split("-", 1))
        low, high = (numpy.broadcast_to(edge, env.action_spec().shape) for edge in (env.action_spec().minimum, env.action_spec().maximum))
        return Older(env, lambda seed: setattr(env.task, "_random", numpy.random.RandomState(seed)),
                     lambda found: (None, found.reward, found.last(), False, None), gymnasium.spaces.Box(low, high, dtype=low.dtype))
    if family == "procgen":
        import types
        for module in ("gym", "gym.envs", "gym.envs.registration"):
            sys.modules.setdefault(module, types.ModuleType(module)).register = lambda **_: None
        import numpy
        from procgen import ProcgenGym3Env
        class Game:
            action_space = gymnasium.spaces.Discrete(15)
            def reset(self, seed=None):  # its own levels follow one another
                if seed is not None:
                    self.inner = ProcgenGym3Env(1, rest, rand_seed=seed, num_threads=0)
                    self.inner.observe()
            def step(self, action):
                self.inner.act(numpy.array([action], numpy.int32))
                reward, seen, first = self.inner.observe()
                return seen, reward[0], first[0], False, None
        return Game()
    return gymnasium.make(rest if family == "gym" else name)


def vector_rate(how, lanes):
    best, env = 0, gymnasium.make_vec(name, num_envs=lanes, vectorization_mode=how)
    env.reset(seed=0)
    actions = [env.action_space.sample() for _ in range(max(16, 256 // lanes))]
    for stretch in range(4):
        began, steps = time.perf_counter(), 0
        while time.perf_counter() - began < seconds / 3:
            for action in actions[:16]:
                env.step(action)
            steps += 16 * lanes
        best = max(best, steps / (time.perf_counter() - began)) if stretch else 0
    env.close()
    return best


if len(sys.argv) > 4:
    print(vector_rate(sys.argv[3], int(sys.argv[4])))
    sys.exit()
env, seed, best = made(name), 0, 0
env.reset(seed=0)
actions = [env.action_space.sample() for _ in range(1000)]
for stretch in range(4):  # the first one warms up
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < seconds / 3:
        for action in actions[:100]:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                seed += 1
                env.reset(seed=seed if seeded else None)
        steps += 100
        actions = actions[100:] + actions[:100]
    best = max(best, steps / (time.perf_counter() - began)) if stretch else 0
print(best)
"""


def python():
    """As the bridge finds it."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "dreamscope"
    own = cache / "worlds" / "bin" / "python"
    return os.environ.get("DREAMSCOPE_PYTHON") or (str(own) if own.exists() else "python3")


def plain(name, seconds, *kind):
    run = subprocess.run([python(), "-c", PLAIN, name, str(seconds), *map(str, kind)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if run.returncode and len(kind) > 1:
        return None  # not every environment can be in a vector: some observe texts
    if run.returncode:
        sys.exit(f"compare_gym.py: {name} does not run in {python()}; scripts/setup --with brings environments")
    return float(run.stdout.splitlines()[-1])


def bridged(cli, name, seconds, lanes):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "rows.json"
        subprocess.run([cli, "bench", "--world", name if ":" in name else f"gym:{name}", "--lanes", str(lanes), "--seconds", str(seconds / 3), "--threads", "1",
                        "--json", str(file)], check=True, stdout=subprocess.DEVNULL)
        return next(iter(json.loads(file.read_text())["rows"].values()))["rate"]


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["CartPole-v1", "ALE/Pong-v5"])
    parser.add_argument("--lanes", default="1,8,64")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cli", default=str(root / "build" / "release" / "bin" / "dreamscope-cli"))
    options = parser.parse_args()
    lanes = [int(part) for part in options.lanes.split(",")]
    for name in options.names or ["CartPole-v1", "ALE/Pong-v5"]:
        rates, vectors = {}, ":" not in name  # those of families of our own are nothing that Gymnasium makes
        for _ in range(options.rounds):
            for kind in ("plain", "seeded"):
                rates.setdefault(kind, []).append(plain(name, options.seconds, kind))
            for count in lanes:
                rates.setdefault(count, []).append(bridged(options.cli, name, options.seconds, count))
                for how in ("sync", "async") if vectors and count <= 8 else ("sync",) if vectors else ():
                    if rate := plain(name, options.seconds, how, count):
                        rates.setdefault((how, count), []).append(rate)
        best, middle = ({key: how(value) for key, value in rates.items()} for how in (max, statistics.median))
        print(f"{name}: plain Python {best['plain']:.0f} steps/s (median {middle['plain']:.0f}), "
              f"with seeded resets {best['seeded']:.0f} ({middle['seeded']:.0f})")
        for count in lanes:
            print(f"  bridged, {count:3d} lanes: {best[count]:7.0f} steps/s ({middle[count]:.0f}), "
                  f"{100 * best[count] / best['plain']:.0f} % of plain, {100 * best[count] / best['seeded']:.0f} % of seeded "
                  f"(medians {100 * middle[count] / middle['plain']:.0f} %, {100 * middle[count] / middle['seeded']:.0f} %)", flush=True)
            for how, said in (("sync", "Gymnasium's vector in one process"), ("async", "in a process each")):
                if (how, count) in rates:
                    print(f"    {said}: {best[how, count]:.0f} ({middle[how, count]:.0f}); bridged {100 * best[count] / best[how, count]:.0f} % of it "
                          f"(medians {100 * middle[count] / middle[how, count]:.0f} %)", flush=True)


if __name__ == "__main__":
    main()
