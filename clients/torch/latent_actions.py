"""Genie's latent action model (Bruce et al. 2024, section 2.1): one of a few codes for what happened between a frame and the next. And what
makes codes of numbers."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from space_time import SpaceTime, joined_patches, patches_of


class Quantiser(nn.Module):
    """vq: the nearest of learned directions; fsq: numbers rounded to levels, the first of them the lowest digit."""

    def __init__(self, run, name, prefix):
        super().__init__()
        self.levels, self.numbers = run[prefix + ".levels"], run[prefix + ".numbers"]
        self.codebook, self.codes = None, self.levels**self.numbers
        if run[prefix + ".quantiser"] == "vq":
            self.codebook = nn.Parameter(F.normalize(run.weights[name + ".codebook"], dim=-1, eps=1e-6))  # [codes, width]
            self.codes = len(self.codebook)

    def index(self, x):
        if self.codebook is not None:
            return (F.normalize(x, dim=-1, eps=1e-6) @ self.codebook.T).argmax(-1)
        half, offset = (self.levels - 1) * (1 + 1e-3) / 2, 0.5 if self.levels % 2 == 0 else 0.0
        digits = (torch.tanh(x + math.atanh(offset / half)) * half - offset).round() + self.levels // 2
        return (digits.long() * self.levels ** torch.arange(self.numbers)).sum(-1)

    def values(self, index):
        if self.codebook is not None:
            return self.codebook[index]
        digits = index[..., None] // self.levels ** torch.arange(self.numbers) % self.levels
        return (digits - self.levels // 2) / (self.levels // 2)


class LatentActions(nn.Module):
    def __init__(self, run, name="model/latent_actions"):
        super().__init__()
        self.side, heads = run["actions.patch"], run["actions.heads"]
        self.inner, self.to_code = run.linear(name + ".in"), run.linear(name + ".to_code")
        self.encoder, self.decoder = SpaceTime(run, name + ".encoder", heads), SpaceTime(run, name + ".decoder", heads)
        self.mean, self.variance = run.weights[name + ".mean"], run.weights[name + ".variance"]  # [T - 1, width]
        self.past, self.action, self.out = (run.linear(f"{name}.{x}") for x in ("past", "action", "out"))
        self.quantiser = Quantiser(run, name + ".quantiser", "actions")

    def encode(self, pictures):
        """What is found at a patch counts by how much that changed: [B, T - 1, width]."""
        x = patches_of(pictures * 2 - 1, self.side)
        change = torch.cat([torch.zeros_like(x[:, :1]), x.diff(dim=1)], 1)
        moved = change.abs().mean(-1, keepdim=True)
        pooled = (self.encoder(self.inner(torch.cat([x, change], -1))) * moved).sum(2) / (moved.sum(2) + 1e-3)
        seen = self.to_code(pooled)[:, 1:]
        return (seen - self.mean[:seen.shape[1]]) / (self.variance[:seen.shape[1]] + 1e-5).sqrt()

    def codes(self, pictures):
        return self.quantiser.index(self.encode(pictures))

    def painted(self, pictures, codes):
        """The frames after each of pictures [B, T, C, H, W] if these codes [B, T] happen: what the codes were learned by."""
        x = self.past(patches_of(pictures * 2 - 1, self.side)) + self.action(self.quantiser.values(codes))[:, :, None]
        return (pictures + joined_patches(self.out(self.decoder(x)), self.side, pictures.shape[-1])).clamp(0, 1)
