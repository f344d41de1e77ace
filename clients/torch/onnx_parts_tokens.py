"""What of a run whose dream is made of tokens, or from noise, becomes an ONNX file of its own: as onnx_parts.py has it.

What looks back takes a whole window, as long as the model's, and says what it makes of every moment. All of it is causal: what is not known yet may be
anything, and changes nothing of what comes before."""
import math

import torch
from torch import nn, rand, randint

from actor_critic import ActorCritic
from delta_iris import DeltaIris
from diamond import Diamond
from diffusion_forcing import DiffusionForcing
from dreamer4 import Dreamer4
from forcing_planner import ForcingPlanner
from frame_actor_critic import FrameActorCritic
from genie2 import Genie2
from iris import Iris
from onnx_parts import one_step, picture
from tssm import Tssm


def window_of(*parts):
    """By turns, a moment after the other: [B, F, …] each -> a list."""
    return [x for moment in zip(*(part.unbind(1) for part in parts)) for x in moment]


def policy_of(agent, side, channels=3):
    """The agent that sees frames, and its memory."""
    h, look = agent.lstm.hidden_size, lambda frame, h, c: flat(agent.look(frame, (h, c)))
    return look, [picture(channels, side), *one_step(h, h)], "frame h c", "said value h_next c_next"


def flat(told):
    return *told[:-1], *told[-1]


def parts_of_iris(run):
    world = Iris(run)
    agent = FrameActorCritic(run, world.action_size)
    side, f, codes = run["side"], world.frames, len(world.of_code)
    k, channels = len(world.of_position) // f - 1, world.tokenizer.encoder[0].in_channels

    def read(tokens, actions):
        x = world.read(window_of(tokens, actions)).unflatten(1, (f, k + 1))
        return world.codes(x), world.reward(x[:, :, -1]).softmax(-1), world.end(x[:, :, -1]).softmax(-1)[..., 1]
    window = [randint(codes, (2, f, k)), rand(2, f, world.action_size)]
    return nn.ModuleList([world, agent]), {
        "tokens": (world.tokenizer.tokens, [picture(channels, side)], "frame", "tokens"), "decode": (world.tokenizer.pictures, [window[0][:, 0]], "tokens", "frame"),
        "read": (read, window, "tokens actions", "codes reward end"), "policy": policy_of(agent, side, channels)}


def parts_of_delta_iris(run):
    world = DeltaIris(run)
    agent = FrameActorCritic(run, world.action_size)
    side, k, f, codes = run["side"], world.tokenizer.grid**2, world.frames, len(world.of_code)

    def read(frames, actions, tokens):
        x = torch.cat([world.embed(part) for part in window_of(frames, actions, tokens)], 1)
        x = world.stack(x + world.of_position[:x.shape[1]])[0].unflatten(1, (f, k + 2))[:, :, 1:]
        return world.codes(x[:, :, :-1]), world.reward(x[:, :, 0]), world.end(x[:, :, 0]).softmax(-1)[..., 1]
    frame, a, tokens = picture(3, side), rand(2, world.action_size), randint(codes, (2, f, k))
    return nn.ModuleList([world, agent]), {
        "tokens": (world.tokenizer.tokens, [frame, a, picture(3, side)], "frame action frame_next", "tokens"),
        "paint": (world.tokenizer.paint, [frame, a, tokens[:, 0]], "frame action tokens", "frame_next"),
        "read": (read, [rand(2, f, 3, side, side), rand(2, f, world.action_size), tokens], "frames actions tokens", "codes reward end"),
        "policy": policy_of(agent, side)}


def parts_of_tssm(run):
    world = Tssm(run)
    agent, h, z = ActorCritic(run, world.action_size), world.wide, world.latent

    def remember(z, a):
        return world.transformer(world.token_again(world.token(torch.cat([z, a], 2))))[0]
    window, states = run["world.window"], one_step(h, z)
    parts = {"remember": (remember, [rand(2, window, z), rand(2, window, world.action_size)], "z actions", "h"),
             "prior": (world.prior, one_step(h), "h", "log_p"), "reward": (world.reward, states, "h z", "reward"), "end": (world.end, states, "h z", "end"),
             "value": (agent.value, states, "h z", "value"), "policy": (agent.policy, states, "h z", "policy" if agent.discrete else "action_mean action_deviation")}
    seen = []
    if world.encoder is not None:
        seen.append(("image", picture()))
        parts["decode"] = (world.decode, states, "h z", "frame")
    if world.vector_encoder is not None:
        seen.append(("vector", rand(2, world.vector_encoder[0][0].in_features)))
        parts["decode_vector"] = (world.vector, states, "h z", "vector")
    posterior = world.posterior if world.encoder is not None else lambda vector: world.posterior(None, vector)
    parts["posterior"] = (posterior, [x for _, x in seen], " ".join(name for name, _ in seen), "log_p")
    return nn.ModuleList([world, agent]), parts


def denoised(denoiser, past_noise=0.0):
    """D of EDM at levels sigma [B, 1]: Denoiser.forward() with tensors in the place of numbers."""
    def tell(x, sigma, past, actions=None):
        square = sigma.square() + denoiser.offset**2
        skip, wide = 0.25 / (square + 0.25), lambda each: each[:, :, None, None]
        y = denoiser.network(x / wide((square + 0.25).sqrt()), square.log() / 8, past / 0.5, actions, past_noise)
        return wide(skip) * x + wide((square * skip).sqrt()) * y
    return tell


def parts_of_diamond(run):
    world = Diamond(run)
    agent = FrameActorCritic(run, world.action_size)
    side, k, hidden = run["side"] // world.factor, run["world.context"], world.lstm.hidden_size  # it dreams in small
    past_noise = math.log(run["world.past_noise"]) / 4 if run.get("world.noisy_past") else 0.0
    frame, a = lambda: 2 * picture(3, side) - 1, rand(2, world.action_size)
    parts = {"denoise": (denoised(world.denoiser, past_noise), [frame(), rand(2, 1) + 0.1, 2 * rand(2, k, 3, side, side) - 1, rand(2, k, world.action_size)],
                         "x sigma past actions", "denoised"),
             "outcome": (lambda before, a, after, h, c: flat(world.outcome(before, a, after, (h, c))), [frame(), a, frame(), *one_step(hidden, hidden)],
                         "before action after h c", "reward end h_next c_next"),
             "policy": policy_of(agent, side)}
    if world.upsampler is not None:
        large = side * world.factor
        parts["enlarge"] = (denoised(world.upsampler), [2 * picture(3, large) - 1, rand(2, 1) + 0.1, 2 * rand(2, 2, 3, large, large) - 1], "x sigma pair", "denoised")
    return nn.ModuleList([world, agent]), parts


def parts_of_dreamer4(run):
    world = Dreamer4(run)
    t, s, n, d = run["world.context"], world.spatial, world.inner.in_features, len(world.untold)

    def tokens(z, a, level, step):  # int64 [B], of Dreamer 4's own two tables
        return world.tokens(z, a, level[:, None], step[:, None])

    def read(film):
        x = world.net(film)
        return world.out(x[:, :, 2:2 + s]), x[:, :, -1]
    latents = run.linear("model/tokenizer.to_latent").out_features
    parts = {"encode": (world.tokenizer.encode, [rand(2, t, 3, 64, 64)], "pictures", "latents"),
             "decode": (world.tokenizer.decode, [rand(2, t, world.tokenizer.latents, latents)], "latents", "pictures"),
             "tokens": (tokens, [rand(2, s, n), rand(2, world.action_size), randint(world.finest, (2,)), randint(len(world.step), (2,))],
                        "z action level step", "tokens"),
             "read": (read, [rand(2, t, len(world.net.of_place), d)], "film", "clean agent"),
             "policy": (world.policy, one_step(d), "agent", "policy" if world.discrete else "action_mean action_deviation")}
    return world, parts | {name: (getattr(world, name), one_step(d), "agent", name) for name in ("reward", "end", "value")}


def parts_of_genie2(run):
    world = Genie2(run)
    t, codes, pictures = world.frames, world.latent_actions.quantiser.codes, rand(2, world.frames, 3, 64, 64)
    with torch.no_grad():
        latents = world.autoencoder.latents(pictures)
    return world, {"latents": (world.autoencoder.latents, [pictures], "pictures", "latents"),
                   "decode": (world.autoencoder.pictures, [latents[:, 0]], "latents", "frame"), "codes": (world.codes, [pictures], "pictures", "codes"),
                   "clean": (world.clean, [latents, rand(2, t), randint(codes, (2, t))], "z levels codes", "clean")}


def parts_of_diffusion_forcing(run):
    world = DiffusionForcing(run)
    t, hidden = world.frames, world.network.read.out_features * (64 // world.network.side >> world.network.depth - 1)**2
    return world, {"network": (world.network, [rand(2, t, 3, 64, 64), randint(world.schedule.count, (2, t)), rand(2, t, world.action_size)],
                               "frames levels actions", "output hidden"),
                   "reward": (world.reward, one_step(hidden), "hidden", "reward"), "end": (world.end, one_step(hidden), "hidden", "end")}


def parts_of_forcing_planner(run):
    world = ForcingPlanner(run)
    t = world.tokens + 1
    return world, {"network": (world.network, [rand(2, t, world.stack * len(world.mean)), randint(world.schedule.count, (2, t))], "tokens levels", "output")}


PARTS_OF_TOKENS = {"iris": parts_of_iris, "delta-iris": parts_of_delta_iris, "storm": parts_of_tssm, "transdreamer": parts_of_tssm, "diamond": parts_of_diamond,
                   "dreamer-v4": parts_of_dreamer4, "genie-2": parts_of_genie2, "diffusion-forcing": parts_of_diffusion_forcing,
                   "forcing-planner": parts_of_forcing_planner}
