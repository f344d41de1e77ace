"""Writes the parts of a run as ONNX, each a file of its own: encoders, one step of the dynamics, decoders, heads, policies.

    python clients/torch/to_onnx.py RUN... --out FOLDER

Needs the packages onnx and onnxscript; with onnxruntime every file is run once and compared. All inputs and outputs are float32 (tokens and
times int64), and their first dimension is a batch of any size, but for pictures of Genie and windows of transformers, whose length is fixed.
What is drawn by chance is left to the caller: a file says what distribution it is drawn from.
"""
import argparse
import logging
import pathlib
import warnings

import torch
from torch import nn

from onnx_parts import PARTS
from onnx_parts_tokens import PARTS_OF_TOKENS
from onnx_parts_views import PARTS_OF_VIEWS
from run_file import Run

TOLERANCE = 1e-4
ALL_PARTS = PARTS | PARTS_OF_TOKENS | PARTS_OF_VIEWS


class Part(nn.Module):
    """One function of an agent, with the agent's weights."""

    def __init__(self, agent, function):
        super().__init__()
        self.agent, self.function = agent, function

    def forward(self, *inputs):
        out = self.function(*inputs)
        return tuple(x for x in out if x is not None) if isinstance(out, tuple) else out


def difference(path, part, inputs, names):
    """Between onnxruntime and PyTorch, relative where numbers are larger than 1; None without onnxruntime."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return None
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0.0
    for rows in (2, 1):  # a batch of any size
        some = [x[:rows] for x in inputs]
        theirs = session.run(None, {name: x.numpy() for name, x in zip(names, some)})
        ours = part(*some)
        for a, b in zip(ours if isinstance(ours, tuple) else (ours,), theirs, strict=True):
            off = ((a - torch.from_numpy(b)).abs() / a.abs().clamp_min(1)).max().item()
            worst = max(worst, off if off >= 0 else float("inf"))  # max() passes a NaN over
    return worst


def write(path, out):
    """Whether all parts of the run say what PyTorch says, as far as onnxruntime is here to tell."""
    run = Run(path)
    if run.recipe not in ALL_PARTS:
        raise SystemExit(f"{path} is of the recipe '{run.recipe}', which is not written as ONNX")
    agent, parts = ALL_PARTS[run.recipe](run)
    out.mkdir(parents=True, exist_ok=True)
    good = True
    for name, (function, inputs, takes, gives) in parts.items():
        part, file = Part(agent, function).eval(), out / f"{name}.onnx"
        batch = torch.export.Dim("batch")
        shapes = (tuple({0: batch} for _ in inputs),)
        count = len(told) if isinstance(told := part(*inputs), tuple) else 1
        torch.onnx.export(part, tuple(inputs), file, input_names=takes.split(), output_names=gives.split()[:count], dynamic_shapes=shapes,
                          dynamo=True, external_data=False, verbose=False)
        off = difference(file, part, inputs, takes.split())
        good &= off is None or off <= TOLERANCE
        print(f"  {file.name:<22} {takes} -> {gives}" + ("" if off is None else f"   {off:.1e} off"), flush=True)
    print(f"{out}: {'written' if good else 'NOT THE SAME'}", flush=True)
    return good


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=pathlib.Path, metavar="RUN")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="a folder; of several runs each gets one in it, by its name")
    arguments = parser.parse_args()
    torch.manual_seed(1)
    warnings.filterwarnings("ignore")  # the exporter's, of its own parts
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    several = len(arguments.runs) > 1
    good = [write(path, arguments.out / path.name if several else arguments.out) for path in arguments.runs]
    raise SystemExit(not all(good))


if __name__ == "__main__":
    main()
