"""What is seen, and what is done, as Dreamscope has it: for scripts/gym_server.py."""
import itertools
import math

import gymnasium
import numpy

from gym_server_options import Refusal

MOST_CHOICES, MOST_NUMBERS, MOST_ONE_HOT, MOST_AXES = 4096, 4096, 256, 256
LEAST_SIDE, LARGEST = 32, 1e9  # of what is a picture by its bounds alone
MOST_OUTSIDE = 0.1  # of the range of a picture without bounds


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
    2: other numbers between bounds, where there is none of those; 3: numbers without bounds, where there is none of these either, as many
    as a vector may have or more: what is seen first tells what they are; 0: it is none."""
    cut = newest(space.shape) if isinstance(space, gymnasium.spaces.Box) and space.low.size else None
    if not cut or space.dtype == numpy.uint8:
        return int(bool(cut)), cut
    black, white, side = float(space.low.flat[0]), float(space.high.flat[0]), min(cut(space.low).shape[:2])
    same = (space.low == space.low.flat[0]).all() and (space.high == space.high.flat[0]).all()
    sure = same and space.dtype.kind == "f" and black == 0 and white in (1, 255) and side >= 8
    if sure or same and side >= LEAST_SIDE and -LARGEST < black < white < LARGEST:
        return 1 if sure else 2, lambda x: bytes_of(cut(x).astype(numpy.float32), black, white)
    return (3, cut) if side >= LEAST_SIDE and space.low.size >= MOST_NUMBERS else (0, None)


def bytes_of(picture, black, white):
    return (numpy.clip((picture - black) * (255 / (white - black)), 0, 255) + 0.5).astype(numpy.uint8)


def greys_of(values):
    """What is black and what is white of a picture without bounds, by its numbers; as of datasets (core/data/picture_shape.h). None of others."""
    low, high = values.min(), values.max()
    if values.dtype.kind == "f" and -1 <= low and high <= 1:
        return -1.0 if low < 0 else 0.0, 1.0
    return (0.0, 255.0) if low >= 0 and high <= 255 and (values == numpy.floor(values)).all() else None


def by_what_was_seen(cut, black, white):
    """Cuts out a picture whose range is a guess, so that a number far outside is an error and not white."""
    middle, reach = (black + white) / 2, (white - black) * (0.5 + MOST_OUTSIDE)

    def picture(x):
        found = cut(x).astype(numpy.float32)
        outside = found[~(numpy.abs(found - middle) <= reach)]
        if outside.size:
            raise Refusal(f"its picture holds {outside[0]:g}, and what was seen first had numbers from {black:g} to {white:g}: its space has no bounds")
        return bytes_of(found, black, white)
    return picture


def inner_of(space):
    """A Dict's spaces in the order of their names, which is that of datasets, or a Tuple's."""
    return sorted(space.spaces.items(), key=lambda item: str(item[0])) if isinstance(space, gymnasium.spaces.Dict) else enumerate(space.spaces)


def parts_of(space, name, path):
    """Those that have none of their own: name, space and the keys that lead there."""
    if not isinstance(space, (gymnasium.spaces.Dict, gymnasium.spaces.Tuple)):
        yield name, space, path
        return
    for key, part in inner_of(space):
        yield from parts_of(part, f"{name}/{key}" if name else str(key), (*path, key))


class Seen:
    """What of an observation is the picture, what the vector, and what is left out; as of datasets (core/data/foreign_spaces.h)."""

    def __init__(self, space, look):
        """`look` gives what is seen first."""
        spaces = gymnasium.spaces
        self.picture, self.numbers, self.names, self.left_out, self.states = None, [], [], [], 0
        parts = list(parts_of(space, "", ()))
        found = [picture_of(part) for _, part, _ in parts]
        wanted = min((rank for rank, _ in found if rank), default=0)
        first = look() if wanted == 3 else None
        for (name, part, path), (rank, cut) in zip(parts, found):
            cut, guessed = cut if rank and rank == wanted else None, ""
            if cut and wanted == 3 and not self.picture:
                cut, guessed = self.guessed(cut, numpy.asarray(at(first, path)))
            if cut and self.picture:
                self.left_out.append(f"{name} (a further picture)")
            elif cut:
                self.picture = (path, part.shape, part.dtype, cut)
                self.left_out += [f"{name or 'all'} ({guessed})"] if guessed else []
            elif not isinstance(part, (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)):
                self.left_out.append(f"{name or 'all'} ({type(part).__name__})")
            elif numpy.prod(part.shape) > MOST_NUMBERS:
                self.left_out.append(f"{name or 'all'} ({guessed or f'more than {MOST_NUMBERS} numbers'})")
            else:
                self.numbers.append((name, part, path))
        alone = not self.picture and len(self.numbers) == 1 and isinstance(self.numbers[0][1], spaces.Discrete)
        self.states = int(self.numbers[0][1].n) if alone else 0
        self.numbers = [self.row(*number, alone) for number in self.numbers]

    @staticmethod
    def guessed(cut, values):
        """How a picture without bounds is cut out, or None, and what is to be said of it."""
        greys = greys_of(values)
        if not greys:
            return None, f"its numbers go from {values.min():g} to {values.max():g} at first, and its space has no bounds for them"
        said = f"what is finer than 8 bits, of its numbers from {greys[0]:g} to {greys[1]:g}, as those seen first: no bounds are declared"
        return by_what_was_seen(cut, *greys), said

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
        self.choices, self.keys, self.axes = [], [], []
        self.table = self.thirds = None
        self.space, self.parts = env.action_space, [(name, part) for name, part, _ in parts_of(env.action_space, "", ())]
        counted = [self.counted(name, part) for name, part in self.parts]
        if not self.parts:
            raise Refusal("its actions have no parts")
        if all(counted):
            self.count_combinations(env, counted)
        else:
            for (name, part), sides in zip(self.parts, counted):
                self.lay_flat(name, part, sides)
            if len(self.axes) > MOST_AXES:
                raise Refusal(f"its actions are {len(self.axes)} numbers, expected at most {MOST_AXES}")
        if one_axis:
            self.lay_on_one_axis()
        self.idle = next((i for i, name in enumerate(self.choices) if name.lower() in ("noop", "nothing", "done")), 0)
        self.bind_choices() if self.choices else self.bind_axes()

    @staticmethod
    def counted(name, part):
        """The least and the number of choices of each of a part's whole numbers; None of a Box."""
        spaces = gymnasium.spaces
        if isinstance(part, spaces.Discrete):
            return [(int(part.start), int(part.n))]
        if isinstance(part, spaces.MultiBinary):
            return [(0, 2)] * int(numpy.prod(part.shape))
        if isinstance(part, spaces.MultiDiscrete):
            return list(zip(map(int, numpy.ravel(getattr(part, "start", numpy.zeros_like(part.nvec)))), map(int, part.nvec.ravel())))
        if not isinstance(part, spaces.Box):
            what = f"its action '{name}' is" if name else "its actions are"
            raise Refusal(f"{what} of the space {type(part).__name__}, expected Discrete, MultiDiscrete, MultiBinary or Box")
        return None

    def count_combinations(self, env, counted):
        """Several choices at once are one of all their combinations, the last fastest."""
        digits = [digit for part in counted for digit in part]
        many = math.prod(count for _, count in digits)
        if many > MOST_CHOICES:
            raise Refusal(f"its actions have {many} combinations, expected at most {MOST_CHOICES}")
        rows = list(itertools.product(*(range(start, start + count) for start, count in digits)))
        self.table = [self.structured(iter(row)) for row in rows]
        if isinstance(self.space, gymnasium.spaces.Discrete):
            self.choices = self.names(env, many)
        elif len(counted) == 1:
            self.choices = ["-".join(str(value - start) for value, (start, _) in zip(row, digits)) for row in rows]
        else:
            for row in rows:
                left = iter(row)
                self.choices.append(", ".join(f"{name} {'-'.join(str(next(left)) for _ in part)}" for (name, _), part in zip(self.parts, counted)))

    def lay_flat(self, name, part, sides):
        """A Box's numbers are axes, and so is each choice beside it, from 0 to 1: the furthest out is made."""
        if sides is not None:
            for number, (start, count) in enumerate(sides):
                of = name if len(sides) == 1 else f"{name} {number}"
                self.axes += [(f"{of} = {i}", 0.0, 1.0, 0.0) for i in range(start, start + count)]
            return
        low, high = part.low.ravel().astype(float), part.high.ravel().astype(float)
        low[~numpy.isfinite(low)], high[~numpy.isfinite(high)] = -1, 1  # what has no bound is pushed by one at most
        if len(low) == 0 or len(low) > MOST_AXES or not (low < high).all():
            raise Refusal(f"its actions are a Box of shape {part.shape}, expected 1 to {MOST_AXES} axes that can move")
        of = f"{name} " if name and len(low) > 1 else name or "a"
        said = [name] if name and len(low) == 1 else [f"{of}{i if name else i + 1}" for i in range(len(low))]
        self.axes += [(axis, a, b, min(max(0.0, a), b)) for axis, a, b in zip(said, low, high)]

    def structured(self, values, space=None):
        """An action of whole numbers one after another, and of Boxes as arrays, as the space has it."""
        spaces, space = gymnasium.spaces, self.space if space is None else space
        if isinstance(space, spaces.Dict):
            made = {key: self.structured(values, part) for key, part in inner_of(space)}
            return {key: made[key] for key in space.spaces}  # in the space's own order, which sample() has
        if isinstance(space, spaces.Tuple):
            return tuple(self.structured(values, part) for part in space.spaces)
        if isinstance(space, spaces.Box):
            return next(values)
        if isinstance(space, spaces.Discrete):  # what sample() gives, and quicker to check than Python's own
            return numpy.int64(next(values))
        whole = [next(values) for _ in range(int(numpy.prod(space.shape)))]
        return numpy.array(whole, space.dtype).reshape(space.shape)

    def of_row(self, row):
        """What structured() takes, of our floats."""
        at = 0
        for name, part in self.parts:
            sides = self.counted(name, part)
            if sides is None:
                size = int(numpy.prod(part.shape))
                yield row[at:at + size].reshape(part.shape).astype(part.dtype)  # a copy: environments keep actions
                at += size
            for start, count in sides or ():
                yield start + int(numpy.argmax(row[at:at + count]))
                at += count

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
        if self.space is self.parts[0][1]:  # a Box alone, in fewer calls
            return row.reshape(self.space.shape).astype(self.space.dtype)  # a copy: environments keep actions
        return self.structured(self.of_row(row))

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
