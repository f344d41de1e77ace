"""What Gato (Reed et al. 2022) is told and sees: lines of text, numbers and patches of pictures."""
import math

from torch import nn
from torch.nn import functional as F

LINES = {"Catch": ("catch the falling ball", "let the ball fall"), "CartPole": ("balance the pole on the cart",),
         "Pendulum": ("swing the pendulum up",), "KeyDoor": ("open the door of the key",)}


def lines_of(world):
    """A world for which nobody has written a line has its name: "CartPoleSwingUp" -> "play cart pole swing up"."""
    return LINES.get(world) or ("play" + "".join(" " + c.lower() if c.isupper() else c for c in world),)


def mu_law(x):
    """Fine near 0, and ±1 at ±256 (appendix B)."""
    return x.sign() * (x.abs() * 100 + 1).log() / math.log(256 * 100 + 1)


class Patches(nn.Module):
    """Patches of 16 x 16 pixels through one residual block, and a code of their row and column."""

    def __init__(self, run, name):
        super().__init__()
        self.first, self.token = run.conv(name + ".first", stride=4), run.linear(name + ".token")
        self.inner, self.outer = run.conv(name + ".inner", padding=1), run.conv(name + ".outer", padding=1)
        part = lambda n: nn.Parameter(run.weights[f"{name}.{n}"])
        self.of_row, self.of_column = part("of_row"), part("of_column")
        self.norms = nn.ParameterList(part(n) for n in ("inner_scale", "inner_shift", "outer_scale", "outer_shift"))

    def forward(self, picture):  # [B, 3, 64, 64] in [0, 1] -> [B, 16, D]
        rows = len(self.of_row)
        x = picture.unflatten(3, (rows, 16)).unflatten(2, (rows, 16)).permute(0, 2, 4, 1, 3, 5).flatten(0, 2)  # [B·16, 3, 16, 16]
        x = self.first((x * 2 - 1) / 16**0.5)
        y = self.inner(F.gelu(F.group_norm(x, 4, self.norms[0], self.norms[1])))
        x = x + self.outer(F.gelu(F.group_norm(y, 4, self.norms[2], self.norms[3])))
        places = (self.of_row[:, None] + self.of_column).flatten(0, 1)
        return self.token(x.flatten(1)).unflatten(0, (-1, rows * rows)) + places
