"""Pictures made from noise as EDM does (Karras et al. 2022), with DIAMOND's network, constants and offset noise (Alonso et al. 2024)."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from picture_blocks import group_norm
from unet import UNet, groups


def in_levels(x):
    """Pictures in [-1, 1] as pictures are, of 256 levels."""
    return ((x.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1


class Denoiser(nn.Module):
    def __init__(self, run, name, offset):
        super().__init__()
        self.offset, self.frequencies = offset, run.weights[name + ".frequencies"]  # [1, D / 2]
        self.past_frequencies = run.weights.get(name + ".past_frequencies")  # where it is told of noise in earlier frames
        self.action_embedding = run.weights.get(name + ".action_embedding")  # [A, D / K]
        self.condition1, self.condition2 = run.linear(name + ".condition1"), run.linear(name + ".condition2")
        self.inner, self.out = run.conv(name + ".in", padding=1), run.conv(name + ".out", padding=1)
        self.unet, self.norm = UNet(run, name + ".unet"), group_norm(run, name + ".norm", groups(self.out.in_channels))

    def network(self, x, noise, past, actions=None, past_noise=0.0):
        """F: of a picture [B, C, H, W], how noisy it is, frames to look back at [B, K, C, H, W] and what was done in them [B, K, A]."""
        turns = lambda level, frequencies: 2 * math.pi * level * frequencies
        waves = lambda *of: torch.cat([turns(*of).cos(), turns(*of).sin()], 1)
        told = waves(noise, self.frequencies)
        if self.past_frequencies is not None:
            told = told + waves(past_noise, self.past_frequencies)
        elif actions is None:  # an upsampler's other pictures have no noise
            told = told + waves(0.0, self.frequencies)
        if actions is not None:
            told = told + (actions @ self.action_embedding).flatten(1)
        condition = self.condition2(F.silu(self.condition1(told))).expand(x.shape[0], -1)
        y = self.unet(self.inner(torch.cat([past.flatten(1, 2), x], 1)), condition)
        return self.out(F.silu(self.norm(y)))

    def forward(self, x, sigma, past, actions=None, past_sigma=0.0):
        """D: what the picture may be, of deviation 0.5, if noise of this level and of the offset lies over it. Not yet in levels."""
        square = sigma**2 + self.offset**2
        skip = 0.25 / (square + 0.25)
        past_noise = math.log(past_sigma) / 4 if past_sigma > 0 else 0.0
        y = self.network(x / math.sqrt(square + 0.25), math.log(square) / 8, past / 0.5, actions, past_noise)
        return skip * x + math.sqrt(square * skip) * y


def sample(denoise, x, steps=3, heun=False, churn=0.0, low=0.002, high=5.0, noise=torch.randn_like, told=True):
    """From noise x of deviation 1 to a picture: EDM's algorithm 2. denoise(x, σ) is D, in levels, told σ before or after fresh noise."""
    root = lambda i: high**(1 / 7) + i / max(1, steps - 1) * (low**(1 / 7) - high**(1 / 7))
    levels = [root(i)**7 for i in range(steps)] + [0.0]
    for sigma, after in zip(levels, levels[1:]):
        churned = sigma * (1 + min(churn / steps, math.sqrt(2) - 1))
        x = x + math.sqrt(churned**2 - sigma**2) * noise(x) if churn > 0 else x
        slope = (x - denoise(x, churned if told else sigma)) / churned
        if heun and after > 0:
            there = x + slope * (after - churned)
            slope = (slope + (there - denoise(there, after)) / after) / 2
        x = x + slope * (after - churned)
    return in_levels(x)
