"""A run of Dreamscope's as PyTorch sees it: reads `checkpoint.safetensors` of a run's folder (or what `dreamscope-cli export` wrote), and
makes layers of its weights. Needs torch alone.

    run = Run("assets/runs/catch")
    run.recipe, run.environment          # "dreamer-v3", "Catch"
    run["world.groups"]                  # a setting, by its name in settings.toml
    run.weights["model/prior.out.bias"]  # float32, whatever the file holds

Half-precision weights are widened as they are read. Layers take their sizes from the weights.
"""
import json
import pathlib

import torch
from torch import nn

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    from pip._vendor import tomli as tomllib

TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
         "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool}
ACTIVATIONS = {"none": nn.Identity, "relu": nn.ReLU, "elu": nn.ELU, "silu": nn.SiLU, "tanh": nn.Tanh}


def read_safetensors(path):
    """Tensors by their names, and the metadata: 8 bytes, the header's length; the header, JSON; then the numbers."""
    data = bytearray(pathlib.Path(path).read_bytes())
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        flat = torch.frombuffer(data[begin + first:begin + last], dtype=TYPES[entry["dtype"]]) if last > first else torch.empty(0)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


class Norm(nn.Module):
    """Layer norm, or RMS norm where there is no shift, over the last dimension."""

    def __init__(self, scale, shift, eps):
        super().__init__()
        self.scale, self.eps = nn.Parameter(scale), eps
        self.shift = None if shift is None else nn.Parameter(shift)

    def forward(self, x):
        if self.shift is not None:
            return nn.functional.layer_norm(x, x.shape[-1:], self.scale, self.shift, self.eps)
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.scale


class Run:
    def __init__(self, path):
        path = pathlib.Path(path)
        tensors, metadata = read_safetensors(path / "checkpoint.safetensors" if path.is_dir() else path)
        self.weights = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
        self.recipe, self.environment = metadata["recipe"], metadata["environment"]
        self.settings = tomllib.loads(metadata["config"])

    def __getitem__(self, name):
        return self.get(name, KeyError)

    def get(self, name, otherwise=None):
        """A setting; files that were written before there was such a one know nothing of it."""
        value = self.settings
        for part in name.split("."):
            if not isinstance(value, dict) or part not in value:
                if otherwise is KeyError:
                    raise KeyError(f"this run has no setting '{name}'")
                return otherwise
            value = value[part]
        return value

    def has(self, prefix):
        return any(name.startswith(prefix) for name in self.weights)

    # -- layers of the weights under a name --------------------------------------------------------------------------

    def linear(self, name):
        w, b = self.weights[name + ".weight"], self.weights.get(name + ".bias")  # [out, in], [out]
        layer = nn.Linear(w.shape[1], w.shape[0], bias=b is not None, device="meta")
        return self._filled(layer, w, b)

    def conv(self, name, stride=1, padding=0):
        w, b = self.weights[name + ".weight"], self.weights.get(name + ".bias")  # [out, in, k, k], [out]
        return self._filled(nn.Conv2d(w.shape[1], w.shape[0], w.shape[2], stride, padding, bias=b is not None, device="meta"), w, b)

    def deconv(self, name, stride=2, padding=0):
        w, b = self.weights[name + ".weight"], self.weights.get(name + ".bias")  # [in, out, k, k], [out]
        layer = nn.ConvTranspose2d(w.shape[0], w.shape[1], w.shape[2], stride, padding, bias=b is not None, device="meta")
        return self._filled(layer, w, b)

    def norm(self, name, eps):
        """None where the network has no such norm."""
        if name + ".scale" not in self.weights:
            return None
        return Norm(self.weights[name + ".scale"], self.weights.get(name + ".shift"), eps)

    def dense(self, name, act, eps=1e-4):
        """Linear, its norm if there is one, activation."""
        layers = [self.linear(name + ".linear"), self.norm(name + ".norm", eps), ACTIVATIONS[act]()]
        return nn.Sequential(*(layer for layer in layers if layer is not None))

    def mlp(self, name, act, eps=1e-4):
        """layer0, layer1, … and the output, if there is one; None where the network has no such part."""
        if not self.has(name + ".layer0.") and not self.has(name + ".out."):
            return None
        layers = []
        while self.has(f"{name}.layer{len(layers)}."):
            layers.append(self.dense(f"{name}.layer{len(layers)}", act, eps))
        return nn.Sequential(*layers, *([self.linear(name + ".out")] if self.has(name + ".out.") else []))

    @staticmethod
    def _filled(layer, weight, bias):
        layer.weight = nn.Parameter(weight)
        if bias is not None:
            layer.bias = nn.Parameter(bias)
        return layer
