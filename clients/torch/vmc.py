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


class M(nn.Module):
    """The cell is TensorFlow's BasicLSTMCell: gates i, j, f, o, and 1 added to the forget gate. Doom's takes [z, a, first]."""

    def __init__(self, run):
        super().__init__()
        w = run.weights
        self.kernel, self.bias = nn.Parameter(w["model/m.lstm.kernel"]), nn.Parameter(w["model/m.lstm.bias"])  # [Z + A + H, 4H], [4H]
        self.out, self.out_bias = nn.Parameter(w["model/m.output_weight"]), nn.Parameter(w["model/m.output_bias"])
        self.latent, self.mixtures, self.restarts = run["v.latent_size"], run["m.mixtures"], run.get("m.restarts", False)
        self.joint = run.recipe == "vmc-ctallec"

    def initial(self, batch):
        return torch.zeros(2, batch, self.out.shape[0]).unbind(0)

    def gates(self, z, action, h, first=False):
        told = [first if torch.is_tensor(first) else torch.full_like(h[:, :1], float(first))] if self.restarts else []
        return (torch.cat([z, action, *told, h], 1) @ self.kernel + self.bias).chunk(4, 1)

    def step(self, z, action, h, c, first=False):
        i, j, f, o = self.gates(z, action, h, first)
        c = c * torch.sigmoid(f + 1) + torch.sigmoid(i) * torch.tanh(j)
        return torch.sigmoid(o) * torch.tanh(c), c  # [B, H] each

    def mixture(self, h):
        """p(z_t | z_{t-1}, a_{t-1}, h_{t-1}): log-weights, means, log-deviations [B, Z, K]; reward [B] and P(end) [B], or None. Doom's
        rewards are 1 each."""
        out = h @ self.out + self.out_bias
        if self.joint:  # the weights, the same for all z, come behind the rest
            numbers = (2 * self.latent + 1) * self.mixtures
            mean, log_deviation = out[:, :numbers - self.mixtures].view(-1, self.latent, 2 * self.mixtures).chunk(2, -1)
            log_weights = out[:, numbers - self.mixtures:numbers].unsqueeze(1).expand_as(mean)
        else:
            numbers = 3 * self.latent * self.mixtures
            log_weights, mean, log_deviation = out[:, :numbers].view(-1, self.latent, 3 * self.mixtures).chunk(3, -1)
        rest = out[:, numbers:].unbind(1)
        reward, end = (None, None) if not rest else (rest[0] if len(rest) == 2 else torch.ones_like(rest[0]), torch.sigmoid(rest[-1]))
        return log_weights.log_softmax(-1), mean, log_deviation, reward, end

    def draw(self, h, temperature=1.0):
        """The weights' logits are divided by τ, the deviation is scaled by √τ."""
        log_weights, mean, log_deviation, _, _ = self.mixture(h)
        weights = log_weights[:, :1] if self.joint else log_weights  # one component for all of z
        k = torch.distributions.Categorical(logits=weights / temperature).sample()[..., None].expand(-1, self.latent, 1)  # [B, Z, 1]
        mean, deviation = mean.gather(-1, k)[..., 0], log_deviation.gather(-1, k)[..., 0].exp()
        return mean + deviation * temperature**0.5 * torch.randn_like(mean)


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
        named = "raw" + ",raw" * (axes - 1) if run.recipe == "vmc-ctallec" else run["c.squash"] or ("tanh,half,cut" if run.environment.startswith("CarRacing") else "")
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
