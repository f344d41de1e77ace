"""How networks of Dreamer and TD-MPC2 say a number (Dreamer V3, eq. 9): as a distribution over bins."""
import torch
from torch import nn


def symlog(x):
    return x.sign() * torch.log1p(x.abs())


def symexp(x):
    return x.sign() * torch.expm1(x.abs())


def two_hot_mean(logits, kind, limit=20):
    """[..., bins] -> [...]: bins lie evenly from -limit to limit in symlog space, and the mean is taken there (`symlog`, 2023), or of the
    numbers themselves (`symexp`, 2024)."""
    low = torch.linspace(-limit, 0, logits.shape[-1] // 2 + 1)
    low = symexp(low) if kind == "symexp" else low
    mean = (logits.softmax(-1) * torch.cat([low, -low[:-1].flip(0)])).sum(-1)
    return symexp(mean) if kind == "symlog" else mean


class Number(nn.Module):
    """A head for a number: bins, or the mean of a normal (`normal`). [B, in] -> [B]"""

    def __init__(self, net, kind):
        super().__init__()
        self.net, self.kind = net, kind

    def forward(self, x):
        if self.kind == "normal":
            return self.net(x)[..., 0]
        out = self.net[-1]  # in float64: the outermost bins lie at 5e8, so that roundings of their logits would be heard
        logits = nn.functional.linear(self.net[:-1](x).double(), out.weight.double(), out.bias.double())
        return two_hot_mean(logits, self.kind).to(x.dtype)
