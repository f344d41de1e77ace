"""Errors as sentences, and the options in the brackets of an environment's name: for scripts/gym_server.py."""
import importlib
import json
import sys

PARTS = {"gymnasium": "gymnasium", "numpy": "gymnasium", "ale_py": "atari", "vizdoom": "doom", "crafter": "crafter",
         "dm_control": "dmc", "minigrid": "minigrid", "procgen": "procgen", "gym3": "procgen"}  # of scripts/setup --with


class Refusal(Exception):
    """What is wrong, as a sentence for people."""


def need(module):
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        part = PARTS.get((missing.name or "").split(".")[0])
        advice = f"; run scripts/setup --with {part}, or name a Python that has it in DREAMSCOPE_PYTHON" if part else ""
        raise Refusal(f"{sys.executable} has no module {missing.name}{advice}") from missing


def said_by(error):
    """An error on one line, as Python's own last line has it."""
    text = " ".join(str(error).split()).rstrip(".")
    kind = type(error).__name__
    return text if isinstance(error, Refusal) else f"{kind}: {text}" if text else kind


def truth(text):
    if text in ("true", "false"):
        return text == "true"
    raise ValueError


def share(text):
    value = float(text)
    if not 0 <= value < 1:
        raise ValueError
    return value


def count(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def edges(text):
    numbers = [int(part) for part in text.split(":")]
    if len(numbers) not in (2, 4) or min(numbers) < 0:
        raise ValueError
    return tuple(slice(a, b) for a, b in zip(numbers[::2], numbers[1::2]))


# What may stand in the brackets of a name: how it is read, and what it may be. `size` and `grey` are the other side's work.
OPTIONS = {"size": (str, "64 or 96x128"), "grey": (truth, "true or false"), "repeat": (count, "a count of steps, as 4"),
           "max": (truth, "true or false"), "sticky": (share, "a probability, as 0.25"), "limit": (count, "a count of steps"),
           "life_loss": (truth, "true or false"), "noop": (count, "a count of steps, as 30"),
           "crop": (edges, "rows, or rows and columns, as 34:194 or 34:194:0:160"), "picture": (truth, "true or false"),
           "pixels": (truth, "true or false"), "axis": (truth, "true or false")}


def read_options(words):
    """Those of ours, and those of the environment's own constructor."""
    ours, theirs = {}, {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in OPTIONS:
            try:
                theirs[name] = truth(text) if text in ("true", "false") else json.loads(text)
            except ValueError:
                theirs[name] = text
            continue
        read, expected = OPTIONS[name]
        try:
            ours[name] = read(text)
        except ValueError:
            raise Refusal(f"option {name} is '{text}', expected {expected}") from None
    return ours, theirs
