#!/usr/bin/env python3
"""Finds a LibTorch that is already on the machine, without importing it (an import costs seconds).

    find_torch.py [PREFIX...]

Looked at in this order: the PREFIXes (what CMake calls Torch_DIR and CMAKE_PREFIX_PATH), the environment variables of
those names, then the torch package of the active Python. Prints 'ROOT VERSION' of the first that fits, where ROOT holds
include/, lib/ and share/cmake/Torch; exits 1 and prints nothing when none fits. Why a candidate was passed over goes to
standard error.
"""
import importlib.util
import os
import pathlib
import re
import sys

OLDEST = (2, 4)


def roots_under(prefix):
    """The places where a Torch can lie when the user names PREFIX: the package itself, or its share/cmake/Torch."""
    path = pathlib.Path(prefix).resolve()
    return [path, *list(path.parents)[:3], path / "torch", path / "libtorch"]


def version_of(root):
    for name, pattern in (("version.py", r"__version__\s*=\s*['\"]([^'\"]+)"), ("build-version", r"(\S+)")):
        try:
            found = re.search(pattern, (root / name).read_text())
        except OSError:
            continue
        if found:
            return found.group(1)
    return None


def refusal(root):
    """Why the Torch in ROOT cannot be linked, or None."""
    version = version_of(root)
    if version is None:
        return "has no version file"
    number = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if number < OLDEST:
        return f"is version {version}; {OLDEST[0]}.{OLDEST[1]} or newer is needed"
    if not (root / "include" / "torch" / "csrc" / "api" / "include" / "torch" / "torch.h").is_file():
        return "has no C++ headers"
    if not (root / "lib" / "libtorch_cpu.so").exists():
        return "has no lib/libtorch_cpu.so"
    config = root / "share" / "cmake" / "Torch" / "TorchConfig.cmake"
    try:
        old_abi = "_GLIBCXX_USE_CXX11_ABI=0" in config.read_text()
    except OSError:
        return "has no share/cmake/Torch/TorchConfig.cmake"
    if old_abi:
        return "was built with the old C++ ABI (_GLIBCXX_USE_CXX11_ABI=0), which cannot be linked with the system's C++"
    return None


def candidates(arguments):
    prefixes = list(arguments)
    prefixes += filter(None, [os.environ.get("Torch_DIR")])
    prefixes += filter(None, os.environ.get("CMAKE_PREFIX_PATH", "").replace(";", os.pathsep).split(os.pathsep))
    for prefix in prefixes:
        yield from roots_under(prefix)
    spec = importlib.util.find_spec("torch")
    if spec and spec.origin:
        yield pathlib.Path(spec.origin).resolve().parent


def main():
    sys.path = [entry for entry in sys.path if entry not in ("", os.path.dirname(os.path.abspath(__file__)))]
    for root in candidates(sys.argv[1:]):
        if not (root / "share" / "cmake" / "Torch").is_dir():
            continue
        reason = refusal(root)
        if reason is None:
            print(root, version_of(root))
            return 0
        print(f"The Torch in {root} {reason}; it is not used.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
