"""What Dreamer 4 reads on an agent token [B, D]: reward and end of the step that led there, what to do, and what is to be expected."""
import torch
from torch import nn
from torch.nn import functional as F

from two_hot import Number


def now_alone(run, name, ahead):
    """A head says several steps at once; of them the one at hand."""
    net = run.mlp(name, "silu")
    size = len(net[-1].bias) // ahead
    net[-1].weight, net[-1].bias = nn.Parameter(net[-1].weight[:size]), nn.Parameter(net[-1].bias[:size])
    return net


class Heads(nn.Module):
    def __init__(self, run):
        super().__init__()
        ahead = run["heads.ahead"]
        self.reward = Number(now_alone(run, "model/reward", ahead), "symexp")
        self.value = Number(run.mlp("behaviour/value", "silu"), "symexp")
        self.to_end, self.to_policy = run.mlp("model/end", "silu"), now_alone(run, "behaviour/policy", ahead)
        self.action_size, self.unimix = run.weights["model/dynamics.action.weight"].shape[1], run["policy.unimix"]
        self.discrete = len(self.to_policy[-1].bias) == self.action_size

    def end(self, agent):
        return torch.sigmoid(self.to_end(agent)[:, 0])

    def policy(self, agent):
        """The probabilities [B, A] of choices; of a box mean and deviation [B, A] of a normal."""
        x = self.to_policy(agent)
        if self.discrete:
            return (1 - self.unimix) * x.softmax(-1) + self.unimix / x.shape[1]
        mean, x = x.chunk(2, 1)
        return torch.tanh(mean), 0.9 * torch.sigmoid(x + 2) + 0.1

    def act(self, agent):
        policy = self.policy(agent)
        return F.one_hot(policy.argmax(1), self.action_size).float() if self.discrete else policy[0]
