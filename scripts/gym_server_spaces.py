"""What is seen, and what is done, as Dreamscope has it: for scripts/gym_server.py."""
import gymnasium
import numpy

from gym_server_options import Refusal

MOST_CHOICES, MOST_NUMBERS, MOST_ONE_HOT, MOST_AXES = 1024, 4096, 256, 256
LEAST_SIDE, LARGEST = 32, 1e9  # of what is a picture by its bounds alone


def newest(shape):
    """How a picture [H, W, 1 or 3] is cut out of an array of this shape, the newest of a stack; None if it is no picture's shape.
    The same rule as for datasets (core/data/picture_shape.cpp): 2 and 4 channels are greys, 6, 9 and 12 colours, one after another, but 4
    that come last are colours with alpha."""
    if len(shape) == 2:
        return lambda x: x[:, :, None]
    if len(shape) == 4:
        rest = newest(shape[1:]) if shape[0] <= 64 else None
        return rest and (lambda x: rest(x[-1]))
    kept = lambda channels: 1 if channels in (1, 2, 4) else 3 if channels in (3, 6, 9, 12) else 0
    if len(shape) == 3 and kept(shape[2]) and min(shape[:2]) >= shape[2]:
        return (lambda x: x[:, :, :3]) if shape[2] == 4 else lambda x: x[:, :, -kept(shape[2]):]
    if len(shape) == 3 and kept(shape[0]) and min(shape[1:]) >= shape[0]:
        return lambda x: x[-kept(shape[0]):].transpose(1, 2, 0)
    return None


def picture_of(space):
    """How sure it is that this is a picture, and how one of bytes is cut out of what is seen. 1: bytes, or numbers from 0 to 1 or 255;
    2: other numbers between bounds, where there is none of those; 0: it is none."""
    cut = newest(space.shape) if isinstance(space, gymnasium.spaces.Box) and space.low.size else None
    if not cut or space.dtype == numpy.uint8:
        return int(bool(cut)), cut
    black, white, side = float(space.low.flat[0]), float(space.high.flat[0]), min(cut(space.low).shape[:2])
    if (space.low != space.low.flat[0]).any() or (space.high != space.high.flat[0]).any():
        return 0, None
    sure = space.dtype.kind == "f" and black == 0 and white in (1, 255) and side >= 8
    if not sure and not (side >= LEAST_SIDE and -LARGEST < black < white < LARGEST):
        return 0, None
    scale = 255 / (white - black)
    return 1 if sure else 2, lambda x: (numpy.clip((cut(x).astype(numpy.float32) - black) * scale, 0, 255) + 0.5).astype(numpy.uint8)


class Seen:
    """What of an observation is the picture, what the vector, and what is left out; as of datasets (core/data/foreign_spaces.h)."""

    def __init__(self, space):
        spaces = gymnasium.spaces
        self.picture, self.numbers, self.names, self.left_out, self.states = None, [], [], [], 0
        parts = list(self.parts(space, "", ()))
        ranks = [picture_of(part)[0] for _, part, _ in parts]
        wanted = 1 if 1 in ranks else 2
        for (name, part, path), rank in zip(parts, ranks):
            cut = picture_of(part)[1] if rank == wanted else None
            if cut and self.picture:
                self.left_out.append(f"{name} (a further picture)")
            elif cut:
                self.picture = (path, part.shape, part.dtype, cut)
            elif not isinstance(part, (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)):
                self.left_out.append(f"{name or 'all'} ({type(part).__name__})")
            elif numpy.prod(part.shape) > MOST_NUMBERS:
                self.left_out.append(f"{name or 'all'} (more than {MOST_NUMBERS} numbers)")
            else:
                self.numbers.append((name, part, path))
        alone = not self.picture and len(self.numbers) == 1 and isinstance(self.numbers[0][1], spaces.Discrete)
        self.states = int(self.numbers[0][1].n) if alone else 0
        self.numbers = [self.row(*number, alone) for number in self.numbers]

    def parts(self, space, name, path):
        """Those that have none of their own: name, space and the keys that lead there."""
        spaces = gymnasium.spaces
        if isinstance(space, spaces.Dict):
            inner = sorted(space.spaces.items())
        elif isinstance(space, spaces.Tuple):
            inner = enumerate(space.spaces)
        else:
            yield name, space, path
            return
        for key, part in inner:
            yield from self.parts(part, f"{name}/{key}" if name else str(key), (*path, key))

    def row(self, name, part, path, alone):
        """Where these numbers go in the vector: the keys, the shape, the first choice, how many choices are a one-hot, the place."""
        first, discrete = len(self.names), isinstance(part, gymnasium.spaces.Discrete)
        start, shape = int(part.start) if discrete else 0, () if discrete else part.shape
        hot = int(part.n) if discrete and not alone and part.n <= MOST_ONE_HOT else 0
        size = hot or int(numpy.prod(shape))
        if size == 1:
            self.names.append(name or "0")
        else:
            numbers = range(start, start + hot) if hot else range(size)
            self.names += [f"{name} = {i}" if hot and name else f"{name} {i}" if name else str(i) for i in numbers]
        return path, shape, start, hot, slice(first, first + size)


def at(observation, path):
    for key in path:
        observation = observation[key]
    return observation


def word_key(name):
    """The key that a choice's name asks for."""
    words = {"left": "left", "right": "right", "up": "up", "down": "down", "forward": "up", "backward": "down", "fire": "space",
             "toggle": "space", "do": "space", "jump": "space", "pickup": "p", "drop": "o", "sleep": "z"}
    plain = name.lower().replace("move_", "").replace("turn_", "")
    return words.get(plain)


class Acted:
    """How our floats become an action, and what the keys do. With `one_axis` a choice between left, nothing and right is an axis from
    −1 to 1 whose outer thirds are left and right, as World Models drives DoomTakeCover."""

    def __init__(self, env, one_axis=False):
        spaces, space = gymnasium.spaces, env.action_space
        self.choices, self.keys, self.axes = [], [], []
        self.table = self.thirds = None
        if isinstance(space, spaces.Discrete):
            self.choices = self.names(env, int(space.n))
            start = int(space.start)
            self.table = list(numpy.arange(start, start + int(space.n)))  # what sample() gives, and quicker to check than Python's own
        elif isinstance(space, (spaces.MultiDiscrete, spaces.MultiBinary)):
            sides = space.nvec.ravel() if isinstance(space, spaces.MultiDiscrete) else numpy.full(int(numpy.prod(space.shape)), 2)
            start = numpy.ravel(getattr(space, "start", 0))
            many = int(numpy.prod(sides.astype(float)))
            if many > MOST_CHOICES:
                raise Refusal(f"its actions have {many} combinations, expected at most {MOST_CHOICES}")
            digits = numpy.indices(sides).reshape(len(sides), -1).T
            self.choices = ["-".join(map(str, row)) for row in digits]
            self.table = [(row + start).astype(space.dtype).reshape(space.shape) for row in digits]
        elif isinstance(space, spaces.Box):
            low, high = space.low.ravel().astype(float), space.high.ravel().astype(float)
            low[~numpy.isfinite(low)], high[~numpy.isfinite(high)] = -1, 1  # what has no bound is pushed by one at most
            if len(low) == 0 or len(low) > MOST_AXES or not (low < high).all():
                raise Refusal(f"its actions are a Box of shape {space.shape}, expected 1 to {MOST_AXES} axes that can move")
            self.axes = [(f"a{i + 1}", a, b, min(max(0.0, a), b)) for i, (a, b) in enumerate(zip(low, high))]
            self.shape, self.dtype = space.shape, space.dtype
        else:
            raise Refusal(f"its actions are of the space {type(space).__name__}, expected Discrete, MultiDiscrete, MultiBinary or Box")
        if len(self.choices) > MOST_CHOICES:
            raise Refusal(f"it has {len(self.choices)} actions, expected at most {MOST_CHOICES}")
        if one_axis:
            self.lay_on_one_axis()
        self.idle = next((i for i, name in enumerate(self.choices) if name.lower() in ("noop", "nothing", "done")), 0)
        self.bind_choices() if self.choices else self.bind_axes()

    def lay_on_one_axis(self):
        where = {word_key(name) or name.lower(): index for index, name in enumerate(self.choices)}
        if set(where) != {"left", "noop", "right"}:
            said = ", ".join(self.choices) or "no choices"
            raise Refusal(f"axis=true lays left, noop and right on one axis, and this environment has {said}")
        self.thirds = [self.table[where[name]] for name in ("left", "noop", "right")]
        self.choices, self.table, self.axes = [], None, [("side", -1.0, 1.0, 0.0)]

    def lived(self, row):
        """A row of our floats as the environment takes it."""
        if self.table is not None:
            return self.table[int(row[0])]
        if self.thirds is not None:
            return self.thirds[0 if row[0] < -1 / 3 else 2 if row[0] > 1 / 3 else 1]
        return row.reshape(self.shape).astype(self.dtype)  # a copy: environments keep actions

    @staticmethod
    def names(env, many):
        inner = env.unwrapped
        found = []
        if hasattr(inner, "get_action_meanings"):
            found = inner.get_action_meanings()
        elif isinstance(getattr(inner, "action_names", None), (list, tuple)):
            found = inner.action_names
        elif hasattr(getattr(inner, "actions", None), "__members__"):
            found = list(inner.actions.__members__)
        elif hasattr(inner, "button_map") and hasattr(inner, "game"):  # ViZDoom's: which of its buttons are held
            buttons = [button.name for button in inner.game.get_available_buttons()]
            found = ["+".join(name for name, held in zip(buttons, row) if held) or "noop" for row in inner.button_map]
        return [str(name) for name in found] if len(found) == many else [str(i) for i in range(many)]

    def bind_choices(self):
        named = {}
        for index, name in enumerate(self.choices):
            key = word_key(name)
            if key and key not in named:
                named[key] = index
        if not named and len(self.choices) <= 4:
            named = dict(zip({2: ("left", "right"), 3: ("left", "down", "right")}.get(len(self.choices), ("left", "down", "right", "up")),
                             range(len(self.choices))))
        self.keys = [(key, 0, float(index), self.choices[index]) for key, index in named.items()]

    def bind_axes(self):
        pairs, single = [("left", "right"), ("down", "up"), ("q", "e")], ["up", "down", "space"]
        for axis, (name, low, high, idle) in enumerate(self.axes[:3]):
            if low < idle < high:
                less, more = pairs.pop(0)
                said = ("left", "right") if self.thirds else (f"{name} −", f"{name} +")
                self.keys += [(less, axis, low, said[0]), (more, axis, high, said[1])]
                single = [key for key in single if key not in (less, more)]
            elif single:
                self.keys.append((single.pop(0), axis, high if idle == low else low, name))
                pairs = [pair for pair in pairs if self.keys[-1][0] not in pair]
