#!/usr/bin/env python3
"""Makes a .safetensors of the weights that danijar/dreamerv3 (2024) has saved, for `dreamscope-cli import --as danijar`.

    bring_danijar.py LOGDIR theirs.safetensors

Takes agent.pkl, or the folder of a save, or the run's ckpt or logdir, of which the latest save is read. Needs Python alone,
not JAX, not NumPy. Nothing that a pickle names is run: plain containers are made, and stand-ins for arrays, which keep
shape, type and bytes; whatever else one asks for is refused. Tensors keep their names and become float32; the optimiser's
state stays behind.
"""
import argparse
import array
import json
import math
import pathlib
import pickle
import struct
import sys

MARKER = "dyn/dynin0/kernel"  # every agent's world model has it (dreamerv3/rssm.py)
SIZES = {"f4": 4, "f8": 8, "i4": 4, "bfloat16": 2}


class Refused(Exception):
    """A mistake, in a sentence."""


class Type:
    """In the place of numpy.dtype."""

    def __init__(self, name, *_):
        self.name, self.order = name, "<"

    def __setstate__(self, state):
        self.order = state[1]


class Array:
    """In the place of numpy.ndarray, as numpy.core.multiarray._reconstruct makes it of nothing."""

    def __init__(self, *_):
        self.shape, self.type, self.by_column, self.data = (), Type(""), False, b""

    def __setstate__(self, state):
        _, self.shape, self.type, self.by_column, self.data = state

    def values(self):
        """As float32, row by row. Throws where the bytes are not what the shape says."""
        if len(self.data) != math.prod(self.shape) * SIZES[self.type.name] or self.type.order == ">":
            raise ValueError
        if self.type.name == "bfloat16":  # the upper half of a float32
            wide = bytearray(2 * len(self.data))
            wide[2::4], wide[3::4] = self.data[0::2], self.data[1::2]
        else:
            wide = self.data
        found = array.array({"f8": "d", "i4": "i"}.get(self.type.name, "f"), bytes(wide))
        return rows_first(array.array("f", found), self.shape if self.by_column else ())


def rows_first(values, shape):
    """What lies column by column, row by row."""
    if len(shape) < 2:
        return values
    rows = array.array("f")
    for i in range(shape[0]):
        rows.extend(rows_first(values[i::shape[0]], shape[1:]))
    return rows


def from_buffer(data, kind, shape, order):
    """In the place of numpy.core.numeric._frombuffer, which newer pickles name."""
    made = Array()
    made.__setstate__((1, shape, kind, order == "F", data))
    return made


STAND_INS = {"numpy.dtype": Type, "numpy.ndarray": Array, "ml_dtypes.bfloat16": "bfloat16"}
for core in ("numpy.core", "numpy._core"):  # before NumPy 2, and since
    STAND_INS.update({f"{core}.multiarray._reconstruct": Array, f"{core}.numeric._frombuffer": from_buffer})


class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if f"{module}.{name}" not in STAND_INS:
            raise Refused(f"it asks for '{module}.{name}', which no weights need; nothing of it was run")
        return STAND_INS[f"{module}.{name}"]


def file_of(path):
    for folder in (path, path / "ckpt"):
        if (folder / "latest").is_file():
            folder = folder / pathlib.Path((folder / "latest").read_text().strip()).name
        if (folder / "agent.pkl").is_file():
            return folder / "agent.pkl"
    if path.is_dir():
        raise Refused("it holds no agent.pkl, as danijar/dreamerv3 leaves one in its logdir's ckpt")
    return path


def weights_of(file):
    try:
        with open(file, "rb") as opened:
            saved = Reader(opened).load()
    except (Refused, OSError):
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise Refused(f"it is no pickle that can be read ({type(error).__name__}: {error})")
    weights = saved.get("params") if isinstance(saved, dict) else None
    if not isinstance(weights, dict) or MARKER not in weights:
        raise Refused(f"expected the weights of danijar/dreamerv3's agent of 2024 under 'params', and there is no '{MARKER}'")
    found = {}
    for name, value in weights.items():
        try:
            if not name.startswith("opt/"):
                found[name] = (list(value.shape), value.values())
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Refused(f"expected float32 or bfloat16 numbers that fill the shape of '{name}', and there is something else")
    return found


def write(weights, path):
    header, at = {}, 0
    for name, (shape, values) in weights.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * len(values)]}
        at += 4 * len(values)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, values in weights.values():
            values.tofile(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("saved", type=pathlib.Path, help="agent.pkl, or a folder that holds it")
    parser.add_argument("out", type=pathlib.Path, help="the .safetensors to write")
    asked = parser.parse_args()
    try:
        file = file_of(asked.saved)
        weights = weights_of(file)
        write(weights, asked.out)
    except Refused as refusal:
        sys.exit(f"bring_danijar.py: '{asked.saved}': {refusal}")
    except OSError as error:
        sys.exit(f"bring_danijar.py: '{error.filename}': {error.strerror}")
    print(f"{asked.out}: {len(weights)} tensors of '{file}'")


if __name__ == "__main__":
    main()
