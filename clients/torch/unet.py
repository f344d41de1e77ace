"""DIAMOND's U-Net: residual blocks whose group norms a condition bends, on the way down and up again."""
import torch
from torch import nn
from torch.nn import functional as F

from picture_blocks import PictureAttention


def groups(channels):
    return max(1, channels // 32)


class ConditionedBlock(nn.Module):
    def __init__(self, run, name):
        super().__init__()
        self.conv1, self.conv2 = (run.conv(name + part, padding=1) for part in (".conv1", ".conv2"))
        self.skip = run.conv(name + ".skip") if run.has(name + ".skip.") else nn.Identity()
        self.attention = nn.Identity()
        if run.has(name + ".attention."):  # its heads are of 8 numbers
            heads = lambda channels: max(1, channels // 8)
            self.attention = PictureAttention(run, name + ".attention", "out", heads, groups, after_norm=True)

    def forward(self, x, bends):
        """`bends` [B, …, 1, 1], what the condition says: each norm takes the scales and shifts of its channels off it."""
        y = x
        for conv in (self.conv1, self.conv2):
            scale, shift = bends.pop(2 * conv.in_channels).chunk(2, 1)
            y = conv(F.silu(F.group_norm(y, groups(conv.in_channels)) * (1 + scale) + shift))
        return self.attention(self.skip(x) + y)


class Bends:
    def __init__(self, all):  # [B, Σ 2 C]
        self.left = all[:, :, None, None]

    def pop(self, count):
        taken, self.left = self.left[:, :count], self.left[:, count:]
        return taken


class UNet(nn.Module):
    """[B, C, H, W] and a condition [B, D] -> the same. Without a way up, what is found at the bottom (the reward and end model's)."""

    def __init__(self, run, name):
        super().__init__()
        self.bend = run.linear(name + ".bend")
        blocks = lambda part: nn.ModuleList(ConditionedBlock(run, f"{name}.{part}{j}") for j in range(9) if run.has(f"{name}.{part}{j}."))
        levels = [i for i in range(9) if run.has(f"{name}.down{i}_")]
        self.down, self.up = (nn.ModuleList(blocks(f"{way}{i}_") for i in levels) for way in ("down", "up"))
        self.middle, self.rises = blocks("middle"), run.has(name + ".up0_")
        self.shrink = nn.ModuleList(run.conv(f"{name}.shrink{i}", 2, 1) for i in levels[:-1])
        self.grow = nn.ModuleList(run.conv(f"{name}.grow{i}", padding=1) for i in levels[:-1] if self.rises)

    def forward(self, x, condition):
        height, width = x.shape[2:]
        bends, kept, many = Bends(self.bend(condition)), [], 2**len(self.shrink)
        if self.rises:
            x = F.pad(x, (0, -width % many, 0, -height % many))
        for i, blocks in enumerate(self.down):
            x = self.shrink[i - 1](x) if i > 0 else x
            kept.append([x])
            for block in blocks:
                x = block(x, bends)
                kept[-1].append(x)
        for block in self.middle:
            x = block(x, bends)
        for i in reversed(range(len(self.up)) if self.rises else ()):
            x = self.grow[i](F.interpolate(x, scale_factor=2, mode="nearest")) if i + 1 < len(self.up) else x
            for block in self.up[i]:  # each sees what came out at its place on the way down too
                x = block(torch.cat([x, kept[i].pop()], 1), bends)
        return x[:, :, :height, :width] if self.rises else x
