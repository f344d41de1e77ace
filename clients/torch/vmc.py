"""World Models (Ha & Schmidhuber 2018) as Dreamscope trains it: V, a variational autoencoder; M, an LSTM that predicts the next latent as a
mixture of Gaussians; C, one linear layer. `python vmc.py assets/runs/car_racing` dreams 100 steps.

    agent = Vmc(Run("assets/runs/car_racing"))
    h, c = agent.m.initial(1)
    mean, deviation = agent.v.encode(frame)             # q(z_t | x_t); frame [B, 3, 64, 64] in [0, 1]
    a = agent.act(z, h)                                 # [B, 3]: steering in [-1, 1], gas and brake in [0, 1]
    h, c = agent.m.step(z, a, h, c)
    z = agent.m.draw(h, temperature=1.15)               # the dream
    agent.v.decode(z)

Doom's (`vmc-doom`): step() is also told whether z is an episode's first frame, and act() is given c. What was brought from
ctallec/world-models (`vmc-ctallec`) has a ReLU more in V, one mixture of whole z, and a C that squashes nothing; its z is encode()'s mean."""
import sys

import torch
from torch import nn

from mdn_rnn import M
from run_file import Run


class V(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.convs = nn.ModuleList(run.conv(f"model/v.conv{i}", stride=2) for i in range(1, 5))
        self.mean, self.log_variance = run.linear("model/v.mean"), run.linear("model/v.log_variance")
        self.expand = run.linear("model/v.expand")
        self.deconvs = nn.ModuleList(run.deconv(f"model/v.deconv{i}") for i in range(1, 5))
        self.bend = torch.relu if run.recipe == "vmc-ctallec" else nn.Identity()

    def encode(self, frame):
        x = frame  # [B, 3, 64, 64] -> 31 -> 14 -> 6 -> [B, 256, 2, 2]
        for conv in self.convs:
            x = torch.relu(conv(x))
        x = x.flatten(1)  # [B, 1024]
        return self.mean(x), torch.exp(0.5 * self.log_variance(x))  # [B, Z] each

    def decode(self, z):
        x = self.bend(self.expand(z))[:, :, None, None]  # [B, 1024, 1, 1] -> 5 -> 13 -> 30 -> [B, 3, 64, 64]
        for deconv in self.deconvs[:-1]:
            x = torch.relu(deconv(x))
        return torch.sigmoid(self.deconvs[-1](x))


class Vmc(nn.Module):
    def __init__(self, run, squash=None):
        super().__init__()
        self.v, self.m = V(run), M(run)
        self.sees_cell = run.get("c.cell", False)
        features = self.m.latent + self.m.out.shape[0] * (2 if self.sees_cell else 1)
        c = run.weights["behaviour/parameters"]
        if run.has("behaviour/found"):  # one for each temperature: that of the nearest to c.tau usually drives
            taus = sorted(float(tau) for tau in run["c.taus"].split(","))
            c = run.weights["behaviour/found"][min(range(len(taus)), key=lambda i: abs(taus[i] - run["c.tau"]))]
        axes = c.numel() // (features + run.get("c.bias", True))
        bias = axes * run.get("c.bias", True)  # C's biases come first
        self.c_bias, self.c_weight = nn.Parameter(c[:bias]), nn.Parameter(c[bias:].view(features, axes))
        named = run.get("c.squash") or ("tanh,half,cut" if run.environment.startswith("CarRacing") else "")
        named = "raw" + ",raw" * (axes - 1) if run.recipe == "vmc-ctallec" else named
        self.squash = squash or named.split(",") if named or squash else ["tanh"] * axes  # "half" for axes whose least is 0

    def act(self, z, h, c=None):
        """C: [z, h], Doom's [z, c, h] -> the action, every axis squashed into its range; ctallec's as it is, which the world cuts."""
        raw = torch.cat([z, c, h] if self.sees_cell else [z, h], 1) @ self.c_weight
        raw = raw + self.c_bias if len(self.c_bias) else raw
        bend = {"tanh": torch.tanh, "half": lambda x: (torch.tanh(x) + 1) / 2, "cut": lambda x: torch.tanh(x).clamp(0, 1), "raw": lambda x: x}
        return torch.stack([bend[how](raw[:, axis]) for axis, how in enumerate(self.squash)], 1)


@torch.no_grad()
def main():
    agent = Vmc(Run(sys.argv[1]))
    h, c = agent.m.initial(1)
    z = torch.randn(1, agent.m.latent)
    for step in range(100):
        a = agent.act(z, h, c)
        h, c = agent.m.step(z, a, h, c, first=step == 0)
        z = agent.m.draw(h)
    print(f"after {step + 1} steps C does {[round(x, 3) for x in a[0].tolist()]}; the frame is {tuple(agent.v.decode(z).shape)}")


if __name__ == "__main__":
    main()
