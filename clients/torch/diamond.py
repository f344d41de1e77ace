"""DIAMOND (Alonso et al. 2024): a frame is made from noise, by what was seen and done before it (EDM, Karras et al. 2022).
`python diamond.py assets/runs/car_racing_diamond` dreams and drives by its own policy.

    run = Run("assets/runs/car_racing_diamond")
    world = Diamond(run)
    agent = FrameActorCritic(run, world.action_size)
    frame = world.imagine(past, actions)        # past [B, K, C, H, W] in [-1, 1], actions [B, K, A] done in them -> [B, C, H, W]
    reward, end, memory = world.outcome(past[:, -1], actions[:, -1], frame, world.initial(1))
    large = world.enlarge(frame, large_before)  # where it dreams in smaller pictures than it shows
"""
import sys

import torch
from torch import nn
from torch.nn import functional as F

from edm import Denoiser, in_levels, sample
from frame_actor_critic import FrameActorCritic
from run_file import Run
from unet import UNet


class Diamond(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.settings, name = run.get, "model/reward_end."
        self.denoiser = Denoiser(run, "model/denoiser", run["world.offset_noise"])
        self.action_size = len(self.denoiser.action_embedding)
        self.factor = run.get("world.upsampling", 1)
        self.upsampler = Denoiser(run, "model/upsampler.denoiser", 0.1) if self.factor > 1 else None
        self.inner, self.coder = run.conv(name + "coder.in", padding=1), UNet(run, name + "coder.net")
        self.embedding = run.weights[name + "coder.action_embedding"]  # [A, D]
        self.hidden, self.out = run.linear(name + "hidden"), run.linear(name + "out")
        weights = {part: run.weights[f"{name}lstm.{part}_l0"] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        self.lstm = nn.LSTMCell(weights["weight_ih"].shape[1], weights["weight_hh"].shape[1])
        self.lstm.load_state_dict(weights)

    def imagine(self, past, actions):
        settings, past_noise = self.settings, 0.0
        if settings("world.noisy_past"):  # and it is told how noisy
            past_noise = settings("world.past_noise")
            past = past + past_noise * torch.randn_like(past)
        heun = settings("world.order") == "Heun"  # which levels below the offset noise would mislead
        denoise = lambda x, sigma: in_levels(self.denoiser(x, sigma, past, actions, past_noise))
        return sample(denoise, torch.randn_like(past[:, -1]), settings("world.steps"), heun, settings("world.churn"),
                      self.denoiser.offset if heun else 0.002, settings("world.sigma_max"))

    def enlarge(self, frame, before, noise=torch.randn_like, levels=in_levels):
        """A small frame, and the large one before it -> large [B, C, f·H, f·W]."""
        pair = torch.stack([before, F.interpolate(frame, scale_factor=self.factor, mode="bicubic")], 1)
        return sample(lambda x, sigma: levels(self.upsampler(x, sigma, pair)), noise(before), self.settings("world.upsampling_steps"),
                      churn=10, low=1.0, noise=lambda x: 0.9 * noise(x), told=False)

    def initial(self, batch):
        return torch.zeros(batch, self.lstm.hidden_size), torch.zeros(batch, self.lstm.hidden_size)

    def outcome(self, before, a, after, memory):
        """p(r < 0, = 0, > 0) [B, 3], P(end) [B] and what is remembered, of a step [B, C, H, W], [B, A], [B, C, H, W] in [-1, 1]."""
        seen = self.coder(self.inner(torch.cat([before, after], 1)), a @ self.embedding).flatten(1)
        memory = self.lstm(seen, memory)
        said = self.out(F.silu(self.hidden(memory[0])))
        return said[:, :3].softmax(1), said[:, 3:].softmax(1)[:, 1], memory


@torch.no_grad()
def main():
    run = Run(sys.argv[1])
    world = Diamond(run)
    agent, context = FrameActorCritic(run, world.action_size), run["world.context"]
    past, actions = torch.full((1, context, 3, run["side"], run["side"]), -0.2), torch.zeros(1, context, world.action_size)
    seen, memory = agent.initial(1), world.initial(1)
    for step in range(12):
        said, value, seen = agent.look((past[:, -1] + 1) / 2, seen)
        actions = torch.cat([actions[:, 1:], agent.act(said)[:, None]], 1)
        frame = world.imagine(past, actions)
        reward, end, memory = world.outcome(past[:, -1], actions[:, -1], frame, memory)
        past = torch.cat([past[:, 1:], frame[:, None]], 1)
        print(f"step {step + 1}: value {value.item():+.2f}, r {(reward[0, 2] - reward[0, 0]).item():+.2f}, P(end) {end.item():.3f}")


if __name__ == "__main__":
    main()
