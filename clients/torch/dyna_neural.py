"""Dyna (Sutton 1990) with a network in the table's place and one for Q. Of a world that shows all of its state as numbers, or as one number
of a state. `python dyna_neural.py runs/dyna` imagines some steps.

    world = OneStep(Run("runs/dyna"))
    x = world.encode(numbers)                # [B, V] -> [B, F], scaled to deviation 1, or a one-hot of the state
    x, reward, end = world.step(x, a)        # a [B, A]: a one-hot
    world.q(x), world.act(x), world.value(x), world.decode(x)
"""
import sys

import torch
from torch import nn
from torch.nn import functional as F

from image_coder import Viewer
from run_file import Run


class OneStep(nn.Module):
    def __init__(self, run, states=None):
        super().__init__()
        self.mean, self.deviation = run.weights["model/mean"], run.weights["model/deviation"]  # [F] each
        self.trunk = run.mlp("model/trunk", "silu")
        self.next, self.reward, self.done = (run.linear("model/" + x) for x in ("next", "reward", "done"))
        self.q = run.mlp("behaviour/q", "silu")
        self.viewer = Viewer(run, "model/viewer.decoder") if run.has("model/viewer.") else None
        # Numbers are scaled from the first steps on, states never: nothing else in the file tells them apart.
        self.states = run.weights["model/seen"].item() == 0 if states is None else states
        self.action_size = self.q[-1].out_features

    def encode(self, numbers):
        if self.states:
            return F.one_hot(numbers[:, 0].round().long(), len(self.mean)).float()
        return (numbers - self.mean) / self.deviation

    def step(self, x, a):
        """The next x, the reward [B] and P(end) [B]."""
        hidden = self.trunk(torch.cat([x, a], 1))
        told = self.next(hidden)
        after = F.one_hot(told.argmax(-1), len(self.mean)).float() if self.states else x + told
        return after, self.reward(hidden)[:, 0], torch.sigmoid(self.done(hidden)[:, 0])

    def act(self, x):
        """What is worth most; Dyna tries others while it learns."""
        return self.q(x).argmax(-1)

    def value(self, x):
        return self.q(x).amax(-1)

    def decode(self, x):
        """For people alone, [B, C, H, W] in [0, 1]."""
        return self.viewer(x)


@torch.no_grad()
def main():
    world = OneStep(Run(sys.argv[1]))
    x = world.encode(world.mean[None])  # an average one
    for step in range(12):
        choice = world.act(x)
        x, reward, end = world.step(x, F.one_hot(choice, world.action_size).float())
        print(f"step {step + 1}: choice {choice.item()}, reward {reward.item():+.3f}, P(end) {end.item():.3f}, value {world.value(x).item():+.2f}")


if __name__ == "__main__":
    main()
