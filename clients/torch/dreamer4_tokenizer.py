"""Dreamer 4's tokenizer: latents look at the patches of their frame and at those of earlier ones; pictures are painted of them likewise."""
import torch
from torch import nn

from block_causal import BlockCausal
from space_time import joined_patches, patches_of


class Tokenizer(nn.Module):
    def __init__(self, run, name="model/tokenizer."):
        super().__init__()
        self.side, self.latents = run["tokenizer.patch"], run["tokenizer.latents"]
        self.inner, self.to_latent, self.from_latent, self.out = (run.linear(name + x) for x in
                                                                  ("in", "to_latent", "from_latent", "out"))
        self.latent, self.query = run.weights[name + "latent"], run.weights[name + "query"]  # [L, D], [patches, D]
        self.encoder, self.decoder = (BlockCausal(run, name + x, "tokenizer", self.latents) for x in ("encoder", "decoder"))

    def encode(self, pictures):  # -> [B, T, L, N] in (-1, 1); each frame sees those before it
        patches = patches_of(pictures * 2 - 1, self.side)
        patches = self.inner(patches / patches.shape[-1]**0.5)
        x = self.encoder(torch.cat([self.latent.expand(*patches.shape[:2], -1, -1), patches], 2))
        return self.to_latent(x[:, :, :self.latents]).tanh()

    def decode(self, latents):
        x = self.from_latent(latents).tanh()
        x = self.decoder(torch.cat([x, self.query.expand(*x.shape[:2], -1, -1)], 2))[:, :, self.latents:]
        return joined_patches(self.out(x).sigmoid(), self.side, self.side * round(len(self.query)**0.5))
