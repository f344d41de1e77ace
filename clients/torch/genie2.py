"""Genie 2 (Parker-Holder et al. 2024) as Dreamscope understands it: an autoencoder makes latents of patches, Genie's latent action model
tells what happened between frames, and the next frame's latents are made from noise, by a network that sees every frame with a level of
noise of its own. `python genie2.py runs/genie_2` plays it.

    world = Genie2(Run("runs/genie_2"))
    latents = world.autoencoder.latents(pictures)                          # [B, T, S, N] of [B, T, C, H, W] in [0, 1]
    codes = world.codes(pictures)                                          # int64 [B, T]: what led to each frame; -1, nothing, to the first
    new = world.imagine(latents, levels, codes, code, steps=4, guidance=1) # [B, S, N]: the frame that `code` [B] leads to
    world.autoencoder.pictures(new)                                        # [B, C, H, W]
    latents = torch.cat([latents, noised(new, torch.randn_like(new), 0.1)[:, None]], 1)  # its own frames count as a little noisy: level 0.1

Levels k [B, T] lie between 0, clean, and 1, all noise: z = (1 - k) x + k ε. Frames that were seen have level 0.
"""
import sys

import torch
from torch import nn

from frame_autoencoder import FrameAutoencoder
from latent_actions import LatentActions
from run_file import Run
from space_time import SpaceTime
from waves import waves_of


def noised(x, noise, k):
    return (1 - k) * x + k * noise


class Genie2(nn.Module):
    def __init__(self, run, name="model/dynamics"):
        super().__init__()
        self.autoencoder, self.latent_actions, self.frames = FrameAutoencoder(run), LatentActions(run), run["world.frames"]
        self.inner, self.level, self.action, self.out = (run.linear(f"{name}.{x}") for x in ("in", "level", "action", "out"))
        self.network = SpaceTime(run, name + ".network", run["dynamics.heads"])  # each frame sees world.frames - 1 before it
        self.untold = nn.Parameter(run.weights[name + ".untold"])  # [D], in the place of an action that is not known

    def codes(self, pictures):
        return torch.cat([torch.full_like(pictures[:, :1, 0, 0, 0], -1).long(), self.latent_actions.codes(pictures)], 1)

    def clean(self, z, levels, codes):
        """x̂ of noisy latents z [B, T, S, N] at levels [B, T]; codes [B, T] that led there, -1 where none is told."""
        action = self.action(self.latent_actions.quantiser.values(codes.clamp_min(0)))
        condition = self.level(waves_of(1000 * levels, 32)) + torch.where(codes[..., None] >= 0, action, self.untold)
        k = levels[..., None, None]
        variance = (1 - k)**2 + k**2
        v = self.out(self.network(self.inner(z / variance.sqrt()), condition))
        return (1 - k) / variance * z + k / variance.sqrt() * v

    def imagine(self, latents, levels, codes, code, steps=4, guidance=1.0, temperature=1.0, draw=torch.randn):
        z = temperature * draw(latents[:, 0].shape)
        for i in range(steps):
            k, after = 1 - i / steps, 1 - (i + 1) / steps
            window = torch.cat([latents, z[:, None]], 1), torch.cat([levels, torch.full_like(levels[:, :1], k)], 1)
            tell = lambda last: self.clean(*window, torch.cat([codes, last[:, None]], 1))[:, -1]
            x = tell(code)
            if guidance != 1:  # what the action changes, exaggerated
                without = tell(torch.full_like(code, -1))
                x = without + guidance * (x - without)
            z = x + after / k * (z - x)
        return self.autoencoder.within(z)


@torch.no_grad()
def main():
    world = Genie2(Run(sys.argv[1]))
    pictures = torch.zeros(1, 2, 3, 64, 64)
    pictures[:, :, :, 24:36, 24:36] = 1
    latents, levels, codes = world.autoencoder.latents(pictures), torch.zeros(1, 2), world.codes(pictures)
    for step in range(8):
        code = torch.tensor([step % world.latent_actions.quantiser.codes])
        new = world.imagine(latents, levels, codes, code)
        latents = torch.cat([latents, noised(new, torch.randn_like(new), 0.1)[:, None]], 1)
        levels, codes = torch.cat([levels, torch.full((1, 1), 0.1)], 1), torch.cat([codes, code[:, None]], 1)
        bright = int((world.autoencoder.pictures(new)[0].mean(0) > 0.5).sum())
        print(f"step {step + 1}: code {code.item() + 1}, {bright} bright pixels")


if __name__ == "__main__":
    main()
