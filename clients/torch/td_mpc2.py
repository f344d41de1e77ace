"""TD-MPC2 (Hansen et al. 2024), and TD-MPC (2022): a latent model without a decoder, a policy, an ensemble of Q-functions.
`python td_mpc2.py assets/runs/pendulum_td_mpc2` imagines what its policy does.

    agent = TdMpc2(Run("assets/runs/pendulum_td_mpc2"))
    z = agent.encode(x)             # z = h(x): a vector [B, V], or pictures [B, C·frames, 64, 64] in [0, 1], the newest last
    z = agent.encode(x, task)       # in a world of several tasks; task int64 [B], x without the task's number
    a = agent.act(z)                # p(z): the policy's mean, in [-1, 1]
    agent.reward(z, a), agent.q(z, a)  # R(z, a) [B], a Q-function each [E, B]
    z = agent.next(z, a)            # d(z, a)
    agent.plan_return(z, actions, discount)  # what a plan is chosen by: Σ γ^t R + γ^H Q(z_H, p(z_H))
"""
import sys

import torch
from torch import nn

from image_coder import Viewer
from run_file import Run
from stacked import Convs, SimNorm, Stacked
from two_hot import two_hot_mean


class TdMpc2(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.first, self.latent, self.get = run.recipe == "td-mpc", run["world.latent"], run.get
        act, simplices = (nn.ELU(), nn.Identity()) if self.first else (nn.Mish(), SimNorm(run["world.group"]))
        self.convs = Convs(run, "model/convs", self.first) if run.has("model/convs.") else None
        self.encoder = Stacked(run, "model/encoder", act, simplices) if run.has("model/encoder.") else simplices
        self.dynamics, self.to_reward = Stacked(run, "model/dynamics", act, simplices), Stacked(run, "model/reward", act)
        self.policy = Stacked(run, "behaviour/prior.policy", act)
        self.to_q = Stacked(run, "behaviour/prior.q", act, first=nn.Tanh() if self.first else act)
        self.termination = Stacked(run, "model/termination", act) if run.has("model/termination.") else None
        self.viewer = Viewer(run, "model/viewing.decoder") if run.has("model/viewing.") else None
        self.tasks = nn.Parameter(run.weights["model/tasks"]) if "model/tasks" in run.weights else None  # [tasks, numbers]

    def encode(self, x, task=None):
        x = x if self.convs is None else self.convs(x)
        if self.tasks is None:
            return self.encoder(x)  # [B, Z]
        task = self.tasks[task] / self.tasks[task].norm(dim=-1, keepdim=True).clamp_min(1)
        return torch.cat([self.encoder(torch.cat([x, task], 1)), task], 1)  # [B, Z + E]: z ends with its task

    def next(self, z, a):
        return torch.cat([self.dynamics(torch.cat([z, a], 1)), z[:, self.latent:]], 1)

    def number(self, out):
        return out[..., 0] if self.first else two_hot_mean(out, "symlog", self.get("world.limit"))

    def reward(self, z, a):
        return self.number(self.to_reward(torch.cat([z, a], 1)))  # [B]

    def end(self, z):
        """P(the episode ends here); None: every dream goes on."""
        return torch.sigmoid(self.termination(z)[:, 0]) if self.termination is not None else None

    def act(self, z):
        out = self.policy(z)
        return torch.tanh(out if self.first else out.chunk(2, -1)[0])

    def sample(self, z):
        out = self.policy(z)
        if self.first:
            return (torch.tanh(out) + (self.get("behaviour.deviation") * torch.randn_like(out)).clamp(-0.3, 0.3)).clamp(-1, 1)
        least, most = self.get("behaviour.least_log_deviation"), self.get("behaviour.greatest_log_deviation")
        mean, x = out.chunk(2, -1)
        return torch.tanh(mean + torch.randn_like(mean) * torch.exp(least + 0.5 * (most - least) * (torch.tanh(x) + 1)))

    def q(self, z, a):
        return self.number(self.to_q(torch.cat([z, a], 1)))  # [E, B]

    def value(self, z):
        q = self.q(z, self.act(z))
        return q.amin(0) if self.first else q.mean(0)

    def plan_return(self, z, actions, discount):
        """z [B, Z], actions [B, H, A] -> [B]."""
        total, weight = 0, 1  # weight: γ^t · P(still going on)
        for a in actions.unbind(1):
            total, z = total + weight * self.reward(z, a), self.next(z, a)
            weight = weight * discount * (1 if self.termination is None else 1 - self.end(z))
        return total + weight * self.value(z)

    def decode(self, z):
        """What z looks like: painted by a decoder from which the model learns nothing. [B, C, 64, 64]"""
        return self.viewer(z)


@torch.no_grad()
def main():
    agent, z = TdMpc2(run := Run(sys.argv[1])), run.weights["starts/z"][:1]
    for step in range(10):
        a = agent.act(z)
        action, reward, value = [round(x, 3) for x in a[0].tolist()], agent.reward(z, a).item(), agent.value(z).item()
        print(f"step {step + 1}: action {action}, reward {reward:.3f}, value {value:.2f}")
        z = agent.next(z, a)


if __name__ == "__main__":
    main()
