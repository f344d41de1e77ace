"""What check.py compares with, and how."""
import json
import pathlib
import shutil

import torch

TOLERANCE, PICTURE = 1e-5, 0.5 / 255 + 1e-5


class Compared:
    """The largest difference of every quantity."""

    def __init__(self):
        self.largest, self.count, self.tolerance, self.left_out = {}, {}, {}, {}

    def __call__(self, name, ours, theirs, tolerance=TOLERANCE):
        ours = torch.as_tensor(ours, dtype=torch.float64).detach().flatten()
        theirs = torch.as_tensor(theirs, dtype=torch.float64).flatten()
        if ours.shape != theirs.shape:
            raise SystemExit(f"{name}: {len(ours)} numbers here, {len(theirs)} there")
        difference = ((ours - theirs).abs() / theirs.abs().clamp_min(1)).max().item()
        if not difference >= 0:
            difference = float("inf")
        self.largest[name] = max(self.largest.get(name, 0), difference)
        self.count[name] = self.count.get(name, 0) + len(ours)
        self.tolerance[name] = tolerance

    def picture(self, name, ours, theirs):
        """`ours` [1, C, H, W] in [0, 1] against bytes [H, W, C]."""
        self(name, ours[0].permute(1, 2, 0), torch.tensor(bytes_of(theirs)).double() / 255, PICTURE)

    def leave_out(self, name, why):
        self.left_out[name] = why

    def tell(self, run):
        good = bool(self.largest)
        for name, largest in self.largest.items():
            within = largest <= self.tolerance[name]
            good &= within
            above = "" if within else f"   ABOVE {self.tolerance[name]:.0e}"
            print(f"  {name:<34} {largest:9.2e}  of {self.count[name]:>7} numbers{above}")
        for name, why in self.left_out.items():
            print(f"  {name:<34} not compared: {why}")
        print(f"{run}: {'nothing was compared' if not self.largest else 'the same' if good else 'NOT THE SAME'}", flush=True)
        return good


def bytes_of(picture):
    return picture.tolist() if hasattr(picture, "tolist") else picture


def row(numbers):
    return torch.tensor(numbers, dtype=torch.float32)[None]


def actions_for(dream, steps, seed):
    """Random ones, as the world takes them."""
    chance = torch.Generator().manual_seed(seed)
    if "choices" in dream.actions:
        return [[float(torch.randint(len(dream.actions["choices"]), (), generator=chance))] for _ in range(steps)]
    low, high = torch.tensor(dream.actions["low"]), torch.tensor(dream.actions["high"])
    return [(low + (high - low) * torch.rand(len(low), generator=chance)).tolist() for _ in range(steps)]


def image_of(frame):
    """Bytes [H, W, C] -> [1, C, H, W] in [0, 1]."""
    return torch.tensor(bytes_of(frame)).permute(2, 0, 1)[None] / 255


def action_input(dream, action):
    """As networks see it: a choice as a one-hot, a box in [-1, 1]."""
    if "choices" in dream.actions:
        return torch.nn.functional.one_hot(torch.tensor([int(action[0])]), len(dream.actions["choices"])).float()
    low, high = torch.tensor(dream.actions["low"]), torch.tensor(dream.actions["high"])
    return ((torch.tensor(action) - low) * (2 / (high - low)) - 1)[None]


def action_output(dream, action):
    """And back: as the world takes it."""
    if "choices" in dream.actions:
        return action.argmax(-1).float()
    low, high = torch.tensor(dream.actions["low"]), torch.tensor(dream.actions["high"])
    return low + (action[0] / action[0].abs().clamp_min(1) + 1) * 0.5 * (high - low)


def without_bfloat16(path, folder):
    """The run's file with `bfloat16 = false`, as plans and batches are narrowed on processors that are fast with it."""
    path = pathlib.Path(path)
    data = (path / "checkpoint.safetensors" if path.is_dir() else path).read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    header["__metadata__"]["config"] = header["__metadata__"]["config"].replace("bfloat16 = true", "bfloat16 = false")
    header["__metadata__"].pop("crc32", None)  # of what was there before
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    copy = pathlib.Path(folder) / "checkpoint.safetensors"
    copy.write_bytes(len(text).to_bytes(8, "little") + text + data[begin:])
    if (path / "clips").is_dir():  # where its world is not on this machine
        shutil.copytree(path / "clips", copy.parent / "clips")
    return copy.parent


NO_VECTOR = "this Dreamscope does not tell what the world's numbers are"


def vector_of(moment):
    """The world's numbers [1, V]; None where there are none, or nobody tells them."""
    return row(moment["vector"]) if moment.get("vector") else None
