"""A vision transformer without a class token (Dosovitskiy et al. 2021; as I-JEPA and V-JEPA have it): patches become tokens, waves say where
they lie, and they all look at one another. Of a clip a token is made of several frames' patches."""
from torch import nn

from space_time import joined_patches, patches_of
from transformer import Transformer


def at_places(x, places):
    """Of x [N, P, D] the rows at places [N, K] -> [N, K, D]."""
    return x.gather(1, places[..., None].expand(-1, -1, x.shape[-1]))


class Vit(nn.Module):
    def __init__(self, run, name):
        super().__init__()
        self.side, self.tubelet = run["encoder.patch"], run.get("encoder.tubelet", 1)
        self.token, self.positions = run.linear(name + ".token"), nn.Parameter(run.weights[name + ".positions"])  # [P, D]; nobody learns it
        self.net = Transformer(run, name + ".net", run["encoder.heads"], nn.GELU(), causal=False, eps=1e-6)

    def pieces(self, clips):
        """[N, T, C, H, W] in [0, 1] -> what tokens are made of, [N, P, numbers]."""
        x = patches_of((clips - 0.5) / 0.25, self.side).unflatten(1, (-1, self.tubelet))  # [N, T / tubelet, tubelet, S, side·side·C]
        return x.transpose(2, 3).flatten(3).flatten(1, 2)

    def pictures(self, pieces, height=64):
        """And back, of the first frame: [N, C, H, W]."""
        first = pieces[:, :(height // self.side)**2].unflatten(-1, (self.tubelet, -1))[:, :, 0]
        return (joined_patches(first, self.side, height) * 0.25 + 0.5).clamp(0, 1)

    def forward(self, pieces, seen=None):
        """Of all pieces, or of those at the places `seen` [N, K] alone: [N, P or K, D]."""
        if seen is not None:
            return self.net(self.token(at_places(pieces, seen)) + self.positions[seen])[0]
        return self.net(self.token(pieces) + self.positions)[0]
