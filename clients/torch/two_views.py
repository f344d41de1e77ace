"""BYOL (Grill et al. 2020) and VICReg (Bardes et al. 2022): an encoder learns by two views of a picture, of which the numbers are to be alike.
`python two_views.py runs/byol` compares two pictures.

    world = TwoViews(Run("runs/byol"))
    world.embed(pictures)                  # [N, D] of [N, C, H, W] in [0, 1]
    world.loss(one, other)                 # of two views of each picture of a batch: the total, and its terms
    world.paint(z)                         # what an embedding still knows, [N, C, 64, 64]: a decoder that teaches it nothing
"""
import sys

import torch
from torch import nn
from torch.nn import functional as F

from image_coder import Viewer
from run_file import Run
from vit import Vit


class Projector(nn.Module):
    """Layers with batch norm, whose statistics are the batch's own, and an output."""

    def __init__(self, run, name):
        super().__init__()
        self.layers, self.norms, self.out = nn.ModuleList(), nn.ParameterList(), run.linear(name + ".out")
        while run.has(f"{name}.layer{len(self.layers)}."):
            part = f"{name}.layer{len(self.layers)}"
            self.layers.append(run.linear(part))
            self.norms.extend(nn.Parameter(run.weights[part + x]) for x in ("_scale", "_shift"))

    def forward(self, x):
        for layer, scale, shift in zip(self.layers, self.norms[0::2], self.norms[1::2]):
            x = F.relu(F.batch_norm(layer(x), None, None, scale, shift, training=True, eps=1e-5))
        return self.out(x)


def hinge(x):
    """What a number's deviation lacks of 1."""
    return F.relu(1 - (x.var(0) + 1e-4).sqrt()).mean()


def covariance(x):
    """Squared covariances of two numbers, over all pairs, per number."""
    c = x.T.cov()
    return (c.square().sum() - c.diagonal().square().sum()) / x.shape[1]


class TwoViews(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.byol, self.get = run.recipe == "byol", run.get
        self.encoder, self.projector = Vit(run, "encoder/encoder"), Projector(run, "encoder/projector")
        if self.byol:
            self.predictor = Projector(run, "encoder/predictor")
            self.slow_encoder, self.slow_projector = Vit(run, "encoder/slow_encoder"), Projector(run, "encoder/slow_projector")
        self.viewer = Viewer(run, "encoder/viewer.decoder") if run.has("encoder/viewer.") else None

    def tokens_mean(self, encoder, pictures):
        return encoder(encoder.pieces(pictures[:, None])).mean(1)

    def embed(self, pictures):
        return self.tokens_mean(self.encoder, pictures)

    def project(self, pictures, slow=False):
        encoder, projector = (self.slow_encoder, self.slow_projector) if slow else (self.encoder, self.projector)
        return projector(self.tokens_mean(encoder, pictures))

    def loss(self, one, other):
        x, y = self.project(one), self.project(other)
        if not self.byol:
            terms = {"invariance": (x - y).square().mean(), "variance": (hinge(x) + hinge(y)) / 2, "covariance": covariance(x) + covariance(y)}
            return sum(self.get("learn." + name) * term for name, term in terms.items()), terms
        ema = self.get("learn.target") == "ema"  # what is predicted: a slow copy's numbers of the other view, or its own
        tx, ty = (self.project(one, True), self.project(other, True)) if ema else (x, y)
        said = self.predictor if self.get("learn.predictor") else nn.Identity()
        away = sum((2 - 2 * F.cosine_similarity(said(a), b.detach(), -1)).mean() for a, b in ((x, ty), (y, tx)))
        return away, {"prediction": away}

    def paint(self, z):
        return self.viewer(z)


@torch.no_grad()
def main():
    world, pictures = TwoViews(Run(sys.argv[1])), torch.zeros(2, 3, 64, 64)
    pictures[0, :, 20:30, 20:30], pictures[1, :, 40:50, 40:50] = 1, 1
    print(f"embeddings of a square here and there: {F.cosine_similarity(*world.embed(pictures)[:, None]).item():.3f} alike")


if __name__ == "__main__":
    main()
