"""The actor-critic of IRIS, Δ-IRIS and DIAMOND: it sees the frames that a model paints, and remembers by an LSTM of its own.

    agent = FrameActorCritic(run, world.action_size)
    memory = agent.initial(1)
    said, value, memory = agent.look(frame, memory)       # frame [B, C, H, W] in [0, 1]
    a = agent.act(said)
"""
import torch
from torch import nn
from torch.nn import functional as F

from picture_blocks import FrameCoder, group_norm
from two_hot import two_hot_mean


class Level(nn.Module):
    """A residual block of DIAMOND's, or IRIS's plain convolution; then the side is halved."""

    def __init__(self, run, name, number):
        super().__init__()
        self.conv, self.norm = run.conv(f"{name}conv{number}", padding=1), None
        if run.has(f"{name}norm{number}."):
            self.norm = group_norm(run, f"{name}norm{number}", max(1, self.conv.in_channels // 32))
        self.skip = run.conv(f"{name}skip{number}") if run.has(f"{name}skip{number}.") else nn.Identity()

    def forward(self, x):
        if self.norm is None:
            return F.relu(F.max_pool2d(self.conv(x), 2))
        return F.max_pool2d(self.skip(x) + self.conv(F.silu(self.norm(x))), 2)


class FrameActorCritic(nn.Module):
    def __init__(self, run, action_size, name="behaviour/"):
        super().__init__()
        self.coder = FrameCoder(run, name + "coder", run.get("behaviour.levels", "five")) if run.has(name + "coder.") else None
        self.first = run.conv(name + "first", padding=1) if run.has(name + "first.") else nn.Identity()
        self.levels = nn.Sequential(*(Level(run, name, i) for i in range(4) if self.coder is None))
        weights = {part: run.weights[f"{name}lstm.{part}"] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        self.lstm = nn.LSTMCell(weights["weight_ih"].shape[1], weights["weight_hh"].shape[1])
        self.lstm.load_state_dict(weights)
        self.actor, self.critic, self.head = run.linear(name + "actor"), run.linear(name + "critic"), run["behaviour.critic_head"]
        self.discrete = self.actor.out_features == action_size

    def initial(self, batch):
        return torch.zeros(batch, self.lstm.hidden_size), torch.zeros(batch, self.lstm.hidden_size)

    def see(self, frame):
        if self.coder is not None:
            return self.coder(frame).permute(0, 2, 3, 1).flatten(1)
        return self.levels(self.first(2 * frame - 1)).flatten(1)

    def look(self, frame, memory):
        """What the actor says, [B, A] logits of choices or [B, 2 A] of a box; the value [B]; and what is remembered."""
        h, c = self.lstm(self.see(frame), memory)
        said = self.critic(h)
        return self.actor(h), said[:, 0] if self.head == "normal" else two_hot_mean(said, self.head), (h, c)

    @staticmethod
    def mean_deviation(said):
        """Of a box, of a normal in [-1, 1]."""
        mean, x = said.chunk(2, 1)
        return torch.tanh(mean), 0.9 * torch.sigmoid(x + 2) + 0.1

    def act(self, said):
        """The likeliest choice as a one-hot, or a box's mean."""
        if self.discrete:
            return F.one_hot(said.argmax(1), said.shape[1]).float()
        return self.mean_deviation(said)[0]
