"""The recurrent state-space model of PlaNet (Hafner et al. 2019), Dreamer V1, V2, V3 (2020, 2021, 2023) and SafeDreamer (Huang et al.
2024). `python rssm.py assets/runs/catch` dreams 15 steps.

    run = Run("assets/runs/catch")
    world = Rssm(run)
    behaviour = ActorCritic(run, world.action_size)     # PlaNet has none: it plans
    h, z = world.initial(1)
    h = world.step(h, z, a)                             # h_t = f(h_{t-1}, z_{t-1}, a_{t-1}); a [B, A]: a one-hot, or a box in [-1, 1]
    q = world.posterior(h, world.embed(image, vector))  # q(z_t | h_t, x_t): who sees; a is zeros before an episode's first frame
    p = world.prior(h)                                  # p(z_t | h_t): who dreams
    z = world.draw(p)
    world.reward(h, z), world.end(h, z), world.decode(h, z), behaviour.act(h, z), behaviour.value(h, z)

What q and p are, latent.py says.
"""
import sys

import torch

from actor_critic import ActorCritic
from image_coder import ImageDecoder, ImageEncoder
from latent import Latent
from rssm_cell import Cell
from run_file import Run
from two_hot import Number, symlog


class Rssm(Latent):
    def __init__(self, run):
        super().__init__(run)
        act, eps, coder = run["world.act"], run["world.eps"], (run["world.coder"], run["world.coder_act"], run["world.eps"])
        self.cell, self.learned = Cell(run), run.weights.get("model/initial")  # the first h of an episode, before its tanh
        self.image_encoder = ImageEncoder(run, "model/image_encoder", *coder) if run.has("model/image_encoder.") else None
        self.image_decoder = ImageDecoder(run, "model/image_decoder", *coder) if run.has("model/image_decoder.") else None
        self.vector_encoder, self.vector_decoder = (run.mlp("model/vector_" + x, act, eps) for x in ("encoder", "decoder"))
        self.to_prior, self.to_posterior, self.going_on = (run.mlp("model/" + x, act, eps) for x in ("prior", "posterior", "continue"))
        self.to_reward = Number(run.mlp("model/reward", act, eps), run["world.reward_head"])
        self.to_cost = Number(run.mlp("model/cost", act, eps), run["world.reward_head"]) if run.has("model/cost.") else None
        latent = self.to_prior[-1].out_features // (1 if self.categorical else 2)
        self.sizes = self.to_prior[0][0].in_features, latent  # of h and z
        self.action_size = self.cell.from_a[0].in_features if self.cell.kind == "block_gru" else self.cell.inner[0].in_features - latent

    def initial(self, batch):
        if self.learned is None:
            return torch.zeros(batch, self.sizes[0]), torch.zeros(batch, self.sizes[1])
        h = torch.tanh(self.learned).expand(batch, -1)
        return h, self.mode(self.prior(h))

    def embed(self, image=None, vector=None):
        """image [B, C, 64, 64] in [0, 1]."""
        parts = []
        if self.image_encoder is not None:
            if self.settings("world.five_bits"):  # PlaNet: 5 bits, dithered
                image = torch.floor(image * 255 / 8) / 32 + torch.rand_like(image) / 32
            parts.append(self.image_encoder(image - 0.5))
        if self.vector_encoder is not None:
            parts.append(self.vector_encoder(symlog(vector) if self.settings("world.symlog_vectors") else vector))
        return torch.cat(parts, 1)  # [B, E]

    def step(self, h, z, a):
        moved = self.cell(h, z, a)
        return moved if self.settings("world.recurrent", self.settings("world.memory", True)) else h

    def prior(self, h):
        return self.statistics(self.to_prior(h))

    def posterior(self, h, embedded):
        return self.statistics(self.to_posterior(torch.cat([h, embedded], 1)))

    def decode(self, h, z):
        x = self.image_decoder(z, h)  # [B, C, 64, 64]
        return torch.sigmoid(x) if self.settings("world.image_loss") == "sigmoid" else (x + 0.5).clamp(0, 1)

    def reward(self, h, z):
        x = self.to_reward(torch.cat([z, h], 1))
        return torch.atanh(x.clamp(-0.999, 0.999)) if self.settings("world.tanh_rewards") else x

    def cost(self, h, z):
        return self.to_cost(torch.cat([z, h], 1))

    def end(self, h, z):  # where there is going_on; else every dream goes on
        """P(the episode ends here): the head says discount · P(going on)."""
        return (1 - torch.sigmoid(self.going_on(torch.cat([z, h], 1))[:, 0]) / self.settings("world.discount")).clamp(0, 1)


@torch.no_grad()
def main():
    run = Run(sys.argv[1])
    world = Rssm(run)
    behaviour = ActorCritic(run, world.action_size) if run.has("behaviour/actor.") else None
    (h, z), a = world.initial(1), torch.zeros(1, world.action_size)
    for step in range(15):
        h = world.step(h, z, a)
        z = world.draw(world.prior(h))
        a = behaviour.act(h, z) if behaviour else torch.rand_like(a) * 2 - 1
        print(f"step {step + 1}: reward {world.reward(h, z).item():.3f}")


if __name__ == "__main__":
    main()
