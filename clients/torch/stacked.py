"""The networks of TD-MPC2 and TD-MPC: several of one shape side by side, groups of numbers that add up to 1, and
convolutions."""
from torch import nn
from torch.nn import functional as F


class Stacked(nn.Module):
    """E networks of one shape that see the same input: weights [E, in, out]. Layers with a scale are normed.
    `first` follows the first layer, `last` the last, `act` the others."""

    def __init__(self, run, name, act, last=nn.Identity(), first=None):
        super().__init__()
        self.act, self.last, self.first, self.layers = act, last, first or act, nn.ModuleList()
        while f"{name}.weight{len(self.layers)}" in run.weights:
            parts = {p: run.weights.get(f"{name}.{p}{len(self.layers)}") for p in ("weight", "bias", "scale", "shift")}
            self.layers.append(nn.ParameterDict({p: nn.Parameter(w) for p, w in parts.items() if w is not None}))

    def forward(self, x):  # [B, in] -> [E, B, out], of one network [B, out]
        for i, layer in enumerate(self.layers):
            x = x @ layer["weight"] + layer["bias"]  # [E, B, out]
            if "scale" in layer:
                x = F.layer_norm(x, x.shape[-1:]) * layer["scale"] + layer["shift"]
            x = self.last(x) if i + 1 == len(self.layers) else self.first(x) if i == 0 else self.act(x)
        return x[0] if x.shape[0] == 1 else x


class SimNorm(nn.Module):
    """Groups of numbers that add up to 1."""

    def __init__(self, group):
        super().__init__()
        self.group = group

    def forward(self, x):
        return x.unflatten(-1, (-1, self.group)).softmax(-1).flatten(-2)


class Convs(nn.ModuleList):
    """Four convolutions; TD-MPC2's last has neither stride nor activation."""

    def __init__(self, run, name, first):
        super().__init__(run.conv(f"{name}.conv{i}", stride) for i, stride in enumerate((2, 2, 2, 2 if first else 1)))
        self.first = first

    def forward(self, x):  # [B, C, 64, 64] in [0, 1]
        x = x if self.first else x - 0.5
        for i, conv in enumerate(self):
            x = F.relu(conv(x)) if self.first or i < 3 else conv(x)
        return x.flatten(1)
