"""A JEPA of two levels (LeCun 2022, section 4.6): above the one of jepa.py lies w = g(z), a slower embedding, and what it is a stride of
steps later under m, the mean of the actions in between. The upper level's plan finds a subgoal, and the lower one walks there.
`python hjepa.py runs/h_jepa` imagines that.

    world = Hjepa(Run("runs/h_jepa"))               # a Jepa, see jepa.py
    w = world.slow.embed(z)                         # [B, E]
    w = world.slow.next(w, m)                       # a stride later; m [B, A] in [-1, 1]
    world.slow.distance(w, world.slow.embed(goal))  # |w - w*|², a number's mean
    world.slow.plan_return(w, w_goal, means)        # what the far plan is chosen by
    world.led_return(z, subgoal, actions)           # what the near one is, where it is led to a subgoal w
    world.slow.mean_action_between(w, after), world.slow.decode(w)
"""
import sys

import torch
from torch import nn

from image_coder import Viewer
from jepa import Jepa
from run_file import Run


class SlowLevel(nn.Module):
    def __init__(self, run, name="model/slow"):
        super().__init__()
        self.to_w, self.change, self.inverse = (run.mlp(f"{name}.{x}", "relu") for x in ("embed", "change", "inverse"))
        self.viewer = Viewer(run, name + ".viewer.decoder") if run.has(name + ".viewer.") else None
        self.stride, self.discount = run["slow.stride"], run["far.discount"]

    def embed(self, z):
        return self.to_w(z)

    def next(self, w, mean_action):
        return w + self.change(torch.cat([w, mean_action], 1))

    def mean_action_between(self, w, after):
        """What was done on average from w to `after`, a stride later: what keeps w from forgetting what actions change."""
        return self.inverse(torch.cat([w, after], 1))

    def distance(self, w, goal):
        return (w - goal).square().mean(-1)

    def plan_return(self, w, goal, means):
        """w, goal [B, E], means [B, H, A] -> [B]."""
        total = 0
        for t, mean in enumerate(means.unbind(1)):
            w = self.next(w, mean)
            total = total - self.discount**t * self.distance(w, goal)
        return total

    def decode(self, w):
        return self.viewer(w)


class Hjepa(Jepa):
    def __init__(self, run):
        super().__init__(run)
        self.slow = SlowLevel(run)

    def led_return(self, z, subgoal, actions):
        total = 0
        for t, a in enumerate(actions.unbind(1)):
            z = self.next(z, a)
            total = total - self.get("planner.discount", 1.0)**t * self.slow.distance(self.slow.embed(z), subgoal)
        return total


@torch.no_grad()
def main():
    run = Run(sys.argv[1])
    world, z, goal = Hjepa(run), run.weights["starts/z"][:1], run.weights["starts/goal"][:1]
    for step in range(10):
        w, means = world.slow.embed(z), torch.rand(256, 6, world.action_size) * 2 - 1  # random shooting at both levels; Dreamscope plans by iCEM
        far = world.slow.plan_return(w.expand(256, -1), world.slow.embed(goal), means).argmax()
        subgoal, candidates = world.slow.next(w, means[far, :1]), torch.rand(256, world.slow.stride, world.action_size) * 2 - 1
        z = world.next(z, candidates[world.led_return(z.expand(256, -1), subgoal, candidates).argmax(), :1])
        print(f"step {step + 1}: distance to the goal {world.slow.distance(world.slow.embed(z), world.slow.embed(goal)).item():.3f} above, "
              f"{world.distance(z, goal).item():.3f} below")


if __name__ == "__main__":
    main()
