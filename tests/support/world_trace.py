#!/usr/bin/env python3
"""What brought worlds do outside Dreamscope: the packages that bring them, driven by hand.

    world_trace.py WORLD SEED STEPS FILE

FILE gets, for the first observation and after every step: reward (float32), terminated, truncated (a byte each), the picture (uint8),
the numbers (float32). The actions are those of tests/env/brought_worlds_test.cpp; an episode's end begins the next one, its seed
one higher. Ends with 3 where the package is not there, and with 4 where the machine lacks what it needs, in a sentence.
"""
import collections
import ctypes.util
import os
import sys
import tempfile

import numpy

if not os.environ.get("DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl" if ctypes.util.find_library("EGL") else "osmesa")


class OfGymnasium:
    """`picture` and `numbers` make the model's observation of Gymnasium's."""

    def __init__(self, name, brought_by, picture=None, numbers=None, **options):
        import gymnasium
        if brought_by:
            __import__(brought_by)
        self.env = gymnasium.make(name, render_mode="rgb_array", **options)
        self.picture, self.numbers = picture, numbers
        self.choices = int(self.env.action_space.n)

    def seen(self, observation):
        return (self.picture(observation) if self.picture else numpy.zeros(0, numpy.uint8),
                self.numbers(observation) if self.numbers else numpy.zeros(0))

    def reset(self, seed):
        return self.seen(self.env.reset(seed=seed)[0])

    def step(self, action):
        observation, reward, terminated, truncated, _ = self.env.step(action)
        return self.seen(observation), reward, terminated, truncated


class FourFrames(OfGymnasium):
    """Atari as it is published for 100,000 steps: no sticky actions, four frames, the brighter of the last two."""

    def step(self, action):
        total, frames = 0.0, []
        for _ in range(4):
            observation, reward, terminated, truncated, _ = self.env.step(action)
            total += reward
            frames.append(observation)
            if terminated or truncated:
                break
        picture = numpy.maximum(frames[-1], frames[-2]) if len(frames) == 4 else frames[-1]
        return self.seen(picture), total, terminated, truncated


class Queue(list):
    """Of a set, what Crafter uses."""
    add = list.append


class OfCrafter:
    """Crafter takes creatures out of sets of objects, so that what comes depends on where in memory they lie; here they stand in line."""

    def __init__(self):
        import crafter
        self.crafter, self.choices = crafter, 17

    def reset(self, seed):
        self.env = self.crafter.Env(seed=seed)
        empty = self.env._world.reset

        def reset(seed=None):
            empty(seed)
            self.env._world._chunks = collections.defaultdict(Queue)
        self.env._world.reset = reset
        return self.env.reset(), numpy.zeros(0)

    def step(self, action):
        picture, reward, done, info = self.env.step(action)
        dead = info["discount"] == 0
        return (picture, numpy.zeros(0)), reward, dead, done and not dead


class OfControlSuite:
    def __init__(self, domain, task, side=0):
        from dm_control import suite
        self.load = lambda seed: suite.load(domain, task, task_kwargs={"random": seed})
        self.side, self.choices = side, 0
        self.axes = self.load(0).action_spec().shape[0]

    def seen(self, step):
        picture = self.env.physics.render(self.side, self.side, camera_id=0) if self.side else numpy.zeros(0, numpy.uint8)
        # The order of names, as Gymnasium has a Dict.
        return picture, numpy.concatenate([numpy.ravel(step.observation[name]) for name in sorted(step.observation)])

    def reset(self, seed):
        self.env = self.load(seed)
        return self.seen(self.env.reset())

    def step(self, action):
        step = self.env.step(action)
        return self.seen(step), step.reward, step.last() and step.discount == 0, step.last() and step.discount != 0


class OfProcgen:
    """Its own episodes follow one another; here each begins in a new instance, and keeps the picture before its end."""

    def __init__(self, game):
        import types
        for name in ("gym", "gym.envs", "gym.envs.registration"):
            sys.modules.setdefault(name, types.ModuleType(name)).register = lambda **_: None
        from procgen import ProcgenGym3Env
        self.begin, self.choices = lambda seed: ProcgenGym3Env(num=1, env_name=game, rand_seed=seed), 15

    def reset(self, seed):
        self.env = self.begin(seed)
        self.picture = self.env.observe()[1]["rgb"][0]
        return self.picture, numpy.zeros(0)

    def step(self, action):
        self.env.act(numpy.array([action], numpy.int32))
        reward, seen, first = self.env.observe()
        if not first[0]:
            self.picture = seen["rgb"][0]
        return (self.picture, numpy.zeros(0)), reward[0], first[0], False


def doom(name):
    return OfGymnasium(name, "vizdoom.gymnasium_wrapper", lambda seen: seen["screen"], lambda seen: numpy.ravel(seen["gamevariables"]) if "gamevariables" in seen else numpy.zeros(0))


WORLDS = {
    "gym:ALE/Pong-v5": lambda: OfGymnasium("ALE/Pong-v5", "ale_py", lambda seen: seen),
    "gym:ALE/Breakout-v5": lambda: OfGymnasium("ALE/Breakout-v5", "ale_py", lambda seen: seen),
    "gym:ALE/Boxing-v5[repeat=4,max=true,sticky=0]":
        lambda: FourFrames("ALE/Boxing-v5", "ale_py", lambda seen: seen, frameskip=1, repeat_action_probability=0.0),
    "gym:VizdoomTakeCover-v1": lambda: doom("VizdoomTakeCover-v1"),
    "gym:VizdoomBasic-v1": lambda: doom("VizdoomBasic-v1"),
    "gym:VizdoomHealthGathering-v1": lambda: doom("VizdoomHealthGathering-v1"),
    "crafter:reward": OfCrafter,
    "dmc:walker-walk": lambda: OfControlSuite("walker", "walk"),
    "dmc:cartpole-swingup": lambda: OfControlSuite("cartpole", "swingup"),
    "dmc:walker-walk[size=64,pixels=true]": lambda: OfControlSuite("walker", "walk", side=64),
    "procgen:starpilot": lambda: OfProcgen("starpilot"),
    "gym:MiniGrid-DoorKey-5x5-v0":
        lambda: OfGymnasium("MiniGrid-DoorKey-5x5-v0", "minigrid", lambda seen: seen["image"], lambda seen: numpy.eye(4)[seen["direction"]]),
}


def main():
    name, seed, steps, file = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    if "Vizdoom" in name:
        os.chdir(tempfile.gettempdir())  # it leaves its _vizdoom.ini wherever it stands
    try:
        world = WORLDS[name]()
        picture, numbers = world.reset(seed)
    except ModuleNotFoundError as missing:
        print(missing)
        sys.exit(3)
    except (ImportError, RuntimeError, AttributeError, OSError) as lacking:  # no OpenGL
        print(lacking)
        sys.exit(4)
    with open(file, "wb") as out:
        write = lambda reward, terminated, truncated: out.write(
            numpy.float32(reward).tobytes() + bytes([terminated, truncated]) + numpy.ascontiguousarray(picture).tobytes() +
            numpy.asarray(numbers, numpy.float32).tobytes())
        write(0, False, False)
        for at in range(steps):
            action = (at // 3) % world.choices if world.choices else numpy.array([((at * 13 + axis * 5) % 17 - 8) / 8 for axis in range(world.axes)])
            (picture, numbers), reward, terminated, truncated = world.step(action)
            write(reward, bool(terminated), bool(truncated))
            if terminated or truncated:
                seed += 1
                picture, numbers = world.reset(seed)
                write(0, False, False)


if __name__ == "__main__":
    main()
