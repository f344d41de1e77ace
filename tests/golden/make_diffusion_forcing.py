"""What buoyancy99/diffusion-forcing makes of given noise, read by tests/models/diffusion_forcing_golden_test.cpp,
tests/models/diffusion_forcing_network_test.cpp and tests/behaviours/forcing_planner_test.cpp.

    git clone https://github.com/buoyancy99/diffusion-forcing && (cd diffusion-forcing && git checkout 475e0bc)
    pip install torch==2.13.0 numpy einops omegaconf tqdm rotary-embedding-torch
    python tests/golden/make_diffusion_forcing.py diffusion-forcing

Lightning, wandb and the metrics are stood in for: nothing that is recorded here touches them. Of diffusers the U-Net takes one class, two
linear layers with SiLU between, which stands here; of a graphics card it asks for its properties.

Writes tests/golden/diffusion_forcing/schedule.npz: betas and ᾱ of every schedule, levels of sampling, loss weights, conversions
and DDIM steps for every objective, scheduling matrices. And planning.npz: weights of a small planning transformer, its outputs, its
loss under given noise, and a guided plan. guidance.npz: with velocities and normalised numbers, the planner's loss of a batch, and of
one guided step of sampling in a plan whose horizon is not whole tokens its guidance, gradient and result. And unet.npz: outputs and gradient
norms of small U-Nets of video, whose weights and inputs both sides make from a hash of their names (make_diamond.py), and how many parameters
the published ones have. Their group norms are patched to take each frame by itself, as ours do: theirs pool over the frames of a clip.
Official frames are time-major [T, B, ...]; what is written is batch-first.
"""

import pathlib
import sys
import types
from unittest import mock

import numpy as np
import torch
from omegaconf import OmegaConf

sys.path.insert(0, sys.argv[1])
for name in ("lightning", "lightning.pytorch", "lightning.pytorch.utilities", "lightning.pytorch.utilities.types", "wandb", "PIL",
             "algorithms.common.metrics", "diffusers", "diffusers.models", "diffusers.models.embeddings", "utils", "utils.logging_utils"):
    sys.modules[name] = mock.MagicMock()
sys.modules["lightning.pytorch"].LightningModule = torch.nn.Module
sys.modules["lightning"].pytorch = sys.modules["lightning.pytorch"]


class TimestepEmbedding(torch.nn.Module):
    """diffusers/models/embeddings.py, as it is without conditions."""

    def __init__(self, in_channels, time_embed_dim, out_dim=None):
        super().__init__()
        self.linear_1 = torch.nn.Linear(in_channels, time_embed_dim)
        self.linear_2 = torch.nn.Linear(time_embed_dim, out_dim or time_embed_dim)

    def forward(self, sample):
        return self.linear_2(torch.nn.functional.silu(self.linear_1(sample)))


sys.modules["diffusers.models.embeddings"].TimestepEmbedding = TimestepEmbedding
torch.cuda.get_device_properties = lambda _: types.SimpleNamespace(major=0, minor=0)

from algorithms.diffusion_forcing.df_base import DiffusionForcingBase  # noqa: E402
from algorithms.diffusion_forcing import df_planning  # noqa: E402
from algorithms.diffusion_forcing.df_planning import DiffusionForcingPlanning  # noqa: E402
from algorithms.diffusion_forcing.models.diffusion import Diffusion  # noqa: E402
from algorithms.diffusion_forcing.models import resnet  # noqa: E402
from algorithms.diffusion_forcing.models.transformer import Transformer  # noqa: E402
from algorithms.diffusion_forcing.models.unet3d import Unet3D  # noqa: E402
from make_diamond import hashed, norms  # noqa: E402

# goal_guidance writes weights into what einops.repeat gives, which by now is a view whose columns are one: with two of them the weights
# of the actions are written over those of the place, with more Torch refuses. A copy is what is meant.
repeated = df_planning.repeat
df_planning.repeat = lambda *asked, **more: repeated(*asked, **more).clone()

OUT = pathlib.Path(__file__).parent / "diffusion_forcing"
OBJECTIVES = {"noise": "pred_noise", "frame": "pred_x0", "velocity": "pred_v"}
FRAMES, LANES, SIZE = 6, 3, 4


def options(**changes):
    base = dict(timesteps=1000, sampling_timesteps=100, beta_schedule="sigmoid", schedule_fn_kwargs={}, objective="pred_v",
                use_fused_snr=True, snr_clip=5.0, cum_snr_decay=0.96, ddim_sampling_eta=0.0, clip_noise=6.0, stabilization_level=15,
                architecture=dict(network_size=16, num_layers=2, attn_heads=2, dim_feedforward=64))
    return OmegaConf.create(base | changes)


def diffusion(causal=True, **changes):
    return Diffusion(x_shape=[SIZE], external_cond_dim=0, is_causal=causal, cfg=options(**changes))


class Says(torch.nn.Module):
    """A network that always says the same."""

    def __init__(self, said):
        super().__init__()
        self.said = said

    def forward(self, *_, **__):
        return self.said


def batch_first(x):
    return x.detach().transpose(0, 1).contiguous().numpy()


def schedule():
    torch.manual_seed(1)
    out = {}
    for name in ("linear", "cosine", "sigmoid"):
        made = diffusion(beta_schedule=name)
        out[f"{name}_betas"], out[f"{name}_abar"] = made.betas.numpy(), made.alphas_cumprod.numpy()
        out[f"{name}_snr"] = made.snr.numpy()
    for steps in (1, 3, 4, 50, 100):
        out[f"levels_{steps}"] = torch.linspace(-1, 999, steps=steps + 1).long().numpy()

    levels = torch.randint(0, 1000, (FRAMES, LANES))
    levels[0, 0], levels[-1, 1], levels[2, 2] = 0, 998, 3
    x, noise, said = torch.randn(3, FRAMES, LANES, SIZE)
    out |= dict(levels=batch_first(levels), x=batch_first(x), noise=batch_first(noise), said=batch_first(said))
    # Sampling: context at 0 stays, others go on by any number of steps.
    before = torch.tensor([0, 0, 7, 55, 100, 100])[:, None].repeat(1, LANES)
    after = torch.tensor([0, 0, 0, 54, 80, 100])[:, None].repeat(1, LANES)
    out |= dict(before=batch_first(before), after=batch_first(after))
    for ours, theirs in OBJECTIVES.items():
        for fused in (True, False):
            made = diffusion(objective=theirs, use_fused_snr=fused)
            out[f"{ours}_weights_{'fused' if fused else 'plain'}"] = batch_first(made.compute_loss_weights(levels))
        made.use_fused_snr, made.model = True, Says(said)
        out[f"{ours}_noised"] = batch_first(made.q_sample(x, levels, noise))
        told = made.model_predictions(x, levels)
        out[f"{ours}_clean"], out[f"{ours}_told_noise"] = batch_first(told.pred_x_start), batch_first(told.pred_noise)
        with mock.patch("torch.randn_like", lambda _: noise):
            _, loss = made.forward(x, None, levels)
            out[f"{ours}_loss"] = batch_first(loss)
            for eta in (0, 1):
                made.ddim_sampling_eta = float(eta)
                out[f"{ours}_step_{eta}"] = batch_first(made.sample_step(x, None, before, after))
    out["velocity_target"] = batch_first(made.predict_v(x, levels, noise))
    for steps, horizon, scale in ((100, 3, 1), (100, 3, 100), (4, 3, 1.5), (4, 5, 0.25)):
        self = types.SimpleNamespace(sampling_timesteps=steps)
        out[f"matrix_{steps}_{horizon}_{scale}"] = DiffusionForcingBase._generate_pyramid_scheduling_matrix(self, horizon, scale)
    full = types.SimpleNamespace(sampling_timesteps=4, cfg=types.SimpleNamespace(scheduling_matrix="full_sequence"))
    out["matrix_full"] = DiffusionForcingBase._generate_scheduling_matrix(full, 3)
    np.savez_compressed(OUT / "schedule.npz", **out)


def planning():
    torch.manual_seed(2)
    stack, observed, acted, horizon, steps = 2, 2, 2, 6, 5
    size = stack * (observed + acted)
    made = Diffusion(x_shape=[size], external_cond_dim=0, is_causal=False,
                     cfg=options(beta_schedule="linear", objective="pred_x0", use_fused_snr=False, clip_noise=20.0,
                                 stabilization_level=10, sampling_timesteps=steps))
    out = {f"weights/{name}": value.numpy() for name, value in made.model.state_dict().items()}
    x, levels = torch.randn(5, 3, size), torch.randint(0, 1000, (5, 3))
    out |= dict(x=batch_first(x), levels=batch_first(levels))
    for causal in (False, True):
        out[f"said_{'causal' if causal else 'both_ways'}"] = batch_first(made.model(x, levels, None, is_causal=causal))
    noise = torch.randn_like(x)
    with mock.patch("torch.randn_like", lambda _: noise):
        out |= dict(noise=batch_first(noise), loss=batch_first(made.forward(x, None, levels)[1]))

    chunk, lanes = torch.randn(horizon // stack, 3, size), 3
    for name, scale in (("guided", 0.02), ("free", 0.0)):  # at 2 an untrained network amplifies rounding
        planner = DiffusionForcingPlanning.__new__(DiffusionForcingPlanning)
        torch.nn.Module.__init__(planner)
        planner.cfg = OmegaConf.create(dict(scheduling_matrix="pyramid", diffusion=dict(clip_noise=20.0)))
        planner.__dict__ |= dict(
            observation_dim=observed, action_dim=acted, use_reward=False, frame_stack=stack, guidance_scale=scale, n_tokens=6,
            causal=False, uncertainty_scale=1, sampling_timesteps=steps, x_stacked_shape=[size], padding_mode="same", device="cpu")
        planner.diffusion_model = made
        start, goal = torch.tensor([[0.5, -1], [0, 0.2], [1.5, 1]]), torch.tensor([[-1.0, 1], [0.4, 0.3], [1.5, -2]])
        with mock.patch("torch.randn", lambda *_, **__: chunk.clone()), torch.no_grad():
            plan = planner.plan(start, goal, horizon)[-1]
        out[f"plan_{name}"] = batch_first(plan)
    out |= dict(chunk=batch_first(chunk), start=start.numpy(), goal=goal.numpy())
    large = Transformer(x_dim=40, size=128, num_layers=12, nhead=4, dim_feedforward=512)  # ten (x, y, a, a) a token
    out["parameters"] = np.array([sum(p.numel() for p in large.parameters())])
    np.savez_compressed(OUT / "planning.npz", **out)


class FrameNorm(torch.nn.GroupNorm):
    """Of every frame by itself."""

    def forward(self, x):  # [B, C, T, H, W]
        return torch.stack([super(FrameNorm, self).forward(frame) for frame in x.unbind(2)], 2)


def fill(module, prefix):
    """As make_diamond.fill, of what is learned alone: rotary frequencies stay."""
    with torch.no_grad():
        for name, p in module.named_parameters():
            if not p.requires_grad:
                continue
            unit = hashed(prefix + name, p.shape)
            if p.dim() == 1:
                p.copy_(1 + 0.2 * unit if name.endswith("weight") else 0.2 * unit)
            else:
                p.copy_(unit * (3 / (p.numel() / p.shape[0])) ** 0.5)


def learned(module):
    return np.array([sum(p.numel() for p in module.parameters() if p.requires_grad)])


def unet():
    lanes, frames, side = 2, 4, 16
    x = hashed("frames", (lanes, frames, 3, side, side))
    slope = hashed("slope", (lanes, frames, 3, side, side))
    levels = ((hashed("levels", (lanes, frames)) + 1) * 500).long()
    out = {}
    # Attention at every level, and from the second on, as attn_resolutions say it.
    for name, resolutions in (("all", [1, 2, 4]), ("late", [2, 4])):
        with mock.patch.object(resnet.nn, "GroupNorm", FrameNorm):
            made = Unet3D(dim=16, dim_mults=[1, 2, 4], attn_resolutions=resolutions, attn_heads=2, attn_dim_head=8,
                          use_init_temporal_attn=resolutions[0] == 1)
        fill(made, name + "/")
        said = made(x.transpose(1, 2), levels.T, None).transpose(1, 2)
        (said * slope).mean().backward()
        out[name + "/output"] = said.detach().contiguous().numpy()
        out[name + "/parameters"] = learned(made)
        out |= {key.replace("gradnorm/", f"gradnorm/{name}/"): value.numpy() for key, value in norms(made).items()}
    out["published/parameters"] = learned(Unet3D(dim=64, attn_heads=4, attn_dim_head=64))
    # Minecraft has 128 x 128 pixels; of 64 x 64, as in DMLab, the lowest level has no attention but in the middle.
    out["published_64/parameters"] = learned(Unet3D(dim=64, attn_heads=4, attn_dim_head=64, attn_resolutions=[4, 2, 1, 0]))
    np.savez_compressed(OUT / "unet.npz", **out)


def guidance():
    torch.manual_seed(3)
    stack, observed, acted, lanes, tokens, steps, horizon = 2, 4, 2, 3, 6, 5, 7
    size = stack * (observed + acted)
    chosen = dict(beta_schedule="linear", objective="pred_x0", use_fused_snr=False, clip_noise=20.0, stabilization_level=10,
                  sampling_timesteps=steps, cum_snr_decay=0.98**stack)
    made = Diffusion(x_shape=[size], external_cond_dim=0, is_causal=False, cfg=options(**chosen))
    out = {f"weights/{name}": value.numpy() for name, value in made.model.state_dict().items()}
    mean, std = torch.tensor([2.0, 1.5, 0.1, -0.1, 0.05, 0.02]), torch.tensor([0.9, 0.7, 2.2, 2.4, 0.7, 0.75])

    planner = DiffusionForcingPlanning.__new__(DiffusionForcingPlanning)
    torch.nn.Module.__init__(planner)
    planner.cfg = OmegaConf.create(dict(scheduling_matrix="pyramid", noise_level="random_all", external_cond_dim=0,
                                        diffusion=dict(clip_noise=20.0)))
    planner.__dict__ |= dict(
        observation_dim=observed, action_dim=acted, use_reward=False, frame_stack=stack, guidance_scale=0.02, n_tokens=tokens, causal=False,
        uncertainty_scale=1, sampling_timesteps=steps, timesteps=1000, x_stacked_shape=[size], padding_mode="same", device="cpu",
        data_mean=mean, data_std=std, global_step=1)
    planner.diffusion_model = made
    out |= dict(mean=mean.numpy(), deviation=std.numpy())

    frames = 1 + stack * (tokens - 1)
    seen, done = mean[:observed] + std[:observed] * torch.randn(lanes, frames, observed), torch.randn(lanes, frames, acted)
    noise, drawn = torch.randn(tokens, lanes, size), {}
    draw = torch.randint

    def randint(*asked, **more):
        return drawn.setdefault("ends", draw(*asked, **more))

    def levels(xs, masks=None):
        with mock.patch("torch.randint", draw):
            drawn["levels"] = DiffusionForcingPlanning._generate_noise_levels(planner, xs, masks)
        return drawn["levels"]

    planner._generate_noise_levels = levels
    batch = (seen, done, torch.zeros(lanes, frames), torch.arange(frames).repeat(lanes, 1) < frames - 1)
    with mock.patch("torch.randn_like", lambda _: noise), mock.patch("torch.randint", randint):
        out["loss_min_snr"] = planner.training_step(batch, 1)["loss"].detach().numpy()[None]
        made.use_fused_snr = True
        planner._generate_noise_levels = lambda *_, **__: drawn["levels"]
        out["loss_fused"] = planner.training_step(batch, 1)["loss"].detach().numpy()[None]
        made.use_fused_snr = False
    out |= dict(seen=seen.numpy(), done=done[:, :-1].numpy(), ends=drawn["ends"].numpy(), levels=batch_first(drawn["levels"]),
                noise=batch_first(noise))

    calls = []

    def sample_step(x, conditions, before, after, guidance_fn):
        stepped = made.sample_step(x, conditions, before, after, guidance_fn=guidance_fn)
        calls.append((x.clone(), before, after, guidance_fn, stepped.detach().clone()))
        return stepped

    del planner.diffusion_model
    planner.__dict__["diffusion_model"] = types.SimpleNamespace(sample_step=sample_step)
    chunk = torch.randn(-(-horizon // stack), lanes, size)
    start = torch.tensor([[0.5, -1, 0.3, 0], [0, 0.2, -1, 1], [1.5, 1, 0, 0]])
    goal = torch.tensor([[-1.0, 1, 0, 0.04], [0.4, 0.3, 0, 0.04], [1.5, -2, 0, 0.04]])
    with mock.patch("torch.randn", lambda *_, **__: chunk.clone()), torch.no_grad():
        out["plan"] = batch_first(planner.plan(start, goal, horizon)[-1])
    x, before, after, guide, stepped = calls[4]
    clean = torch.randn_like(x).requires_grad_()
    near = guide(clean)
    out |= dict(chunk=batch_first(chunk), start=start.numpy(), goal=goal.numpy(), x=batch_first(x), before=batch_first(before),
                after=batch_first(after), stepped=batch_first(stepped), clean=batch_first(clean), nearness=near.detach().numpy()[None],
                slope=batch_first(torch.autograd.grad(near, clean)[0]))
    np.savez_compressed(OUT / "guidance.npz", **out)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    schedule()
    planning()
    unet()
    guidance()
