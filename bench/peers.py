"""What the comparisons with published code share: how a rate is measured, on either side, and the table."""
import importlib.abc
import importlib.machinery
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import types


def stand_in(name):
    """A module of this name in which every name is a class without a body."""
    module = types.ModuleType(name)
    module.__getattr__ = lambda of: (_ for _ in ()).throw(AttributeError(of)) if of.startswith("__") else type(of, (types.SimpleNamespace,), {})
    return module


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets a peer import modules that are not installed, and that nothing which is timed uses: last on sys.meta_path."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.split(".")[0] in self.names else None

    def create_module(self, spec):
        return stand_in(spec.name)

    def exec_module(self, module):
        pass


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rate(seconds, work):
    """Units of `work` per second and per second of processor time: the best of three stretches after a warm-up."""
    until = time.perf_counter() + seconds / 2
    while time.perf_counter() < until:
        work()
    best = [0.0, 0.0]
    for _ in range(3):
        began, used, units = time.perf_counter(), processor_seconds(), 0
        while time.perf_counter() - began < seconds:
            units += work()
        best[0] = max(best[0], units / (time.perf_counter() - began))
        best[1] = max(best[1], units / (processor_seconds() - used))
    return best


def better(old, new):
    return new if old is None else [max(a, b) for a, b in zip(old, new)]


def measure(script, options, peer, kind, checkouts):
    """A figure of a peer's, in a process of its own, so that no peer sees another's threads: the script is run with --peer."""
    command = [options.python, script, "--peer", peer, kind, "--seconds", str(options.seconds), "--threads", str(options.threads)]
    for name in checkouts:
        if isinstance(getattr(options, name), pathlib.Path):
            command += [f"--{name}", str(getattr(options, name))]
    if getattr(options, "compile", False):
        command.append("--compile")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{pathlib.Path(script).name}: {peer} cannot be measured; see above")
    return json.loads(done.stdout.splitlines()[-1])


def ours(options, row):
    """What dreamscope-cli says of one row of its bench."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "ours.json"
        subprocess.run([str(options.cli), "bench", "--seconds", str(options.seconds), "--threads", str(options.threads), "--json",
                        str(file), "--only", row], check=True, stdout=subprocess.DEVNULL)
        found = json.loads(file.read_text())["rows"][row]
        return {"rate": [found["rate"], found["per_processor_second"]], "flop": found.get("flop", 0)}


def add_options(parser):
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--cli", default=root / "build/release/bin/dreamscope-cli", help="the program that is compared")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--threads", type=int, default=2, help="of either side")
    parser.add_argument("--seconds", type=float, default=10, help="length of one measurement; each is the best of three")
    parser.add_argument("--rounds", type=int, default=1, help="times that each is measured, in turn; the best is kept")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--peer", nargs=2, help="for the script's own use")
