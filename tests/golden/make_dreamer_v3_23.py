"""Golden dumps of the 2023 Dreamer V3, made by running NM512/dreamerv3-torch itself at a tiny size.

    git clone https://github.com/NM512/dreamerv3-torch        (read at commit 6ef8646)
    pip install torch numpy safetensors
    python make_dreamer_v3_23.py DREAMERV3_TORCH

WorldModel._train and ImagBehavior._train run as they are; only three things are put in their place: the categorical
sampler (inverse CDF of a seeded uniform, so that every draw can be recorded), the optimisers (recorders of the
gradient, nothing is stepped) and all weights (seeded noise, since zero-initialised heads would hide mistakes).
Writes dreamer/images.safetensors and dreamer/v3_23_*.safetensors; dreamer/README.md lists the keys.
"""
import argparse
import importlib
import pathlib
import sys
import types

import numpy as np
import torch
from safetensors.numpy import save_file

OUT = pathlib.Path(__file__).parent / "dreamer"
BATCH, TIME, HORIZON, GRAD_LIMIT = 3, 6, 5, 300


def images():
    """[3, 6, 64, 64, 3] bytes: smooth waves and a hash, so that no two frames and no two pixels look alike."""
    b, t, y, x, c = np.meshgrid(*[np.arange(n) for n in (BATCH, TIME, 64, 64, 3)], indexing="ij")
    wave = np.sin(0.11 * x * (c + 1) + 0.7 * t + b) * np.cos(0.07 * y + 0.5 * b * t + c)
    noise = (x * 73 + y * 151 + t * 31 + b * 17 + c * 101) * 2654435761 % 97
    return np.clip(128 + 90 * wave + noise - 48, 0, 255).astype(np.uint8)


def numpy(value):
    return np.ascontiguousarray(value.detach().to(torch.float32).numpy())


class Recorder:
    """Stands where an optimiser stood: keeps the gradient of every parameter, steps nothing."""

    def __init__(self, named, prefix, dump):
        self.named, self.prefix, self.dump = list(named), prefix, dump

    def __call__(self, loss, parameters, retain_graph=True):
        gradients = torch.autograd.grad(loss, [p for _, p in self.named], retain_graph=True, allow_unused=True)
        total = 0.0
        for (name, parameter), gradient in zip(self.named, gradients):
            gradient = torch.zeros_like(parameter) if gradient is None else gradient
            name = self.prefix + name
            self.dump[f"gradnorm/{name}"] = gradient.norm().reshape(1)
            total += float(gradient.norm()) ** 2
            self.dump[f"grad/{name}"] = gradient if gradient.numel() <= GRAD_LIMIT else gradient.flatten()[:64]
        self.dump[f"out/{self.prefix}grad_norm"] = torch.tensor([total**0.5])
        self.dump[f"out/{self.prefix}loss"] = loss.reshape(1)
        return {}


def configuration(actions, discrete, image):
    net = dict(act="SiLU", norm=True, cnn_depth=3, kernel_size=4, minres=4, mlp_layers=2, mlp_units=12,
               mlp_keys="vector", cnn_keys="image" if image else "$^")
    return types.SimpleNamespace(
        precision=32, device="cpu", num_actions=actions, act="SiLU", norm=True, units=12, dyn_stoch=4, dyn_deter=16,
        dyn_hidden=12, dyn_rec_depth=1, dyn_discrete=5, dyn_mean_act="none", dyn_std_act="sigmoid2", dyn_min_std=0.1,
        unimix_ratio=0.01, initial="learned", encoder=dict(**net, symlog_inputs=True),
        decoder=dict(**net, cnn_sigmoid=False, image_dist="mse", vector_dist="symlog_mse", outscale=1.0),
        reward_head=dict(layers=2, dist="symlog_disc", loss_scale=1.0, outscale=0.0),
        cont_head=dict(layers=2, loss_scale=1.0, outscale=1.0), grad_heads=["decoder", "reward", "cont"],
        actor=dict(layers=2, dist="onehot" if discrete else "normal", entropy=3e-4, unimix_ratio=0.01,
                   std="none" if discrete else "learned", min_std=0.1, max_std=1.0, temp=0.1, lr=3e-5, eps=1e-5,
                   grad_clip=100.0, outscale=1.0),
        critic=dict(layers=2, dist="symlog_disc", slow_target=True, slow_target_update=1, slow_target_fraction=0.02,
                    lr=3e-5, eps=1e-5, grad_clip=100.0, outscale=0.0),
        model_lr=1e-4, opt_eps=1e-8, grad_clip=1000, weight_decay=0.0, opt="adam", kl_free=1.0, dyn_scale=0.5,
        rep_scale=0.1, discount=0.997, discount_lambda=0.95, imag_horizon=HORIZON, reward_EMA=True,
        imag_gradient="reinforce" if discrete else "dynamics", imag_gradient_mix=0.0)


def randomise(module, rng):
    for name, parameter in module.named_parameters():
        shape = tuple(parameter.shape)
        if parameter.ndim > 1:
            scale = 2.0 if "stat_layer" in name else 1.0
            fan = np.prod(shape[1:]) if name != "dynamics.W" else 1
            value = rng.normal(size=shape) * scale / np.sqrt(fan)
        elif ".norm.weight" in name or "norm" in name.lower() and name.endswith("weight") or name.endswith("1.weight"):
            value = 1 + 0.2 * rng.normal(size=shape)
        else:
            value = 0.1 * rng.normal(size=shape)
        parameter.data = torch.tensor(value, dtype=torch.float32)


def experiment(networks, models, tools, discrete, image, vector, seed):
    rng = np.random.default_rng(seed)
    actions = 3 if discrete else 2
    config = configuration(actions, discrete, image)
    dump, draws = {}, []

    def sample(self, sample_shape=(), seed=None):
        probs = super(tools.OneHotDist, self).probs
        uniform = torch.tensor(rng.uniform(size=probs.shape[:-1] + (1,)), dtype=probs.dtype)
        index = (probs.cumsum(-1) < uniform).sum(-1).clamp(max=probs.shape[-1] - 1)
        draw = torch.nn.functional.one_hot(index, probs.shape[-1]).to(probs.dtype)
        draws.append(draw)
        return draw + (probs - probs.detach())

    tools.OneHotDist.sample = sample
    spaces = {"image": types.SimpleNamespace(shape=(64, 64, 3))} if image else {}
    if vector:
        spaces["vector"] = types.SimpleNamespace(shape=(5,))
    world = models.WorldModel(types.SimpleNamespace(spaces=spaces), None, 0, config)
    behaviour = models.ImagBehavior(config, world)

    randomise(world, rng)
    for part in (behaviour.actor, behaviour.value, behaviour._slow_value):
        randomise(part, rng)
    for name, parameter in world.named_parameters():
        dump[f"weight/{name}"] = parameter.clone()
    for prefix, part in (("actor.", behaviour.actor), ("value.", behaviour.value),
                         ("slow_value.", behaviour._slow_value)):
        for name, parameter in part.named_parameters():
            dump[f"weight/{prefix}{name}"] = parameter.clone()
    world._model_opt = Recorder(world.named_parameters(), "", dump)
    behaviour._actor_opt = Recorder(behaviour.actor.named_parameters(), "actor.", dump)
    behaviour._value_opt = Recorder(behaviour.value.named_parameters(), "value.", dump)

    first = np.zeros((BATCH, TIME))
    first[:, 0] = first[1, 3] = first[2, 5] = 1
    terminal = np.zeros((BATCH, TIME))
    terminal[1, 2] = terminal[0, 5] = 1
    action = rng.uniform(-1, 1, size=(BATCH, TIME, actions))
    if discrete:
        action = np.eye(actions)[action.argmax(-1)]
    data = {"action": action, "is_first": first, "is_terminal": terminal,
            "reward": rng.normal(size=(BATCH, TIME)) * np.array([[0.5], [3.0], [40.0]])}
    if vector:
        data["vector"] = rng.normal(size=(BATCH, TIME, 5)) * np.array([0.1, 1, 3, 20, 300])
    for name, value in data.items():
        dump[f"in/{name}"] = torch.tensor(value, dtype=torch.float32)
    data["image"] = images()
    data["reward"] = data["reward"][..., None]

    # Watch the reference's own functions: what they take and what they give goes into the dump.
    def watch(owner, name, keep):
        function = getattr(owner, name)

        def call(*arguments, **named):
            result = function(*arguments, **named)
            keep(result, arguments)
            return result
        setattr(owner, name, call)

    def on_observe(result, _):
        for kind, state in zip(("post", "prior"), result):
            dump[f"out/{kind}_logit"] = state["logit"]
        dump["out/deter"] = result[0]["deter"]
        # Drawn per time step: prior, then posterior (batch-major below).
        dump["in/post_stoch"] = torch.stack(draws[1::2], 1)
        draws.clear()

    def on_kl(result, _):
        for name, value in zip(("kl_loss", "kl_value", "dyn_loss", "rep_loss"), result):
            dump[f"out/{name}"] = value

    watch(world.dynamics, "observe", on_observe)
    watch(world.dynamics, "kl_loss", on_kl)
    world.encoder.register_forward_hook(lambda m, i, o: dump.update({"out/embed": o}))

    def on_decoder(module, inputs, output):
        dump["out/feat"] = inputs[0]
        if image:
            mode = output["image"].mode()
            dump["out/decoder_image_0_0_every3"] = mode[0, 0, ::3, ::3]
            dump["out/decoder_image_mean"] = mode.mean((2, 3))
            dump["out/image_loss"] = -output["image"].log_prob(truth["image"])
        if vector:
            dump["out/decoder_vector"] = output["vector"].mode()
            dump["out/decoder_vector_symlog"] = output["vector"]._mode
            dump["out/vector_loss"] = -output["vector"].log_prob(truth["vector"])

    def on_reward(module, inputs, output):
        dump["out/reward_logits_0"], dump["out/reward"] = output.logits[0], output.mode()
        dump["out/reward_loss"] = -output.log_prob(truth["reward"])

    def on_cont(module, inputs, output):
        dump["out/cont_logit"], dump["out/cont"] = output._dist.base_dist.logits, output.mean
        dump["out/cont_loss"] = -output.log_prob(truth["cont"])

    truth = world.preprocess(data)
    hooks = [world.heads["decoder"].register_forward_hook(on_decoder),
             world.heads["reward"].register_forward_hook(on_reward),
             world.heads["cont"].register_forward_hook(on_cont)]
    post, context, _ = world._train(data)
    [hook.remove() for hook in hooks]
    dump["out/post_entropy"] = context["postent"]

    # Behaviour.
    draws.clear()
    world.requires_grad_(False)
    behaviour.requires_grad_(False)
    state = {}

    def on_imagine(result, _):
        feats, states, moves = result
        state["feat"] = feats.detach()
        dump["out/imag_deter"] = states["deter"]
        dump["out/imag_logit"] = states["logit"]
        dump["in/imag_stoch"] = states["stoch"].round()
        dump["in/imag_action"] = moves.round() if discrete else moves

    def on_target(result, arguments):
        target, weights, base = result
        dump["out/imag_reward"] = arguments[2]
        dump["out/target"] = torch.stack(target, 1)
        dump["out/weights"], dump["out/imag_value"] = weights, base
        dump["out/imag_cont"] = world.heads["cont"](world.dynamics.get_feat(arguments[1])).mean
        dump["out/imag_value_last"] = behaviour.value(arguments[0]).mode()[-1]

    def on_actor_loss(result, _):
        dump["out/actor_objective"] = result[0].clone()  # the entropy is subtracted in place later
        dump["out/ema_vals"] = behaviour.ema_vals

    def on_actor(module, inputs, output):
        if discrete:
            dump["out/actor_logits"] = output.logits
        else:
            dump["out/actor_mean"], dump["out/actor_std"] = output._dist.mean, output._dist.base_dist.scale
        dump["out/actor_entropy"] = output.entropy()
        if "in/imag_action" in dump:
            dump["out/actor_logprob"] = output.log_prob(dump["in/imag_action"].detach())

    watch(behaviour, "_imagine", on_imagine)
    watch(behaviour, "_compute_target", on_target)
    watch(behaviour, "_compute_actor_loss", on_actor_loss)
    imagine = behaviour._imagine

    def imagine_then_listen(*arguments):
        result = imagine(*arguments)
        behaviour.actor.register_forward_hook(on_actor)
        return result
    behaviour._imagine = imagine_then_listen
    if not discrete:  # keep the standard-normal noise beside the action
        noises = []
        draw_normal = torch.distributions.normal._standard_normal
        def standard_normal(shape, dtype, device):
            value = torch.tensor(rng.normal(size=tuple(shape)), dtype=dtype)
            noises.append(value)
            return value
        torch.distributions.normal._standard_normal = standard_normal
    behaviour.ema_vals[:] = dump["in/ema_vals"] = torch.tensor([-1.5, 2.0])  # so that the scale is not 1
    start = {key: value.detach() for key, value in post.items()}
    reward = lambda feat, *_: world.heads["reward"](feat).mode()
    behaviour._train(start, reward)
    if not discrete:
        torch.distributions.normal._standard_normal = draw_normal
        dump["in/imag_action_noise"] = torch.stack(noises)
    for name, parameter in behaviour._slow_value.named_parameters():
        if "mean_layer.bias" in name:
            dump[f"out/slow_value.{name}_after"] = parameter.clone()

    with torch.no_grad():
        critic, slow = behaviour.value(state["feat"][:-1]), behaviour._slow_value(state["feat"][:-1])
        dump["out/critic_target_loss"] = -critic.log_prob(dump["out/target"])
        dump["out/slow_value"] = slow.mode()
        dump["out/critic_slow_loss"] = -critic.log_prob(slow.mode())

    # What the authors' code of June 2023 (danijar/dreamerv3, commit 8fa35f8) computes from the same numbers.
    d = {key: value.detach().double() for key, value in dump.items()}
    target, value = d["out/target"][..., 0], d["out/imag_value"][..., 0]
    scale = max(1.0, float(d["out/ema_vals"][1] - d["out/ema_vals"][0]))
    advantage = (target - value) / scale
    weight = torch.cumprod(0.997 * d["out/imag_cont"][..., 0], 0) / 0.997
    if discrete:
        loss = -d["out/actor_logprob"][:-1] * advantage
    else:
        loss = -advantage
    dump["out/authors_weight"] = weight
    losses = d["out/critic_target_loss"] + d["out/critic_slow_loss"]
    dump["out/authors_critic_loss"] = (losses * weight[:-1]).mean().reshape(1)
    dump["out/authors_actor_loss"] = ((loss - 3e-4 * d["out/actor_entropy"][:-1]) * weight[:-1]).mean().reshape(1)
    return {key: numpy(value) for key, value in dump.items()}


def mathematics(models, tools):
    """Functions without weights."""
    dump = {}
    rng = np.random.default_rng(5)
    values = torch.tensor([0, 1, -1, 0.1, -0.1, 0.5, 2.5, -7.3, 20, 100, -333.25, 1e4, -1e6, 4.8e8, 1e9, -1e9, 3e-4,
                           0.1704, 0.1706], dtype=torch.float32)
    dump["in/values"], dump["out/symlog"] = values, tools.symlog(values)
    dump["in/symlogs"] = torch.linspace(-15, 15, 13)
    dump["out/symexp"] = tools.symexp(dump["in/symlogs"])
    logits = torch.tensor(rng.normal(size=(1, 255)), dtype=torch.float32)
    dump["in/twohot_logits"] = logits
    logits = logits.repeat(len(values), 1).requires_grad_(True)
    dist = tools.DiscDist(logits, device="cpu")
    dump["out/buckets"] = dist.buckets
    dump["out/twohot_log_prob"], dump["out/twohot_mode"] = dist.log_prob(values[:, None]), dist.mode()[0]
    gradient, = torch.autograd.grad(dist.log_prob(values[:, None]).sum(), logits)
    dump["out/twohot_target"] = gradient + dist.probs  # d log_prob / d logits = target - softmax
    reward, value = (torch.tensor(rng.normal(size=(7, 4, 1)), dtype=torch.float32) for _ in range(2))
    discount = torch.tensor(rng.uniform(0, 1, size=(7, 4, 1)), dtype=torch.float32)
    bootstrap = torch.tensor(rng.normal(size=(4, 1)), dtype=torch.float32)
    dump.update({"in/lambda_reward": reward, "in/lambda_value": value, "in/lambda_discount": discount,
                 "in/lambda_bootstrap": bootstrap})
    dump["out/lambda_return"] = torch.stack(
        tools.lambda_return(reward, value, discount, bootstrap=bootstrap, lambda_=0.95, axis=0), 1)
    ema, norm = torch.zeros(2), models.RewardEMA("cpu")
    returns = torch.tensor(rng.normal(size=(6, 5, 8)) * np.array([1, 5, 50, 400, 5, 1])[:, None, None],
                           dtype=torch.float32)
    dump["in/norm_returns"] = returns
    steps = [tuple(x.clone() for x in (*norm(r, ema), ema)) for r in returns]
    dump["out/norm_offset"] = torch.stack([s[0] for s in steps])
    dump["out/norm_scale"] = torch.stack([s[1] for s in steps])
    dump["out/norm_percentiles"] = torch.stack([s[2] for s in steps])
    logits = torch.tensor(rng.normal(size=(6, 5)) * 3, dtype=torch.float32)
    dist = tools.OneHotDist(logits, unimix_ratio=0.01)
    dump["in/unimix_logits"] = logits
    dump["out/unimix_probs"], dump["out/unimix_logits"] = dist.probs, dist.logits
    dump["out/unimix_entropy"] = dist.entropy()
    return {key: numpy(value) for key, value in dump.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path, help="of NM512/dreamerv3-torch")
    sys.path.insert(0, str(parser.parse_args().checkout))
    board = types.ModuleType("torch.utils.tensorboard")  # tools.py imports it; only its logger needs it
    board.SummaryWriter = object
    sys.modules["torch.utils.tensorboard"] = board
    torch.set_num_threads(1)
    networks, models, tools = (importlib.import_module(m) for m in ("networks", "models", "tools"))
    sampler, make = tools.OneHotDist.sample, networks.MLP.__init__
    # Some MLPs are built without a device there and would ask for CUDA.
    networks.MLP.__init__ = lambda self, *a, **k: make(self, *a, **{"device": "cpu", **k})
    OUT.mkdir(exist_ok=True)
    save_file({"in/image": images()}, OUT / "images.safetensors")
    save_file(experiment(networks, models, tools, True, True, True, 1), OUT / "v3_23_discrete.safetensors")
    tools.OneHotDist.sample = sampler
    save_file(experiment(networks, models, tools, False, False, True, 2), OUT / "v3_23_continuous.safetensors")
    save_file(mathematics(models, tools), OUT / "v3_23_math.safetensors")


if __name__ == "__main__":
    main()
