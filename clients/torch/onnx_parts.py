"""What of a run becomes an ONNX file of its own: for to_onnx.py. Each function gives an agent and, by a file's name, a function of it with inputs
to try, the names of its inputs and those of its outputs. Here are latents that are carried on, planners and policies; what is made of tokens and of noise
is in onnx_parts_tokens.py, what learns to see in onnx_parts_views.py."""
import torch
from torch import nn, rand

from actor_critic import ActorCritic
from decision_transformer import DecisionTransformer
from dyna_neural import OneStep
from gato import Gato, lines_of
from genie import Genie
from hjepa import Hjepa
from jepa import Jepa
from lecun import Lecun
from muzero import MuZero
from rssm import Rssm
from td_mpc2 import TdMpc2
from vmc import Vmc


def picture(channels=3, side=64):
    return rand(2, channels, side, side)


def one_step(*sizes):
    return [rand(2, size) for size in sizes]


def parts_of_vmc(run):
    agent = Vmc(run)
    z, h = agent.m.latent, agent.m.out.shape[0]
    a = agent.m.kernel.shape[0] - z - h - agent.m.restarts
    begins = [torch.zeros(2, 1)] if agent.m.restarts else []  # whether z is an episode's first
    cell = [h] if agent.sees_cell else []
    return agent, {"encode": (agent.v.encode, [picture()], "frame", "mean deviation"), "decode": (agent.v.decode, one_step(z), "z", "frame"),
                   "step": (agent.m.step, one_step(z, a, h, h) + begins, "z action h c" + " first" * len(begins), "h_next c_next"),
                   "mixture": (agent.m.mixture, one_step(h), "h", "log_weights mean log_deviation reward end"), "act": (agent.act, one_step(z, h, *cell), "z h" + " c" * len(cell), "action")}


def parts_of_rssm(run):
    world = Rssm(run)
    behaviour = ActorCritic(run, world.action_size) if run.has("behaviour/actor.") else nn.Module()
    both, (h, z) = nn.ModuleList([world, behaviour]), world.sizes
    parts = {"step": (world.step, one_step(h, z, world.action_size), "h z action", "h_next"), "prior": (world.prior, one_step(h), "h", "statistics"),
             "posterior": (world.posterior, one_step(h, world.to_posterior[0][0].in_features - h), "h embedded", "statistics")}
    states = {"decode": world.image_decoder and world.decode, "reward": world.reward, "end": world.going_on and world.end, "cost": world.to_cost and world.cost}
    if run.has("behaviour/actor."):
        states |= {"policy": behaviour.policy, "value": behaviour.value, "cost_value": behaviour.cost_critic and behaviour.cost_value}
    for name, part in states.items():
        if part:
            parts[name] = (part, one_step(h, z), "h z", "mean deviation" if name == "policy" and not behaviour.discrete else name)
    seen = []  # in the order of embed()
    if world.image_encoder is not None:
        seen.append(("image", picture(world.image_encoder.convs[0].in_channels)))
    if world.vector_encoder is not None:
        seen.append(("vector", rand(2, world.vector_encoder[0][0].in_features)))
    if not run.get("world.five_bits"):  # PlaNet's pictures are dithered by chance
        embed = world.embed if len(seen) == 2 or seen[0][0] == "image" else lambda vector: world.embed(None, vector)
        parts["embed"] = (embed, [x for _, x in seen], " ".join(n for n, _ in seen), "embedded")
    return both, parts


def parts_of_td_mpc2(run):
    agent = TdMpc2(run)
    z, a = agent.policy.layers[0]["weight"].shape[1], agent.dynamics.layers[0]["weight"].shape[1] - agent.policy.layers[0]["weight"].shape[1]
    parts = {"next": (agent.next, one_step(z, a), "z action", "z_next"), "reward": (agent.reward, one_step(z, a), "z action", "reward"),
             "q": (agent.q, one_step(z, a), "z action", "q"), "act": (agent.act, one_step(z), "z", "action"), "value": (agent.value, one_step(z), "z", "value")}
    if agent.convs is not None:
        parts["encode"] = (agent.encode, [picture(agent.convs[0].in_channels)], "pictures", "z")
    elif agent.tasks is None:
        parts["encode"] = (agent.encode, one_step(agent.encoder.layers[0]["weight"].shape[1]), "vector", "z")
    else:
        numbers = agent.encoder.layers[0]["weight"].shape[1] - agent.tasks.shape[1]
        parts["encode"] = (agent.encode, [rand(2, numbers), torch.tensor([0, 1])], "vector task", "z")
    if agent.viewer is not None:
        parts["decode"] = (agent.decode, one_step(z), "z", "frame")
    if agent.termination is not None:
        parts["end"] = (agent.end, one_step(z), "z", "end")
    return agent, parts


def parts_of_muzero(run):
    agent = MuZero(run)
    s = agent.dynamics[-1].out_features
    x = picture(agent.encoder.convs[0].in_channels) if agent.encoder is not None else rand(2, agent.to_state[0][0].in_features)
    parts = {"represent": (agent.represent, [x], "seen", "s"), "step": (agent.step, one_step(s, agent.choices), "s action", "s_next reward end"),
             "predict": (agent.predict, one_step(s), "s", "policy value")}
    return agent, parts | ({"decode": (agent.decode, one_step(s), "s", "frame")} if agent.viewer is not None else {})


def parts_of_decision_transformer(run):
    agent = DecisionTransformer(run)
    t, s, a = agent.context, agent.of_state.in_features, agent.of_action.in_features
    window = [rand(2, t), rand(2, t, s), rand(2, t, a), torch.arange(t).expand(2, -1)]
    parts = {"act": (lambda *x: agent(*x)[0], window, "returns states actions times", "said")}
    return agent, parts | ({"state": (agent.state, [picture(agent.encoder.convs[0].in_channels)], "picture", "state")} if agent.encoder is not None else {})


def parts_of_gato(run):
    agent = Gato(run)
    line, t, d = agent.line(lines_of(run.environment)[0]), agent.context, agent.of_token.shape[1]  # the file knows this one line
    parts = {"see_picture": (agent.see_picture, [picture()], "picture", "seen"),
             "act": (lambda seen, done: agent(line, seen, done), [rand(2, t, 16, d), torch.zeros(2, t, 1, dtype=torch.int64)], "seen done", "logits")}
    return agent, parts


def parts_of_jepa(run):
    world = {"lecun": Lecun, "h-jepa": Hjepa}.get(run.recipe, Jepa)(run)
    z, a = world.predicted.scale.shape[0], world.action_size
    x = picture(world.encoder.convs.convs[0].in_channels) if world.encoder.convs is not None else rand(2, world.encoder.layers[0][0].in_features)
    parts = {"encode": (world.encode, [x], "seen", "z"), "next": (world.next, one_step(z, a), "z action", "z_next"),
             "action_between": (world.action_between, one_step(z, z), "z z_next", "action")}
    if world.kind == "transformer":
        window = len(world.looking_back.place) - 1
        parts["next"] = (world.next, [*one_step(z, a), rand(2, window, z + a)], "z action before", "z_next")
    if world.viewer is not None:
        parts["decode"] = (world.decode, one_step(z), "z", "frame")
    if run.recipe == "lecun" and world.reach is None:
        parts |= {"costs": (world.costs, one_step(z, a, z, z), "z action z_next goal", "costs"), "act": (world.act, one_step(z, z, 3), "z goal weights", "action"),
                  "to_come": (world.to_come, one_step(z, z, 3), "z goal weights", "costs")}
    if run.recipe == "h-jepa":
        w = world.slow.to_w[-1].out_features
        parts |= {"slow_embed": (world.slow.embed, one_step(z), "z", "w"), "slow_next": (world.slow.next, one_step(w, a), "w mean_action", "w_next"),
                  "slow_mean_action_between": (world.slow.mean_action_between, one_step(w, w), "w w_next", "mean_action")}
        if world.slow.viewer is not None:
            parts["slow_decode"] = (world.slow.decode, one_step(w), "w", "frame")
    return world, parts


def parts_of_dyna_neural(run):
    world = OneStep(run)
    f, a = len(world.mean), world.action_size
    numbers = torch.randint(f, (2, 1)).float() if world.states else rand(2, f)
    parts = {"encode": (world.encode, [numbers], "numbers", "x"), "step": (world.step, one_step(f, a), "x action", "x_next reward end"),
             "q": (world.q, one_step(f), "x", "q")}
    return world, parts | ({"decode": (world.decode, one_step(f), "x", "frame")} if world.viewer is not None else {})


def parts_of_genie(run):
    world = Genie(run)
    t, places = world.frames, world.network.of_place.shape[0]
    places -= 0 if world.added else 1
    pictures, tokens = rand(2, t, 3, 64, 64), torch.randint(len(world.token) - 1, (2, t, places))
    codes = torch.randint(world.latent_actions.quantiser.codes, (2, t - 1))
    return world, {"tokens": (world.tokenizer.tokens, [pictures], "pictures", "tokens"), "decode": (world.tokenizer.pictures, [tokens], "tokens", "pictures"),
                   "codes": (world.latent_actions.codes, [pictures], "pictures", "codes"), "logits": (world.logits, [tokens, codes], "tokens codes", "logits")}


PARTS = {"vmc": parts_of_vmc, "vmc-doom": parts_of_vmc, "vmc-ctallec": parts_of_vmc, **dict.fromkeys(("planet", "dreamer-v1", "dreamer-v2", "dreamer-v3", "safe-dreamer"), parts_of_rssm),
         "td-mpc": parts_of_td_mpc2, "td-mpc2": parts_of_td_mpc2, "muzero": parts_of_muzero, "decision-transformer": parts_of_decision_transformer,
         "gato": parts_of_gato, **dict.fromkeys(("jepa", "lecun", "h-jepa"), parts_of_jepa), "genie": parts_of_genie, "dyna-neural": parts_of_dyna_neural}
