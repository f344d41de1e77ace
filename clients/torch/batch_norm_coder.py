"""STORM's coders of pictures of 64 x 64 pixels: four kernels of 4, stride 2, a batch norm each, to 4 x 4; and back."""
from torch import nn


def batch_norm(run, name):
    layer = nn.BatchNorm2d(len(run.weights[name + ".weight"])).eval()
    layer.load_state_dict({part: run.weights[f"{name}.{part}"] for part in layer.state_dict()})
    return layer


def batch_norm_encoder(run, name):
    """[B, C, 64, 64] -> [B, 128 d]: channels, rows, columns."""
    layers = [[run.conv(f"{name}.conv{i}", 2, 1), batch_norm(run, f"{name}.norm{i}"), nn.ReLU()] for i in range(4)]
    return nn.Sequential(*sum(layers, []), nn.Flatten())


def batch_norm_decoder(run, name):
    """[B, Z] -> [B, C, 64, 64]."""
    layers = [[batch_norm(run, f"{name}.norm{i}"), nn.ReLU(), run.deconv(f"{name}.deconv{i}", 2, 1)] for i in range(4)]
    return nn.Sequential(run.linear(name + ".dense"), nn.Unflatten(1, (-1, 4, 4)), *sum(layers, []))
