"""Sines and cosines that say a number to a network (Vaswani et al. 2017)."""
import math

import torch


def waves_of(places, width):
    """[..., width] of places [...]: sines, then cosines, from a turn of 1 to nearly one of 1 / 10000; in float64."""
    angle = places.double()[..., None] * torch.exp(-math.log(10000) * torch.arange(width // 2).double() / (width / 2))
    return torch.cat([angle.sin(), angle.cos()], -1).float()
