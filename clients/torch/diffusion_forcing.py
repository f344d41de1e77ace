"""Diffusion Forcing (Chen et al. 2024): every frame of a window has a level of noise of its own, and a network tells all of them clean. A dream
chooses the levels: frames that are there have almost none, and those to come lose theirs one after the other, in a pyramid, or together.
`python diffusion_forcing.py runs/diffusion_forcing` dreams some frames.

    world = DiffusionForcing(Run("runs/diffusion_forcing"))
    past = world.seen(pictures), actions                    # [B, T, C, H, W] of pictures in [0, 1]; [B, T, A] that led there, 0 to the first
    past, coming, hidden = world.imagine(past, a)           # one more frame under a [B, A]: a one-hot, or a box in [-1, 1]
    past, coming, hidden = world.imagine(past, a, coming)   # goes on with the frames that are half made, where a is still the same
    world.pictures(past[0][:, -1]), world.reward(hidden), world.end(hidden)
"""
import sys

import torch
from torch import nn

from diffusion_schedule import Schedule, lag_of, noise_matrix
from forcing_network import ForcingNetwork
from run_file import Run


class DiffusionForcing(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.schedule, self.network, self.get = Schedule(run, "world."), ForcingNetwork(run), run.get
        self.to_reward, self.to_end = run.mlp("model/reward", "silu"), run.mlp("model/done", "silu")
        self.frames, self.contrast, self.action_size = run["world.frames"], run["world.contrast"], self.network.action.in_features

    def seen(self, pictures):
        return (pictures * 2 - 1) * self.contrast

    def pictures(self, frames):
        return (frames / self.contrast + 1) / 2

    def told(self, past, z=None, levels=None, action=None, label=None):
        """What the network says of z [B, N, ...] at levels [N] that follow the past under an action, (x̂, ε̂); without z, [B, D], what it has
        to say of the last frame of the past. Frames of the past are taken to have a little noise: their level is `label`."""
        frames, actions = past
        labels = torch.full(frames.shape[:2], (label or self.get("world.stabilisation")) - 1)
        frames = self.schedule.faded(frames, labels)
        if z is None:
            return self.network(frames, labels, actions)[1][:, -1]
        levels = levels.expand(z.shape[:2])
        actions = torch.cat([actions, action[:, None].expand(-1, z.shape[1], -1)], 1)
        output = self.network(torch.cat([frames, z], 1), torch.cat([labels, levels], 1), actions)[0][:, frames.shape[1]:]
        return self.schedule.told(z, levels, output)

    def imagine(self, past, action, coming=None, order="frame_by_frame", uncertainty=1.0, steps=None, label=None, chance=None, draw=torch.randn):
        steps, chance = steps or self.get("world.steps"), self.get("world.eta") if chance is None else chance
        horizon, lag = 1 if order == "frame_by_frame" else self.get("world.horizon"), lag_of(order, steps, uncertainty)
        ladder, matrix = self.schedule.levels_of(steps), noise_matrix(steps, horizon, lag)
        done, z = coming or (0, self.schedule.noise((len(action), horizon, *past[0].shape[2:]), draw))
        frames, actions = (x[:, -(self.frames - horizon + done):] for x in past)  # the window slides
        until = lambda frame: steps + int(frame * lag)  # rows of the matrix until a frame has no noise
        for row in range(until(done - 1) if done else 0, until(done)):
            before, after = ladder[matrix[row, done:]], ladder[matrix[row + 1, done:]]
            count = int((before != after).nonzero().max()) + 1  # those behind wait: nobody looks at them
            now, before, after = z[:, :count], before[:count], after[:count]
            told = self.told((frames, actions), now, before, action, label)
            lanes = before.expand(now.shape[:2]), after.expand(now.shape[:2])
            z = torch.cat([self.schedule.step(now, told, *lanes, chance, draw), z[:, count:]], 1)
        past = torch.cat([frames, z[:, :1].clamp(-self.contrast, self.contrast)], 1), torch.cat([actions, action[:, None]], 1)
        return past, (done + 1, z[:, 1:]) if done + 1 < horizon else None, self.told(past, label=label)

    def reward(self, hidden):
        return self.to_reward(hidden)[:, 0]

    def end(self, hidden):
        return torch.sigmoid(self.to_end(hidden)[:, 0])

    def surprise(self, past, noise):
        """-log p of the last frame, as if it had unit variance around what is expected before anything of it is seen; without the constant."""
        (frames, actions), last = past, torch.tensor([self.schedule.count - 1])
        expected, _ = self.told((frames[:, :-1], actions[:, :-1]), noise, last, actions[:, -1])
        return 0.5 * ((frames[:, -1:] - expected) / self.contrast).square().flatten(1).sum(1)


@torch.no_grad()
def main():
    world = DiffusionForcing(Run(sys.argv[1]))
    pictures = torch.zeros(1, 2, 3, 64, 64)
    pictures[:, 0, :, 24:36, 24:36], pictures[:, 1, :, 24:36, 28:40] = 1, 1
    past, a = (world.seen(pictures), torch.zeros(1, 2, world.action_size)), torch.eye(world.action_size)[:1]
    for order in ("frame_by_frame", "pyramid"):
        mind, coming = past, None
        for step in range(6):
            mind, coming, hidden = world.imagine(mind, a, coming, order)
            print(f"{order}, step {step + 1}: reward {world.reward(hidden).item():.3f}, P(end) {world.end(hidden).item():.3f}")


if __name__ == "__main__":
    main()
