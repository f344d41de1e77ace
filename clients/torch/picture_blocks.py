"""What IRIS, Δ-IRIS, DIAMOND and their actor-critic are made of: group norms, residual blocks, places that look at one another."""
import torch
from torch import nn
from torch.nn import functional as F


def group_norm(run, name, groups, eps=1e-5):
    weight = run.weights[name + ".weight"]  # [C]
    return run._filled(nn.GroupNorm(groups, len(weight), eps, device="meta"), weight, run.weights[name + ".bias"])


class PictureBlock(nn.Module):
    """skip(x) + conv(silu(norm(conv(silu(norm(x)))))); groups(C) says how many groups a norm of C channels has."""

    def __init__(self, run, name, groups, eps=1e-5):
        super().__init__()
        self.conv1, self.conv2 = (run.conv(name + part, padding=1) for part in (".conv1", ".conv2"))
        self.norm1 = group_norm(run, name + ".norm1", groups(self.conv1.in_channels), eps)
        self.norm2 = group_norm(run, name + ".norm2", groups(self.conv2.in_channels), eps)
        self.skip = run.conv(name + ".skip") if run.has(name + ".skip.") else nn.Identity()

    def forward(self, x):
        return self.skip(x) + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


class PictureAttention(nn.Module):
    """Every place looks at every other; what it sees is added to what came in, or to the norm of it (`after_norm`, DIAMOND)."""

    def __init__(self, run, name, out, heads, groups, eps=1e-5, after_norm=False):
        super().__init__()
        self.query_key_value, self.out = run.conv(name + ".query_key_value"), run.conv(f"{name}.{out}")
        self.norm = group_norm(run, name + ".norm", groups(self.out.in_channels), eps)
        self.heads, self.after_norm = heads(self.out.in_channels), after_norm

    def forward(self, x):  # [B, C, H, W]
        y = self.norm(x)
        parts = self.query_key_value(y).unflatten(1, (3, self.heads, -1))  # [B, 3, heads, C/heads, H, W]
        q, k, v = parts.flatten(4).transpose(3, 4).unbind(1)  # [B, heads, H W, C/heads] each
        seen = (q @ k.transpose(2, 3) / k.shape[3]**0.5).softmax(-1) @ v
        return (y if self.after_norm else x) + self.out(seen.transpose(2, 3).flatten(1, 2).unflatten(2, x.shape[2:]))


class FrameCoder(nn.Module):
    """The coder of pictures of Δ-IRIS (Micheli et al. 2024, appendix A): five levels of 1, 1, 2, 2 and 4 times its channels, the side
    halved after three of them, or three of 1, 2 and 2 times, halved before each. [N, C, H, W] -> [N, D, H/8, W/8], or the other way."""

    def __init__(self, run, name, levels, decodes=False):
        super().__init__()
        groups, stages = lambda channels: min(32, channels), []
        for i, half in enumerate({"five": (1, 0, 1, 1, 0), "three": (1, 1, 1)}[levels]):
            block, resized = PictureBlock(run, f"{name}.block{i}", groups), []
            if half and decodes:
                resized = [nn.UpsamplingNearest2d(scale_factor=2), run.conv(f"{name}.resized{i}", padding=1)]
            elif half:
                resized = [run.conv(f"{name}.resized{i}", stride=2)]  # kernels of 2
            stages.append([*resized, block] if decodes == (levels == "five") else [block, *resized])
        out = run.conv(name + ".out", padding=1)
        self.net = nn.Sequential(run.conv(name + ".in", padding=1), *sum(stages[::-1] if decodes else stages, []),
                                 group_norm(run, name + ".norm", groups(out.in_channels)), nn.SiLU(), out)

    def forward(self, x):
        return self.net(x)
