"""The block-causal transformer of Dreamer 4 (Hafner et al. 2025): the tokens of a frame look at one another; every n-th block each of the
first tokens looks at its own past; then SwiGLU. Before each part a root mean square norm, also of queries and keys."""
import math

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, run, name, heads):
        super().__init__()
        self.heads, self.qkv, self.attended = heads, run.linear(name + "qkv"), run.linear(name + "attended")
        self.norm, self.query_norm, self.key_norm = (run.norm(name + x, 1e-6) for x in ("norm", "query_norm", "key_norm"))

    def forward(self, x, hidden, leaning=0.0, turn=lambda x: x):
        """[..., T, D], over T; `hidden` keys are not looked at, others as much more as `leaning` says."""
        q, k, v = self.qkv(self.norm(x)).unflatten(-1, (3, self.heads, -1)).movedim(-3, 0).transpose(-2, -3)  # [..., H, T, D/H] each
        q, k = turn(self.query_norm(q)), turn(self.key_norm(k))
        weights = (q @ k.transpose(-1, -2) / q.shape[-1]**0.5 + leaning).masked_fill(hidden, -torch.inf).softmax(-1)
        return self.attended((weights @ v).transpose(-2, -3).flatten(-2))


def turned(x):
    """Rotary positions of frames (Su et al. 2021), of which only differences matter: [..., T, each]."""
    half = x.shape[-1] // 2
    angle = torch.arange(x.shape[-2])[:, None] * torch.exp(torch.arange(half) * (-math.log(10000) / half))
    first, second = x.chunk(2, -1)
    return torch.cat([first * angle.cos() - second * angle.sin(), first * angle.sin() + second * angle.cos()], -1)


class BlockCausal(nn.Module):
    def __init__(self, run, name, prefix, timed):
        super().__init__()
        self.of_place, self.hidden = run.weights[name + ".of_place"], run.weights[name + ".hidden"].bool()  # [S, D]; [S, S]
        self.context, self.timed, heads = run["world.context"], timed, run[prefix + ".heads"]
        self.blocks = nn.ModuleList()
        self.leaning = []  # logits [H, S, S] of each block
        while run.has(f"{name}.block{len(self.blocks)}_"):
            part = f"{name}.block{len(self.blocks)}_"
            block = {"space": Attention(run, part + "space_", heads), "norm": run.norm(part + "norm", 1e-6),
                     "up": run.linear(part + "up"), "down": run.linear(part + "down")}
            self.blocks.append(nn.ModuleDict(block | ({"time": Attention(run, part + "time_", heads)} if run.has(part + "time_") else {})))
            self.leaning.append(run.weights.get(part + "leaning", torch.zeros(1, len(self.hidden), len(self.hidden))))

    def forward(self, x):
        """[B, T, S', D] -> the same, of the first S' tokens of every frame."""
        frames, tokens = x.shape[1:3]
        x = x + self.of_place[:tokens]
        ago = torch.arange(frames)[:, None] - torch.arange(frames)
        past = (ago < 0) | (ago >= self.context)
        for block, leaning in zip(self.blocks, self.leaning):
            x = x + block["space"](x, self.hidden[:tokens, :tokens], leaning[:, :tokens, :tokens])
            if "time" in block:
                seen = block["time"](x[:, :, :self.timed].transpose(1, 2), past, turn=turned).transpose(1, 2)
                x = x + F.pad(seen, (0, 0, 0, tokens - seen.shape[2]))
            value, gate = block["up"](block["norm"](x)).chunk(2, -1)
            x = x + block["down"](value * F.silu(gate))
        return x
