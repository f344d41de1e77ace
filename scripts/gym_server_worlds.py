"""Makes the environment that a name means, and keeps the options of the name: for scripts/gym_server.py."""
import collections
import importlib
import importlib.util
import os
import sys
import tempfile
import types

import gymnasium
import numpy

from gym_server_options import Refusal, need

# Gymnasium knows an environment once the package that brings it is imported.
BROUGHT_BY = {"ALE/": "ale_py", "MiniGrid-": "minigrid", "BabyAI-": "minigrid", "Vizdoom": "vizdoom.gymnasium_wrapper"}


class InOrder(dict):
    """A set whose order is that in which things came."""
    add, remove = dict.setdefault, dict.pop


class Crafter:
    """Crafter's own interface, which is older than Gymnasium's, as one of Gymnasium's. It draws creatures by chance out of sets, whose
    order is that of addresses in memory; in order of coming, a seed and actions lead to the same world in every process."""
    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, task, **options):
        if task not in ("reward", "noreward"):
            raise Refusal(f"there is no crafter:{task}; there are crafter:reward and crafter:noreward")
        self.inner = need("crafter").Env(reward=task == "reward", **options)
        world, forget = self.inner._world, self.inner._world.reset

        def reset(seed=None):
            forget(seed)
            world._chunks = collections.defaultdict(InOrder)
        world.reset = reset
        self.observation_space = gymnasium.spaces.Box(0, 255, tuple(map(int, self.inner.observation_space.shape)), numpy.uint8)
        self.action_space = gymnasium.spaces.Discrete(self.inner.action_space.n)
        self.action_names = list(self.inner.action_names)

    unwrapped = property(lambda self: self)

    def reset(self, seed=None):
        self.inner._seed, self.inner._episode, self.steps = seed, 0, 0
        return self.inner.reset(), {}

    def step(self, action):
        observation, reward, done, info = self.inner.step(action)
        self.steps += 1
        dead = info["discount"] == 0
        return observation, reward, dead, done and not dead, info

    def render(self):
        return self.inner.render((512, 512))

    def close(self):
        pass


class ControlSuite:
    """A task of the DeepMind Control Suite: dmc:walker-walk. Seen by the camera that Dreamer's authors took."""
    metadata = {"render_modes": ["rgb_array"], "render_fps": 50}

    def __init__(self, task, **options):
        domain, _, name = task.partition("-")
        self.camera = 2 if domain == "quadruped" else 0
        suite = need("dm_control.suite")
        if (domain, name) not in suite.ALL_TASKS:
            near = ", ".join("-".join(pair) for pair in suite.ALL_TASKS if pair[0] == domain)
            raise Refusal(f"there is no dmc:{task}; " + (f"of {domain} there are {near}" if near else "a name reads dmc:walker-walk"))
        self.inner = suite.load(domain, name, **options)
        box = lambda spec, low, high: gymnasium.spaces.Box(
            numpy.broadcast_to(low, spec.shape).astype("float32"), numpy.broadcast_to(high, spec.shape).astype("float32"),
            dtype=numpy.float32)
        seen = self.inner.observation_spec()
        self.observation_space = gymnasium.spaces.Dict({key: box(spec, -numpy.inf, numpy.inf) for key, spec in seen.items()})
        action = self.inner.action_spec()
        self.action_space = box(action, action.minimum, action.maximum)
        self.metadata = dict(self.metadata, render_fps=round(1 / self.inner.control_timestep()))

    unwrapped = property(lambda self: self)

    def reset(self, seed=None):
        self.inner.task._random = numpy.random.RandomState(seed)
        return self.inner.reset().observation, {}

    def step(self, action):
        step = self.inner.step(action)
        ended = step.last()
        return step.observation, step.reward or 0.0, ended and step.discount == 0, ended and step.discount != 0, {}

    def render(self, height=240, width=320):
        return self.inner.physics.render(height, width, camera_id=self.camera)

    def close(self):
        self.inner.close()


class Procgen:
    """A game of Procgen: procgen:coinrun[num_levels=200,distribution_mode=easy]. Its own interface begins the next level with the step that
    ends one, so that an episode's last picture is never seen: the one before stands in its place. What ran out of time is truncated."""
    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}
    TIMEOUTS = {"bigfish": 6000, "bossfight": 4000, "plunder": 4000, "leaper": 500, "maze": 500}  # steps, of procgen/src/games
    KEYS = {"d": "fire"}  # one of six; which of them does anything depends on the game

    def __init__(self, game, **options):
        # It registers its games with Gymnasium's forerunner, which nothing here needs.
        if "gym" not in sys.modules and importlib.util.find_spec("gym") is None:
            stand_in = sys.modules.setdefault("gym.envs.registration", types.ModuleType("gym.envs.registration"))
            stand_in.register = lambda **_: None
            for name in ("gym", "gym.envs"):
                sys.modules.setdefault(name, types.ModuleType(name))
        games = need("procgen.env")
        if game not in games.ENV_NAMES:
            raise Refusal(f"there is no procgen:{game}; there are {', '.join(games.ENV_NAMES)}")
        # Levels' seeds come from rand_seed alone; making a game takes 4 ms once its pictures are read.
        self.make = lambda **more: games.ProcgenGym3Env(1, game, num_threads=0, **options, **more)
        self.limit = 2000 if (game, options.get("distribution_mode")) == ("jumper", "memory") else self.TIMEOUTS.get(game, 1000)
        self.inner = self.make(rand_seed=0)
        self.painter = None
        self.observation_space = gymnasium.spaces.Box(0, 255, (64, 64, 3), numpy.uint8)
        self.action_space = gymnasium.spaces.Discrete(len(self.inner.combos))
        said = (" ".join(combo).lower() or "noop" for combo in self.inner.combos)
        self.action_names = [self.KEYS.get(name, name) for name in said]

    unwrapped = property(lambda self: self)

    def reset(self, seed=None):
        self.inner.close()
        self.inner = self.make(rand_seed=(seed or 0) & 0x7FFFFFFF)
        self.picture, self.steps = self.inner.observe()[1]["rgb"][0], 0
        return self.picture, {}

    def step(self, action):
        self.inner.act(numpy.array([action], numpy.int32))
        reward, observed, begins = self.inner.observe()
        self.steps += 1
        over = bool(begins[0])
        late = over and self.steps == self.limit and not self.inner.get_info()[0]["prev_level_complete"]
        if not over:
            self.picture = observed["rgb"][0]
        return self.picture, float(reward[0]), over and not late, late, {}

    def render(self):
        """In another instance that takes this one's state: to draw every step would take longer than to live it."""
        if self.painter is None:
            self.painter = self.make(rand_seed=0, render_mode="rgb_array")
        self.painter.callmethod("set_state", self.inner.callmethod("get_state"))
        return self.painter.get_info()[0]["rgb"]

    def close(self):
        self.inner.close()


def registered(name, options, ours):
    for beginning, module in BROUGHT_BY.items():
        if name.startswith(beginning):
            need(module)
    if name.startswith("Vizdoom"):
        os.chdir(tempfile.gettempdir())  # it leaves its _vizdoom.ini wherever it stands
    if name.startswith("ALE/"):  # its own frame skip, sticky actions and grey give way to ours, which it does itself where it can
        if "repeat" in ours:
            options = {"frameskip": 1, **options}
        if "sticky" in ours:
            options = {"repeat_action_probability": ours["sticky"], **options}
        if ours.get("grey"):
            options = {"obs_type": "grayscale", **options}
    registry = importlib.import_module("gymnasium.envs.registration")
    entry = gymnasium.spec(name).entry_point
    try:
        creator = entry if callable(entry) else registry.load_env_creator(entry)
    except ModuleNotFoundError as missing:
        need(missing.name)
        raise
    modes = getattr(creator, "metadata", {}).get("render_modes", [])
    if ours.get("picture", True) and "rgb_array" in modes:
        options = {"render_mode": "rgb_array", **options}
    return gymnasium.make(name, disable_env_checker=True, **options)


def of_class(kind, options, ours):
    if not (isinstance(kind, type) and hasattr(kind, "reset") and hasattr(kind, "step")):
        raise Refusal(f"{getattr(kind, '__name__', kind)} is no class of environments")
    if ours.get("picture", True) and "rgb_array" in getattr(kind, "metadata", {}).get("render_modes", []):
        try:
            return kind(render_mode="rgb_array", **options)
        except TypeError as error:
            if "render_mode" not in str(error):
                raise
    return kind(**options)


def make(name, options, ours):
    """The environment that NAME means, and its time limit, in its own steps. Only a class of environments is ever called, as names
    come from files too."""
    family, _, rest = name.partition(":")
    if family == "crafter":
        return Crafter(rest, **options), 10000
    if family == "dmc":
        return ControlSuite(rest, **options), 1000
    if family == "procgen":
        game = Procgen(rest, **options)
        return game, game.limit
    place = rest if family == "gym" else name
    if ":" in place:
        module, _, thing = place.partition(":")
        found = getattr(need(module), thing, None)
        env = of_class(found, options, ours) if found is not None else registered(thing, options, ours)
    else:
        env = registered(place, options, ours)
    # What these wrappers do is done here, in fewer calls.
    wrappers, limit = importlib.import_module("gymnasium.wrappers"), None
    while type(env) in (wrappers.TimeLimit, wrappers.OrderEnforcing, wrappers.PassiveEnvChecker):
        if type(env) is wrappers.TimeLimit:
            limit = min(limit or env._max_episode_steps, env._max_episode_steps)
        env = env.env
    return env, limit


def sides(size):
    """Height and width of an option size, where MuJoCo's own buffer has room for them; none of a bad one, which the other side refuses."""
    numbers = (size if "x" in size else f"{size}x{size}").split("x")
    if len(numbers) != 2 or not all(part.isdecimal() for part in numbers):
        return ()
    height, width = map(int, numbers)
    return (height, width) if 1 <= height <= 480 and 1 <= width <= 640 else ()


class World:
    """One environment with the options of its name, between an action of ours and an observation in shared memory."""

    def __init__(self, env, limit, options):
        self.env = env
        self.limit = options.get("limit", 0) * options.get("repeat", 1) or limit or 0
        self.repeat, self.max = options.get("repeat", 1), options.get("max", False)
        self.sticky = 0 if "repeat_action_probability" in getattr(getattr(env, "spec", None), "kwargs", {}) else options.get("sticky", 0)
        self.life_loss, self.noop, self.crop = options.get("life_loss", False), options.get("noop", 0), options.get("crop", ())
        # Rendered as large as it is asked for where the environment can: a wide picture would be squeezed.
        self.sides = sides(options.get("size", "64")) if isinstance(env, ControlSuite) and not self.crop else ()
        self.simple = not (self.repeat > 1 or self.max or self.sticky or self.life_loss)
        self.steps = self.lives = 0

    def reset(self, seed):
        folded = seed if seed < 1 << 32 else int(numpy.random.SeedSequence(seed).generate_state(1)[0])  # what all generators take
        self.chance = numpy.random.default_rng([seed, 1]) if self.noop or self.sticky else None
        observation, info = self.env.reset(seed=folded)
        for _ in range(int(self.chance.integers(1, self.noop + 1)) if self.noop else 0):
            observation, _, terminated, truncated, info = self.env.step(0)
            if terminated or truncated:
                observation, info = self.env.reset(seed=folded)
        self.steps, self.last, self.before = 0, None, None
        self.lives = info.get("lives", 0)
        return observation

    def step(self, action):
        if self.simple:
            observation, reward, terminated, truncated, _ = self.env.step(action)
            self.steps += 1
            return observation, reward, terminated, truncated or self.steps == self.limit
        total = 0.0
        for turn in range(self.repeat):
            if not (self.sticky and self.last is not None and self.chance.random() < self.sticky):
                self.last = action
            observation, reward, terminated, truncated, info = self.env.step(self.last)
            self.steps += 1
            total += float(reward)
            truncated = truncated or self.steps == self.limit
            if self.life_loss:
                lives = info.get("lives", 0)
                terminated = terminated or lives < self.lives
                self.lives = lives
            if terminated or truncated:
                break
            if self.max and turn == self.repeat - 2:
                self.before = observation
        return observation, total, terminated, truncated
