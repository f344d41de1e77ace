"""IRIS (Micheli, Alonso & Fleuret 2023): pictures are tokens, and a GPT tells the next frame token by token.
`python iris.py assets/runs/catch_iris` plays it by its own policy.

    run = Run("assets/runs/catch_iris")
    world = Iris(run)
    tokens = world.tokenizer.tokens(picture)          # int64 [B, K] of [B, C, H, W] in [0, 1]
    reward, end, tokens, log_p = world.imagine(window := [tokens], a)   # a [B, A]: a one-hot, or a box in [-1, 1]
"""
import math
import sys

import torch
from torch import nn
from torch.nn.functional import gelu

from frame_actor_critic import FrameActorCritic
from picture_blocks import PictureAttention, PictureBlock, group_norm
from run_file import Run
from transformer import Transformer


def coder(run, name, decodes):
    """Levels of blocks, each of half the side of the one before; the decoder is the other way. Two channels are normed together."""
    norms = {"groups": lambda channels: max(1, channels // 2), "eps": 1e-6}
    block = lambda part: PictureBlock(run, f"{name}.{part}", **norms)
    look = lambda part: PictureAttention(run, f"{name}.{part}", "seen", lambda channels: 1, **norms)
    levels, middle = [], [block("middle0"), look("middle_look"), block("middle1")]
    while run.has(f"{name}.level{len(levels)}_"):
        part, level = f"level{len(levels)}_", []
        for i in range(run["tokenizer.blocks"] + decodes):
            level += [block(f"{part}block{i}"), *([look(f"{part}look{i}")] if run.has(f"{name}.{part}look{i}.") else [])]
        if run.has(f"{name}.{part}resized."):  # a stride of two pads below and to the right alone
            level.append(nn.UpsamplingNearest2d(scale_factor=2) if decodes else nn.ZeroPad2d((0, 1, 0, 1)))
            level.append(run.conv(f"{name}.{part}resized", *((1, 1) if decodes else (2, 0))))
        levels.append(nn.Sequential(*level))
    inner, out = (run.conv(f"{name}.{x}", padding=1) for x in ("in", "out"))
    norm = group_norm(run, name + ".norm", norms["groups"](out.in_channels), 1e-6)
    return nn.Sequential(inner, *(middle + levels if decodes else levels + middle), norm, nn.SiLU(), out)


class Tokenizer(nn.Module):
    def __init__(self, run, name="model/tokenizer"):
        super().__init__()
        self.encoder, self.decoder = coder(run, name + ".encoder", False), coder(run, name + ".decoder", True)
        self.before, self.after = run.conv(name + ".before"), run.conv(name + ".after")
        self.codebook = nn.Parameter(run.weights[name + ".codebook"])  # [codes, width]

    def encode(self, pictures):
        return self.before(self.encoder(2 * pictures - 1))  # [B, width, side, side]

    def tokens(self, pictures):
        rows = self.encode(pictures).flatten(2).transpose(1, 2)  # [B, K, width]
        return (self.codebook.square().sum(1) - 2 * rows @ self.codebook.T).argmin(-1)

    def pictures(self, tokens):
        z = self.codebook[tokens].transpose(1, 2).unflatten(2, (math.isqrt(tokens.shape[1]), -1))
        return ((self.decoder(self.after(z)) + 1) / 2).clamp(0, 1)


class Iris(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.tokenizer, name = Tokenizer(run), "model/transformer."
        self.of_code, self.of_action, self.of_position = (run.weights[name + "of_" + x] for x in ("code", "action", "position"))
        self.action_size = len(self.of_action)
        self.stack, self.frames = Transformer(run, name + "stack", run["world.heads"], gelu), run["world.frames"]
        head = lambda x: nn.Sequential(run.linear(f"{name}{x}_hidden"), nn.ReLU(), run.linear(f"{name}{x}_out"))
        self.codes, self.reward, self.end = head("codes"), head("reward"), head("end")

    def read(self, window):
        """Tokens int64 [B, k] and actions [B, A] by turns -> what became of each token, [B, T, D]."""
        x = torch.cat([self.of_code[part] if part.dtype == torch.int64 else (part @ self.of_action)[:, None] for part in window], 1)
        return self.stack(x + self.of_position[:x.shape[1]])[0]

    def imagine(self, window, a, draw=lambda log_p, k: torch.distributions.Categorical(logits=log_p).sample()):
        """One step on; `window` is longer by it. p(r < 0, = 0, > 0) [B, 3], P(end) [B], tokens, log p of each [B, K, codes]."""
        if len(window) > 2 * (self.frames - 1):
            del window[:-1]  # where no further frame fits, all but the present one is forgotten
        window += [a, window[-1][:, :0]]
        acted, told = self.read(window)[:, -1], []
        for k in range(window[0].shape[1]):
            told.append(self.codes(self.read(window)[:, -1]).log_softmax(-1))
            window[-1] = torch.cat([window[-1], draw(told[-1], k)[:, None]], 1)
        return self.reward(acted).softmax(-1), self.end(acted).softmax(-1)[:, 1], window[-1], torch.stack(told, 1)


@torch.no_grad()
def main():
    run = Run(sys.argv[1])
    world = Iris(run)
    agent = FrameActorCritic(run, world.action_size)
    window, memory = [world.tokenizer.tokens(torch.zeros(1, 3, run["side"], run["side"]))], agent.initial(1)
    for step in range(12):
        policy, value, memory = agent.look(world.tokenizer.pictures(window[-1]), memory)
        reward, end, tokens, _ = world.imagine(window, agent.act(policy))
        print(f"step {step + 1}: value {value.item():+.2f}, r {(reward[0, 2] - reward[0, 0]).item():+.2f}, tokens {tokens[0].tolist()}")


if __name__ == "__main__":
    main()
