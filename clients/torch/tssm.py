"""The transformer state-space models TransDreamer (Chen et al. 2022) and STORM (Zhang et al. 2023): the posterior sees one frame, and the
prior knows the past by attention. `python tssm.py assets/runs/key_door_transdreamer` dreams 15 steps.

    run = Run("assets/runs/car_racing_storm")
    world, behaviour = Tssm(run), ActorCritic(run, action_size)
    z = world.draw(world.posterior(image, vector))      # q(z_t | x_t): who sees; image [B, C, 64, 64] in [0, 1]
    tokens, h = world.step(tokens, z, a)                # h_t = f(z_<t, a_<t), from world.initial(1) on; a [B, A] in [-1, 1]
    z = world.draw(world.prior(h))                      # p(z_t | h_t): who dreams
    world.reward(h, z), world.end(h, z), world.decode(h, z), behaviour.act(h, z), behaviour.value(h, z)
"""
import sys

import torch
from torch import nn

from actor_critic import ActorCritic
from batch_norm_coder import batch_norm_decoder, batch_norm_encoder
from image_coder import ImageDecoder, ImageEncoder
from memory_transformer import MemoryTransformer
from run_file import Run
from two_hot import Number, symexp, symlog


class Tssm(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.settings, self.storm = run.get, run.recipe == "storm"
        act, eps = ("relu", 1e-5) if self.storm else ("elu", 1e-3)
        encoder, decoder = (batch_norm_encoder, batch_norm_decoder) if self.storm else (
            lambda *name: ImageEncoder(*name, "valid", act, eps), lambda *name: ImageDecoder(*name, "valid", act, eps))
        self.encoder = encoder(run, "model/encoder") if run.has("model/encoder.") else None
        self.decoder = decoder(run, "model/decoder") if run.has("model/decoder.") else None
        self.vector_encoder, self.vector_decoder = (run.mlp("model/vector_" + x, act, eps) for x in ("encoder", "decoder"))
        self.to_posterior, self.to_prior, self.to_end = (run.mlp("model/" + x, act, eps) for x in ("posterior", "prior", "end"))
        self.to_reward = Number(run.mlp("model/reward", act, eps), "symlog" if self.storm else "normal")
        self.token = run.dense("model/token", act, eps)
        self.token_again = run.dense("model/token_again", "none", eps) if self.storm else nn.Identity()
        self.transformer = MemoryTransformer(run, "model/transformer", self.storm)
        self.width, self.latent = self.transformer.positions.shape[1], self.to_posterior[-1].out_features
        self.action_size = self.token[0].in_features - self.latent
        self.wide = self.width * (1 if self.storm else len(self.transformer.blocks))  # of h

    def initial(self, batch):
        """No tokens yet [B, 0, D], and h, zeros."""
        return torch.zeros(batch, 0, self.width), torch.zeros(batch, self.wide)

    def posterior(self, image=None, vector=None):
        seen = [] if self.encoder is None else [self.encoder(image if self.storm else image - 0.5)]
        seen += [] if self.vector_encoder is None else [self.vector_encoder(symlog(vector))]
        return self.statistics(self.to_posterior(torch.cat(seen, 1)))

    def prior(self, h):
        return self.statistics(self.to_prior(h))

    def statistics(self, raw):  # log-probabilities [B, G, C] of G categoricals
        groups, classes, share = (self.settings("world." + x) for x in ("groups", "classes", "unimix"))
        log_p = raw.unflatten(1, (groups, classes)).log_softmax(-1)
        return torch.log((1 - share) * log_p.exp() + share / classes) if share > 0 else log_p

    def draw(self, log_p):
        return torch.distributions.OneHotCategorical(logits=log_p).sample().flatten(1)

    def step(self, tokens, z, a):
        """Where the window is full, its last tokens begin a new one."""
        if tokens.shape[1] >= self.settings("world.window"):
            tokens = tokens[:, -self.settings("world.keep"):]
        tokens = torch.cat([tokens, self.token_again(self.token(torch.cat([z, a], 1)))[:, None]], 1)
        return tokens, self.transformer(tokens)[0][:, -1]

    def look(self, h, z):  # at what reward and end are read of
        return h if self.storm else torch.cat([z, h], 1)

    def decode(self, h, z):
        return (self.decoder(z) if self.storm else self.decoder(z, h) + 0.5).clamp(0, 1)

    def vector(self, h, z):
        return symexp(self.vector_decoder(z if self.storm else torch.cat([z, h], 1)))

    def reward(self, h, z):
        x = self.to_reward(self.look(h, z))
        return x if self.storm else torch.atanh(x.clamp(-0.999, 0.999))

    def end(self, h, z):
        return torch.sigmoid(self.to_end(self.look(h, z))[:, 0])


@torch.no_grad()
def main():
    run = Run(sys.argv[1])
    world = Tssm(run)
    behaviour, z = ActorCritic(run, world.action_size), torch.zeros(1, world.latent)
    tokens, h = world.initial(1)
    for step in range(15):
        tokens, h = world.step(tokens, z, behaviour.act(h, z))
        z = world.draw(world.prior(h))
        print(f"step {step + 1}: reward {world.reward(h, z).item():.3f}, value {behaviour.value(h, z).item():.3f}")


if __name__ == "__main__":
    main()
