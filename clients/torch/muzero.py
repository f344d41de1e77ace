"""MuZero's networks (Schrittwieser et al. 2020): representation h, dynamics g, prediction f; and what a search makes of them, in pUCT.
`python muzero.py assets/runs/cartpole_muzero` plays its own dream.

    agent = MuZero(Run("assets/runs/cartpole_muzero"))
    s = agent.represent(x)                 # h: a vector [B, V], or a picture [B, C, 64, 64] in [0, 1]
    s, reward, end = agent.step(s, a)      # g: a [B, A], a one-hot
    policy, value = agent.predict(s)       # f: probabilities [B, A], [B]
    visits = agent.search(s)               # [A], of one state: share of the simulations
"""
import sys

import torch
from torch import nn
from torch.nn import functional as F

from image_coder import ImageEncoder, Viewer
from run_file import Run
from tree_search import visits


def unsquash(x, slope=0.001):
    """The inverse of sign(x)(√(|x| + 1) - 1) + slope·x, in float64: the root of a number near 1 has few digits left."""
    y = x.double()
    root = ((1 + 4 * slope * (y.abs() + 1 + slope)).sqrt() - 1) / (2 * slope)
    return (y.sign() * (root.square() - 1)).to(x.dtype)


def number(logits):
    """The mean of numbers from -support to support, unsquashed: [B, 2·support + 1] -> [B]."""
    support = logits.shape[-1] // 2
    return unsquash((logits.softmax(-1) * torch.arange(-support, support + 1).to(logits.dtype)).sum(-1))


def scaled(s):
    """Each state's numbers into [0, 1] (appendix G)."""
    low, high = s.amin(-1, keepdim=True), s.amax(-1, keepdim=True)
    return (s - low) / (high - low + (high - low < 1e-5) * 1e-5)


class MuZero(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.encoder = ImageEncoder(run, "model/encoder", "same", "elu", 1e-4) if run.has("model/encoder.") else None
        names = ("represent", "dynamics", "reward", "end")
        self.to_state, self.dynamics, self.reward, self.end = (run.mlp("model/" + name, "elu") for name in names)
        self.policy, self.value = run.mlp("behaviour/policy", "elu"), run.mlp("behaviour/value", "elu")
        self.viewer = Viewer(run, "model/viewer.decoder") if run.has("model/viewer.") else None
        self.get, self.choices = run.get, self.policy[-1].out_features

    def represent(self, x):
        return scaled(self.to_state(x if self.encoder is None else self.encoder(x - 0.5)))  # [B, S]

    def step(self, s, a):
        x = torch.cat([s, a], 1)
        end = torch.sigmoid(self.end(x)[:, 0]) if self.end is not None else torch.zeros_like(s[:, 0])
        return scaled(self.dynamics(x)), number(self.reward(x)), end

    def predict(self, s):
        return self.policy(s).softmax(-1), number(self.value(s))

    def decode(self, s):
        """What s looks like: painted by a decoder from which the model learns nothing. [B, C, 64, 64]"""
        return self.viewer(s)

    def search(self, s, simulations=None):
        """Visits of pUCT without noise from the state s [1, S]. Dreamscope's own search can begin with Gumbel's halving besides
        (search.root)."""
        return visits(self, s, simulations or self.get("search.simulations"), self.get("search.discount"), self.get("search.exploration"))


@torch.no_grad()
def main():
    run = Run(sys.argv[1])
    agent, s, total = MuZero(run), run.weights["starts/s"][:1], 0
    for step in range(20):
        action = agent.search(s).argmax()
        s, reward, end = agent.step(s, F.one_hot(action[None], agent.choices).float())
        total += reward.item()
        print(f"step {step + 1}: action {action.item()}, reward {reward.item():.3f}, P(end) {end.item():.3f}")
    print(f"in all {total:.2f}")


if __name__ == "__main__":
    main()
