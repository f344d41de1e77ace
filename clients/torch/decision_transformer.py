"""The Decision Transformer (Chen et al. 2021): what is done next by whom so much return still comes to.
`python decision_transformer.py assets/runs/pendulum_decision_transformer` shows how the return that is asked for changes what it does.

    agent = DecisionTransformer(Run("assets/runs/pendulum_decision_transformer"))
    states = agent.state(vector)                       # or a picture [..., C, 64, 64] in [0, 1], where its world has no vector
    done, looks = agent(returns, states, actions, times)  # [B, T, A]: in [-1, 1], or probabilities of choices; the last is what comes now.
                                                         # looks: each layer's attention [B, H, 3T, 3T]
    returns [B, T]     to come from each step on: what was asked for, less what has come since
    states  [B, T, S]
    actions [B, T, A]  as one-hots, or in [-1, 1]; whatever stands in the last row is not looked at
    times   [B, T]     int64, steps since the episode began; T is agent.context at most
"""
import sys

import torch
from torch import nn

from image_coder import ImageEncoder
from run_file import Run
from transformer import Transformer


class DecisionTransformer(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.context, self.told = run["policy.context"], run.get("policy.returns", True)  # False: behaviour cloning
        self.encoder = ImageEncoder(run, "behaviour/encoder", "same", "silu", 1e-4) if run.has("behaviour/encoder.") else None
        self.of_return, self.of_state, self.of_action = (run.linear("behaviour/" + n) for n in ("of_return", "of_state", "of_action"))
        self.head = run.linear("behaviour/head")
        self.of_time, self.norm = nn.Parameter(run.weights["behaviour/of_time"]), run.norm("behaviour/norm", 1e-5)
        self.net = Transformer(run, "behaviour/net", run["policy.heads"], nn.ReLU())
        self.lowest, highest, self.usual, _ = run.weights["behaviour/range"].tolist()  # of the data's returns
        self.scale = run["policy.return_scale"] or max(1e-6, abs(self.lowest), abs(highest))
        self.mean, self.deviation = run.weights["behaviour/mean"], run.weights["behaviour/deviation"]
        self.discrete = False  # whether `head` says logits; the world knows

    def state(self, x):
        return x if self.encoder is None else self.encoder(x - 0.5)

    def tokens(self, returns, states, actions, times):
        time = self.of_time[times.clamp(0, len(self.of_time) - 1)]
        returns = self.of_return((returns / self.scale * self.told)[..., None]) + time
        states = self.of_state((states - self.mean) / self.deviation) + time
        # R_1, s_1, a_1, R_2, s_2, …: [B, 3T, D]
        return self.norm(torch.stack([returns, states, self.of_action(actions) + time], 2).flatten(1, 2))

    def forward(self, returns, states, actions, times):
        x, looks = self.net(self.tokens(returns, states, actions, times))
        said = self.head(x[:, 1::3])  # after each state
        return said.softmax(-1) if self.discrete else torch.tanh(said), looks


@torch.no_grad()
def main():
    agent = DecisionTransformer(Run(sys.argv[1]))
    state, action, time = agent.mean[None, None], torch.zeros(1, 1, agent.head.out_features), torch.zeros(1, 1, dtype=torch.int64)
    for share in (0.0, 0.5, 1.0):
        asked = agent.lowest + share * (agent.usual - agent.lowest)
        said, _ = agent(torch.full((1, 1), asked), state, action, time)
        print(f"in the mean state, asked for {asked:.1f}: {[round(x, 3) for x in said[0, 0].tolist()]}")


if __name__ == "__main__":
    main()
