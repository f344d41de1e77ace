"""M of World Models (Ha & Schmidhuber 2018): an LSTM whose output is a mixture of Gaussians for every number of the next latent."""
import torch
from torch import nn


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
