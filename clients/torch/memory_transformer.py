"""The transformers of TransDreamer and STORM, over what was seen and done: causal, each token at its place in the window."""
import torch
from torch import nn


class MemoryTransformer(nn.Module):
    """TransDreamer: norms before each part, waves as positions, all layers' outputs side by side. STORM: norms after, learned positions."""

    def __init__(self, run, name, storm):
        super().__init__()
        self.storm, self.heads, eps = storm, run["world.heads"], 1e-6 if storm else 1e-5
        self.positions, self.norm = run.weights[name + ".positions"], run.norm(name + ".norm", eps)  # [window, D]
        self.blocks = nn.ModuleList()
        while run.has(f"{name}.block{len(self.blocks)}_"):
            part = f"{name}.block{len(self.blocks)}_"
            block = {x: run.linear(part + x) for x in ("qkv", "attended", "up", "down")}
            self.blocks.append(nn.ModuleDict(block | {x: run.norm(part + x, eps) for x in ("norm1", "norm2")}))

    def attention(self, x, block):
        q, k, v = block["qkv"](x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # [B, H, T, each]
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        weights = (q @ k.transpose(-1, -2) / k.shape[-1]**0.5).masked_fill(later, -torch.inf).softmax(-1)  # [B, H, T, T]
        return block["attended"]((weights @ v).transpose(1, 2).flatten(2)), weights

    def forward(self, x):
        """[B, T, D] -> [B, T, D], of TransDreamer [B, T, layers · D]; and each layer's attention [B, H, T, T]."""
        x, outputs, weights = x + self.positions[:x.shape[1]], [], []
        x = self.norm(x) if self.storm else x
        for block in self.blocks:
            seen, looks = self.attention(x if self.storm else block["norm1"](x), block)
            x = block["norm1"](x + seen) if self.storm else x + seen
            x = x + block["down"](torch.relu(block["up"](x if self.storm else block["norm2"](x))))
            x = block["norm2"](x) if self.storm else x
            outputs.append(x)
            weights.append(looks)
        return x if self.storm else torch.cat(outputs, -1), weights
