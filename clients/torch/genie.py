"""Genie (Bruce et al. 2024): a world whose controls were found in videos without actions. A tokenizer makes tokens of patches, a latent
action model tells what happened between frames, MaskGIT makes the next frame's tokens.
`python genie.py assets/runs/bouncing_square_genie` plays it.

    world = Genie(Run("assets/runs/bouncing_square_genie"))
    tokens = world.tokenizer.tokens(pictures)                   # int64 [B, T, S] of [B, T, C, H, W] in [0, 1]
    codes = world.latent_actions.codes(pictures)                # int64 [B, T - 1]: what happened after each frame but the last
    new = world.imagine(tokens, codes, code)                    # int64 [B, S]: the frame that `code` [B] leads to
    world.tokenizer.pictures(torch.cat([tokens, new[:, None]], 1))[:, -1]

T is world.frames - 1 at most where a frame follows.
"""
import math
import sys

import torch
from torch import nn
from torch.nn import functional as F

from latent_actions import LatentActions, Quantiser
from run_file import Run
from space_time import SpaceTime, joined_patches, patches_of


class Tokenizer(nn.Module):
    def __init__(self, run, name="model/tokenizer"):
        super().__init__()
        self.side, heads = run["tokenizer.patch"], run["tokenizer.heads"]
        self.inner, self.to_code, self.from_code, self.out = (run.linear(f"{name}.{x}") for x in ("in", "to_code", "from_code", "out"))
        self.encoder, self.decoder = SpaceTime(run, name + ".encoder", heads), SpaceTime(run, name + ".decoder", heads)
        self.quantiser = Quantiser(run, name + ".quantiser", "tokenizer")

    def tokens(self, pictures):
        return self.quantiser.index(self.to_code(self.encoder(self.inner(patches_of(pictures * 2 - 1, self.side)))))

    def pictures(self, tokens):  # each frame by itself and those before it
        patches = self.out(self.decoder(self.from_code(self.quantiser.values(tokens))))
        return (joined_patches(patches, self.side, self.side * math.isqrt(tokens.shape[-1])) + 0.5).clamp(0, 1)


class Genie(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.tokenizer, self.latent_actions, self.frames = Tokenizer(run), LatentActions(run), run["world.frames"]
        self.token = nn.Parameter(run.weights["model/dynamics.token"])  # [codes + 1, D]; the last stands for a hidden one
        self.action, self.out = run.linear("model/dynamics.action"), run.linear("model/dynamics.out")
        self.network = SpaceTime(run, "model/dynamics.network", run["dynamics.heads"])
        self.added = run["dynamics.action"] == "added"  # to all tokens of its frame; else it is a token before them

    def logits(self, tokens, codes):
        """tokens [B, T, S], codes [B, T - 1], which led to all frames but the first -> [B, T, S, codes]."""
        values = F.pad(self.latent_actions.quantiser.values(codes), (0, 0, 1, 0))  # nothing led to the first
        action, x = self.action(values)[:, :, None], self.token[tokens]
        x = self.network(x + action if self.added else torch.cat([action, x], 2))
        return self.out(x[:, :, x.shape[2] - tokens.shape[2]:])

    def imagine(self, tokens, codes, code, steps=8, temperature=0.3):
        """MaskGIT: in every round all hidden tokens are drawn, and the surest stay, as many as a cosine says."""
        (batch, _, places), hidden = tokens.shape, len(self.token) - 1
        new, codes = torch.full((batch, places), hidden), torch.cat([codes, code[:, None]], 1)
        for i in range(1, steps + 1):
            p = (self.logits(torch.cat([tokens, new[:, None]], 1), codes)[:, -1] / max(temperature, 1e-3)).softmax(-1)
            drawn = torch.distributions.Categorical(p).sample()
            sure = p.gather(-1, drawn[..., None])[..., 0].masked_fill(new != hidden, 2)
            left = 0 if i == steps else math.floor(math.cos(math.pi / 2 * i / steps) * places)
            now = (new == hidden).scatter(1, sure.argsort(1)[:, :left], False)
            new = torch.where(now, drawn, new)
        return new


@torch.no_grad()
def main():
    world = Genie(Run(sys.argv[1]))
    pictures = torch.zeros(1, 2, 3, 64, 64)
    pictures[:, :, :, 24:36, 24:36] = 1
    tokens, codes = world.tokenizer.tokens(pictures), world.latent_actions.codes(pictures)
    for step in range(10):
        code = torch.tensor([step % world.latent_actions.quantiser.codes])
        tokens = torch.cat([tokens, world.imagine(tokens, codes, code)[:, None]], 1)[:, 1 - world.frames:]
        codes = torch.cat([codes, code[:, None]], 1)[:, 2 - world.frames:]
        frame = world.tokenizer.pictures(tokens)[0, -1]
        print(f"step {step + 1}: code {code.item() + 1}, {int((frame.mean(0) > 0.5).sum())} bright pixels")


if __name__ == "__main__":
    main()
