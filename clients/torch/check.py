"""Compares the networks of these files with Dreamscope itself, which dreams beside them and says what is in its mind.

    python clients/torch/check.py RUN... [--program dreamscope-cli] [--steps 8] [--seed 5] [--given FOLDER]

Draws differ between two languages, so whatever was drawn is taken from Dreamscope and all else is computed here: states are carried on by
these files alone. A line for every quantity: the largest difference, relative where numbers are larger than 1, and how many numbers were
compared. Ends with status 1 where one is above its tolerance: 1e-5, and half a step of 255 for pictures, which come as bytes.
"""
import argparse
import pathlib
import sys
import tempfile

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from checks import CHECKS  # noqa: E402
from compared import Compared, without_bfloat16  # noqa: E402
from dreamscope import Dream  # noqa: E402
from run_file import Run, read_safetensors  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    parser.add_argument("--program", default="dreamscope-cli")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--given", type=pathlib.Path, help="a folder with NAME.safetensors of runs: what no dream shows, as the test in C++ writes it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    good = True
    for path in arguments.runs:
        run = Run(path)
        if run.recipe not in CHECKS:
            raise SystemExit(f"{path} is of the recipe '{run.recipe}', which has no file here yet")
        compared = Compared()
        with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
            with Dream(without_bfloat16(path, folder), arguments.program, arguments.seed, ("--threads", "1")) as dream:
                said = arguments.given / f"{path.name}.safetensors" if arguments.given else None
                more = {"given": read_safetensors(said)[0]} if said and said.exists() else {}
                CHECKS[run.recipe](run, dream, arguments.steps, arguments.seed, compared, **more)
        good &= compared.tell(path)
    sys.exit(not good)


if __name__ == "__main__":
    main()
