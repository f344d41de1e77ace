#!/usr/bin/env python3
"""Makes a dataset that Dreamscope opens of one that Minari has kept in the format arrow or parquet.

    bring_minari.py FOLDER OUT [--skip-damaged]

Needs pyarrow, numpy and h5py. FOLDER holds data/metadata.json, and an episode in each of data/0, data/1 …; it is only read. OUT
becomes the same dataset in Minari's format hdf5: the spaces stay as they are, encoded pictures are copied as they are. Infos and
whatever is no Box, Discrete, MultiDiscrete or MultiBinary serve no model here and are left out.
"""
import argparse
import json
import math
import os
import pathlib
import shutil
import sys

try:
    import h5py
    import numpy as np
    import pyarrow
    import pyarrow.ipc
    import pyarrow.parquet
except ImportError as error:
    sys.exit(f"bring_minari.py: {error.name} is missing; pyarrow, numpy and h5py are needed (pip install pyarrow numpy h5py)")

FORMATS = ("arrow", "parquet")
OUTCOME = {"rewards": "<f8", "terminations": bool, "truncations": bool}
LISTED = ("Box", "MultiDiscrete", "MultiBinary")


class Refused(Exception):
    """What is wrong, with the file, the field and what was expected."""


class Damaged(Refused):
    """Of one episode."""


def opened(path, what):
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Refused(f"'{path}' cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise Refused(f"'{path}': {what} was expected")
    return found


def space_of(metadata, path, name):
    try:
        space = json.loads(metadata[name])
        space["type"]
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"'{path}', '{name}': a space of Gymnasium as JSON was expected") from error
    return space


def shape_of(space):
    if space["type"] == "Box":
        return tuple(space["shape"])
    return np.empty(np.shape(space["nvec"])).shape if space["type"] == "MultiDiscrete" else tuple(np.atleast_1d(space["n"]))


def write(group, name, space, column, rows, where):
    """A part of an observation or an action, and those within it, below `name`."""
    kind = space["type"]
    if kind in ("Dict", "Tuple"):
        parts = space["subspaces"].items() if kind == "Dict" else ((str(i), part) for i, part in enumerate(space["subspaces"]))
        inner = group.create_group(name)
        for key, part in parts:
            index = column.type.get_field_index(key) if pyarrow.types.is_struct(column.type) else -1
            if index < 0:
                raise Damaged(f"{where}: a part '{key}' was expected")
            write(inner, key if kind == "Dict" else f"_index_{key}", part, column.field(index), rows, f"{where}/{key}")
        return
    if kind not in LISTED and kind != "Discrete":
        return
    if pyarrow.types.is_binary(column.type):  # encoded pictures
        stored = group.create_dataset(name, (rows,), h5py.vlen_dtype(np.uint8))
        for t in range(rows):
            stored[t] = np.frombuffer(column[t].as_py() or b"", np.uint8)
        return
    shape = shape_of(space) if kind in LISTED else ()
    values = column.flatten() if pyarrow.types.is_fixed_size_list(column.type) else column
    if values.null_count or len(values) != len(column) * math.prod(shape):
        raise Damaged(f"{where}: {math.prod(shape)} numbers in each of {len(column)} rows were expected, as the space says")
    values = values.to_numpy(zero_copy_only=False).reshape(len(column), *shape)[:rows]
    group.create_dataset(name, data=values, compression="gzip", compression_opts=1, shuffle=True)


def read_episode(folder, kind):
    files = sorted(file for file in folder.glob(f"*.{kind}") if not file.name.startswith((".", "_")))
    if not files:
        raise Damaged(f"'{folder}': a file *.{kind} was expected")
    try:
        read = lambda file: pyarrow.ipc.open_file(file).read_all() if kind == "arrow" else pyarrow.parquet.ParquetFile(file).read()
        table = pyarrow.concat_tables([read(file) for file in files])
    except (OSError, pyarrow.ArrowException) as error:
        raise Damaged(f"'{files[0]}' cannot be read as {kind}: {str(error).splitlines()[0]}") from error
    return files[0], table.combine_chunks()


def whole(column):
    """One array of a table's column."""
    return column.chunk(0) if column.num_chunks == 1 else pyarrow.concat_arrays(column.chunks)


def add(file, number, folder, kind, spaces):
    path, table = read_episode(folder, kind)
    columns = {"observations": spaces[0], "actions": spaces[1], **{name: None for name in OUTCOME}}
    for name in columns:
        if name not in table.column_names:
            raise Damaged(f"'{path}': a column '{name}' was expected, and there are {', '.join(table.column_names)[:200]}")
    steps = table.num_rows - 1  # the last row holds what was seen last
    if steps < 1:
        raise Damaged(f"'{path}': two rows or more were expected, and there is {table.num_rows}")
    name = f"episode_{number}"
    try:
        group = file.create_group(name)
        group.attrs.update({"id": number, "total_steps": steps})
        about = opened(folder / "metadata.json", "an object") if (folder / "metadata.json").exists() else {}
        if isinstance(about.get("seed"), int) and about["seed"] >= 0:
            group.attrs["seed"] = about["seed"]
        for column, space in columns.items():
            values, where = whole(table[column]), f"'{path}', '{column}'"
            if space is None:
                numbers = values.slice(0, steps)
                if numbers.null_count or not (pyarrow.types.is_floating(values.type) or pyarrow.types.is_integer(values.type)
                                              or pyarrow.types.is_boolean(values.type)):
                    raise Damaged(f"{where}: a number in each row was expected, and it is {values.type}")
                group.create_dataset(column, data=numbers.to_numpy(zero_copy_only=False).astype(OUTCOME[column]))
            else:
                write(group, column, space, values, steps + (column == "observations"), where)
    except BaseException:
        file.pop(name, None)
        raise
    return steps


def bring(asked):
    about = asked.folder / "data" / "metadata.json"
    if not about.exists():
        raise Refused(f"'{about}' is missing; a folder of Minari's was expected")
    metadata = opened(about, "an object")
    kind = metadata.get("data_format", "hdf5")
    if kind not in FORMATS:
        raise Refused(f"'{about}', 'data_format': arrow or parquet was expected, and it is '{kind}'" +
                      ("; such a dataset opens as it is" if kind == "hdf5" else ""))
    spaces = [space_of(metadata, about, name) for name in ("observation_space", "action_space")]
    folders = sorted((folder for folder in (asked.folder / "data").iterdir() if folder.is_dir() and folder.name.isdigit()), key=lambda f: int(f.name))
    if not folders:
        raise Refused(f"'{asked.folder / 'data'}': a folder for each episode was expected, called 0, 1 …")
    if asked.out.exists() and (not asked.out.is_dir() or any(asked.out.iterdir())):
        raise Refused(f"'{asked.out}' is there already; a new or an empty folder was expected")
    made = asked.out.absolute().parent / f".{asked.out.absolute().name}.{os.getpid()}"
    episodes = steps = 0
    skipped = []
    try:
        (made / "data").mkdir(parents=True)
        with h5py.File(made / "data" / "main_data.hdf5", "w", libver=("v110", "latest")) as file:
            for folder in folders:
                try:
                    steps += add(file, episodes, folder, kind, spaces)
                    episodes += 1
                except Damaged as damage:
                    if not asked.skip_damaged:
                        raise
                    skipped.append(f"episode {folder.name}: {damage}")
        if not episodes:
            raise Refused(f"'{asked.folder}': no episode can be read; {skipped[0]}")
        metadata.update({"data_format": "hdf5", "total_episodes": episodes, "total_steps": steps})
        (made / "data" / "metadata.json").write_text(json.dumps(metadata, indent=1))
        os.replace(made, asked.out)  # an empty folder may be there
    finally:
        shutil.rmtree(made, ignore_errors=True)
    print(f"{asked.out}: {'1 episode' if episodes == 1 else f'{episodes} episodes'}, {steps} steps of '{asked.folder}' ({kind})")
    for text in skipped:
        print(f"left out: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="the dataset, in Minari's format arrow or parquet")
    parser.add_argument("out", type=pathlib.Path, help="the dataset to write; a new or an empty folder")
    parser.add_argument("--skip-damaged", action="store_true",
                        help="leave episodes out that cannot be read, and say which; else they are an error")
    asked = parser.parse_args()
    try:
        bring(asked)
    except Refused as refusal:
        sys.exit(f"bring_minari.py: {refusal}")
    except OSError as error:
        sys.exit(f"bring_minari.py: '{error.filename or asked.out}': {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit(f"bring_minari.py: stopped; '{asked.out}' was not written")


if __name__ == "__main__":
    main()
