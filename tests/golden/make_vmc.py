"""Golden data of V, M and C from PyTorch (`pip install torch numpy`): run `python make_vmc.py` in this folder.

vmc/vmc.npz holds what plain PyTorch, in float64, makes of the layers of "World Models" (Ha & Schmidhuber 2018,
hardmaru/WorldModelsExperiments). The weights are not stored: both sides fill parameter number n with
`hashed(n, size) * sqrt(3 / (size / first dimension))`, biases with `hashed(n, size) * 0.1`; see tests/support/hashed.h.
"""
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

OUT = pathlib.Path(__file__).parent / "vmc"
Z, A, H, K = 32, 3, 256, 5
FRAMES, LANES, STEPS = 3, 2, 20


def hash32(stream, count):
    """Murmur3's finaliser over a counter: the same 32 bits in every language."""
    x = (np.arange(count, dtype=np.uint64) * 2654435761 + stream * 97531) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> np.uint64(shift)
        x = (x * factor) & 0xFFFFFFFF
    return x ^ (x >> np.uint64(16))


def hashed(stream, shape):
    """Uniform in [-1, 1), a multiple of 2^-23."""
    values = (hash32(stream, math.prod(shape)) >> np.uint64(8)).astype(np.float64) / 2**23 - 1
    return torch.tensor(values.reshape(shape))


def parameters(first_stream, shapes):
    filled = {}
    for i, (name, shape) in enumerate(shapes.items()):
        scale = 0.1 if len(shape) == 1 else math.sqrt(3 / (math.prod(shape) / shape[0]))
        # Rounded to float32, since that is what the other side holds.
        filled[name] = (hashed(first_stream + i, shape) * scale).to(torch.float32).to(torch.float64).requires_grad_()
    return filled


def vae_parameters():
    shapes = {}
    for i, (inputs, outputs) in enumerate([(3, 32), (32, 64), (64, 128), (128, 256)], 1):
        shapes |= {f"conv{i}.weight": (outputs, inputs, 4, 4), f"conv{i}.bias": (outputs,)}
    for name in ("mean", "log_variance"):
        shapes |= {f"{name}.weight": (Z, 1024), f"{name}.bias": (Z,)}
    shapes |= {"expand.weight": (1024, Z), "expand.bias": (1024,)}
    for i, (inputs, outputs, kernel) in enumerate([(1024, 128, 5), (128, 64, 5), (64, 32, 6), (32, 3, 6)], 1):
        shapes |= {f"deconv{i}.weight": (inputs, outputs, kernel, kernel), f"deconv{i}.bias": (outputs,)}
    return parameters(100, shapes)


def encode(p, frames):
    x = frames.permute(0, 3, 1, 2).to(torch.float64) / 255
    for i in range(1, 5):
        x = torch.relu(F.conv2d(x, p[f"conv{i}.weight"], p[f"conv{i}.bias"], stride=2))
    x = x.flatten(1)
    return (F.linear(x, p["mean.weight"], p["mean.bias"]),
            F.linear(x, p["log_variance.weight"], p["log_variance.bias"]))


def decode(p, z):
    x = F.linear(z, p["expand.weight"], p["expand.bias"])[:, :, None, None]
    for i in range(1, 5):
        x = F.conv_transpose2d(x, p[f"deconv{i}.weight"], p[f"deconv{i}.bias"], stride=2)
        x = torch.relu(x) if i < 4 else torch.sigmoid(x)
    return x


def vae(out):
    p = vae_parameters()
    frames = torch.tensor((hash32(1, FRAMES * 64 * 64 * 3) >> np.uint64(24)).astype(np.uint8).reshape(FRAMES, 64, 64, 3))
    with torch.no_grad():
        out["v/mean"], out["v/log_variance"] = encode(p, frames)
        out["v/decoded"] = decode(p, hashed(2, (1, Z)) * 2)
    # The whole loss without noise: σ = e^-30 wherever the encoder looks.
    with torch.no_grad():
        p["log_variance.weight"].zero_()
        p["log_variance.bias"].fill_(-60)
    mean, log_variance = encode(p, frames)
    target = frames.permute(0, 3, 1, 2).to(torch.float64) / 255
    reconstruction = ((target - decode(p, mean)) ** 2).sum((1, 2, 3)).mean()
    kl = (-0.5 * (1 + log_variance - mean**2 - log_variance.exp())).sum(1)
    total = reconstruction + torch.maximum(kl, torch.tensor(0.5 * Z)).mean()
    total.backward()
    out["v/loss"] = torch.stack([total, reconstruction, kl.mean()])
    for name in ("conv1.weight", "conv4.bias", "mean.bias", "expand.bias", "deconv4.weight", "deconv4.bias"):
        out[f"v/gradient/{name}"] = p[name].grad


def lstm_step(p, x, h, c):
    i, j, f, o = (torch.cat([x, h], 1) @ p["lstm.kernel"] + p["lstm.bias"]).chunk(4, 1)
    c = torch.sigmoid(f + 1) * c + torch.sigmoid(i) * torch.tanh(j)
    return torch.sigmoid(o) * torch.tanh(c), c


def mixture(p, h):
    parts = (h @ p["output_weight"] + p["output_bias"]).view(-1, Z, 3, K)  # per dimension: K logits, K means, K log σ
    return parts[:, :, 0].log_softmax(-1), parts[:, :, 1], parts[:, :, 2]


def mdn(out):
    # In the order in which the C++ module names its parameters: its own before its children's.
    p = parameters(200, {"output_weight": (H, Z * 3 * K), "output_bias": (Z * 3 * K,),
                         "lstm.kernel": (Z + A + H, 4 * H), "lstm.bias": (4 * H,)})
    z, actions = hashed(3, (STEPS + 1, LANES, Z)) * 2, hashed(4, (STEPS, LANES, A))
    h = c = torch.zeros(LANES, H, dtype=torch.float64)
    states, nll = [], []
    for t in range(STEPS):
        h, c = lstm_step(p, torch.cat([z[t], actions[t]], 1), h, c)
        states.append(h)
        weights, mean, log_deviation = mixture(p, h)
        value = z[t + 1][:, :, None]
        log_normal = -0.5 * ((value - mean) / log_deviation.exp()) ** 2 - log_deviation - 0.5 * math.log(2 * math.pi)
        nll.append(-torch.logsumexp(weights + log_normal, -1))
    loss = torch.stack(nll).mean()
    loss.backward()
    out["m/h"], out["m/c"] = torch.stack(states)[:, 0], c
    out["m/log_weights"], out["m/mean"], out["m/log_deviation"] = weights, mean, log_deviation
    out["m/tempered"] = (weights / 0.5).softmax(-1)
    out["m/nll"] = loss
    out["m/gradient/lstm.bias"] = p["lstm.bias"].grad
    out["m/gradient/lstm.kernel"] = p["lstm.kernel"].grad[::40]  # every 40th row
    out["m/gradient/output_bias"] = p["output_bias"].grad
    out["m/gradient/output_weight"] = p["output_weight"].grad[::32]


def controller(out):
    flat, features = hashed(5, (867,)) * 0.2, hashed(6, (4, Z + H))
    raw = features @ flat[3:].view(Z + H, A) + flat[:3]
    squashed = torch.tanh(raw)
    out["c/action"] = torch.stack([squashed[:, 0], (squashed[:, 1] + 1) / 2, squashed[:, 2].clamp(0, 1)], 1)


def main():
    out = {}
    vae(out)
    mdn(out)
    controller(out)
    OUT.mkdir(exist_ok=True)
    np.savez_compressed(OUT / "vmc.npz", **{k: v.detach().to(torch.float32).numpy() for k, v in out.items()})


if __name__ == "__main__":
    main()
