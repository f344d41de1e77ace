"""The convolutional coders of the Dreamer family, for pictures of 64 x 64 pixels.

valid   PlaNet, V1, V2: four kernels of 4, stride 2, no padding, to 2 x 2; back by kernels of 5, 5, 6, 6 from 1 x 1
same    V3 of 2023: four kernels of 4, stride 2, padded, a norm each, to 4 x 4; back by the same, transposed
pool    V3 of 2024: four kernels of 5, 2 x 2 max pooling, a norm each, to 4 x 4; back by nearest doubling and kernels of 5
"""
import torch
from torch import nn
from torch.nn import functional as F

from run_file import ACTIVATIONS


def over_channels(norm, x):
    """The norm of each pixel's channels: [B, C, H, W] -> the same."""
    return x if norm is None else norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class BlockLinear(nn.Module):
    """A linear layer whose weight is G blocks on the diagonal: [B, G, in/G] -> [B, G, out/G]."""

    def __init__(self, run, name):
        super().__init__()
        self.weight = nn.Parameter(run.weights[name + ".weight"])  # [G, in/G, out/G]
        self.bias = nn.Parameter(run.weights[name + ".bias"])  # [G, 1, out/G]

    def forward(self, x):
        return (x.transpose(0, 1) @ self.weight + self.bias).transpose(0, 1)


class ImageEncoder(nn.Module):
    def __init__(self, run, name, kind, act, eps):
        super().__init__()
        self.kind, self.act = kind, ACTIVATIONS[act]()
        stride, padding = {"valid": (2, 0), "same": (2, 1), "pool": (1, 2)}[kind]
        self.convs = nn.ModuleList(run.conv(f"{name}.conv{i}", stride, padding) for i in range(4))
        self.norms = nn.ModuleList(run.norm(f"{name}.norm{i}", eps) for i in range(4))

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):  # [B, C, 64, 64] -> ... -> [B, 8d or 4d, 4 or 2, 4 or 2]
            x = conv(x)
            if self.kind == "pool":
                x = F.max_pool2d(x, 2)
            x = self.act(over_channels(norm, x))
        return x.permute(0, 2, 3, 1).flatten(1)  # rows, columns, channels


class ImageDecoder(nn.Module):
    """z [B, Z], h [B, D] -> the network's output [B, C, 64, 64], neither squashed nor shifted."""

    def __init__(self, run, name, kind, act, eps):
        super().__init__()
        self.kind, self.act = kind, ACTIVATIONS[act]()
        if kind == "pool":
            self.block, self.space = BlockLinear(run, name + ".block"), run.linear(name + ".space")
            self.stochastic = run.dense(name + ".stochastic", run["world.act"], eps)
            self.space_norm = run.norm(name + ".space_norm", eps)
            self.convs = nn.ModuleList(run.conv(f"{name}.conv{i}", padding=2) for i in (3, 2, 1, 0))
        else:
            self.dense = run.linear(name + ".dense")
            self.convs = nn.ModuleList(run.deconv(f"{name}.deconv{i}", padding=int(kind == "same")) for i in range(4))
        self.norms = nn.ModuleList(run.norm(f"{name}.norm{i}", eps) for i in range(3))

    def first(self, z, h):
        if self.kind == "valid":
            return self.dense(torch.cat([z, h], 1))[:, :, None, None]  # [B, 32d, 1, 1]
        if self.kind == "same":
            return self.dense(torch.cat([z, h], 1)).unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)  # [B, 8d, 4, 4]
        blocks = self.block.weight.shape[0]  # each paints its own channels of every pixel; z reaches all of them
        from_h = self.block(h.unflatten(1, (blocks, -1))).unflatten(2, (4, 4, -1)).permute(0, 2, 3, 1, 4).flatten(3)  # [B, 4, 4, 4d]
        from_z = self.space(self.stochastic(z)).unflatten(1, (4, 4, -1))
        x = from_h + from_z
        return self.act(self.space_norm(x) if self.space_norm else x).permute(0, 3, 1, 2)

    def forward(self, z, h):
        x = self.first(z, h)
        for i, conv in enumerate(self.convs):
            x = conv(F.interpolate(x, scale_factor=2, mode="nearest") if self.kind == "pool" else x)
            if i < 3:
                x = self.act(over_channels(self.norms[i], x))
        return x


class Viewer(nn.Module):
    """Paints what a model without a decoder has in mind, for people: [B, F] -> [B, C, 64, 64] in [0, 1]."""

    def __init__(self, run, name):
        super().__init__()
        self.decoder = ImageDecoder(run, name, "same", "silu", 1e-3)

    def forward(self, x):
        return torch.sigmoid(self.decoder(x, x[:, :0]))
