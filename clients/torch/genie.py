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

from run_file import Run


def patches_of(x, side):
    """[..., C, H, W] -> [..., S, side·side·C], in the order of reading."""
    front, (c, h, w) = x.shape[:-3], x.shape[-3:]
    x = x.reshape(-1, c, h // side, side, w // side, side).permute(0, 2, 4, 3, 5, 1)
    return x.reshape(*front, -1, side * side * c)


def joined_patches(x, side, height):
    """And back, for square pictures."""
    front, n = x.shape[:-2], height // side
    return x.reshape(-1, n, n, side, side, x.shape[-1] // side**2).permute(0, 5, 1, 3, 2, 4).reshape(*front, -1, height, height)


class SpaceTime(nn.Module):
    """Each block: the tokens of a frame look at one another, then each place at its own past, then two layers (figure 4)."""

    def __init__(self, run, name, heads):
        super().__init__()
        self.of_place, self.of_frame = (nn.Parameter(run.weights[f"{name}.{x}"]) for x in ("of_place", "of_frame"))  # [S, D], [T, D]
        self.heads, self.blocks, self.norm = heads, nn.ModuleList(), run.norm(name + ".norm", 1e-5)
        while run.has(f"{name}.block{len(self.blocks)}_"):
            part = f"{name}.block{len(self.blocks)}_"
            block = {x: run.linear(part + x) for x in ("space_qkv", "space_attended", "time_qkv", "time_attended", "up", "down")}
            self.blocks.append(nn.ModuleDict(block | {x: run.norm(part + x, 1e-5) for x in ("space_norm", "time_norm", "norm")}))

    def attention(self, x, block, kind, causal):  # [..., T, D], over T
        parts = block[kind + "_qkv"](block[kind + "_norm"](x)).unflatten(-1, (3, self.heads, -1))  # [..., T, 3, H, D/H]
        q, k, v = parts.movedim(-3, 0).transpose(-2, -3)  # [..., H, T, D/H] each
        weights = q @ k.transpose(-1, -2) / k.shape[-1]**0.5
        if causal:
            weights = weights.masked_fill(torch.ones(weights.shape[-2:], dtype=torch.bool).triu(1), -torch.inf)
        return block[kind + "_attended"]((weights.softmax(-1) @ v).transpose(-2, -3).flatten(-2))

    def forward(self, x):  # [B, T, S, D] -> the same; no token sees a later frame
        x = x + self.of_place + self.of_frame[:x.shape[1], None]
        for block in self.blocks:
            x = x + self.attention(x, block, "space", False)
            x = x + self.attention(x.transpose(1, 2), block, "time", True).transpose(1, 2)
            x = x + block["down"](F.gelu(block["up"](block["norm"](x)), approximate="tanh"))
        return self.norm(x)


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
