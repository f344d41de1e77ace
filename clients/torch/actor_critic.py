"""The actor and the critics of Dreamer V1, V2, V3 and SafeDreamer, which look at [z, h] of an RSSM."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from two_hot import Number


class ActorCritic(nn.Module):
    def __init__(self, run, action_size):
        super().__init__()
        act, eps, head = run["behaviour.act"], run["behaviour.eps"], run["behaviour.critic_head"]
        self.continuous, self.unimix = run["behaviour.continuous"], run["behaviour.unimix"]
        self.actor = run.mlp("behaviour/actor", act, eps)
        self.critic = Number(run.mlp("behaviour/critic", act, eps), head)
        self.cost_critic = Number(run.mlp("behaviour/cost_critic", act, eps), head) if run.has("behaviour/cost_critic.") else None
        self.discrete = self.actor[-1].out_features == action_size

    def policy(self, h, z):
        """π(a | h, z): the probabilities [B, A] of choices; of a box the mean and the deviation [B, A] of a normal, one that is cut to
        [-1, 1] (truncated_normal), or one that a tanh bends into it (tanh_normal)."""
        x = self.actor(torch.cat([z, h], 1))
        if self.discrete:
            return (1 - self.unimix) * x.softmax(-1) + self.unimix / x.shape[1]
        mean, x = x.chunk(2, 1)
        if self.continuous == "tanh_normal":  # V1: the deviation is 5 where the network says 0
            return 5 * torch.tanh(mean / 5), F.softplus(x + math.log(math.expm1(5))) + 1e-4
        return torch.tanh(mean), 0.9 * torch.sigmoid(x + 2) + 0.1 if self.continuous == "normal" else 2 * torch.sigmoid(x / 2) + 0.1

    def act(self, h, z):
        """The likeliest choice as a one-hot; of a box the mean, in [-1, 1] (tanh_normal: of 100 samples the likeliest, as in its code)."""
        policy = self.policy(h, z)
        if self.discrete:
            return F.one_hot(policy.argmax(-1), policy.shape[1]).float()
        if self.continuous != "tanh_normal":
            return policy[0]
        normal = torch.distributions.Normal(*policy)
        x = normal.sample((100,))  # [100, B, A]
        score = normal.log_prob(x) - torch.log1p(-torch.tanh(x).square().clamp_max(1 - 1e-6))
        return torch.tanh(x.gather(0, score.sum(-1).argmax(0)[None, :, None].expand(1, -1, x.shape[-1]))[0])

    def sample(self, h, z):
        """A draw of π, in [-1, 1]; a one-hot of choices."""
        policy = self.policy(h, z)
        if self.discrete:
            return torch.distributions.OneHotCategorical(probs=policy).sample()
        mean, deviation = policy
        if self.continuous == "truncated_normal":  # by the inverse of the distribution function
            unit = torch.distributions.Normal(0, 1)
            low, high = unit.cdf((-1 - mean) / deviation), unit.cdf((1 - mean) / deviation)
            return (mean + deviation * unit.icdf((low + torch.rand_like(mean) * (high - low)).clamp(1e-6, 1 - 1e-6))).clamp(-1, 1)
        x = mean + deviation * torch.randn_like(mean)
        return torch.tanh(x) if self.continuous == "tanh_normal" else x / x.abs().clamp_min(1)

    def value(self, h, z):
        """The return that is expected, [B]."""
        return self.critic(torch.cat([z, h], 1))

    def cost_value(self, h, z):
        """The cost that is still to be paid (SafeDreamer), [B]."""
        return self.cost_critic(torch.cat([z, h], 1))
