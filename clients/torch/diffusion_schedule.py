"""Diffusion with a level of noise for every frame by itself (Diffusion Forcing, Chen et al. 2024): z = √ᾱ x + √(1 - ᾱ) ε. Levels are int64
of any shape, from 0, the least noise, to levels - 1; -1 is no noise at all. Frames have the levels' shape before their own."""
import math

import torch


def betas_of(kind, levels):
    """How much noise each level adds, float64: Ho et al. 2020 (linear), Nichol & Dhariwal 2021 (cosine), Jabri et al. 2022 (sigmoid)."""
    if kind == "linear":
        return torch.linspace(1000 / levels * 1e-4, 1000 / levels * 0.02, levels, dtype=torch.float64).clamp_max(0.999)
    t = torch.linspace(0, levels, levels + 1, dtype=torch.float64) / levels
    kept = torch.cos((t + 0.008) / 1.008 * math.pi / 2)**2 if kind == "cosine" else torch.sigmoid(3 * (1 - 2 * t)) - 1 / (1 + math.exp(3))
    return (1 - kept[1:] / kept[:-1]).clamp(0, 0.999)


def wide(factor, like):
    return factor.to(like.dtype).reshape(factor.shape + (1,) * (like.dim() - factor.dim()))


class Schedule:
    def __init__(self, run, prefix):
        """`prefix`: of its settings, "world." or "planner."."""
        self.count, self.tells, self.most = run[prefix + "levels"], run[prefix + "tells"], run.get(prefix + "most_noise", 6.0)
        kept = (1 - betas_of(run[prefix + "betas"], self.count)).cumprod(0)
        self.of_level = torch.cat([torch.ones(1, dtype=torch.float64), kept])

    def kept(self, levels):
        return self.of_level[levels + 1]  # ᾱ, float64

    def faded(self, x, levels):
        """A clean frame as it looks to who takes it for one of these levels."""
        return wide(self.kept(levels).sqrt(), x) * x

    def noised(self, x, levels, noise):
        return self.faded(x, levels) + wide((1 - self.kept(levels)).sqrt(), x) * noise

    def told(self, z, levels, output):
        """What a denoiser says of z, (x̂, ε̂): its output is the noise, the clean frame, or v = √ᾱ ε - √(1 - ᾱ) x (Salimans & Ho 2022)."""
        kept = self.kept(levels)
        whole, noisy = wide((1 / kept).sqrt(), z), wide((1 / kept - 1).sqrt(), z)  # x = whole·z - noisy·ε
        if self.tells == "noise":
            noise = output.clamp(-self.most, self.most)
            return whole * z - noisy * noise, noise
        clean = output if self.tells == "frame" else wide(kept.sqrt(), z) * z - wide((1 - kept).sqrt(), z) * output
        return clean, (whole * z - clean) / noisy

    def levels_of(self, steps):
        """Of so many steps of sampling, int64 [steps + 1]: entry 0 is -1, the last one is all noise."""
        return torch.linspace(-1, self.count - 1, steps + 1).long()

    def step(self, z, told, before, after, chance=0.0, draw=torch.randn):
        """DDIM (Song et al. 2021) from levels `before` to `after`; `chance`, η, adds noise again. Frames whose level stays are z."""
        (clean, noise), kept, later = told, self.kept(before), self.kept(after)
        deviation = chance * ((1 - kept / later) * (1 - later) / (1 - kept).clamp_min(1e-20)).clamp_min(0).sqrt()
        moved = wide(later.sqrt(), z) * clean + wide((1 - later - deviation**2).clamp_min(0).sqrt(), z) * noise
        if chance > 0:
            moved = moved + wide(deviation, z) * self.noise(z.shape, draw)
        return torch.where(wide((before != after).float(), z) > 0, moved, z)

    def noise(self, shape, draw=torch.randn):
        return draw(shape).clamp(-self.most, self.most)


def lag_of(order, steps, uncertainty):
    """By how many steps a frame begins after the one before it: frame by frame, in a pyramid, or all at once."""
    return {"frame_by_frame": steps, "pyramid": min(uncertainty, steps), "full_sequence": 0}[order]


def noise_matrix(steps, horizon, lag):
    """How many steps each frame has still to go, int64 [rows, horizon], row by row; the last row is 0."""
    rows = steps + int((horizon - 1) * lag) + 1
    begins = (torch.arange(horizon).double() * lag).floor().long()
    return (steps + begins - torch.arange(rows)[:, None]).clamp(0, steps)
