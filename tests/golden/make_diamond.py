"""Golden data of DIAMOND, and of IRIS's actor-critic, made by running the authors' code:

    git clone https://github.com/eloialonso/diamond      (read at commit 5bcd159)
    git clone https://github.com/eloialonso/iris         (read at commit 24326aa; for the actor-critic alone)
    pip install torch==2.13.0 numpy einops
    python make_diamond.py DIAMOND IRIS

What their modules import besides (gymnasium, wandb, hydra, cv2 …) is replaced by names without a body. The networks have their
published sizes. Weights and inputs are not stored: both sides make them from a hash of the names (`hashed`, `fill`), so that the
files hold results alone. Frames are rounded
to 256 levels where their code cuts them off. Writes diamond/actor_critic.npz, diamond/iris_actor_critic.npz, diamond/denoiser.npz,
diamond/rew_end.npz, diamond/rolled.npz, diamond/sampler.npz.
"""
import ast
import importlib
import math
import pathlib
import sys
import types

import numpy as np
import torch

OUT = pathlib.Path(__file__).parent / "diamond"
ACTIONS = 4


def stream_of(name):
    """FNV-1a of a name, 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def hash32(stream, count):
    """Murmur3's finaliser over a counter: the same 32 bits in every language."""
    x = (np.arange(count, dtype=np.uint64) * 2654435761 + stream * 97531) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> np.uint64(shift)
        x = (x * factor) & 0xFFFFFFFF
    return x ^ (x >> np.uint64(16))


def hashed(name, shape):
    """Uniform in [-1, 1), float32."""
    values = (hash32(stream_of(name), math.prod(shape)) >> np.uint64(8)).astype(np.float64) / 2**23 - 1
    return torch.tensor(values.reshape(shape)).float()


def fill(module):
    """A norm's scale about 1, other vectors small, matrices by their fan-in."""
    with torch.no_grad():
        for name, p in module.state_dict().items():
            unit = hashed(name, p.shape)
            if p.dim() == 1:
                p.copy_(1 + 0.2 * unit if name.endswith("weight") else 0.2 * unit)
            else:
                p.copy_(unit * math.sqrt(3 / (p.numel() / p.shape[0])))


def norms(module):
    """Of every parameter's gradient."""
    return {"gradnorm/" + n: p.grad.norm() for n, p in module.named_parameters() if p.grad is not None}


def write(name, results):
    arrays = {k: (v.detach().numpy() if torch.is_tensor(v) else np.asarray(v)) for k, v in results.items()}
    arrays = {k: np.ascontiguousarray(v.astype(np.float32) if v.dtype == np.float64 else v) if v.ndim else v for k, v in arrays.items()}
    np.savez_compressed(OUT / f"{name}.npz", **arrays)


class Anything(types.ModuleType):
    def __getattr__(self, name):
        return type(name, (), {})


def import_from(root, names, without):
    """Modules of a checkout, alone: others of the same name are forgotten."""
    for name in list(sys.modules):
        if name.split(".")[0] in ("models", "utils", "coroutines", "data", "envs", "dataset"):
            del sys.modules[name]
    for name in without:
        sys.modules[name] = Anything(name)
    sys.path.insert(0, str(root / "src"))
    loaded = [importlib.import_module(name) for name in names]
    sys.path.pop(0)
    return loaded


def pictures(name, shape):
    """Of 256 levels, in [-1, 1]."""
    return ((hashed(name, shape) + 1) * 127.5).round() / 127.5 - 1


# -- the actor-critics -------------------------------------------------------------------------------------------------


class Replay:
    """A world that shows what the hash says; lane 1's episode ends after its fifth step, lane 0's after the last."""

    num_envs, num_actions, steps = 3, ACTIONS, 15

    def __init__(self):
        self.t = 0
        self.frames = pictures("frames", (self.steps + 1, self.num_envs, 3, 64, 64))
        self.rewards = (2.4 * hashed("rewards", (self.steps, self.num_envs))).round()
        self.ends = torch.zeros(self.steps, self.num_envs, dtype=torch.long)
        self.ends[4, 1] = self.ends[-1, 0] = 1

    def reset(self, seed):
        return self.frames[0], {}

    def step(self, action):
        t, self.t = self.t, self.t + 1
        dead = self.ends[t].bool()
        info = {"final_observation": self.frames[t + 1][dead]} if dead.any() else {}
        return self.frames[t + 1], self.rewards[t], self.ends[t], torch.zeros_like(self.ends[t]), info


def diamond_actor_critic(root):
    blocks, module = import_from(root, ("models.blocks", "models.actor_critic"), STUBS)
    agent = module.ActorCritic(module.ActorCriticConfig(512, 3, 64, [32, 32, 64, 64], [1, 1, 1, 1], ACTIONS))
    fill(agent)
    torch.manual_seed(0)
    agent.setup_training(Replay(), module.ActorCriticLossConfig(15, 0.985, 0.95, 1.0, 0.001))
    out = agent.env_loop.send(15)
    agent.env_loop = types.SimpleNamespace(send=lambda _: out)
    loss, terms = agent()
    loss.backward()
    _, act, rew, end, trunc, logits, val, bootstrap, _ = out
    returns = module.compute_lambda_returns(rew, end, trunc, bootstrap, 0.985, 0.95)
    write("actor_critic", dict(action=act.T, reward=rew.T, end=end.T.float(), logits=logits.transpose(0, 1), value=val.T, next=bootstrap.T,
                               returns=returns.T, loss=loss, actor=terms["loss_actions"], critic=terms["loss_values"],
                               entropy=-terms["loss_entropy"] / 0.001, count=sum(p.numel() for p in agent.parameters()), **norms(agent)))


def iris_actor_critic(root):
    without = ["dataset", "envs", "envs.world_model_env", "models.tokenizer", "models.world_model", "utils", "tqdm"]
    (module,) = import_from(root, ("models.actor_critic",), without)
    text = (root / "src" / "utils.py").read_text()
    wanted = ("compute_lambda_returns", "LossWithIntermediateLosses")
    for node in ast.parse(text).body:
        if getattr(node, "name", "") in wanted:
            space = {"torch": torch}
            exec(ast.get_source_segment(text, node), space)
            setattr(module, node.name, space[node.name])
    agent = module.ActorCritic(ACTIONS)
    fill(agent)
    world, steps = Replay(), 15
    action = ((hashed("actions", (steps, 3)) + 1) * 2).long().clamp(max=3)
    agent.reset(3)
    outputs = [agent((world.frames[t] + 1) / 2) for t in range(steps)]
    imagined = module.ImagineOutput(None, action.T, torch.cat([o.logits_actions for o in outputs], 1),
                                    torch.cat([o.means_values for o in outputs], 1).squeeze(-1), world.rewards.sign().T, world.ends.bool().T)
    agent.imagine = lambda *_, **__: imagined
    # compute_loss keeps the sum and numbers of its parts.
    losses = agent.compute_loss(None, None, None, steps, 0.995, 0.95, 0.001)
    losses.loss_total.backward()
    parts = losses.intermediate_losses
    write("iris_actor_critic", dict(action=action, reward=world.rewards, end=world.ends.float(), logits=imagined.logits_actions.transpose(0, 1),
                                    value=imagined.values.T, loss=losses.loss_total, actor=parts["loss_actions"], critic=parts["loss_values"],
                                    entropy=-parts["loss_entropy"] / 0.001, count=sum(p.numel() for p in agent.parameters()), **norms(agent)))


# -- the world model ---------------------------------------------------------------------------------------------------

BATCH, CONTEXT = 2, 4


def rounding(root, denoiser):
    """Their denoiser's classes, of which frames are rounded to 256 levels, as ours are, and not cut off."""
    source = root / "src" / "models" / "diffusion" / "denoiser.py"
    text = source.read_text().replace(".mul(255).byte()", ".mul(255).round().byte()")
    space = dict(denoiser.__dict__)
    exec(compile(text, str(source), "exec"), space)
    return types.SimpleNamespace(**{k: space[k] for k in ("Denoiser", "DenoiserConfig", "SigmaDistributionConfig")})


def networks(root):
    denoiser, sampler, inner, rew_end = import_from(
        root, ("models.diffusion.denoiser", "models.diffusion.diffusion_sampler", "models.diffusion.inner_model", "models.rew_end_model"), STUBS)
    return rounding(root, denoiser), sampler, inner, rew_end


def make_denoiser(denoiser, inner):
    made = denoiser.Denoiser(denoiser.DenoiserConfig(inner.InnerModelConfig(3, CONTEXT, 256, [2] * 4, [64] * 4, [0] * 4, ACTIONS), 0.5, 0.3))
    fill(made.inner_model)
    return made


def choices(name, shape):
    return ((hashed(name, shape) + 1) * 2).long().clamp(max=3)


def world_model(root):
    denoiser, sampler, inner, rew_end = networks(root)
    model = make_denoiser(denoiser, inner)
    levels = torch.tensor([5.0, 1.0, 0.1, 0.002, 0.5])
    conditioners = model.compute_conditioners(levels)
    results = {f"c_{k}": getattr(conditioners, "c_" + k).flatten() for k in ("in", "out", "skip", "noise")}

    frames = pictures("frames", (BATCH, CONTEXT + 1, 3, 64, 64))
    actions = choices("actions", (BATCH, CONTEXT + 1))
    sigma = torch.tensor([1.0, 0.1])
    noise, offset = 1.7 * hashed("noise", (BATCH, 3, 64, 64)), 1.7 * hashed("offset", (BATCH, 3, 1, 1))
    model.sample_sigma_training = lambda n, device: sigma
    model.apply_noise = lambda x, s, level: x + level * offset + noise * s.view(-1, 1, 1, 1)
    batch = types.SimpleNamespace(obs=frames, act=actions, mask_padding=torch.ones(BATCH, CONTEXT + 1, dtype=torch.bool))
    loss, _ = model(batch)
    loss.backward()
    noisy = model.apply_noise(frames[:, -1], sigma, 0.3)
    cs = model.compute_conditioners(sigma)
    past = frames[:, :-1].flatten(1, 2)
    output = model.compute_model_output(noisy, past, actions[:, :-1], cs)
    denoised = model.wrap_model_output(noisy, output, cs)
    results |= dict(loss=loss, output=output[:, :, ::4, ::4], denoised=denoised[:, :, ::4, ::4], count=sum(p.numel() for p in model.parameters()))
    write("denoiser", results | norms(model.inner_model))

    # Three frames that are made one after another, each after what was made before it.
    model.zero_grad()
    made = 3
    rolled, done = pictures("rolled frames", (BATCH, CONTEXT + made, 3, 64, 64)), choices("rolled actions", (BATCH, CONTEXT + made))
    count = iter(range(made))

    def noised(x, s, level):
        i = next(count)
        offset, noise = hashed(f"rolled offset{i}", (BATCH, 3, 1, 1)), hashed(f"rolled noise{i}", (BATCH, 3, 64, 64))
        return x + 1.7 * (level * offset + noise * s.view(-1, 1, 1, 1))

    model.apply_noise = noised
    batch = types.SimpleNamespace(obs=rolled, act=done, mask_padding=torch.ones(BATCH, CONTEXT + made, dtype=torch.bool))
    loss, _ = model(batch)
    loss.backward()
    write("rolled", dict(loss=loss) | norms(model.inner_model))

    # Each draw of the sampler in turn: where it begins, then what is churned in. Without levels, as a pixel that is rounded the other way
    # is far off after a step of Heun's.
    model.wrap_model_output = lambda x, out, cs: (cs.c_skip * x + cs.c_out * out).clamp(-1, 1).detach()
    drawn = {}
    cases = dict(euler=dict(), five=dict(num_steps_denoising=5), heun=dict(order=2),
                 churn=dict(s_churn=1.2, order=2, num_steps_denoising=4))
    for name, config in cases.items():
        made = sampler.DiffusionSampler(model, sampler.DiffusionSamplerConfig(**(dict(num_steps_denoising=3) | config)))
        count = iter(range(100))
        draw = lambda *shape, device=None: 1.7 * hashed(f"draw{next(count)}", shape)
        sampler.torch = types.SimpleNamespace(**{k: getattr(torch, k) for k in ("no_grad", "ones", "Tensor")}, randn=draw,
                                              randn_like=lambda x: draw(*x.shape))
        x, film = made.sample(frames[:, :-1], actions[:, :-1])
        sampler.torch = torch
        drawn |= {name: x[:, :, ::4, ::4], name + "/levels": made.sigmas, name + "/first": film[1][:, :, ::4, ::4]}
    write("sampler", drawn)

    # Rewards and ends of seven frames; lane 1 ends at its fourth.
    steps = 6
    model = rew_end.RewEndModel(rew_end.RewEndModelConfig(512, 3, 64, 128, [2] * 4, [32] * 4, [0] * 4, ACTIONS))
    fill(model)
    frames = pictures("long", (BATCH, steps + 1, 3, 64, 64))
    actions = choices("long actions", (BATCH, steps + 1))
    mask = torch.ones(BATCH, steps + 1, dtype=torch.bool)
    end = torch.zeros(BATCH, steps + 1, dtype=torch.long)
    end[1, 2], mask[1, 3:] = 1, False
    reward = (2.4 * hashed("long rewards", (BATCH, steps + 1))).round()
    batch = types.SimpleNamespace(obs=frames.clone(), act=actions, rew=reward, end=end, mask_padding=mask,
                                  info=[{}, {"final_observation": frames[1, 3]}])
    rew_end.multiclass_confusion_matrix = lambda *_, **__: None
    loss, terms = model(batch)
    loss.backward()
    logits_rew, logits_end, (h, c) = model.predict_rew_end(frames[:, :-1], actions[:, :-1], frames[:, 1:])
    write("rew_end", dict(loss=loss, loss_reward=terms["loss_rew"], loss_end=terms["loss_end"], reward=logits_rew.transpose(0, 1),
                          end=logits_end.transpose(0, 1), h=h[0], c=c[0], count=sum(p.numel() for p in model.parameters()), **norms(model)))


STUBS = ["wandb", "omegaconf", "envs", "torcheval", "torcheval.metrics", "torcheval.metrics.functional", "data"]

if __name__ == "__main__":
    torch.set_num_threads(1)
    OUT.mkdir(exist_ok=True)
    diamond, iris = (pathlib.Path(p) for p in sys.argv[1:3])
    diamond_actor_critic(diamond)
    iris_actor_critic(iris)
    world_model(diamond)
