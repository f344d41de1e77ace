"""Small environments for tests/env/gym_*_test.cpp: some show one kind of space each, others do what environments must not."""
import os
import signal
import sys
import time

import gymnasium
import numpy
from gymnasium import spaces


class Count(gymnasium.Env):
    """Counts steps from a number that the seed draws; the reward is the action. Ends after ten steps."""
    observation_space = spaces.Box(-1000, 1000, (2,), numpy.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.first, self.steps = float(self.np_random.integers(100)), 0
        return self.seen(), {}

    def step(self, action):
        self.steps += 1
        return self.seen(), float(numpy.sum(action)), self.steps == 10, False, {}

    def seen(self):
        return numpy.array([self.first, self.steps], numpy.float32)


class Late(Count):
    """Whose choices begin at five."""
    action_space = spaces.Discrete(2, start=5)


class Grid(Count):
    """Pairs of choices."""
    action_space = spaces.MultiDiscrete([2, 3])

    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, 10.0 * action[0] + action[1], *rest


class Arm(Count):
    action_space = spaces.Box(numpy.array([[-1, 0], [-2, -numpy.inf]], numpy.float32), numpy.array([[1, 3], [2, numpy.inf]], numpy.float32))


class Car(Count):
    """Choices beside numbers."""
    action_space = spaces.Dict({"steer": spaces.Box(-2, 1, (1,), numpy.float32), "gear": spaces.Discrete(3, start=1), "lights": spaces.MultiBinary(2),
                                "arm": spaces.Box(-1, 1, (2,), numpy.float64)})

    def step(self, action):
        assert self.action_space.contains(action) and list(action) == list(self.action_space), action
        observation, _, *rest = super().step(0)
        return observation, 100.0 * action["gear"] + 10 * action["lights"][0] + action["lights"][1] + float(action["steer"][0]) + float(action["arm"][1]) / 8, *rest


class Buttons(Count):
    """Several choices at once, each of its own kind."""
    action_space = spaces.Tuple((spaces.Discrete(2, start=1), spaces.Dict({"pad": spaces.MultiBinary(2), "arrow": spaces.MultiDiscrete([2, 3])})))

    def step(self, action):
        assert self.action_space.contains(action), action
        observation, _, *rest = super().step(0)
        return observation, 1000.0 * action[0] + 100 * action[1]["arrow"][0] + 10 * action[1]["arrow"][1] + action[1]["pad"][1], *rest


class Speaks(Count):
    action_space = spaces.Dict({"say": spaces.Text(5), "steer": spaces.Box(-1, 1, (1,), numpy.float32)})


class Sides(Count):
    """Named as ViZDoom names its buttons, in an order of its own."""
    action_names = ["noop", "MOVE_RIGHT", "MOVE_LEFT"]


class Cells(Count):
    """Numbered states, of which the first is 3."""
    observation_space = spaces.Discrete(120, start=3)

    def seen(self):
        return 3 + int(self.first) + self.steps


class Stack(Count):
    """Four grey pictures, the newest last, channels first; the picture's number is how old the episode is."""
    observation_space = spaces.Box(0, 255, (4, 20, 24), numpy.uint8)

    def seen(self):
        return numpy.stack([numpy.full((20, 24), max(self.steps - age, 0), numpy.uint8) for age in (3, 2, 1, 0)])


class Colours(Count):
    """A picture with channels first: red is the row, green the column, blue the step."""
    observation_space = spaces.Box(0, 255, (3, 32, 48), numpy.uint8)
    metadata = {"render_modes": ["rgb_array"], "render_fps": 12}

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def seen(self):
        picture = numpy.zeros((32, 48, 3), numpy.uint8)
        picture[..., 0], picture[..., 1], picture[..., 2] = numpy.arange(32)[:, None], numpy.arange(48), self.steps
        return picture.transpose(2, 0, 1)

    def render(self):
        return numpy.full((30, 60, 3), (200, 100, self.steps), numpy.uint8)


class Shades(Count):
    """A grey picture in numbers from 0 to 1."""
    observation_space = spaces.Box(0, 1, (16, 16), numpy.float32)

    def seen(self):
        return numpy.full((16, 16), self.steps / 10, numpy.float32)


class Alpha(Count):
    """Colours with alpha, which come last."""
    observation_space = spaces.Box(0, 255, (16, 16, 4), numpy.uint8)

    def seen(self):
        return numpy.full((16, 16, 4), (self.steps, 20, 30, 255), numpy.uint8)


class Signed(Count):
    """A grey picture in numbers from -1 to 1, beside none of another kind."""
    observation_space = spaces.Box(-1, 1, (32, 32), numpy.float32)

    def seen(self):
        return numpy.full((32, 32), self.steps - 1, numpy.float32)


class Boundless(Count):
    """A grey picture in numbers that its space has no bounds for: from `low` to `high`, and a corner that becomes `later`."""
    observation_space = spaces.Box(-numpy.inf, numpy.inf, (64, 64), numpy.float32)

    def __init__(self, low=0, high=1, later=0):
        self.numbers = low, high, later

    def seen(self):
        picture = numpy.full((64, 64), self.numbers[0], numpy.float32)
        picture[0, :3] = self.numbers[1], sum(self.numbers[:2]) / 2, self.numbers[2] if self.steps else 0
        return picture


class Depths(Count):
    """Beside a picture without bounds there are distances."""
    observation_space = spaces.Dict({"depth": spaces.Box(-numpy.inf, numpy.inf, (70, 70), numpy.float32),
                                     "eye": spaces.Box(-numpy.inf, numpy.inf, (64, 64, 3), numpy.float64)})

    def seen(self):
        return {"depth": numpy.full((70, 70), 9.5, numpy.float32), "eye": numpy.full((64, 64, 3), 20.0)}


class Far(Count):
    observation_space = Depths.observation_space["depth"]

    def seen(self):
        return numpy.full((70, 70), 9.5, numpy.float32)


class Flicker(Count):
    """Whose picture shows one half at even steps, the other at odd ones, and which has lives."""
    observation_space = spaces.Box(0, 255, (16, 16, 1), numpy.uint8)

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], {"lives": 3}

    def step(self, action):
        observation, reward, terminated, truncated, _ = super().step(action)
        return observation, reward, False, False, {"lives": 3 - self.steps // 8}

    def seen(self):
        picture = numpy.zeros((16, 16, 1), numpy.uint8)
        picture[8 * (self.steps % 2):8 * (self.steps % 2) + 8] = 100
        return picture


class Parts(Count):
    observation_space = spaces.Dict({"eye": spaces.Box(0, 255, (16, 16, 3), numpy.uint8), "hand": spaces.Discrete(3, start=2),
                                     "joints": spaces.Box(-1, 1, (3,), numpy.float64), "map": spaces.Box(0, 2, (70, 70), numpy.float32),
                                     "words": spaces.Text(10),
                                     "ear": spaces.Dict({"left": spaces.MultiBinary(2)})})

    def seen(self):
        return {"eye": numpy.full((16, 16, 3), self.steps, numpy.uint8), "hand": 4, "joints": numpy.array([0.1, 0.2, 0.3]),
                "map": numpy.zeros((70, 70), numpy.float32), "words": "go",
                "ear": {"left": numpy.array([1, 0], numpy.int8)}}


class Files(Count):
    """Tells how many of its open files are called so."""

    def seen(self):
        links = [os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
        return numpy.array([sum("not_for_children" in link for link in links), 0], numpy.float32)


class Prints(Count):
    def step(self, action):
        print("x" * 100000)
        return super().step(action)


class RaisesInMake(Count):
    def __init__(self):
        raise FileNotFoundError("no level 'cellar'")


class RaisesInReset(Count):
    def reset(self, *, seed=None, options=None):
        raise RuntimeError("the door is shut")


class Raises(Count):
    def step(self, action):
        if self.steps == 2 and action == 2:
            raise ValueError("nobody can go there")
        return super().step(action)


class Dies(Count):
    def step(self, action):
        if action == 2:
            print("out of luck", file=sys.stderr, flush=True)
            os._exit(7)
        return super().step(action)


class Falls(Count):
    """Whose process ends with the seventh step that it makes in all, of its lanes together."""
    made = 0

    def step(self, action):
        Falls.made += 1
        if Falls.made == 7:
            print("out of luck", file=sys.stderr, flush=True)
            os._exit(7)
        return super().step(action)


class Crashes(Count):
    def step(self, action):
        os.kill(os.getpid(), signal.SIGSEGV)


class Hangs(Count):
    def step(self, action):
        if action == 2:
            time.sleep(1000)
        return super().step(action)


class WrongShape(Count):
    def seen(self):
        return numpy.zeros(3 if getattr(self, "steps", 0) > 1 else 2, numpy.float32)


class NotANumber(Count):
    def seen(self):
        return numpy.full(2, numpy.nan if self.steps > 1 else 0, numpy.float32)


class NoReward(Count):
    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, float("inf"), *rest


class Forgets(Count):
    """Its seed means nothing: it counts from a number that it never draws twice (one in 2 ** 24 would do so)."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.first = int.from_bytes(os.urandom(3), "little") / 2 ** 24
        return self.seen(), {}


class Words(Count):
    action_space = spaces.Text(5)


class Registered(Count):
    def __init__(self, far=False):
        self.far = far

    def seen(self):
        return super().seen() + (1000 if self.far else 0)


gymnasium.register("Registered-v0", entry_point=Registered, max_episode_steps=4)
no_class = os.system
