"""A joint-embedding predictive world model with actions (PLDM, Sobal et al. 2025; eb_jepa): z' from z and a, and nothing is rebuilt of
what is seen. Where a picture is to be reached, what is paid is minus the distance to it.
`python jepa.py assets/runs/two_room_jepa` imagines a walk.

    world = Jepa(Run("assets/runs/two_room_jepa"))
    z = world.encode(x)                     # h(x): a picture [B, C, 64, 64] in [0, 1], or a vector [B, V]
    z = world.next(z, a)                    # a [B, A] in [-1, 1]; the transformer also looks at `before`: the (z, a) of the last moments
    world.distance(z, goal)                 # |z - h(x*)|², a number's mean
    world.plan_return(z, goal, actions)     # what a plan is chosen by
"""
import sys

import torch
from torch import nn

from image_coder import ImageEncoder, Viewer
from looking_back import LookingBack
from run_file import Run


class Encoder(nn.Module):
    def __init__(self, run, name="model/encoder"):
        super().__init__()
        self.convs = ImageEncoder(run, name + ".convs", "same", "relu", 1e-5) if run.has(name + ".convs.") else None
        self.layers = run.mlp(name + ".layers", "relu", 1e-5)
        self.flat, self.norm = run.linear(name + ".flat"), run.norm(name + ".norm", 1e-5)

    def forward(self, x):
        return self.norm(self.flat(self.layers(x) if self.convs is None else self.convs(x - 0.5)))  # [B, Z]


class Jepa(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.encoder, self.kind, self.get = Encoder(run), run["world.predictor"], run.get
        self.change = run.mlp("model/change", "relu")  # residual
        if self.kind == "gru":
            w = {part: run.weights["model/predictor." + part] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
            self.predictor = nn.GRUCell(w["weight_ih"].shape[1], w["weight_hh"].shape[1])
            self.predictor.load_state_dict(w)
        elif self.kind == "transformer":
            self.looking_back = LookingBack(run, "model/looking_back", run["world.predictor_heads"])
        self.predicted, self.inverse = run.norm("model/predicted", 1e-5), run.mlp("model/inverse", "relu")
        self.viewer = Viewer(run, "model/viewer.decoder") if run.has("model/viewer.") else None
        self.action_size = self.inverse[-1].out_features

    def encode(self, x):
        return self.encoder(x)

    def next(self, z, a, before=None):
        """`before` [B, T, Z + A]: moments before this one, the newest last; None: none."""
        moment = torch.cat([z, a], 1)
        if self.kind == "gru":
            return self.predicted(self.predictor(a, z))
        if self.kind == "residual":
            return self.predicted(z + self.change(moment))
        return self.predicted(z + self.looking_back(moment[:, None] if before is None else torch.cat([before, moment[:, None]], 1)))

    def action_between(self, z, after):
        """The action that led from z to `after`, [B, A]: what keeps z from forgetting what actions change."""
        return self.inverse(torch.cat([z, after], 1))

    def distance(self, z, goal):
        return (z - goal).square().mean(-1)  # [B]

    def plan_return(self, z, goal, actions):
        """z, goal [B, Z], actions [B, H, A] -> [B], of a model without memory: Σ γ^t · -distance."""
        total = 0
        for t, a in enumerate(actions.unbind(1)):
            z = self.next(z, a)
            total = total - self.get("planner.discount", 1.0)**t * self.distance(z, goal)
        return total

    def decode(self, z):
        """What z looks like: painted by a decoder from which the model learns nothing. [B, C, 64, 64]"""
        return self.viewer(z)


@torch.no_grad()
def main():
    run = Run(sys.argv[1])
    world, z, goal = Jepa(run), run.weights["starts/z"][:1], run.weights["starts/goal"][:1]
    for step in range(10):
        candidates = torch.rand(256, 12, world.action_size) * 2 - 1  # random shooting; Dreamscope plans by iCEM
        best = world.plan_return(z.expand(256, -1), goal, candidates).argmax()
        z = world.next(z, candidates[best, :1].flatten(1))
        print(f"step {step + 1}: distance to the goal {world.distance(z, goal).item():.3f}")


if __name__ == "__main__":
    main()
