"""Golden data of Dreamer 4's networks and losses: `pip install torch==2.13.0 numpy`, then `python make_dreamer4.py PATH` in this
folder, where PATH holds a checkout of nicklashansen/dreamer4 (there is no official code).

dreamer4/dreamer4.npz: with our names, a small tokenizer's weights, pictures, hidden patches, latents and what is painted from them;
a small transformer of the dynamics with every token seeing every other; the shortcut loss and a sampled frame, of a made-up denoiser
that both sides compute (see `Made` here and in tests/models/dreamer4_golden_test.cpp); parameter counts of the port's own sizes.

One line of the port is set right first: where only latents look back in time, it gives back the other tokens' own normalised numbers,
which are then added to them once more.
"""
import pathlib
import sys

import numpy as np
import torch

SIZE, PATCH, LATENTS, NUMBERS, WIDTH, HEADS, DEPTH = 16, 8, 3, 4, 16, 2, 2


def set_right(model):
    def forward(self, x):
        B, T, S, D = x.shape
        count = self.n_latents if self.latents_only else S
        seen = self.attn(x[:, :, :count].permute(0, 2, 1, 3).reshape(B * count, T, D), is_causal=True)
        seen = seen.view(B, count, T, D).permute(0, 2, 1, 3)
        return torch.cat([seen, torch.zeros_like(x[:, :, count:])], 2)

    model.TimeSelfAttention.forward = forward


def ours(transformer, prefix):
    names = {}
    for i, layer in enumerate(transformer.layers):
        block = f"{prefix}.block{i}_"
        parts = {"space_norm": layer.norm1, "space_qkv": layer.space.attn.qkv, "space_attended": layer.space.attn.out,
                 "norm": layer.norm3, "up": layer.mlp.fc_in, "down": layer.mlp.fc_out}
        if layer.do_time:
            parts |= {"time_norm": layer.norm2, "time_qkv": layer.time.attn.qkv, "time_attended": layer.time.attn.out}
        for name, part in parts.items():
            for key, value in part.named_parameters():
                names[f"{block}{name}.{key}"] = value
    return names


def by_pixel(weight):
    """Rows of a patch as (row, column, channel), where theirs are (channel, row, column)."""
    return weight.view(3, PATCH, PATCH, *weight.shape[1:]).permute(1, 2, 0, *range(3, weight.dim() + 2)).reshape(weight.shape)


def stirred(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module.double().eval()


class Made(torch.nn.Module):
    """What it takes for clean: waves of the frame, its level and step, and the mean of the frames before it."""

    def forward(self, actions, steps, levels, frames, act_mask=None, agent_tokens=None):
        before = torch.cumsum(frames, 1) / torch.arange(1, frames.shape[1] + 1, dtype=frames.dtype).view(1, -1, 1, 1)
        told = (0.3 * levels - 0.2 * steps).to(frames.dtype)[..., None, None]
        return torch.sin(frames + told) + 0.5 * before, None


def main(path):
    sys.path.insert(0, str(path / "dreamer4"))
    sys.modules["wandb"] = type(sys)("wandb")
    import model
    import train_dynamics

    set_right(model)
    torch.manual_seed(4)
    data = {}

    places = (SIZE // PATCH) ** 2
    common = dict(d_model=WIDTH, n_latents=LATENTS, n_patches=places, n_heads=HEADS, depth=DEPTH, d_bottleneck=NUMBERS, mlp_ratio=2.0, time_every=2)
    encoder = stirred(model.Encoder(patch_dim=PATCH * PATCH * 3, **common))
    decoder = stirred(model.Decoder(d_patch=PATCH * PATCH * 3, **common))
    pictures = torch.rand(2, 3, 3, SIZE, SIZE, dtype=torch.float64)
    hidden = torch.rand(2, 3, places) < 0.4
    mask_token = encoder.mae.mask_token

    class Hide(torch.nn.Module):
        def forward(self, x):
            return torch.where(hidden[..., None], mask_token, x), hidden[..., None], None

    seen = encoder.patch_proj  # of pixels in [0, 1], where ours lie in [-1, 1], over the root of their number
    weights = {"tokenizer.in.weight": by_pixel(seen.weight.T).T / 2 * seen.in_features**0.5, "tokenizer.in.bias": seen.bias + seen.weight.sum(1) / 2,
               "tokenizer.to_latent.weight": encoder.bottleneck_proj.weight, "tokenizer.to_latent.bias": encoder.bottleneck_proj.bias,
               "tokenizer.latent": encoder.latents, "tokenizer.mask": mask_token, "tokenizer.query": decoder.patch_queries,
               "tokenizer.from_latent.weight": decoder.up_proj.weight, "tokenizer.from_latent.bias": decoder.up_proj.bias,
               "tokenizer.out.weight": by_pixel(decoder.patch_head.weight), "tokenizer.out.bias": by_pixel(decoder.patch_head.bias)}
    weights |= ours(encoder.transformer, "tokenizer.encoder") | ours(decoder.transformer, "tokenizer.decoder")
    encoder.mae = Hide()
    latents, _ = encoder(model.temporal_patchify(pictures, PATCH))
    rebuilt = model.temporal_unpatchify(decoder(latents), SIZE, SIZE, 3, PATCH)
    data |= dict(pictures=pictures, hidden=hidden.double(), latents=latents, rebuilt=rebuilt,
                 packed=model.pack_bottleneck_to_spatial(torch.cat([latents, latents[:, :, :1]], 2), n_spatial=2, k=2))

    ids = torch.arange(5, dtype=torch.int32)
    transformer = stirred(model.BlockCausalTransformer(WIDTH, HEADS, 4, 0, ids, "wm_agent", 0.0, 4.0, 2, False))
    tokens = torch.randn(2, 4, 5, WIDTH, dtype=torch.float64)
    weights |= ours(transformer, "net")
    data |= dict(tokens=tokens, seen=transformer(model.add_sinusoidal_positions(tokens, True)))

    finest, longer, clean = 8, 3, torch.randn(7, 4, 2, 3, dtype=torch.float64).tanh()
    drawn, draw = {}, train_dynamics._sample_tau_for_step

    def noted(device, B, T, k_max, step):
        drawn["step"] = step
        tau, level = draw(device, B, T, k_max, step)
        drawn["level"] = level
        return tau.double(), level

    def noise(x):
        drawn["noise"] = real(x)
        return drawn["noise"]

    train_dynamics._sample_tau_for_step, real = noted, torch.randn_like
    torch.randn_like = noise
    made = Made()
    total, terms = train_dynamics.dynamics_pretrain_loss(made, z1=clean, actions=None, act_mask=None, k_max=finest, B_self=longer, step=1,
                                                         bootstrap_start=0)
    torch.randn_like = real
    data |= dict(clean=clean, step=drawn["step"], level=drawn["level"], noise=drawn["noise"], total=total, flow=terms["flow_mse"],
                 bootstrap=terms["bootstrap_mse"])

    begin = torch.Generator().manual_seed(5)
    first = torch.randn(2, 1, 2, 3, dtype=torch.float64, generator=begin)
    real_randn, torch.randn = torch.randn, lambda *_, **__: first
    past = clean[:2, :3]
    for steps in (1, 4, 8):
        schedule = train_dynamics.make_tau_schedule(k_max=finest, schedule="shortcut", d=1 / steps)
        data[f"sampled{steps}"] = train_dynamics.sample_one_timestep_packed(made, past_packed=past, k_max=finest, sched=schedule)
    torch.randn = real_randn
    data |= dict(first=first)

    count = lambda module: sum(p.numel() for p in module.parameters())
    big = dict(d_model=256, n_latents=16, n_patches=1024, n_heads=4, depth=8, d_bottleneck=32, time_every=1)
    data |= dict(encoder_count=count(model.Encoder(patch_dim=48, **big)), decoder_count=count(model.Decoder(d_patch=48, **big)),
                 net_count=count(model.BlockCausalTransformer(512, 4, 8, 0, ids, "wm_agent", 0.0, 4.0, 1, False)))
    arrays = {f"weight/{name}": np.ascontiguousarray(value.detach().numpy(), np.float32) for name, value in weights.items()}
    arrays |= {name: np.ascontiguousarray(value.detach() if torch.is_tensor(value) else value, np.float32) for name, value in data.items()}
    target = pathlib.Path(__file__).parent / "dreamer4" / "dreamer4.npz"
    target.parent.mkdir(exist_ok=True)
    np.savez_compressed(target, **arrays)


main(pathlib.Path(sys.argv[1]))
