#!/usr/bin/env python3
"""Makes a dataset that Dreamscope opens of one in LeRobot's format (v2.0, v2.1 and v3.0: Parquet, with videos or pictures).

    bring_lerobot.py FOLDER OUT [--camera KEY] [--episodes A:B]

Needs pyarrow, numpy, h5py and, for pictures, av. FOLDER holds meta/info.json and is only read. OUT becomes a dataset in
Minari's layout, as Dreamscope writes its own: one camera's pictures in RGB, all numbers of observation.* as the vector,
`action`, and next.reward, next.done and next.truncated where they are. What serves no model is left out, and said.

LeRobot's rows hold what was seen, what was done there and what came of it; what was seen last is not in them. Where there are
rewards the last row's picture and vector stand there again, so that no reward is lost; else the last action is left out.
"""
import argparse
import json
import math
import os
import pathlib
import shutil
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the products are small: more threads only wait for each other
try:
    import h5py
    import numpy as np
    import pyarrow.compute

    from bring_lerobot_files import Damaged, Feature, Film, Refused, Source, Square, decoded, is_number, numbers, read_table
except ImportError as error:
    sys.exit(f"bring_lerobot.py: {error.name} is missing; pyarrow, numpy, h5py and, for pictures, av are needed "
             "(pip install pyarrow numpy h5py av)")

BOOKKEEPING = {"timestamp", "frame_index", "episode_index", "index", "task_index"}
REWARD, DONE, TRUNCATED = "next.reward", "next.done", "next.truncated"
MOST_NUMBERS, MOST_CHOICES = 4096, 4096  # of a part of the vector, and of an action, as everywhere in Dreamscope
BLOCK = 32  # frames that are packed together
ENDLESS = 1e300  # in the place of infinity, which JSON lacks


def plain(text, fallback):
    """Letters, digits and '-', as Minari's names want."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in text).strip("-") or fallback


class Plan:
    """What of the dataset serves, and what is left out."""

    def __init__(self, source, camera):
        features, file = source.features, source.file
        cameras = sorted(key for key, f in features.items() if f.picture())
        if camera and camera != "none" and camera not in cameras:
            there = f"the cameras are {', '.join(cameras)[:300]}" if cameras else "there is no camera"
            raise Refused(f"'{file}', 'features': a camera '{camera}' was expected, and {there}")
        self.camera = None if camera == "none" or not cameras else camera or cameras[0]
        if "action" not in features or not is_number(features["action"].dtype):
            raise Refused(f"'{file}', 'features': numbers called 'action' were expected, and there are {', '.join(features)[:300]}")
        self.action = features["action"]
        self.choice = self.action.count() == 1 and not self.action.dtype.startswith("float")
        self.vector, self.left_out = [], []
        self.outcome = [features[key] for key in (REWARD, DONE, TRUNCATED) if key in features and features[key].count() == 1]
        for key, f in features.items():
            if key in BOOKKEEPING or key == self.camera or f is self.action or f in self.outcome:
                continue
            if not key.startswith("observation") or not is_number(f.dtype):
                other = "a further camera" if self.camera else "a camera"
                self.left_out.append(f"{key}: {'depths' if f.depth else other if f.picture() else f.dtype}")
            elif f.count() > MOST_NUMBERS:
                self.left_out.append(f"{key}: {f.count()} numbers, more than {MOST_NUMBERS}")
            else:
                self.vector.append(f)
        if not self.camera and not self.vector:
            raise Refused(f"'{file}', 'features': a camera or numbers called observation.* were expected, and there are "
                          f"{', '.join(features)[:300]}")
        if self.action.count() > MOST_NUMBERS:
            raise Refused(f"'{file}', 'features', 'action': at most {MOST_NUMBERS} numbers were expected, and there are "
                          f"{self.action.count()}")

    def vector_names(self):
        if len(self.vector) == 1 and self.vector[0].names:
            return self.vector[0].names
        names = []
        for f in self.vector:
            short = f.key.removeprefix("observation.")
            names += [short] if f.count() == 1 else [f"{short} {name}" for name in f.names or range(f.count())]
        return names

    def columns(self, inside):
        """Those that are read; `inside`: the pictures lie there too."""
        there = [self.action, *self.vector, *self.outcome]
        return [f.key for f in there] + ["episode_index"] + ([self.camera] if inside else ["timestamp"] if self.camera else [])


# -- writing ----------------------------------------------------------------------------------------------------------


def write_pictures(group, name, pictures, rows, shape, what):
    """As Dreamscope keeps them: a PPM a row, or the pixels where they are small. Gives what shape they had."""
    stored, filled, block = None, 0, []

    def flush():
        nonlocal filled, block
        stored[filled:filled + len(block)] = np.stack(block)
        filled, block = filled + len(block), []

    for picture in pictures:
        shape = shape or picture.shape
        if picture.shape != shape:
            raise Damaged(f"{what}: pictures of {shape[1]} × {shape[0]} were expected, as those before it, and they are of "
                          f"{picture.shape[1]} × {picture.shape[0]}")
        if min(shape[:2]) >= 32:  # which Minari wants encoded
            picture = np.frombuffer(f"P6\n{shape[1]} {shape[0]}\n255\n".encode() + picture.tobytes(), np.uint8)
        if stored is None:
            stored = group.create_dataset(name, (rows, *picture.shape), np.uint8, chunks=(min(rows, BLOCK), *picture.shape),
                                          compression="gzip", compression_opts=1)
        block.append(picture)
        if len(block) == BLOCK:
            flush()
    if block:
        flush()
    return shape


class Target:
    """A dataset that is being made in a hidden folder beside OUT, and takes its place when it is whole."""

    def __init__(self, out):
        self.out = out
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise Refused(f"'{out}' is there already; a new or an empty folder was expected")
        self.folder = out.absolute().parent / f".{out.absolute().name}.{os.getpid()}"
        self.data = self.folder / "data"
        (self.data / "episodes").mkdir(parents=True)
        self.episodes = self.steps = self.most_choice = 0
        self.early = 0  # episodes that go on behind an end
        self.shape = None  # of pictures

    def add(self, place, plan, rows, pictures):
        what = f"episode {place.index}"
        values = {f.key: numbers(rows, place.data, f, what) for f in (plan.action, *plan.vector, *plan.outcome)}
        again = REWARD in values  # what was seen last
        steps = place.length if again else place.length - 1
        if steps < 1:
            raise Damaged(f"'{place.data}', {what}: two rows or more were expected, and there is {place.length}")
        actions = values["action"][:steps]
        if plan.choice and not (actions.min() >= 0 and actions.max() < MOST_CHOICES):
            raise Damaged(f"'{place.data}', 'action', {what}: choices from 0 to {MOST_CHOICES - 1} were expected, and there is "
                          f"{int(actions.min() if actions.min() < 0 else actions.max())}")
        self.early += DONE in values and bool(values[DONE][:-1].any())
        said = lambda key: key in values and values[key][-1, 0] != 0
        ended = np.zeros((2, steps), bool)
        ended[0, -1] = said(DONE) and not said(TRUNCATED)
        ended[1, -1] = not ended[0, -1]
        name, shape = f"episode_{self.episodes}", self.shape
        path = self.data / "episodes" / f"episode_{self.episodes:06d}.hdf5"
        try:
            with h5py.File(path, "w", libver=("v110", "latest")) as file:
                group = file.create_group(name)
                group.attrs.update({"id": self.episodes, "total_steps": steps, "policy": "unknown", "lerobot_episode": place.index})
                seen = group.create_group("observations") if pictures and plan.vector else group
                named = lambda part: part if pictures and plan.vector else "observations"
                if pictures:
                    shape = write_pictures(seen, named("image"), twice_at_end(pictures, again), steps + 1, self.shape, what)
                if plan.vector:
                    vector = np.concatenate([values[f.key] for f in plan.vector], axis=1)
                    write_numbers(seen, named("vector"), np.concatenate([vector, vector[-1:]]) if again else vector, "<f4")
                write_numbers(group, "actions", actions[:, 0] if plan.choice else actions, "<i8" if plan.choice else "<f4")
                write_numbers(group, "rewards", values[REWARD][:steps, 0] if again else np.zeros(steps), "<f8")
                write_numbers(group, "terminations", ended[0], bool)
                write_numbers(group, "truncations", ended[1], bool)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self.shape = shape
        self.most_choice = max(self.most_choice, int(actions.max()) if plan.choice else 0)
        self.episodes, self.steps = self.episodes + 1, self.steps + steps

    def finish(self, source, plan, environment):
        with h5py.File(self.data / "main_data.hdf5", "w", libver=("v110", "latest")) as main:
            for i in range(self.episodes):
                main[f"episode_{i}"] = h5py.ExternalLink(f"episodes/episode_{i:06d}.hdf5", f"/episode_{i}")
        vector, choices = plan.vector_names(), [str(i) for i in range(self.most_choice + 1)] if plan.choice else []
        axes = [] if plan.choice else plan.action.names or [str(i) for i in range(plan.action.count())]
        size = sum(file.stat().st_size for file in (self.data / "episodes").iterdir())
        picture = box("uint8", self.shape, 0, 255) if self.shape else None
        numbers_box = box("float32", (len(vector),), -math.inf, math.inf)
        seen = picture or numbers_box
        if picture and vector:
            seen = {"type": "Dict", "subspaces": {"image": picture, "vector": numbers_box}}
        done = box("float32", (len(axes),), -math.inf, math.inf)
        if choices:
            done = {"type": "Discrete", "dtype": "int64", "start": 0, "n": len(choices)}
        metadata = {
            "dataset_id": f"{plain(environment, 'environment')}/lerobot-v0", "minari_version": "0.5.3", "data_format": "hdf5",
            "total_episodes": self.episodes, "total_steps": self.steps, "dataset_size": round(size / 1e6, 1),
            "observation_space": json.dumps(seen), "action_space": json.dumps(done), "algorithm_name": "unknown",
            "description": f"Brought from LeRobot's format {source.version}: {environment}.",
            "dreamscope": {"environment": environment, "policy": "unknown", "spaces": {
                "image": list(self.shape or (0, 0, 0)), "vector_names": vector, "max_episode_steps": 0,
                "action": {"axes": axes, "low": [-ENDLESS] * len(axes), "high": [ENDLESS] * len(axes), "choices": choices,
                           "idle": [0.0] * (len(axes) or 1), "keys": []}}},
            "lerobot": {"version": source.version, "fps": source.fps, "camera": plan.camera, "tasks": source.tasks(),
                        "left_out": plan.left_out}}
        (self.data / "metadata.json").write_text(json.dumps(metadata, indent=1))
        os.replace(self.folder, self.out)  # an empty folder may be there


def write_numbers(group, name, values, kind):
    group.create_dataset(name, data=values, dtype=kind, compression="gzip", compression_opts=1, shuffle=True)


def box(dtype, shape, low, high):
    filled = lambda value: np.full(shape, value).tolist()
    return {"type": "Box", "dtype": dtype, "shape": list(shape), "low": filled(low), "high": filled(high)}


def twice_at_end(pictures, again):
    picture = None
    for picture in pictures:
        yield picture
    if again:
        yield picture


# -- one after another ------------------------------------------------------------------------------------------------


class Reader:
    """Rows and pictures of an episode; files that hold several are opened once."""

    def __init__(self, source, plan, side):
        self.source, self.plan, self.square = source, plan, Square(side)
        self.inside = bool(plan.camera) and source.features[plan.camera].dtype == "image"
        self.table, self.film = (None, None), None

    def rows(self, place):
        if self.table[0] != place.data:
            self.table = (None, None)
            self.table = place.data, read_table(place.data, self.plan.columns(self.inside))
        table = self.table[1]
        rows = table.filter(pyarrow.compute.equal(table["episode_index"], place.index))
        if rows.num_rows != place.length:
            raise Damaged(f"'{place.data}', 'episode_index': {place.length} rows of episode {place.index} were expected, as meta says, and "
                          f"there are {rows.num_rows}")
        return rows

    def pictures(self, place, rows):
        if not self.plan.camera:
            return None
        if self.inside:
            found = decoded(rows[self.plan.camera], place.data, self.plan.camera)
        else:
            if self.film is None or self.film.path != place.film:
                self.close()
                self.film = Film(place.film)
            what = f"episode {place.index}"
            when = numbers(rows, place.data, Feature("timestamp", "float32", (1,), [], False), what)[:, 0] + place.begin
            found = self.film.pictures(when.tolist(), 0.5 / self.source.fps, what)
        return (self.square(picture) for picture in found)

    def close(self):
        if self.film is not None:
            self.film.close()
        self.film = None


def bring(asked):
    source = Source(asked.folder)
    plan = Plan(source, asked.camera)
    places = source.places(plan.camera)
    first, last = asked.episodes or (0, None)
    last = len(places) if last is None else last
    if not first < last <= len(places):
        raise Refused(f"--episodes: A:B with A < B of the {len(places)} episodes was expected, and it is {first}:{last}")
    target, reader = Target(asked.out), Reader(source, plan, asked.size)
    told, skipped = time.monotonic(), []
    try:
        for place in places[first:last]:
            try:
                rows = reader.rows(place)
                target.add(place, plan, rows, reader.pictures(place, rows))
            except Damaged as damage:
                if not asked.skip_damaged:
                    raise
                skipped.append(f"episode {place.index}: {damage}")
                reader.close()  # where in it the video stands is not known any more
            if time.monotonic() - told > 5:
                told = time.monotonic()
                print(f"bring_lerobot.py: {place.index + 1 - first} of {last - first} episodes", file=sys.stderr, flush=True)
        if not target.episodes:
            raise Refused(f"'{asked.folder}': no episode can be read; {skipped[0]}")
        target.finish(source, plan, asked.folder.resolve().name)
    finally:
        reader.close()
        shutil.rmtree(target.folder, ignore_errors=True)
    tell(asked, source, plan, target, skipped)


def tell(asked, source, plan, target, skipped):
    parts = [f"pictures of {target.shape[1]} × {target.shape[0]} of {plan.camera}" if plan.camera else "no pictures"]
    parts += [f"vectors of {len(plan.vector_names())}"] if plan.vector else []
    parts += [f"one of {target.most_choice + 1} choices" if plan.choice else f"actions of {plan.action.count()}"]
    parts += ["rewards"] if any(f.key == REWARD for f in plan.outcome) else ["no rewards"]
    episodes = "1 episode" if target.episodes == 1 else f"{target.episodes} episodes"
    print(f"{asked.out}: {episodes}, {target.steps} steps of '{asked.folder}' ({source.version}): {', '.join(parts)}")
    tasks = source.tasks()
    texts = ", ".join(f"'{task}'" for task in tasks[:5]) + (f" and {len(tasks) - 5} more" if len(tasks) > 5 else "")
    early = [f"{DONE} in the midst of {target.early} episodes, which go on behind it"] if target.early else []
    for text in plan.left_out + ([f"tasks: {texts}"] if tasks else []) + early + skipped:
        print(f"left out: {text}")


def span(text):
    first, colon, last = text.partition(":")
    if not colon or not all(part.isascii() and part.isdigit() for part in (first, last) if part):
        raise argparse.ArgumentTypeError(f"A:B was expected, as 0:50, and it is '{text}'")
    return int(first or 0), int(last) if last else None


def side(text):
    if not (text.isascii() and text.isdigit() and (text == "0" or 8 <= int(text) <= 1024)):
        raise argparse.ArgumentTypeError(f"8 to 1024, or 0, was expected, and it is '{text}'")
    return int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="the dataset in LeRobot's format")
    parser.add_argument("out", type=pathlib.Path, help="the dataset to write; a new or an empty folder")
    parser.add_argument("--camera", metavar="KEY", help="whose pictures; the first by name unless said; none: no pictures")
    parser.add_argument("--episodes", metavar="A:B", type=span, help="from A, the first being 0, to before B; all unless said")
    parser.add_argument("--size", metavar="N", type=side, default=64,
                        help="a picture's middle square is averaged to N pixels a side (64); 0: pictures stay as they are")
    parser.add_argument("--skip-damaged", action="store_true",
                        help="leave episodes out that cannot be read, and say which; else they are an error")
    asked = parser.parse_args()
    try:
        bring(asked)
    except Refused as refusal:
        sys.exit(f"bring_lerobot.py: {refusal}")
    except OSError as error:
        sys.exit(f"bring_lerobot.py: '{error.filename or asked.out}': {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit(f"bring_lerobot.py: stopped; '{asked.out}' was not written")


if __name__ == "__main__":
    main()
