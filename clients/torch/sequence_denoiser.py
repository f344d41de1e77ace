"""The planning transformer of Diffusion Forcing (Chen et al. 2024): a token and waves of the level of its noise through two layers, waves of its
place added; blocks that norm after they add (Vaswani et al. 2017); a linear layer back to the token."""
import math

import torch
from torch import nn
from torch.nn import functional as F


def waves_to_the_end(places, width):
    """[..., width] of places [...]: sines, then cosines, from a turn of 1 to one of 1 / 10000, both ends included."""
    half = width // 2
    angle = places.float()[..., None] * torch.exp(torch.arange(half).float() * (-math.log(10000) / (half - 1)))
    return torch.cat([angle.sin(), angle.cos()], -1)


class SequenceDenoiser(nn.Module):
    def __init__(self, run, name):
        super().__init__()
        self.first, self.second, self.out = (run.linear(f"{name}.{x}") for x in ("first", "second", "out"))
        self.heads, self.causal, self.blocks = run["planner.heads"], run["planner.causal"], nn.ModuleList()
        while run.has(f"{name}.block{len(self.blocks)}_"):
            part = f"{name}.block{len(self.blocks)}_"
            block = {x: run.linear(part + x) for x in ("qkv", "attended", "up", "down")}
            self.blocks.append(nn.ModuleDict(block | {x: run.norm(part + x, 1e-5) for x in ("norm1", "norm2")}))

    def forward(self, tokens, levels):  # [B, T, size], int64 [B, T] -> [B, T, size]
        count, width = tokens.shape[1], self.second.out_features
        x = self.second(F.relu(self.first(torch.cat([tokens, waves_to_the_end(levels, width // 2)], -1))))
        x = x + waves_to_the_end(torch.arange(count), width)
        for block in self.blocks:
            q, k, v = block["qkv"](x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # [B, heads, T, each] each
            weights = q @ k.transpose(-1, -2) / k.shape[-1]**0.5
            if self.causal:
                weights = weights.masked_fill(torch.ones(count, count, dtype=torch.bool).triu(1), -torch.inf)
            x = block["norm1"](x + block["attended"]((weights.softmax(-1) @ v).transpose(1, 2).flatten(2)))
            x = block["norm2"](x + block["down"](F.relu(block["up"](x))))
        return self.out(x)
