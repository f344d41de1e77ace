"""What the denoiser of Diffusion Forcing is built of: attention in space and time, and blocks of convolutions."""
import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Behind a layer norm, added to what came in. Of the places of a frame; linear, at a cost that does not grow with their square (Shen et al.
    2018); or of a place's own past, where rotary positions tell frames apart (Su et al. 2021)."""

    def __init__(self, run, name, sight):
        super().__init__()
        self.sight, self.heads = sight, run["world.heads"]
        self.norm, self.qkv, self.out = run.norm(name + ".norm", 1e-5), run.linear(name + ".qkv"), run.linear(name + ".out")

    def forward(self, x, frames):  # [B·T, C, H, W], T frames
        tokens = x.flatten(2).transpose(1, 2)  # [B·T, S, C]
        y = tokens.unflatten(0, (-1, frames)).transpose(1, 2) if self.sight == "past" else tokens  # over frames, [B, S, T, C], or over places
        q, k, v = self.qkv(self.norm(y)).unflatten(-1, (3, self.heads, -1)).movedim(-3, 0).transpose(-2, -3)  # [..., heads, T or S, each]
        if self.sight == "linear":
            y = q.softmax(-1) / q.shape[-1]**0.5 @ (k.softmax(-2).transpose(-1, -2) @ v)
        else:
            if self.sight == "past":
                q, k = self.turned(q), self.turned(k)
            weights = q @ k.transpose(-1, -2) / q.shape[-1]**0.5
            if self.sight == "past":
                weights = weights.masked_fill(torch.ones(frames, frames, dtype=torch.bool).triu(1), -torch.inf)
            y = weights.softmax(-1) @ v
        y = self.out(y.transpose(-2, -3).flatten(-2))
        y = tokens + (y.transpose(1, 2).flatten(0, 1) if self.sight == "past" else y)
        return y.transpose(1, 2).unflatten(2, x.shape[2:])

    @staticmethod
    def turned(x):  # [..., T, each]: two neighbouring numbers at a time
        half = x.shape[-1] // 2
        angle = torch.arange(x.shape[-2])[:, None] * 10000.0 ** -(torch.arange(half) / half)
        pairs = torch.view_as_complex(x.unflatten(-1, (half, 2)).contiguous())
        return torch.view_as_real(pairs * torch.polar(torch.ones_like(angle), angle)).flatten(-2)


class Block(nn.Module):
    """Group norm of 8 groups, SiLU, convolution, twice, added to what came in; the second norm is bent by what a frame comes with."""

    def __init__(self, run, name):
        super().__init__()
        names = ("norm1_weight", "norm1_bias", "norm2_weight", "norm2_bias")
        self.norms = nn.ParameterList(nn.Parameter(run.weights[f"{name}.{x}"]) for x in names)
        self.conv1, self.conv2 = run.conv(name + ".conv1", padding=1), run.conv(name + ".conv2", padding=1)
        self.skip = run.conv(name + ".skip") if run.has(name + ".skip.") else nn.Identity()

    def forward(self, x, bends=None):  # bends: an iterator of what a frame comes with
        y = self.conv1(F.silu(F.group_norm(x, 8, self.norms[0], self.norms[1], 1e-6)))
        y = F.group_norm(y, 8, self.norms[2], self.norms[3], 1e-6)
        if bends is not None:
            scale, shift = bends(2 * y.shape[1])[:, :, None, None].chunk(2, 1)
            y = y * (1 + scale) + shift
        return self.conv2(F.silu(y)) + self.skip(x)
