"""Dreamer 4 (Hafner et al. 2025): a causal tokenizer, a dynamics that makes a frame from noise in a few shortcut steps, and heads on its
agent token. `python dreamer4.py runs/mine` dreams 15 steps.

    world = Dreamer4(Run("runs/mine"))
    z = world.packed(world.tokenizer.encode(pictures)[:, 0])    # [B, S, N'] of [B, T, C, H, W] in [0, 1]
    film = world.remember(world.begin(1), z, None)              # no action led to a first frame
    z = world.imagine(film, a)                                  # the frame that a [B, A] leads to, a one-hot, or a box in [-1, 1]
    film = world.remember(film, z, a)
    agent = world.read(film)[1]                                 # [B, D]: of it world.reward, world.end, world.policy, world.value
    world.tokenizer.decode(world.unpacked(all_z))[:, -1]        # of z of all frames, [B, T, S, N']
"""
import math
import sys

import torch

from block_causal import BlockCausal
from dreamer4_heads import Heads
from dreamer4_tokenizer import Tokenizer
from run_file import Run


class Dreamer4(Heads):
    def __init__(self, run):
        super().__init__(run)
        name = "model/dynamics."
        self.tokenizer, self.finest = Tokenizer(run), run["dynamics.finest"]
        self.inner, self.action, self.out = (run.linear(name + x) for x in ("in", "action", "out"))
        self.untold, self.registers, self.of_agent = (run.weights[name + x] for x in ("untold", "register", "agent"))  # [D], [R, D], [D]
        self.level, self.step = run.weights[name + "level"], run.weights[name + "step"]  # [finest + 1, D], [log2(finest) + 1, D]
        self.spatial = self.tokenizer.latents // run["dynamics.pack"]  # S
        self.net = BlockCausal(run, name + "net", "dynamics", len(run.weights[name + "net.of_place"]))

    # Latents of a frame, some side by side, are spatial tokens: [..., L, N] -> [..., S, N'], and back
    def packed(self, latents):
        return latents.flatten(-2).unflatten(-1, (-1, self.inner.in_features))

    def unpacked(self, z):
        return z.flatten(-2).unflatten(-1, (self.tokenizer.latents, -1))

    def tokens(self, z, a, level, step):
        """A frame's: [B, S, N'], the action that led there [B, A] or None, how clean it is and in which steps it is made -> [B, S', D]."""
        action = (self.untold.expand(z.shape[0], -1) if a is None else self.action(a))[:, None]
        rest = [x.expand(z.shape[0], -1, -1) for x in (self.registers, self.of_agent[None])]
        signal = (self.level[level] + self.step[step]).expand(z.shape[0], 1, -1)
        return torch.cat([action, signal, self.inner(z), *rest], 1)

    def read(self, film):
        """Tokens of all frames [B, T, S', D] -> what the last is clean [B, S, N'], and its agent token [B, D]."""
        last = self.net(film)[:, -1]
        return self.out(last[:, 2:2 + self.spatial]), last[:, -1]

    def begin(self, batch):
        return torch.zeros(batch, 0, len(self.net.of_place), len(self.untold))

    def imagine(self, film, a, steps=4, noise=torch.randn):
        z = noise(len(film), self.spatial, self.inner.in_features)
        for i in range(steps):
            new = self.tokens(z, a, i * self.finest // steps, int(math.log2(steps)))
            clean, _ = self.read(torch.cat([film, new[:, None]], 1))
            z = z + (clean - z) / (steps - i)
        return z.clamp(-1, 1)

    def remember(self, film, z, a, distrust=0.1, noise=torch.randn):
        """One frame more, as it is looked back at: with some noise."""
        level = min(math.floor((1 - distrust) * self.finest + 0.5), self.finest - 1)
        z = (1 - distrust) * z + distrust * noise(*z.shape) if distrust > 0 else z
        return torch.cat([film, self.tokens(z, a, level, int(math.log2(self.finest)))[:, None]], 1)


@torch.no_grad()
def main():
    world = Dreamer4(Run(sys.argv[1]))
    z = world.packed(world.tokenizer.encode(torch.full((1, 1, 3, 64, 64), 0.3))[:, 0])
    film, a = world.remember(world.begin(1), z, None), torch.zeros(1, world.action_size)
    for step in range(15):
        z = world.imagine(film, a)
        film = world.remember(film, z, a)
        agent = world.read(film)[1]
        a = world.act(agent)
        print(f"step {step + 1}: reward {world.reward(agent).item():.3f}, value {world.value(agent).item():.3f}")


if __name__ == "__main__":
    main()
