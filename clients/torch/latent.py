"""A latent of an RSSM: G categoricals, or a Gaussian. Its statistics are log-probabilities [B, G, C], or mean and deviation [B, 2, Z]."""
import torch
from torch import nn
from torch.nn import functional as F


class Latent(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.settings, self.categorical = run.get, run["world.latent"] == "categorical"

    def statistics(self, raw):
        """Of what a network says."""
        if self.categorical:
            groups, classes, share = (self.settings("world." + x) for x in ("groups", "classes", "unimix"))
            log_p = raw.unflatten(1, (groups, classes)).log_softmax(-1)
            return torch.log((1 - share) * log_p.exp() + share / classes) if share > 0 else log_p
        mean, x = raw.chunk(2, 1)
        deviation = F.softplus(x) if self.settings("world.deviation") == "softplus" else 2 * torch.sigmoid(x / 2)
        return torch.stack([mean, deviation + 0.1], 1)

    def draw(self, statistics):
        if self.categorical:
            return torch.distributions.OneHotCategorical(logits=statistics).sample().flatten(1)
        return statistics[:, 0] + statistics[:, 1] * torch.randn_like(statistics[:, 0])

    def mode(self, statistics):
        if self.categorical:
            return F.one_hot(statistics.argmax(-1), statistics.shape[-1]).float().flatten(1)
        return statistics[:, 0]
