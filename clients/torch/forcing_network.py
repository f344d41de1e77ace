"""The denoiser of Diffusion Forcing for pictures: the causal 3D U-Net of Chen et al. 2024. Every frame goes through a U-Net by itself, bent by
the level of its own noise, and time is mixed by attentions alone, in which each place looks at its own past."""
import torch
from torch import nn
from torch.nn import functional as F

from forcing_blocks import Attention, Block
from space_time import joined_patches, patches_of
from waves import waves_of


class Level(nn.Module):
    """Two blocks, and, where it attends, attention within each frame and over time."""

    def __init__(self, run, name, sight):
        super().__init__()
        self.first, self.second = Block(run, name + "first"), Block(run, name + "second")
        attends = run.has(name + "space.")
        self.space, self.time = (Attention(run, name + "space", sight), Attention(run, name + "time", "past")) if attends else (None, None)

    def attended(self, x, frames):
        return x if self.space is None else self.time(self.space(x, frames), frames)

    def forward(self, x, bends, frames):
        return self.attended(self.second(self.first(x, bends), bends), frames)


class ForcingNetwork(nn.Module):
    def __init__(self, run, name="model/network."):
        super().__init__()
        self.side, self.depth = run["world.patch"], run["world.depth"]
        names = ("level1", "level2", "action", "bend", "read")
        self.level1, self.level2, self.action, self.bend, self.read = (run.linear(name + x) for x in names)
        self.inner = run.conv(name + "in", padding=run.weights[name + "in.weight"].shape[-1] // 2)
        self.last, self.out = Block(run, name + "last"), run.conv(name + "out")
        self.in_time = Attention(run, name + "in_time", "past") if run.has(name + "in_time.") else None
        sight = lambda i: "places" if i == self.depth - 1 else "linear"
        self.down = nn.ModuleList(Level(run, f"{name}down{i}_", sight(i)) for i in range(self.depth))
        self.up = nn.ModuleList(Level(run, f"{name}up{i}_", sight(i)) for i in range(self.depth))
        self.shrink = nn.ModuleList(run.conv(f"{name}shrink{i}", 2, 1) for i in range(self.depth - 1))
        self.grow = nn.ModuleList(run.conv(f"{name}grow{i}", 1, 1) for i in range(1, self.depth))
        self.middle = Level(run, name + "middle_", "places")

    def forward(self, frames, levels, actions):
        """Noisy frames [B, T, C, H, W] at levels int64 [B, T], actions [B, T, A] that led there, 0 where none did -> what the schedule says
        that the output is, of the same shape, and a few numbers of each place of the lowest level [B, T, D]."""
        batch, count = frames.shape[:2]
        waves = waves_of(levels.flatten(), self.level1.in_features).roll(self.level1.in_features // 2, 1)  # cosines first
        bent = self.bend(F.silu(self.level2(F.silu(self.level1(waves))) + self.action(actions.flatten(0, 1))))
        place = 0

        def bends(numbers):
            nonlocal place
            place += numbers
            return bent[:, place - numbers:place]
        x = patches_of(frames.flatten(0, 1), self.side)
        x = self.inner(x.transpose(1, 2).unflatten(2, (frames.shape[-2] // self.side, -1)))
        first = x = x if self.in_time is None else self.in_time(x, count)
        kept = []
        for i, level in enumerate(self.down):
            x = level(x, bends, count)
            kept.append(x)
            x = self.shrink[i](x) if i + 1 < self.depth else x
        x = self.middle.second(self.middle.attended(self.middle.first(x, bends), count), bends)
        hidden = self.read(x.flatten(2).transpose(1, 2)).flatten(1)
        for i in reversed(range(self.depth)):
            x = self.up[i](torch.cat([x, kept[i]], 1), bends, count)
            x = self.grow[i - 1](F.interpolate(x, scale_factor=2, mode="nearest")) if i > 0 else x
        x = self.out(self.last(torch.cat([x, first], 1))).flatten(2).transpose(1, 2)
        return joined_patches(x, self.side, frames.shape[-1]).unflatten(0, (batch, count)), hidden.unflatten(0, (batch, count))
