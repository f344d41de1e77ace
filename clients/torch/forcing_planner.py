"""Planning by Diffusion Forcing (Chen et al. 2024): a plan is a row of tokens, each of several steps of places and actions, with a level of
noise of its own. They are made from noise under a pull to the goal. `python forcing_planner.py assets/runs/point_maze_planner` plans a way.

    planner = ForcingPlanner(Run("assets/runs/point_maze_planner"))
    start, goal = planner.start(vector), planner.goal(vector)      # [B, D] of the world's numbers [B, V], normalised
    plan = planner.plan(start, goal)[-1]                           # [B, H, D]
    planner.in_world(plan)                                         # in the world's units: x, y, its other numbers, actions
"""
import sys

import torch
from torch import nn
from torch.nn import functional as F

from diffusion_schedule import Schedule, lag_of, noise_matrix
from run_file import Run
from sequence_denoiser import SequenceDenoiser

GAIN = 1000 / 128  # guidance is 1000 times a mean, over a batch of 128 among others, in the published evaluation; here it is each lane's own


class ForcingPlanner(nn.Module):
    def __init__(self, run, name="behaviour/"):
        super().__init__()
        self.network, self.schedule, self.get = SequenceDenoiser(run, name + "network"), Schedule(run, "planner."), run.get
        part = lambda x: run.weights[name + x]
        self.mean, self.deviation, self.kinds = part("mean"), part("deviation"), part("kinds")  # kinds: the place, pairs of numbers, the action
        self.seen, self.aim = part("seen_columns"), part("goal_columns")
        self.stack, self.tokens = run["planner.stack"], run["planner.tokens"]  # steps of a token, tokens of a plan

    def normalised(self, numbers):  # [B, S] -> [B, D]; nothing is done there
        count = numbers.shape[1]
        return F.pad((numbers - self.mean[:count]) / self.deviation[:count], (0, len(self.mean) - count))

    def start(self, vector):
        return self.normalised(vector[:, self.seen])

    def goal(self, vector):  # at rest there
        return self.normalised(F.pad(vector[:, self.aim], (0, len(self.seen) - 2)))

    def in_world(self, plan):
        return plan * self.deviation + self.mean

    def nearness(self, clean, start, goal, rest):
        """How near plans are to the goal, [B], at most 0, of clean tokens [B, 1 + N, stack·D]; the first of them is to be the start."""
        stack = self.stack
        target = torch.cat([start[:, None].expand(-1, stack, -1), goal[:, None].expand(-1, (clean.shape[1] - 1) * stack, -1)], 1)
        away = ((clean.unflatten(2, (stack, -1)).flatten(1, 2) - target).square() @ self.kinds).clamp_min(1e-12).sqrt()
        away = torch.cat([torch.tanh(away[..., :-1] / 2), away[..., -1:]], 2)
        weight = torch.full(away.shape[1:], float(rest))
        weight[:stack], weight[:, 0] = 2, 0
        weight[:stack, 0], weight[stack:stack + self.tokens * stack, 0] = 20, 1
        return -(away * weight).mean((1, 2))

    def step(self, z, before, after, waits, start, goal, way, draw):
        """z [B, 1 + N, stack·D] from levels `before` to `after`, int64 [1 + N]; of `waits`, bool [1 + N], nothing is decided."""
        label = torch.where(before < 0, self.get("planner.stabilisation") - 1, before).expand(z.shape[:2])
        x = torch.where((before < 0)[:, None], self.schedule.faded(z, label), z)  # what is seen counts as slightly noisy
        levels = before.expand(z.shape[:2]), after.expand(z.shape[:2])
        if way["guidance"] == 0:
            return self.schedule.step(z, self.schedule.told(x, label, self.network(x, label)), *levels)
        futures, many = way["futures"] if waits.any() else 1, x
        if futures > 1:  # Monte-Carlo guidance: other noise in the place of tokens that have not begun is another future
            other = self.schedule.noise((futures - 1, *z.shape), draw)
            many = torch.cat([x, torch.where(waits[:, None], other, x).flatten(0, 1)])
        labels = label.repeat(futures, 1)
        with torch.enable_grad():
            many = many.detach().requires_grad_()
            clean, noise = self.schedule.told(many, labels, self.network(many, labels))
            near = self.nearness(clean, start.repeat(futures, 1), goal.repeat(futures, 1), way["rest"]).sum()
            slope = torch.autograd.grad(near * (way["guidance"] * GAIN / futures), many)[0].unflatten(0, (futures, -1)).sum(0)
        kept, later = (self.schedule.kept(levels)[..., None] for levels in (label, levels[1]))
        noise = noise.detach()[:len(z)] - (1 - later).sqrt().float() * slope
        clean = (1 / kept).sqrt().float() * x - (1 / kept - 1).sqrt().float() * noise
        return self.schedule.step(z, (clean, noise), *levels)

    def plan(self, start, goal, noise=None, draw=torch.randn, **way):
        """What a plan looked like before every step and, last, after all, [B, H, D] each, from noise [B, N, stack·D]. `way`: steps, order,
        uncertainty, guidance, rest and futures, where they are not to be the run's."""
        way = {name: self.get("planner." + name) for name in ("steps", "order", "uncertainty", "guidance", "rest", "futures")} | way
        noise = self.schedule.noise((len(start), self.tokens, self.stack * start.shape[1]), draw) if noise is None else noise
        matrix = noise_matrix(way["steps"], self.tokens, lag_of(way["order"], way["steps"], way["uncertainty"]))
        ladder, matrix = self.schedule.levels_of(way["steps"]), F.pad(matrix, (1, 0))  # what is seen comes first, without noise
        rows = [torch.cat([start[:, None].repeat(1, 1, self.stack), noise], 1)]
        for before, after in zip(matrix[:-1], matrix[1:]):
            rows.append(self.step(rows[-1], ladder[before], ladder[after], after == way["steps"], start, goal, way, draw))
        return [row[:, 1:].unflatten(2, (self.stack, -1)).flatten(1, 2) for row in rows]


@torch.no_grad()
def main():
    vector = torch.zeros(1, len((planner := ForcingPlanner(Run(sys.argv[1]))).seen) + 2)
    vector[:, planner.seen[:2]], vector[:, planner.aim] = torch.tensor([2.0, 3.0]), torch.tensor([3.0, 1.0])
    plan = planner.in_world(planner.plan(planner.start(vector), planner.goal(vector))[-1])[0]
    for step in range(0, len(plan), len(plan) // 8):
        print(f"step {step + 1}: at {[round(x, 2) for x in plan[step, :2].tolist()]}, action {[round(x, 2) for x in plan[step, -2:].tolist()]}")


if __name__ == "__main__":
    main()
