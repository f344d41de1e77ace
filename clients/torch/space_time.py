"""The space-time transformer of Genie (Bruce et al. 2024, figure 4), and patches of pictures."""
import torch
from torch import nn
from torch.nn import functional as F


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
    """Each block: the tokens of a frame look at one another, then each place at its own past, then two layers. Frames are told apart by
    their number, or (of_distance) by how far back they lie, which weighs what each head looks at (Raffel et al. 2020), and no further
    back than it has weights for. A condition shifts and scales what comes out of each norm, and scales what each part adds (adaLN, Peebles
    & Xie 2023)."""

    def __init__(self, run, name, heads):
        super().__init__()
        part = lambda x: nn.Parameter(run.weights[f"{name}.{x}"]) if f"{name}.{x}" in run.weights else None
        self.of_place, self.of_frame, self.of_distance = part("of_place"), part("of_frame"), part("of_distance")  # [S, D], [T, D] or [H, T]
        self.heads, self.blocks, self.conditions, self.norm = heads, nn.ModuleList(), nn.ModuleList(), run.norm(name + ".norm", 1e-5)
        while run.has(f"{name}.block{len(self.blocks)}_"):
            part = f"{name}.block{len(self.blocks)}_"
            block = {x: run.linear(part + x) for x in ("space_qkv", "space_attended", "time_qkv", "time_attended", "up", "down")}
            self.blocks.append(nn.ModuleDict(block | {x: run.norm(part + x, 1e-5) for x in ("space_norm", "time_norm", "norm")}))
            self.conditions.extend([run.linear(part + "condition")] if run.has(part + "condition.") else [])
        self.conditions.extend([run.linear(name + ".condition")] if run.has(name + ".condition.") else [])  # of the last norm

    def attention(self, x, block, kind):  # [..., T, D], over T
        parts = block[kind + "_qkv"](x).unflatten(-1, (3, self.heads, -1))  # [..., T, 3, H, D/H]
        q, k, v = parts.movedim(-3, 0).transpose(-2, -3)  # [..., H, T, D/H] each
        weights = q @ k.transpose(-1, -2) / k.shape[-1]**0.5
        if kind == "time":
            number = torch.arange(weights.shape[-1])
            back = number[:, None] - number
            if self.of_distance is not None:
                most = self.of_distance.shape[1]
                weights, back = weights + self.of_distance[:, back.clamp(0, most - 1)], back.masked_fill(back >= most, -1)
            weights = weights.masked_fill(back < 0, -torch.inf)
        return block[kind + "_attended"]((weights.softmax(-1) @ v).transpose(-2, -3).flatten(-2))

    def bends(self, number, condition, parts):
        """What a condition [B, T, D] makes of the parts of a block: [B, T, 1, D] each, or nothing."""
        return [0.0] * parts if condition is None else self.conditions[number](F.silu(condition))[:, :, None].chunk(parts, -1)

    def forward(self, x, condition=None):  # [B, T, S, D] -> the same; no token sees a later frame
        x = x + self.of_place
        x = x if self.of_frame is None else x + self.of_frame[:x.shape[1], None]
        for number, block in enumerate(self.blocks):
            bends = self.bends(number, condition, 9)
            (shift1, shift2, shift3), (scale1, scale2, scale3), (gate1, gate2, gate3) = bends[0::3], bends[1::3], bends[2::3]
            x = x + (1 + gate1) * self.attention(block["space_norm"](x) * (1 + scale1) + shift1, block, "space")
            y = block["time_norm"](x) * (1 + scale2) + shift2
            x = x + (1 + gate2) * self.attention(y.transpose(1, 2), block, "time").transpose(1, 2)
            y = block["up"](block["norm"](x) * (1 + scale3) + shift3)
            x = x + (1 + gate3) * block["down"](F.gelu(y, approximate="tanh"))
        shift, scale = self.bends(len(self.blocks), condition, 2)
        return self.norm(x) * (1 + scale) + shift
