"""Δ-IRIS's tokenizer (Micheli et al. 2024, section 3.1): what changed between two frames that neither the first nor the action tells."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from picture_blocks import FrameCoder


class Tokenizer(nn.Module):
    def __init__(self, run, name="model/tokenizer."):
        super().__init__()
        levels, self.grid = run["tokenizer.levels"], math.isqrt(run["tokenizer.tokens"])
        self.encoder, self.decoder = FrameCoder(run, name + "encoder", levels), FrameCoder(run, name + "decoder", levels, True)
        self.frame_coder = FrameCoder(run, name + "frame_coder", levels)
        self.before, self.after = run.linear(name + "before"), run.linear(name + "after")
        self.codebook = run.weights[name + "codebook"]  # [codes, width]
        self.encoder_actions, self.decoder_actions = run.weights[name + "encoder_actions"], run.weights[name + "decoder_actions"]

    def encode(self, frame, a, after):
        """[B, K, width], of length 1: each token of its own cells."""
        plane = (a @ self.encoder_actions).view(-1, 1, *frame.shape[2:])
        cells = self.encoder(torch.cat([frame, plane, after], 1))  # [B, D, side, side]
        each = cells.shape[2] // self.grid
        rows = cells.unflatten(3, (self.grid, each)).unflatten(2, (self.grid, each)).permute(0, 2, 4, 3, 5, 1)
        return F.normalize(self.before(rows.flatten(3).flatten(1, 2)), dim=-1)

    def tokens(self, frame, a, after):
        return (self.encode(frame, a, after) @ self.codebook.T).argmax(-1)

    def paint(self, frame, a, tokens):
        """The frame after this one, [B, C, H, W] in [0, 1]; it is rounded to 256 levels then."""
        side = frame.shape[2] // 8
        each = side // self.grid
        rows = self.after(self.codebook[tokens]).view(-1, self.grid, self.grid, each, each, self.encoder.net[-1].out_channels)
        changed = rows.permute(0, 5, 1, 3, 2, 4).reshape(frame.shape[0], -1, side, side)
        acted = (a @ self.decoder_actions).view(frame.shape[0], -1, side, side)
        return self.decoder(torch.cat([self.frame_coder(frame), acted, changed], 1)).clamp(0, 1)
