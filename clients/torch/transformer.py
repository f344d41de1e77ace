"""A stack of blocks as GPT-2 has them (Radford et al. 2019): what Decision Transformer and Gato are made of, and, where every token looks at
all others, vision transformers."""
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, run, name, heads, between, causal, eps):
        super().__init__()
        self.heads, self.between, self.causal = heads, between, causal
        self.norm1, self.norm2 = run.norm(name + "norm1", eps), run.norm(name + "norm2", eps)
        self.qkv, self.attended, self.up, self.down = (run.linear(name + part) for part in ("qkv", "attended", "up", "down"))

    def forward(self, x):  # [B, T, D]
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # [B, H, T, D/H] each
        weights = q @ k.transpose(-1, -2) / k.shape[-1]**0.5  # [B, H, T, T]
        if self.causal:
            weights = weights.masked_fill(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1), -torch.inf)
        weights = weights.softmax(-1)
        x = x + self.attended((weights @ v).transpose(1, 2).flatten(2))
        return x + self.down(self.between(self.up(self.norm2(x)))), weights


class Transformer(nn.Module):
    def __init__(self, run, name, heads, between, causal=True, eps=1e-5):
        super().__init__()
        self.blocks, self.norm = nn.ModuleList(), run.norm(name + ".norm", eps)
        while run.has(f"{name}.block{len(self.blocks)}_"):
            self.blocks.append(Block(run, f"{name}.block{len(self.blocks)}_", heads, between, causal, eps))

    def forward(self, x):
        """[B, T, D] -> the same, and each layer's attention [B, H, T, T]."""
        weights = []
        for block in self.blocks:
            x, looks = block(x)
            weights.append(looks)
        return self.norm(x), weights
