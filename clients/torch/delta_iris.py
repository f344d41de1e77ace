"""Δ-IRIS (Micheli, Alonso & Fleuret 2024): Δ-tokens say what neither the frame before nor the action does, and a GPT over frames, actions
and Δ-tokens tells them. `python delta_iris.py assets/runs/car_racing_delta_iris` drives by its own policy.

    run = Run("assets/runs/car_racing_delta_iris")
    world = DeltaIris(run)
    agent = FrameActorCritic(run, world.action_size)
    window = [frame]                                   # [B, C, H, W] in [0, 1]; then actions, Δ-tokens and frames by turns
    reward, end, tokens, log_p = world.imagine(window, a)     # a [B, A]: a one-hot, or a box in [-1, 1]
    world.turn(window, world.tokenizer.paint(frame, a, tokens))
    world.tokenizer.tokens(frame, a, next_frame)       # int64 [B, K]: of what was seen
"""
import sys

import torch
from torch import nn
from torch.nn import functional as F

from delta_iris_tokenizer import Tokenizer
from frame_actor_critic import FrameActorCritic
from picture_blocks import FrameCoder
from run_file import Run
from transformer import Transformer
from two_hot import two_hot_mean


class DeltaIris(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.tokenizer, self.signs, name = Tokenizer(run), run["world.reward"] == "sign", "model/transformer."
        self.of_code, self.of_action, self.of_position = (run.weights[name + "of_" + x] for x in ("code", "action", "position"))
        self.action_size = len(self.of_action)
        self.frame_coder, self.frame_norm = FrameCoder(run, name + "frame_coder", run["world.levels"]), run.norm(name + "frame_norm", 1e-5)
        self.stack, self.frames = Transformer(run, name + "stack", run["world.heads"], F.gelu), run["world.frames"]
        head = lambda x: nn.Sequential(run.linear(f"{name}{x}_hidden"), nn.ReLU(), run.linear(f"{name}{x}_out"))
        self.codes, self.reward, self.end = head("codes"), head("reward"), head("end")

    def embed(self, part):  # Δ-tokens [B, k], an action [B, A] or a frame [B, C, H, W] -> [B, tokens, D]
        if part.dim() == 2:
            return self.of_code[part] if part.dtype == torch.int64 else (part @ self.of_action)[:, None]
        return self.frame_norm(self.frame_coder(part).permute(0, 2, 3, 1).flatten(1))[:, None]

    def imagine(self, window, a, draw=lambda log_p, k: torch.distributions.Categorical(logits=log_p).sample()):
        """What `a` leads to; `window` gets both. The reward [B], or p(r < 0, = 0, > 0) [B, 3]; P(end) [B]; Δ-tokens [B, K]; log p of
        each [B, K, codes]."""
        window += [a, torch.zeros(len(a), 0, dtype=torch.int64)]
        x = torch.cat([self.embed(part) for part in window], 1)
        read = lambda: self.stack(x + self.of_position[:x.shape[1]])[0][:, -1]
        acted, told = read(), []
        for k in range(self.tokenizer.grid**2):
            told.append(self.codes(read()).log_softmax(-1))
            window[-1] = torch.cat([window[-1], draw(told[-1], k)[:, None]], 1)
            x = torch.cat([x, self.of_code[window[-1][:, -1:]]], 1)
        reward, end = self.reward(acted), self.end(acted).softmax(-1)[:, 1]
        return reward.softmax(-1) if self.signs else two_hot_mean(reward, "symlog"), end, window[-1], torch.stack(told, 1)

    def turn(self, window, frame):
        """The frame that followed, of 256 levels; where the window has no room for it, all before is forgotten."""
        if sum(part.dim() == 4 for part in window) >= self.frames:
            del window[:]
        window.append((frame * 255).round() / 255)


@torch.no_grad()
def main():
    run = Run(sys.argv[1])
    world = DeltaIris(run)
    agent = FrameActorCritic(run, world.action_size)
    window, memory = [torch.full((1, 3, run["side"], run["side"]), 0.4)], agent.initial(1)
    for step in range(12):
        policy, value, memory = agent.look(window[-1], memory)
        before, a = window[-1], agent.act(policy)
        _, end, tokens, _ = world.imagine(window, a)
        world.turn(window, world.tokenizer.paint(before, a, tokens))
        print(f"step {step + 1}: value {value.item():+.2f}, P(end) {end.item():.3f}, Δ-tokens {tokens[0].tolist()}")


if __name__ == "__main__":
    main()
