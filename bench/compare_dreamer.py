#!/usr/bin/env python3
"""Sets two implementations of Dreamer V3 beside dreamscope-cli: all on this machine, in one run, printed as Markdown.

    git clone https://github.com/NM512/dreamerv3-torch
    git clone https://github.com/danijar/dreamerv3
    python bench/compare_dreamer.py --torch dreamerv3-torch --jax dreamerv3

The Python that runs it needs torch for the one (--torch-python names another interpreter) and jax, ninjax, elements,
portal, einops, chex, optax and ruamel.yaml for the other (--jax-python). Both run their own training update as it is:
batch 16 × 64, pictures of 64 × 64, horizon 15, a choice of three actions, float32. "Dream frames" are imagined steps of one lane, the
policy's action included, each decoded into its picture. Figures are per second of wall clock and per second of processor
time; the second is the fairer one where other programs run.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types

import peers

BATCH, LENGTH, ACTIONS, HORIZON = 16, 64, 3, 15
ROWS = {  # ours: (what, peer, size of the peer, kind, target ratio)
    "v3_23_s_update": ("V3 (2023) S, update", "torch", "s", "update", 2),
    "v3_23_small_update": ("V3 (2023) deter 256, 16×16, update", "torch", "small", "update", 2),
    "v3_23_s_dream": ("V3 (2023) S, dream + decode", "torch", "s", "dream", 2),
    "v3_23_small_dream": ("V3 (2023) deter 256, 16×16, dream + decode", "torch", "small", "dream", 2),
    "v3_1m_update": ("V3 1m, update", "jax", "size1m", "update", 3),
    "v3_12m_update": ("V3 12m, update", "jax", "size12m", "update", 3),
}


def random_data(numpy):
    rng = numpy.random.default_rng(0)
    data = {
        "image": rng.integers(0, 255, (BATCH, LENGTH, 64, 64, 3), dtype=numpy.uint8),
        "reward": rng.normal(size=(BATCH, LENGTH)).astype(numpy.float32),
        "is_first": numpy.zeros((BATCH, LENGTH), bool),
        "is_last": numpy.zeros((BATCH, LENGTH), bool),
        "is_terminal": numpy.zeros((BATCH, LENGTH), bool),
    }
    data["is_first"][:, 0] = True
    return data, rng


def torch_peer(checkout, size, kind, seconds):
    sys.path.insert(0, str(checkout))
    import models
    import numpy
    import ruamel.yaml
    import torch

    text = (checkout / "configs.yaml").read_text()
    options = ruamel.yaml.YAML(typ="safe", pure=True).load(text)["defaults"]
    options.update(device="cpu", compile=False, num_actions=ACTIONS, imag_gradient="reinforce", precision=32)
    options["actor"].update(dist="onehot", std="none")
    for name in ("model_lr", "opt_eps", "weight_decay"):
        options[name] = float(options[name])
    for head in ("actor", "critic"):
        options[head] = {key: float(value) if key in ("lr", "eps", "entropy") else value for key, value in options[head].items()}
    if size == "small":
        options.update(dyn_deter=256, dyn_hidden=256, dyn_stoch=16, dyn_discrete=16, units=256)
        options["encoder"]["cnn_depth"] = options["decoder"]["cnn_depth"] = 16
    config = types.SimpleNamespace(**options)
    spaces = {"image": types.SimpleNamespace(shape=(64, 64, 3))}
    world = models.WorldModel(types.SimpleNamespace(spaces=spaces), None, 0, config)
    behaviour = models.ImagBehavior(config, world)
    world.requires_grad_(False)
    behaviour.requires_grad_(False)
    data, rng = random_data(numpy)
    data["action"] = numpy.eye(ACTIONS, dtype=numpy.float32)[rng.integers(0, ACTIONS, (BATCH, LENGTH))]
    data["reward"] = data["reward"][..., None]
    reward = lambda f, s, a: world.heads["reward"](world.dynamics.get_feat(s)).mode()

    def update():
        post, _, _ = world._train(dict(data))
        behaviour._train(post, reward)
        return BATCH * LENGTH

    state = [{key: value.detach() for key, value in world.dynamics.initial(1).items()}]

    def dream():
        with torch.no_grad():
            for _ in range(10):
                feat = world.dynamics.get_feat(state[0])
                state[0] = world.dynamics.img_step(state[0], behaviour.actor(feat).sample())
                feat = world.dynamics.get_feat(state[0])
                world.heads["reward"](feat).mode()
                world.heads["cont"](feat).mean
                world.heads["decoder"](feat.unsqueeze(1))["image"].mode().sum().item()
        return 10

    return peers.rate(seconds, update if kind == "update" else dream)


def jax_peer(checkout, size, kind, seconds):
    sys.path.insert(0, str(checkout))
    import importlib

    import elements
    import jax
    import jax.numpy as jnp
    import ninjax as nj
    import numpy
    import ruamel.yaml

    code = importlib.import_module("dreamerv3.agent")
    code.nets = importlib.import_module("embodied.jax.nets") if not hasattr(code, "nets") else code.nets
    for module in ("embodied.jax.nets", "dreamerv3.rssm"):
        loaded = importlib.import_module(module)
        if hasattr(loaded, "COMPUTE_DTYPE"):
            loaded.COMPUTE_DTYPE = jnp.float32
    presets = ruamel.yaml.YAML(typ="safe").load((checkout / "dreamerv3" / "configs.yaml").read_text())
    config = elements.Config(presets["defaults"])
    config = config.update(presets[size])
    config = elements.Config(config.agent, replay_context=0, imag_length=HORIZON)
    spaces = {"image": elements.Space(numpy.uint8, (64, 64, 3)), "reward": elements.Space(numpy.float32),
              **{name: elements.Space(bool) for name in ("is_first", "is_last", "is_terminal")}}
    agent = object.__new__(code.Agent)  # not through embodied.jax.Agent.__new__, which asks for meshes
    code.Agent.__init__(agent, spaces, {"action": elements.Space(numpy.int32, (), 0, ACTIONS)}, config)
    data, rng = random_data(numpy)
    data["action"] = rng.integers(0, ACTIONS, (BATCH, LENGTH)).astype(numpy.int32)
    data.update(seed=numpy.zeros((2,), numpy.uint32), consec=numpy.zeros((BATCH, LENGTH), numpy.int32),
                stepid=numpy.zeros((BATCH, LENGTH, 20), numpy.uint8))
    carry = agent.init_train(BATCH)
    program = nj.pure(agent.train)
    state = nj.init(program)({}, carry, data, seed=0)
    compiled = jax.jit(lambda state, carry, data, seed: program(state, carry, data, seed=seed), donate_argnums=(0,))
    box = [state, carry, 0]

    def update():
        box[2] += 1
        box[0], (box[1], *_rest) = compiled(box[0], box[1], data, jnp.array([box[2], 0], jnp.uint32))
        jax.block_until_ready(box[0])
        return BATCH * LENGTH

    return peers.rate(seconds, update)


def measure(options, peer, size, kind):
    """In a process of its own, so that neither peer sees the other's threads."""
    python, checkout = (options.torch_python, options.torch) if peer == "torch" else (options.jax_python, options.jax)
    command = [python, __file__, "--peer", peer, size, kind, "--seconds", str(options.seconds), f"--{peer}", str(checkout)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"compare_dreamer.py: {peer} {size} cannot be measured; see above")
    return json.loads(done.stdout.splitlines()[-1])


def ours(options, rows):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "ours.json"
        command = [str(options.cli), "bench", "--seconds", str(options.seconds), "--json", str(file)]
        for row in rows:
            command += ["--only", row]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = json.loads(file.read_text())["rows"]
        return {name: (row["rate"], row["per_processor_second"]) for name, row in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--cli", default=root / "build/release/bin/dreamscope-cli", help="the program that is compared")
    parser.add_argument("--torch", type=pathlib.Path, help="checkout of NM512/dreamerv3-torch")
    parser.add_argument("--jax", type=pathlib.Path, help="checkout of danijar/dreamerv3")
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--jax-python", default=sys.executable)
    parser.add_argument("--seconds", type=float, default=10, help="length of one measurement; each is the best of three")
    parser.add_argument("--rounds", type=int, default=1, help="times that each is measured, in turn; the best is kept")
    parser.add_argument("--only", choices=list(ROWS), action="append", help="measure this row alone; repeatable")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--peer", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        peer, size, kind = options.peer
        measured = (torch_peer if peer == "torch" else jax_peer)(getattr(options, peer).resolve(), size, kind, options.seconds)
        print(json.dumps(measured))
        return
    rows = {name: row for name, row in ROWS.items() if (not options.only or name in options.only) and getattr(options, row[1])}
    if not rows:
        sys.exit("compare_dreamer.py: nothing to measure; name a checkout with --torch or --jax")
    mine, theirs = {}, {}
    better = lambda old, new: new if old is None else [max(a, b) for a, b in zip(old, new)]
    for _ in range(options.rounds):
        for name, (_, peer, size, kind, _) in rows.items():
            mine[name] = better(mine.get(name), ours(options, [name])[name])
            theirs[name] = better(theirs.get(name), measure(options, peer, size, kind))
    print("| frames per second (per CPU second) | ours | peer | ratio | target |\n|---|---:|---:|---:|---:|")
    figures = {}
    for name, (what, peer, _, _, target) in rows.items():
        (a, b), (c, d) = mine[name], theirs[name]
        figures[name] = {"ours": mine[name], "peer": theirs[name], "target": target}
        print(f"| {what} | {a:,.0f} ({b:,.0f}) | {peer} {c:,.0f} ({d:,.0f}) | {a / c:.2f}× ({b / d:.2f}×) | {target}× |")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
