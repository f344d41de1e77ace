"""What scripts/bring_lerobot.py reads: the files of a dataset in LeRobot's format, their numbers and pictures."""
import contextlib
import dataclasses
import io
import json
import math
import pathlib

import numpy as np
import pyarrow as pa
from pyarrow import parquet

VERSIONS = ("v2.0", "v2.1", "v3.0")
JUMP, RUN_UP = 10.0, 2.0  # seconds: what is decoded rather than jumped over, and how far before its aim a jump ends (B-frames)


class Refused(Exception):
    """A mistake, in a sentence."""


class Damaged(Refused):
    """One of an episode, without which the others may do."""


def is_number(dtype):
    return dtype == "bool" or dtype.rstrip("0123456789") in ("float", "int", "uint")


# -- what there is ----------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Feature:
    key: str
    dtype: str
    shape: tuple
    names: list  # one a number, or none
    depth: bool

    def count(self):
        return math.prod(self.shape)

    def picture(self):
        return self.dtype in ("video", "image") and not self.depth


@dataclasses.dataclass
class Place:
    """Where an episode lies."""
    index: int
    length: int
    data: pathlib.Path
    film: pathlib.Path = None
    begin: float = 0  # of the episode in its film, in seconds


def whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def flat_names(names):
    """A list, lists under names of their own, or numbers by name."""
    if isinstance(names, dict):
        if all(whole(v) for v in names.values()):
            return sorted(names, key=names.get)
        names = [name for part in names.values() for name in (part if isinstance(part, list) else [part])]
    return [str(name) for name in names] if isinstance(names, list) else []


class Source:
    """What meta/ says."""

    def __init__(self, folder):
        self.folder, self.file = folder, folder / "meta" / "info.json"
        if not self.file.is_file():
            raise Refused(f"'{self.file}' is missing; a folder in LeRobot's format was expected")
        self.info = read_json(self.file)
        self.version = self.field("codebase_version", str)
        if self.version not in VERSIONS:
            raise Refused(f"'{self.file}', 'codebase_version': {', '.join(VERSIONS[:-1])} or {VERSIONS[-1]} was expected, and it is "
                          f"'{self.version}'")
        self.fps = self.field("fps", (int, float))
        if not 0 < self.fps < 1e6:
            raise Refused(f"'{self.file}', 'fps': a positive number was expected, and it is {self.fps}")
        self.features = {key: self.feature(key, said) for key, said in self.field("features", dict).items()}
        self.total = self.field("total_episodes", int)

    def field(self, name, kind):
        value = self.info.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            kinds = {str: "a text", int: "a whole number", dict: "an object"}
            there = f"it is {json.dumps(value)[:60]}" if name in self.info else "it is missing"
            raise Refused(f"'{self.file}', '{name}': {kinds.get(kind, 'a number')} was expected, and {there}")
        return value

    def feature(self, key, said):
        shape = said.get("shape") if isinstance(said, dict) else None
        if not isinstance(shape, list) or not all(whole(n) and n > 0 for n in shape) or not isinstance(said.get("dtype"), str):
            raise Refused(f"'{self.file}', 'features', '{key}': a 'dtype' and a 'shape' of positive numbers were expected")
        names = flat_names(said.get("names"))
        if len(names) != math.prod(shape) or len(set(names)) != len(names):
            names = []
        marks = [said.get("info") or {}, said.get("video_info") or {}]
        depth = any(isinstance(m, dict) and (m.get("is_depth_map") or m.get("video.is_depth_map")) for m in marks)
        return Feature(key, said["dtype"], tuple(shape), names, bool(depth))

    def path(self, name, **values):
        """One by the pattern that info.json has under this name. It must lie in the folder."""
        pattern = self.field(name, str)
        try:
            made = pattern.format(**values)
        except (KeyError, IndexError, ValueError, AttributeError):
            raise Refused(f"'{self.file}', '{name}': a pattern of {', '.join(values)} was expected, and it is '{pattern}'")
        if pathlib.PurePath(made).is_absolute() or ".." in pathlib.PurePath(made).parts:
            raise Refused(f"'{self.file}', '{name}': it leads out of the folder, to '{made}'")
        return self.folder / made

    def places(self, camera):
        film = camera if camera and self.features[camera].dtype == "video" else None
        found = sorted(self.old_places(film) if self.version < "v3" else self.new_places(film), key=lambda p: p.index)
        if [p.index for p in found] != list(range(self.total)):
            raise Refused(f"'{self.folder / 'meta'}': episodes 0 to {self.total - 1} were expected, as info.json's 'total_episodes' "
                          f"says, and {len(found)} are listed")
        if not found:
            raise Refused(f"'{self.file}', 'total_episodes': one episode or more was expected, and there is none")
        return found

    def old_places(self, film):
        """v2: a line of episodes.jsonl, a Parquet file and a video an episode."""
        file = self.folder / "meta" / "episodes.jsonl"
        chunk = self.field("chunks_size", int)
        if chunk < 1:
            raise Refused(f"'{self.file}', 'chunks_size': a positive number was expected, and it is {chunk}")
        for number, said in enumerate(json_lines(file), 1):
            index, length = (said.get(name) if isinstance(said, dict) else None for name in ("episode_index", "length"))
            if not whole(index) or not whole(length):
                raise Refused(f"'{file}', line {number}: whole numbers 'episode_index' and 'length' were expected")
            where = {"episode_chunk": index // chunk, "episode_index": index}
            place = Place(index, length, self.path("data_path", **where))
            if film:
                place.film = self.path("video_path", video_key=film, **where)
            yield place

    def new_places(self, film):
        """v3: a row of meta/episodes/*/*.parquet; files hold several episodes."""
        files = sorted((self.folder / "meta" / "episodes").glob("*/*.parquet"))
        if not files:
            raise Refused(f"'{self.folder / 'meta' / 'episodes'}' holds no chunk-000/file-000.parquet; a list of the episodes was expected")
        names = ["episode_index", "length", "data/chunk_index", "data/file_index"]
        if film:
            names += [f"videos/{film}/{name}" for name in ("chunk_index", "file_index", "from_timestamp")]
        for file in files:
            table = read_table(file, names)
            for row in table.to_pylist():
                index, length, chunk, number, *of_film = (row[name] for name in names)
                for name, value in row.items():
                    if not (whole(value) or name.endswith("timestamp") and isinstance(value, float)):
                        raise Refused(f"'{file}', '{name}': a number was expected for episode {index}, and it is {value}")
                place = Place(index, length, self.path("data_path", chunk_index=chunk, file_index=number))
                if film:
                    place.film = self.path("video_path", video_key=film, chunk_index=of_film[0], file_index=of_film[1])
                    place.begin = of_film[2]
                yield place

    def tasks(self):
        """What was to be done, in words."""
        try:
            if self.version < "v3":
                return [str(task["task"]) for task in json_lines(self.folder / "meta" / "tasks.jsonl")]
            table = parquet.read_table(self.folder / "meta" / "tasks.parquet")
            texts = [name for name in table.column_names if "string" in str(table.schema.field(name).type)]
            return [str(task) for task in table[texts[0]].to_pylist()] if texts else []
        except (Refused, OSError, KeyError, TypeError, pa.ArrowException):
            return []  # nothing is learned from them


def read_json(file):
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Refused(f"'{file}' is no JSON ({error})")
    if not isinstance(said, dict):
        raise Refused(f"'{file}': a JSON object was expected")
    return said


def json_lines(file):
    if not file.is_file():
        raise Refused(f"'{file}' is missing; a line of JSON for each was expected")
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            if line.strip():
                yield json.loads(line)
        except ValueError as error:
            raise Refused(f"'{file}', line {number}, is no JSON ({error})")


def read_table(file, names):
    """Columns of a Parquet file, all of which must be there."""
    if not file.is_file():
        raise Damaged(f"'{file}' is missing")
    try:
        there = parquet.read_schema(file).names
        if missing := [name for name in names if name not in there]:
            raise Damaged(f"'{file}' has no column '{missing[0]}'; its columns are {', '.join(there)[:300]}")
        return parquet.read_table(file, columns=names, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise Damaged(f"'{file}' is no Parquet file that can be read ({str(error).splitlines()[0][:200]})")


# -- pictures ---------------------------------------------------------------------------------------------------------


def picture_library():
    try:
        import av
        return av
    except ImportError:
        raise Refused("av is missing, which reads pictures and videos (pip install av); --camera none leaves pictures out")


class Film:
    """A video, of which frames are asked in order of time."""

    def __init__(self, path):
        self.path, self.av = path, picture_library()
        if not path.is_file():
            raise Damaged(f"'{path}' is missing")
        with self.told():
            self.file = self.av.open(str(path))
            if not self.file.streams.video:
                raise Damaged(f"'{path}' holds no video")
            self.stream = self.file.streams.video[0]
            self.stream.thread_type = "AUTO"
        self.jump(0)

    @contextlib.contextmanager
    def told(self):
        try:
            yield
        except self.av.error.FFmpegError as error:
            raise Damaged(f"'{self.path}' is no video that can be read ({error.strerror})")

    def jump(self, seconds):
        with self.told():
            ticks = int((seconds - RUN_UP) / self.stream.time_base)
            self.file.seek(max(ticks, self.stream.start_time or 0), stream=self.stream)
            self.frames = self.file.decode(self.stream)
        self.now, self.then = self.next(), self.next()

    def next(self):
        with self.told():
            return next((frame for frame in self.frames if frame.time is not None), None)

    def pictures(self, seconds, most_off, what):
        """The frame nearest to each of these times, which may be so far off."""
        if self.now is None or not self.now.time - most_off <= seconds[0] < self.now.time + JUMP:
            self.jump(seconds[0])
        for row, at in enumerate(seconds):
            while self.then is not None and abs(self.then.time - at) <= abs(self.now.time - at):
                self.now, self.then = self.then, self.next()
            if self.now is None or abs(self.now.time - at) > most_off:
                there = "there is none" if self.now is None else f"the nearest is at {self.now.time:.3f} s"
                raise Damaged(f"'{self.path}': a frame at {at:.3f} s was expected, for row {row} of the {len(seconds)} of {what}, "
                              f"and {there}")
            yield self.now.to_ndarray(format="rgb24")

    def close(self):
        self.file.close()


def decoded(column, file, key):
    """Pictures that lie in the Parquet file itself, as PNG or JPEG."""
    av = picture_library()
    for row, cell in enumerate(column):
        held = cell.as_py()
        packed = held.get("bytes") if isinstance(held, dict) else held
        if not isinstance(packed, bytes):
            raise Damaged(f"'{file}', '{key}', row {row}: a picture's bytes were expected, and there are none")
        try:
            with av.open(io.BytesIO(packed)) as opened:
                yield next(opened.decode(video=0)).to_ndarray(format="rgb24")
        except (av.error.FFmpegError, IndexError, StopIteration):
            raise Damaged(f"'{file}', '{key}', row {row}: it is no picture that can be read")


def shares(size, side):
    """[side, size]: what each of so many pixels takes of each of those that there are."""
    edges = np.arange(side + 1) * size / side
    part = np.minimum(edges[1:, None], np.arange(size) + 1) - np.maximum(edges[:-1, None], np.arange(size))
    return (np.maximum(part, 0) * side / size).astype(np.float32)


class Square:
    """The middle square of a picture, averaged to so many pixels a side; 0: the picture."""

    def __init__(self, side):
        self.side, self.known = side, {}

    def __call__(self, picture):
        height, width = picture.shape[:2]
        size = min(height, width)
        if not self.side or height == width == self.side:
            return picture
        if size not in self.known:
            self.known[size] = shares(size, self.side)
        by = self.known[size]
        top, left = (height - size) // 2, (width - size) // 2
        middle = picture[top:top + size, left:left + size].astype(np.float32)
        rows = (by @ middle.reshape(size, -1)).reshape(self.side, size, 3).transpose(1, 0, 2)
        both = (by @ rows.reshape(size, -1)).reshape(self.side, self.side, 3).transpose(1, 0, 2)
        return np.rint(both).clip(0, 255).astype(np.uint8)


# -- numbers ----------------------------------------------------------------------------------------------------------


def numbers(table, file, feature, what):
    """[rows, numbers] of a column, flat; all finite."""
    column = table[feature.key].combine_chunks()
    while pa.types.is_nested(column.type) and hasattr(column, "flatten") and not pa.types.is_struct(column.type):
        column = column.flatten()
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    wrong = f"'{file}', '{feature.key}', {what}: "
    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise Damaged(f"{wrong}numbers were expected, and there are values of the type {kind}")
    if column.null_count or len(column) != table.num_rows * feature.count():
        raise Damaged(f"{wrong}{feature.count()} numbers in each row were expected, as info.json says, and not all rows have as many")
    values = column.to_numpy(zero_copy_only=False).astype(np.float64).reshape(table.num_rows, feature.count())
    if not np.isfinite(values).all():
        raise Damaged(f"{wrong}row {int(np.argmin(np.isfinite(values).all(axis=1)))} holds a number that is not finite")
    return values
