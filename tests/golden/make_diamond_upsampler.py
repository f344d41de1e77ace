"""Golden data of DIAMOND's branch csgo, its upsampler and its noise in earlier frames, made by running the authors' code:

    git clone -b csgo https://github.com/eloialonso/diamond      (read at commit 851cefb)
    pip install torch==2.13.0 numpy
    python make_diamond_upsampler.py DIAMOND

The network is smaller than theirs, and its pictures have sides that do not halve evenly; `count` is that of the published one, counted
without making it. Weights and inputs are those of make_diamond.py's hash. Frames are rounded to 256 levels where their code cuts them
off. Writes diamond/upsampler.npz and diamond/noisy_past.npz.
"""
import pathlib
import sys
import types

import torch
import torch.nn.functional as F

from make_diamond import STUBS, choices, fill, hashed, import_from, norms, pictures, rounding, write

BATCH, FACTOR, LOW = 2, 2, (9, 10)
FULL = tuple(FACTOR * side for side in LOW)


CONTEXT, MADE, SIDE = 4, 2, 16


def noisy_past(denoiser, sampler, inner):
    """Frames after noisy ones, and one step of a dream, as with more theirs lays noise over noise."""
    net = inner.InnerModelConfig(3, CONTEXT, 32, [1] * 3, [16] * 3, [0] * 3, 4)
    model = denoiser.Denoiser(denoiser.DenoiserConfig(net, 0.5, 0.1, True))
    fill(model.inner_model)
    shape = (BATCH, CONTEXT + MADE, 3, SIDE, SIDE)
    frames, actions = pictures("noisy frames", shape), choices("noisy actions", shape[:2])
    levels, count = [torch.tensor([0.5, 0.05]), torch.tensor([1.0, 0.1])], iter(range(100))
    drawn = iter(levels * MADE)
    model.sample_sigma_training = lambda n, device: next(drawn)

    def noised(x, s, level):
        i = next(count)
        return x + 1.7 * (level * hashed(f"noisy offset{i}", (*x.shape[:2], 1, 1)) + s.view(-1, 1, 1, 1) * hashed(f"noisy noise{i}", x.shape))

    model.apply_noise = noised
    batch = types.SimpleNamespace(obs=frames, act=actions, info=[], mask_padding=torch.ones(shape[:2], dtype=torch.bool))
    loss, _ = model(batch)
    loss.backward()
    results = dict(loss=loss, count=sum(p.numel() for p in model.parameters()), **norms(model.inner_model))
    count = iter(range(100))
    model.apply_noise = lambda x, s, sigma_offset_noise: noised(x, s, sigma_offset_noise)
    made = sampler.DiffusionSampler(model, sampler.DiffusionSamplerConfig(1, s_cond=0.3))
    sampler.torch = types.SimpleNamespace(**{k: getattr(torch, k) for k in ("no_grad", "ones", "full", "Tensor")},
                                          randn=lambda *shape, device=None: 1.7 * hashed("noisy begin", shape))
    results["frame"], _ = made.sample(frames[:, :CONTEXT], actions[:, :CONTEXT])
    sampler.torch = torch
    write("noisy_past", results)


def main(root):
    denoiser, sampler, inner = import_from(
        root, ("models.diffusion.denoiser", "models.diffusion.diffusion_sampler", "models.diffusion.inner_model"), STUBS)
    denoiser = rounding(root, denoiser)
    noisy_past(denoiser, sampler, inner)

    def make(channels, depth, condition, factor):
        attends = [0] * (len(channels) - 1) + [1]
        net = inner.InnerModelConfig(3, 1, condition, [depth] * len(channels), channels, attends, 51)
        return denoiser.Denoiser(denoiser.DenoiserConfig(net, 0.5, 0.1, False, factor))

    with torch.device("meta"):
        published = make([64, 64, 128, 256], 2, 2048, 5)  # config/agent/csgo.yaml
    model = make([16, 16, 32], 1, 32, FACTOR)
    fill(model.inner_model)

    full, low = pictures("full", (BATCH, 2, 3, *FULL)), pictures("low", (BATCH, 2, 3, *LOW))
    sigma = torch.tensor([1.0, 0.1])
    noise, offset = 1.7 * hashed("noise", (BATCH, 3, *FULL)), 1.7 * hashed("offset", (BATCH, 3, 1, 1))
    model.sample_sigma_training = lambda n, device: sigma
    model.apply_noise = lambda x, s, level: x + level * offset + noise * s.view(-1, 1, 1, 1)
    batch = types.SimpleNamespace(obs=low, info=[{"full_res": x.clone()} for x in full], mask_padding=torch.ones(BATCH, 2, dtype=torch.bool))
    loss, _ = model(batch)
    loss.backward()
    large = F.interpolate(low[:, 1], scale_factor=FACTOR, mode="bicubic")
    cs = model.compute_conditioners(sigma, None)
    noisy = model.apply_noise(full[:, 1], sigma, 0.1)
    output = model.compute_model_output(noisy, torch.cat((full[:, 0], large), 1), None, cs)
    results = dict(loss=loss, output=output, bicubic=large, count=sum(p.numel() for p in published.parameters()), **norms(model.inner_model))

    # As config/world_model_env has them, and with fewer steps; each draw in turn, without levels (see make_diamond.py).
    model.wrap_model_output = lambda x, out, cs: (cs.c_skip * x + cs.c_out * out).clamp(-1, 1).detach()
    common = dict(sigma_min=1, sigma_max=5.0, rho=7, s_churn=10.0, s_tmin=1, s_tmax=5, s_noise=0.9)
    cases = dict(fast=dict(num_steps_denoising=1, order=2), higher=dict(num_steps_denoising=10, order=1), heun=dict(num_steps_denoising=3, order=2),
                 inside=dict(num_steps_denoising=4, s_tmin=1.5, s_tmax=4, s_churn=1.2))
    for name, config in cases.items():
        made = sampler.DiffusionSampler(model, sampler.DiffusionSamplerConfig(**(common | config)))
        count = iter(range(100))
        draw = lambda *shape, device=None: 1.7 * hashed(f"draw{next(count)}", shape)
        sampler.torch = types.SimpleNamespace(**{k: getattr(torch, k) for k in ("no_grad", "ones", "Tensor")}, randn=draw,
                                              randn_like=lambda x: draw(*x.shape))
        x, film = made.sample(torch.stack((full[:, 0], large), 1), None)
        sampler.torch = torch
        results |= {name: x, name + "/levels": made.sigmas, name + "/first": film[1], name + "/draws": next(count)}
    write("upsampler", results)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(pathlib.Path(sys.argv[1]))
