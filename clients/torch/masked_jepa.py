"""I-JEPA (Assran et al. 2023) and, of clips, V-JEPA (Bardes et al. 2024): an encoder sees what masks leave of a picture, and a predictor
says what a slow copy of the encoder, which sees all of it, makes of the patches that are hidden.
`python masked_jepa.py runs/i_jepa` hides the middle of a picture.

    world = MaskedJepa(Run("runs/i_jepa"))
    world.embed(clips)                                  # [N, D] of [N, T, C, H, W] in [0, 1]; T is 1 of pictures
    pieces = world.encoder.pieces(clips)                # [N, P, numbers]: P patches, of clips tubes of them, in the order of reading
    told = world.told(pieces)                           # [N, P, D]: what is to be predicted, each token normalised
    predicted = world.predict(pieces, context, targets) # [M, N, K, D] of M blocks: context int64 [N, C], targets [M, N, K], both places
    world.loss(clips, [(context, targets)])             # one for each way of masking; V-JEPA has two
    world.paint(predicted[0])                           # a small network paints tokens as pieces, for people
"""
import sys

import torch
from torch import nn
from torch.nn import functional as F

from run_file import Run
from transformer import Transformer
from vit import Vit, at_places


class Predictor(nn.Module):
    """What the encoder made of the context, and a learned token at every place that is asked for, through a narrower transformer."""

    def __init__(self, run, name="encoder/predictor"):
        super().__init__()
        self.inner, self.out = run.linear(name + ".in"), run.linear(name + ".out")
        part = lambda x: nn.Parameter(run.weights[f"{name}.{x}"])
        self.mask_tokens, self.positions = part("mask_tokens"), part("positions")  # [ways, D'], [P, D']
        self.net = Transformer(run, name + ".net", run["predictor.heads"], nn.GELU(), causal=False, eps=1e-6)

    def forward(self, tokens, context, places, way):  # [N, C, D], [N, C], [N, K] -> [N, K, D]
        known, asked = self.inner(tokens) + self.positions[context], self.positions[places] + self.mask_tokens[way]
        return self.out(self.net(torch.cat([known, asked], 1))[0][:, context.shape[1]:])


class MaskedJepa(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.encoder, self.slow_encoder, self.predictor = Vit(run, "encoder/encoder"), Vit(run, "encoder/slow_encoder"), Predictor(run)
        self.viewer = run.mlp("encoder/viewer", "silu", 1e-5)
        self.frames, self.target = run.get("encoder.frames", 1), run["learn.target"]

    def embed(self, clips):
        return self.slow_encoder(self.slow_encoder.pieces(clips)).mean(1)

    def told(self, pieces):
        tokens = (self.slow_encoder if self.target == "ema" else self.encoder)(pieces)
        return F.layer_norm(tokens, tokens.shape[-1:], eps=1e-5)

    def predict(self, pieces, context, targets, way=0):
        tokens = self.encoder(pieces, context)
        return torch.stack([self.predictor(tokens, context, places, way) for places in targets])

    def loss(self, clips, masks):
        """Smooth L1 of pictures, L1 of clips: the mean over the ways of masking, and of each."""
        pieces = self.encoder.pieces(clips)
        told, error = self.told(pieces), F.l1_loss if self.frames > 1 else F.smooth_l1_loss
        each = [error(self.predict(pieces, context, targets, way), torch.stack([at_places(told, places) for places in targets]))
                for way, (context, targets) in enumerate(masks)]
        return torch.stack(each).mean(), each

    def paint(self, tokens):
        return self.viewer(tokens)


@torch.no_grad()
def main():
    world = MaskedJepa(Run(sys.argv[1]))
    clip = torch.zeros(1, world.frames, 3, 64, 64)
    clip[..., 20:44, 20:44] = 1
    pieces = world.encoder.pieces(clip)
    rows = 64 // world.encoder.side
    here = torch.arange(pieces.shape[1])
    middle = ((here // rows % rows - rows // 2).abs() < rows // 4) & ((here % rows - rows // 2).abs() < rows // 4)
    context, targets = here[~middle][None], here[middle][None, None]
    missed = (world.predict(pieces, context, targets)[0] - at_places(world.told(pieces), targets[0])).square().mean()
    print(f"{targets.shape[-1]} of {pieces.shape[1]} tokens are hidden: squared error of a number {missed.item():.3f}, 1 if nothing was said")


if __name__ == "__main__":
    main()
