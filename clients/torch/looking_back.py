"""A predictor that looks at more than the last moment, of a JEPA whose world is not seen whole."""
from torch import nn

from transformer import Transformer


class LookingBack(nn.Module):
    """Attention over the last moments, each a token (z, a); the last one's says how z changes."""

    def __init__(self, run, name, heads):
        super().__init__()
        self.embed, self.read = run.linear(name + ".embed"), run.linear(name + ".read")
        self.place = nn.Parameter(run.weights[name + ".place"])  # [window, width]
        self.attention = Transformer(run, name + ".attention", heads, nn.GELU())

    def forward(self, moments):  # [B, T, Z + A], T at most the window
        moments = moments[:, -len(self.place):]
        x, _ = self.attention(self.embed(moments) + self.place[len(self.place) - moments.shape[1]:])
        return self.read(x[:, -1])
