#!/usr/bin/env python3
"""Sets PyTorch beside dreamscope-cli: measures both on this machine, in one run, and prints a table in Markdown.

Run it with the Python that has torch, for example the one that scripts/setup made:

    ~/.cache/dreamscope/venv-torch-2.13.0/bin/python bench/compare.py

The peers are the usual PyTorch way to do the same work, with the layers and losses of ctallec/world-models: a VAE in
float32 (batch 100, Adam), an MDN-RNN whose mixture is shared by all dimensions (16 sequences of 32, RMSprop), and
dreams by an LSTM cell. CarRacing-v3 of Gymnasium is measured where `gymnasium[box2d]` can be imported.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

Z, A, H, K = 32, 3, 256, 5


def rate(seconds, work):
    """Units per second of `work`: the best of three stretches after a warm-up, as dreamscope-cli bench has it."""
    until = time.perf_counter() + seconds / 2
    while time.perf_counter() < until:
        work()
    best = 0.0
    for _ in range(3):
        began, units = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            units += work()
        best = max(best, units / (time.perf_counter() - began))
    return best


def car_racing(seconds):
    import gymnasium

    env = gymnasium.make("CarRacing-v3", render_mode=None)
    import numpy as np

    state = {"seed": 0, "step": 0}
    env.reset(seed=0)

    def work():
        for _ in range(20):
            state["step"] += 1
            action = np.array([0.2 if state["step"] % 40 < 20 else -0.2, 0.3, 0.0], dtype=np.float32)
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                state["seed"] += 1
                env.reset(seed=state["seed"])
        return 20

    return rate(seconds, work)


def minatar(game):
    """The package's act() and state() under random actions. It goes on with one stream; ours seeds every episode."""

    def peer(seconds):
        from minatar import Environment
        from numpy.random import default_rng

        env = Environment(game)
        env.seed(0)
        env.reset()
        actions = default_rng(0).integers(0, 6, 1000).tolist()

        def work():
            for action in actions:
                if env.act(action)[1]:
                    env.reset()
                env.state()
            return len(actions)

        return rate(seconds, work)

    return peer


GAMES = {"breakout": "Breakout", "asterix": "Asterix", "freeway": "Freeway", "seaquest": "Seaquest", "space_invaders": "Space Invaders"}


def networks():
    from torch import nn

    def coder(kind, sizes, kernels, last):
        layers = []
        for i, kernel in enumerate(kernels):
            layers += [kind(sizes[i], sizes[i + 1], kernel, stride=2), nn.ReLU()]
        layers[-1] = last
        return nn.Sequential(*layers)

    class Vae(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = coder(nn.Conv2d, [3, 32, 64, 128, 256], [4, 4, 4, 4], nn.ReLU())
            self.mu, self.log_sigma = nn.Linear(1024, Z), nn.Linear(1024, Z)
            self.expand = nn.Linear(Z, 1024)
            self.decoder = coder(nn.ConvTranspose2d, [1024, 128, 64, 32, 3], [5, 5, 6, 6], nn.Sigmoid())

        def encode(self, frames):
            features = self.encoder(frames).flatten(1)
            return self.mu(features), self.log_sigma(features)

        def decode(self, z):
            return self.decoder(self.expand(z).relu()[:, :, None, None])

    class Mdn(nn.Module):
        """Output: K means and K deviations per dimension, K logits shared by all, reward, done."""

        def __init__(self, cell):
            super().__init__()
            self.rnn = (nn.LSTMCell if cell else nn.LSTM)(Z + A, H)
            self.head = nn.Linear(H, (2 * Z + 1) * K + 2)

        def mixture(self, h):
            out = self.head(h)
            shape = out.shape[:-1] + (K, Z)
            means, log_sigmas = out[..., : K * Z].view(shape), out[..., K * Z : 2 * K * Z].view(shape)
            return means, log_sigmas.exp(), out[..., 2 * K * Z : -2].log_softmax(-1), out[..., -2], out[..., -1]

    return Vae, Mdn


def v_train(seconds):
    import torch

    model = networks()[0]()
    adam = torch.optim.Adam(model.parameters())
    frames = torch.rand(100, 3, 64, 64)

    def work():
        adam.zero_grad()
        mu, log_sigma = model.encode(frames)
        made = model.decode(mu + log_sigma.exp() * torch.randn_like(mu))
        loss = torch.nn.functional.mse_loss(made, frames, reduction="sum")
        loss = loss - 0.5 * (1 + 2 * log_sigma - mu**2 - (2 * log_sigma).exp()).sum()
        loss.backward()
        adam.step()
        loss.item()
        return 100

    return rate(seconds, work)


def m_train(seconds):
    import torch
    from torch.distributions import Normal

    batch, steps = 16, 32
    model = networks()[1](cell=False)
    optimiser = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9)
    z, actions = torch.randn(steps + 1, batch, Z), torch.rand(steps, batch, A)
    rewards, dones = torch.rand(steps, batch), torch.zeros(steps, batch)

    def work():
        optimiser.zero_grad()
        h, _ = model.rnn(torch.cat([actions, z[:-1]], -1))
        means, sigmas, log_pi, reward, done = model.mixture(h)
        joint = log_pi + Normal(means, sigmas).log_prob(z[1:].unsqueeze(-2)).sum(-1)
        loss = -torch.logsumexp(joint, -1).mean() + torch.nn.functional.mse_loss(reward, rewards)
        loss = (loss + torch.nn.functional.binary_cross_entropy_with_logits(done, dones)) / (Z + 2)
        loss.backward()
        optimiser.step()
        loss.item()
        return batch * steps

    return rate(seconds, work)


def dream(seconds, batch, decode):
    import torch
    from torch.distributions import Categorical

    Vae, Mdn = networks()
    vae, model = Vae(), Mdn(cell=True)
    action = torch.zeros(batch, A)
    state = {"z": torch.zeros(batch, Z), "hc": (torch.zeros(batch, H), torch.zeros(batch, H))}
    lanes = torch.arange(batch)

    def work():
        with torch.no_grad():
            for _ in range(10):
                state["hc"] = model.rnn(torch.cat([action, state["z"]], 1), state["hc"])
                means, sigmas, log_pi, _, _ = model.mixture(state["hc"][0])
                k = Categorical(logits=log_pi).sample()
                state["z"] = means[lanes, k] + sigmas[lanes, k] * torch.randn(batch, Z)
                if decode:
                    vae.decode(state["z"]).sum().item()
            state["z"].sum().item()
        return 10 * batch

    return rate(seconds, work)


ROWS = {  # name: what is measured, the unit, the target ratio, the peer
    "car_racing": ("CarRacing with its 96×96 frame, one core", "steps/s", 20, car_racing),
    **{f"minatar_{game}": (f"MinAtar {title} with its planes, one core", "steps/s", 20, minatar(game)) for game, title in GAMES.items()},
    "v_train": ("V training, batch 100", "frames/s", 2, v_train),
    "m_train": ("M training", "transitions/s", 2, m_train),
    "dream_decode": ("Dream step + decode, batch 1", "steps/s", 2, lambda s: dream(s, 1, True)),
    "dream_batch": ("Dream step, batch 1024, no decoding", "steps/s", 2, lambda s: dream(s, 1024, False)),
}


def ours(options):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "ours.json"
        command = [str(options.cli), "bench", "--seconds", str(options.seconds), "--threads", str(options.threads), "--json", str(file)]
        try:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"compare.py: {options.cli} cannot be measured: {error}; build it first or name it with --cli")
        return {name: row["rate"] for name, row in json.loads(file.read_text())["rows"].items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--cli", default=root / "build/release/bin/dreamscope-cli", help="the program that is compared")
    parser.add_argument("--seconds", type=float, default=2, help="length of one measurement; each is the best of three")
    parser.add_argument("--rounds", type=int, default=2, help="times that each is measured; the best is kept")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of both")
    parser.add_argument("--only", choices=list(ROWS), action="append", help="measure the peer of this row alone; repeatable")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("compare.py: this Python has no torch; run it with the one that scripts/setup made (see --help)")
    torch.set_num_threads(options.threads)

    # Round by round ours and theirs in turn, the best of each kept: what else runs on the machine hits both alike.
    mine, theirs = {}, {}
    for _ in range(options.rounds):
        for name, value in ours(options).items():
            mine[name] = max(value, mine.get(name, 0))
        for name in options.only or ROWS:
            try:
                theirs[name] = max(ROWS[name][3](options.seconds), theirs.get(name, 0))
            except ImportError:
                pass

    print(f"torch {torch.__version__}, {options.threads} threads, best of {options.rounds} × 3 stretches of {options.seconds:g} s\n")
    print("| | ours | PyTorch / Gymnasium | ratio | target |\n|---|---:|---:|---:|---:|")
    figures = {}
    for name, (what, unit, target, _) in ROWS.items():
        peer = theirs.get(name)
        figures[name] = {"what": what, "unit": unit, "ours": mine[name], "peer": peer, "target": target}
        shown, ratio = (f"{peer:,.0f}", f"{mine[name] / peer:.2f}×") if peer else ("not measured", "")
        print(f"| {what}, {unit} | {mine[name]:,.0f} | {shown} | {ratio} | {target}× |")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
