"""Dyna-Q and Dyna-Q+ (Sutton & Barto, chapter 8): a table of what followed every state and action the last time, and Q(s, a).
`python dyna.py assets/runs/dyna_maze` walks through its table.

    world = Table(Run("assets/runs/dyna_maze"))
    state, reward, done = world.step(state, action)     # int64 [B] each; what was never tried stays where it is and pays nothing
    world.act(state), world.value(state), world.decode(state)
"""
import sys

import torch

from run_file import Run


class Table:
    def __init__(self, run):
        w = run.weights
        self.next, self.reward, self.done, self.time = (w["model/" + n] for n in ("next", "reward", "done", "time"))  # [S, A] each
        self.q, self.pictures = w["behaviour/q"], w.get("model/pictures")  # [S, A]; uint8 [S, H, W, C]

    def step(self, state, action):
        return self.next[state, action], self.reward[state, action], self.done[state, action]

    def known(self):
        """Of how many actions in each state it knows what follows, [S]."""
        return (self.time > 0).sum(1)

    def act(self, state):
        """One of the best actions; Dyna tries others while it learns."""
        return self.q[state].argmax(-1)

    def value(self, state):
        return self.q[state].amax(-1)

    def decode(self, state):
        """What a state looked like, [B, C, H, W] in [0, 1]."""
        return self.pictures[state].permute(0, 3, 1, 2) / 255


def main():
    world = Table(Run(sys.argv[1]))
    seen = (world.known() > 0).nonzero()[:, 0]
    state, steps = seen[world.value(seen).argmin()][None], 0  # from where it expects least
    while steps < 100:
        state, reward, done = world.step(state, world.act(state))
        steps += 1
        if done:
            break
    print(f"{int((world.time > 0).sum())} of {world.time.numel()} are known; the end is {steps} steps from the state that is worth least")


if __name__ == "__main__":
    main()
