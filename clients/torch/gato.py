"""Gato (Reed et al. 2022): one network for several worlds, told in a line of text what to do.
`python gato.py assets/runs/gato` looks at a grey picture of Catch and is told two things.

    agent = Gato(Run("assets/runs/gato"))
    line = agent.line("catch the falling ball")              # int64 [P]
    seen = agent.see_picture(picture)                        # [B, N, D] of [B, 3, 64, 64] in [0, 1], or agent.see_numbers(vector)
    logits = agent(line, seen[:, None], done)                # [B, T, A, tokens] of windows of T steps, of which the last is now
    agent.choose(line, seen, done, choices=3)                # the likeliest, axis by axis

Tokens: 0 … bins - 1 numbers, then 64 choices, the separator, the words of the lines. done int64 [B, T, A]: what was done at each step, as
tokens; whatever stands in the last row is not looked at before it is said.
"""
import sys

import torch
from torch import nn

from gato_tokens import LINES, Patches, lines_of, mu_law
from run_file import Run
from transformer import Transformer


class Gato(nn.Module):
    def __init__(self, run):
        super().__init__()
        name, self.bins, self.context = "behaviour/network", run["policy.bins"], run["policy.context"]
        self.recalls = run.get("policy.recalls_actions", True)  # False: the last axis of what was done is told as a separator
        part = lambda n: nn.Parameter(run.weights[f"{name}.{n}"])
        self.of_token, self.of_place, self.of_step = part("of_token"), part("of_place"), part("of_step")
        self.patches, self.net = Patches(run, name + ".patches"), Transformer(run, name + ".net", run["policy.heads"], nn.GELU("tanh"))
        self.words = list(dict.fromkeys(w for world in run["policy.worlds"].split(":") for line in lines_of(world) for w in line.split()))

    @property
    def separator(self):
        return self.bins + 64

    def line(self, text):
        return torch.tensor([self.separator + 1 + self.words.index(w) for w in text.split() if w in self.words])

    def bins_of(self, x):
        return ((x + 1) * 0.5 * self.bins).floor().clamp(0, self.bins - 1).long()

    def see_picture(self, picture):
        return self.patches(picture) + self.of_place[:16]

    def see_numbers(self, x):  # [B, V]
        return self.of_token[self.bins_of(mu_law(x))] + self.of_place[:x.shape[1]]

    def forward(self, line, seen, done):  # [P], [B, T, N, D], [B, T, A]
        batch, steps, places, _ = seen.shape
        apart = self.of_token[self.separator].expand(batch, steps, 1, -1)
        told = done if self.recalls else torch.cat([done[..., :-1], torch.full_like(done[..., :1], self.separator)], -1)
        rows = torch.cat([seen, apart, self.of_token[told]], 2) + self.of_step[len(self.of_step) - steps:, None]  # [B, T, N + 1 + A, D]
        words = (self.of_token[line] + self.of_place[:len(line)]).expand(batch, -1, -1)
        x, _ = self.net(torch.cat([words, rows.flatten(1, 2)], 1))
        # What is said after the separator, and after every axis but the last.
        said = x[:, len(line):].unflatten(1, (steps, -1))[:, :, places:places + done.shape[2]]
        return said @ self.of_token[:self.separator].T  # [B, T, A, bins + 64]

    def choose(self, line, seen, done, choices=None):
        """The likeliest tokens [B, A] of now: of so many choices, or of a box's numbers; and their logits [B, A, …]."""
        first, count = (self.bins, choices) if choices else (0, self.bins)
        done, all_logits = done.clone(), []
        for axis in range(done.shape[2]):
            all_logits.append(self(line, seen, done)[:, -1, axis, first:first + count])
            done[:, -1, axis] = first + all_logits[-1].argmax(-1)
        return done[:, -1], torch.stack(all_logits, 1)

    def number(self, token):
        """The middle of a bin, in [-1, 1]."""
        return (token + 0.5) * (2 / self.bins) - 1


@torch.no_grad()
def main():
    agent = Gato(Run(sys.argv[1]))
    seen = agent.see_picture(torch.full((1, 3, 64, 64), 0.5))
    for text in LINES["Catch"]:
        _, logits = agent.choose(agent.line(text), seen[:, None], torch.zeros(1, 1, 1, dtype=torch.int64), choices=3)
        print(f"“{text}”: left, stay, right with {[round(p, 3) for p in logits[0, 0].softmax(-1).tolist()]}")


if __name__ == "__main__":
    main()
