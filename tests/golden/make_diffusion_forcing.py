"""What buoyancy99/diffusion-forcing makes of given noise, read by tests/models/diffusion_forcing_golden_test.cpp and
tests/behaviours/forcing_planner_test.cpp.

    git clone https://github.com/buoyancy99/diffusion-forcing && (cd diffusion-forcing && git checkout 475e0bc)
    pip install torch einops omegaconf tqdm
    python tests/golden/make_diffusion_forcing.py diffusion-forcing

Lightning, wandb, the video networks and their metrics are stood in for: nothing that is recorded here touches them.

Writes tests/golden/diffusion_forcing/schedule.npz: betas and ᾱ of every schedule, levels of sampling, loss weights, conversions
and DDIM steps for every objective, scheduling matrices. And planning.npz: weights of a small planning transformer, its outputs, its
loss under given noise, and a guided plan. Official frames are time-major [T, B, ...]; what is written is batch-first.
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
             "algorithms.common.metrics", "algorithms.diffusion_forcing.models.unet3d", "utils", "utils.logging_utils"):
    sys.modules[name] = mock.MagicMock()
sys.modules["lightning.pytorch"].LightningModule = torch.nn.Module
sys.modules["lightning"].pytorch = sys.modules["lightning.pytorch"]

from algorithms.diffusion_forcing.df_base import DiffusionForcingBase  # noqa: E402
from algorithms.diffusion_forcing.df_planning import DiffusionForcingPlanning  # noqa: E402
from algorithms.diffusion_forcing.models.diffusion import Diffusion  # noqa: E402
from algorithms.diffusion_forcing.models.transformer import Transformer  # noqa: E402

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


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    schedule()
    planning()
