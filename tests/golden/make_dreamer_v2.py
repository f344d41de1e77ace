"""Golden dumps of Dreamer V2, made by running danijar/dreamerv2 itself (TensorFlow) at a tiny size.

    git clone https://github.com/danijar/dreamerv2        (read at commit 07d906e)
    pip install tensorflow-cpu==2.21.0 tf_keras tensorflow-probability ruamel.yaml safetensors
    python make_dreamer_v2.py DREAMERV2

WorldModel.loss, WorldModel.imagine, ActorCritic.target, actor_loss and critic_loss run as they are, eagerly and in
float32. Only the package's __init__ (environments, loggers) is stepped around and two removed TensorFlow names are
given back. All weights are seeded noise. Reads dreamer/images.safetensors; writes dreamer/v2_*.safetensors;
dreamer/README.md lists the keys.
"""
import argparse
import importlib
import os
import pathlib
import sys
import types

os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0",
                  CUDA_VISIBLE_DEVICES="")
import numpy as np
import ruamel.yaml
import scipy.stats
import tensorflow as tf
from safetensors.numpy import load_file, save_file

OUT = pathlib.Path(__file__).parent / "dreamer"
BATCH, TIME, HORIZON, GRAD_LIMIT = 3, 6, 5, 300


def load_reference(checkout):
    root = checkout / "dreamerv2"
    sys.path.insert(0, str(root))
    policy = types.SimpleNamespace(compute_dtype=tf.float32)
    import tensorflow.keras.mixed_precision as precision
    precision.experimental = types.SimpleNamespace(global_policy=lambda: policy)
    common = types.ModuleType("common")
    common.__path__ = [str(root / "common")]
    sys.modules["common"] = common
    sys.modules["expl"] = types.ModuleType("expl")
    for name in ("config", "tfutils", "dists", "other", "nets"):
        module = importlib.import_module(f"common.{name}")
        common.__dict__.update({k: v for k, v in vars(module).items() if not k.startswith("_")})
    tf.config.run_functions_eagerly(True)
    return common, importlib.import_module("agent")


def variables(module, prefix):
    """Every variable below a module, named by the names the reference gives its layers."""
    found = {}
    for name, layer in getattr(module, "_modules", {}).items():
        if hasattr(layer, "_modules") or type(layer).__name__ == "NormLayer":
            found.update(variables(layer, f"{prefix}{name}/"))
        else:
            found.update({f"{prefix}{name}/{v.name.split('/')[-1].split(':')[0]}": v for v in layer.variables})
    if hasattr(module, "_cell"):
        for part, layer in (("gru", module._cell._layer), ("gru_norm", module._cell._norm)):
            found.update({f"{prefix}{part}/{v.name.split('/')[-1].split(':')[0]}": v for v in layer.variables})
    return found


def randomise(named, rng):
    for name, variable in named.items():
        shape = variable.shape.as_list()
        if name.endswith("gamma"):
            value = 1 + 0.2 * rng.normal(size=shape)
        elif len(shape) == 1:
            value = 0.1 * rng.normal(size=shape)
        else:
            fan = np.prod(shape[:2]) * shape[3] if "decoder/conv" in name and len(shape) == 4 else np.prod(shape[:-1])
            value = rng.normal(size=shape) * (2.0 if "dist" in name else 1.0) / np.sqrt(fan)
        variable.assign(value.astype(np.float32))


def experiment(common, agent, checkout, discrete, seed):
    """discrete: Atari's settings, images and a vector; else DMC's, a vector, Gaussian latents, continuous actions."""
    rng = np.random.default_rng(seed)
    tf.random.set_seed(seed)
    text = (checkout / "dreamerv2" / "configs.yaml").read_text()
    settings = ruamel.yaml.YAML(typ="safe").load(text)
    config = common.Config(settings["defaults"]).update(settings["atari" if discrete else "dmc_vision"])
    net = {"cnn_depth": 1, "mlp_layers": [12, 12], "mlp_keys": "vector", "cnn_keys": "image" if discrete else "$^"}
    latent = {"stoch": 4, "deter": 16, "hidden": 12, "discrete": 5 if discrete else False}
    small = {"layers": 2, "units": 12}
    config = config.update({"rssm": latent, "encoder": net, "decoder": net, "reward_head": small,
                            "discount_head": small, "actor": small, "critic": small, "imag_horizon": HORIZON})
    space = lambda *shape: types.SimpleNamespace(shape=shape)
    spaces = {"vector": space(5), **({"image": space(64, 64, 3)} if discrete else {})}
    actions = types.SimpleNamespace(shape=(3,), n=3) if discrete else space(2)
    step = tf.Variable(0, dtype=tf.int64)
    world, behaviour = agent.WorldModel(config, spaces, step), agent.ActorCritic(config, actions, step)

    first, terminal = np.zeros((BATCH, TIME)), np.zeros((BATCH, TIME))
    first[:, 0] = first[1, 3] = first[2, 5] = 1
    terminal[1, 2] = terminal[0, 5] = 1
    action = rng.uniform(-1, 1, size=(BATCH, TIME, actions.shape[0]))
    if discrete:
        action = np.eye(3)[action.argmax(-1)]
    data = {"vector": rng.normal(size=(BATCH, TIME, 5)), "action": action, "is_first": first, "is_terminal": terminal,
            "reward": rng.normal(size=(BATCH, TIME)) * np.array([[0.3], [1.0], [3.0]])}
    data = {key: tf.constant(value, tf.float32) for key, value in data.items()}
    dump = {f"in/{key}": value for key, value in data.items()}
    if discrete:
        data["image"] = tf.constant(load_file(OUT / "images.safetensors")["in/image"])

    def names():
        found = variables(world.encoder, "encoder/") | variables(world.rssm, "rssm/")
        for head, module in world.heads.items():
            found |= variables(module, f"{head}/")
        return found

    def gradients(tape, loss, named):
        total = 0.0
        for (name, _), gradient in zip(named.items(), tape.gradient(loss, list(named.values()))):
            gradient = tf.convert_to_tensor(gradient).numpy()
            total += float((gradient.astype(np.float64) ** 2).sum())
            dump[f"gradnorm/{name}"] = [np.linalg.norm(gradient)]
            dump[f"grad/{name}"] = gradient if gradient.size <= GRAD_LIMIT else gradient.flatten()[:64]
        return [total**0.5]

    # Build, fill with noise, then run for good.
    world.loss(data)
    feat = tf.zeros((1, 1, 16 + (20 if discrete else 4)))
    for module in (behaviour.actor, behaviour.critic, behaviour._target_critic):
        module(feat)
    actor, critic = variables(behaviour.actor, "actor/"), variables(behaviour.critic, "critic/")
    target_critic = variables(behaviour._target_critic, "target_critic/")
    named = names()
    for group in (named, actor, critic, target_critic):
        randomise(group, rng)
        dump.update({f"weight/{name}": variable.numpy() for name, variable in group.items()})

    with tf.GradientTape() as tape:
        loss, _, outs, metrics = world.loss(data)
    dump["out/grad_norm"] = gradients(tape, loss, named)
    post, prior = outs["post"], outs["prior"]
    dump.update({"out/loss": [loss], "out/kl_loss": [metrics["kl_loss"]], "out/kl": outs["kl"],
                 "out/embed": outs["embed"], "out/deter": post["deter"]})
    for key, value in outs["likes"].items():
        dump[f"out/{key}_loss"] = -value
    for kind, state in (("post", post), ("prior", prior)):
        for key in ("logit", "mean", "std"):
            if key in state:
                dump[f"out/{kind}_{key}"] = state[key]
    if discrete:
        dump["in/post_stoch"] = np.round(post["stoch"])
        image = world.heads["decoder"](outs["feat"])["image"].mode()
        dump["out/decoder_image_0_0_every3"] = image[0, 0, ::3, ::3]
        dump["out/decoder_image_mean"] = tf.reduce_mean(image, (2, 3))
        dump["out/discount"] = world.heads["discount"](outs["feat"]).mean()
    else:
        dump["in/post_stoch"] = post["stoch"]
        dump["in/post_noise"] = (post["stoch"] - post["mean"]) / post["std"]
    dump["out/reward"] = world.heads["reward"](outs["feat"]).mode()
    dump["out/decoder_vector"] = world.heads["decoder"](outs["feat"])["vector"].mode()
    sg = lambda state: tf.nest.map_structure(tf.stop_gradient, state)
    for balance, free, average in ((0.8, 0.0, True), (0.8, 1.0, True), (0.8, 1.0, False), (0.5, 1.0, True)):
        value, _ = world.rssm.kl_loss(sg(post), sg(prior), False, balance, free, average)
        dump[f"out/kl_loss_balance{balance}_free{free}_{'mean' if average else 'each'}"] = [value]

    start = sg(post)
    with tf.GradientTape(persistent=True) as tape:
        seq = world.imagine(behaviour.actor, start, data["is_terminal"], HORIZON)
        seq["reward"], _ = behaviour.rewnorm(world.heads["reward"](seq["feat"]).mode())
        target, _ = behaviour.target(seq)
        actor_loss, _ = behaviour.actor_loss(seq, target)
        critic_loss, _ = behaviour.critic_loss(seq, target)
    dump["out/actor/grad_norm"] = gradients(tape, actor_loss, actor)
    dump["out/critic/grad_norm"] = gradients(tape, critic_loss, critic)
    policy = behaviour.actor(seq["feat"][:-2])
    dump.update({"out/actor/loss": [actor_loss], "out/critic/loss": [critic_loss], "out/imag_deter": seq["deter"],
                 "out/imag_reward": seq["reward"], "out/imag_discount": seq["discount"], "out/weight": seq["weight"],
                 "out/target": target, "out/imag_value": behaviour._target_critic(seq["feat"]).mode(),
                 "out/actor_entropy": policy.entropy(), "out/actor_logprob": policy.log_prob(seq["action"][1:-1])})
    if discrete:
        dump["in/imag_stoch"], dump["in/imag_action"] = np.round(seq["stoch"]), np.round(seq["action"])
        dump["out/actor_logits"] = policy.logits_parameter()
    else:
        dump["in/imag_stoch"], dump["in/imag_action"] = seq["stoch"], seq["action"]
        dump["in/imag_noise"] = ((seq["stoch"] - seq["mean"]) / seq["std"])[1:]
        normal = behaviour.actor(seq["feat"][:-1]).distribution
        mean, std = normal.loc.numpy().astype(np.float64), normal.scale.numpy().astype(np.float64)
        dump["out/actor_mean"], dump["out/actor_std"] = mean, std
        cdf = lambda x: scipy.stats.norm.cdf((x - mean) / std)
        dump["in/imag_action_uniform"] = (cdf(seq["action"][1:].numpy()) - cdf(-1.0)) / (cdf(1.0) - cdf(-1.0))
        # The mixture's other half: REINFORCE with continuous actions, the same rollout.
        mixed = agent.ActorCritic.actor_loss
        behaviour.config = behaviour.config.update({"actor_grad": "both"})
        dump["out/actor/loss_both"] = [mixed(behaviour, seq, target)[0]]
    return {key: np.ascontiguousarray(np.asarray(value, np.float32)) for key, value in dump.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path, help="of danijar/dreamerv2")
    checkout = parser.parse_args().checkout
    common, agent = load_reference(checkout)
    save_file(experiment(common, agent, checkout, True, 11), OUT / "v2_discrete.safetensors")
    save_file(experiment(common, agent, checkout, False, 12), OUT / "v2_continuous.safetensors")


if __name__ == "__main__":
    main()
