"""LeCun's architecture (LeCun 2022, "A path towards autonomous machine intelligence"): a JEPA, an intrinsic cost of three parts, a critic
of the costs to come, and a policy (Mode 1). `python lecun.py assets/runs/two_room_lecun` imagines what Mode 1 does.

    world = Lecun(Run("assets/runs/two_room_lecun"))       # a Jepa, see jepa.py
    after = world.next(z, a)
    costs = world.costs(z, a, after, goal)                 # [B, 3] of a step: goal, harm, energy
    world.act(z, goal, weights)                            # Mode 1: [B, A] in [-1, 1]
    world.to_come(z, goal, weights)                        # the critic: [B, 3], discounted
    world.plan_return(z, goal, actions, weights)           # what Mode 2 looks for

`weights` [B, 3] say how much each cost matters; world.weights are the settings'.
"""
import sys

import torch
from torch.nn import functional as F

from jepa import Jepa
from run_file import Run


class Lecun(Jepa):
    def __init__(self, run):
        super().__init__(run)
        self.harm, self.reach = run.mlp("model/harm", "silu", 1e-5), run.mlp("model/reach", "silu", 1e-5)
        self.policy, self.critic = run.mlp("behaviour/policy.policy", "silu", 1e-5), run.mlp("behaviour/policy.critic", "silu", 1e-5)
        self.weights, self.gamma = torch.tensor([[run["costs." + cost] for cost in ("goal", "harm", "energy")]]), run["actor.discount"]

    def costs(self, z, a, after, goal=None):
        both = torch.cat([z, a], 1)
        # Where the world shows no goal, a head predicts its reward.
        away = self.distance(after, goal) if self.reach is None else -self.reach(both)[:, 0]
        return torch.stack([away, F.softplus(self.harm(both)[:, 0]), a.square().mean(1)], 1)

    def features(self, z, goal, weights):
        aimed = torch.full_like(z[:, :1], float(goal is not None))
        goal = torch.zeros_like(z) if goal is None else goal.expand(z.shape[0], -1)
        return torch.cat([z, goal, aimed, weights.expand(z.shape[0], -1)], 1)  # what is, and what is wanted

    def act(self, z, goal, weights):
        return torch.tanh(self.policy(self.features(z, goal, weights)))

    def to_come(self, z, goal, weights):
        """The net says what an average step costs; no step costs less than nothing, but for a reward."""
        step = self.critic(self.features(z, goal, weights))
        least = torch.tensor([0.0 if self.reach is None else -torch.inf, 0.0, 0.0])
        return step.maximum(least) / (1 - self.gamma)

    def plan_return(self, z, goal, actions, weights):
        """-Σ γ^t weights · costs, and the critic at the end: [B]."""
        total, gamma = 0, 1.0
        for a in actions.unbind(1):
            after = self.next(z, a)
            total, z, gamma = total - gamma * (weights * self.costs(z, a, after, goal)).sum(1), after, gamma * self.gamma
        return total - gamma * (weights * self.to_come(z, goal, weights)).sum(1)


@torch.no_grad()
def main():
    run = Run(sys.argv[1])
    world, z, goal = Lecun(run), run.weights["starts/z"][:1], run.weights["starts/goal"][:1]
    for step in range(10):
        a = world.act(z, goal, world.weights)
        after = world.next(z, a)
        goal_, harm, energy = world.costs(z, a, after, goal)[0].tolist()
        print(f"step {step + 1}: action {[round(x, 2) for x in a[0].tolist()]}, goal {goal_:.3f}, harm {harm:.3f}, energy {energy:.3f}")
        z = after


if __name__ == "__main__":
    main()
