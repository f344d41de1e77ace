"""Genie 2's autoencoder: each patch of a picture becomes a few numbers, which know of the others by attention."""
import math

import torch
from torch import nn

from space_time import joined_patches, patches_of
from transformer import Transformer


class FrameAutoencoder(nn.Module):
    def __init__(self, run, name="model/autoencoder"):
        super().__init__()
        part = lambda x: nn.Parameter(run.weights[f"{name}.{x}"])
        self.side, self.positions, self.mean, self.deviation = run["autoencoder.patch"], part("positions"), part("mean"), part("deviation")
        self.inner, self.to_latent, self.from_latent, self.out = (run.linear(f"{name}.{x}") for x in ("in", "to_latent", "from_latent", "out"))
        self.encoder, self.decoder = (Transformer(run, f"{name}.{x}", run["autoencoder.heads"], nn.GELU("tanh"), causal=False)
                                      for x in ("encoder", "decoder"))

    def latents(self, pictures):
        """Standardised numbers of a patch, each of a tanh."""
        x = self.inner(patches_of(pictures * 2 - 1, self.side)) + self.positions  # [..., S, D]
        raw = torch.tanh(self.to_latent(self.encoder(x.flatten(0, -3))[0]))
        return ((raw - self.mean) / self.deviation).unflatten(0, x.shape[:-2])

    def pictures(self, latents):
        x = self.from_latent(latents * self.deviation + self.mean) + self.positions
        patches = self.out(self.decoder(x.flatten(0, -3))[0]).unflatten(0, x.shape[:-2])
        return (joined_patches(patches, self.side, self.side * math.isqrt(patches.shape[-2])) + 0.5).clamp(0, 1)

    def within(self, latents):
        return torch.minimum(torch.maximum(latents, (-1 - self.mean) / self.deviation), (1 - self.mean) / self.deviation)
