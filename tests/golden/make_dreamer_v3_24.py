"""Golden dumps of the 2024 Dreamer V3, made by running danijar/dreamerv3 itself (JAX) at a tiny size.

    git clone https://github.com/danijar/dreamerv3        (read at commit e3f0224)
    pip install jax ninjax elements portal einops chex optax ruamel.yaml safetensors
    python make_dreamer_v3_24.py DREAMERV3

Agent.loss runs as it is, in float32 on the CPU; embodied.jax.Agent (device meshes, checkpoints) is stepped around. All
weights are replaced by seeded noise, since zero-initialised heads would hide mistakes; every draw is read from what
the functions give back. Reads dreamer/images.safetensors; writes dreamer/v3_24_*.safetensors; dreamer/README.md lists
the keys.
"""
import argparse
import importlib
import pathlib
import re
import sys

import elements
import jax
import jax.numpy as jnp
import ninjax as nj
import numpy as np
import ruamel.yaml
from safetensors.numpy import load_file, save_file

OUT = pathlib.Path(__file__).parent / "dreamer"
BATCH, TIME, HORIZON, GRAD_LIMIT = 3, 6, 5, 600


def configuration(checkout):
    text = (checkout / "dreamerv3" / "configs.yaml").read_text()
    config = elements.Config(ruamel.yaml.YAML(typ="safe").load(text)["defaults"])
    config = elements.Config(config.agent, replay_context=0)
    config = config.update({
        r".*rssm": dict(deter=16, hidden=12, stoch=4, classes=5), r".*\.depth": 2, r".*\.units": 12,
        r"(enc|dec).simple.layers": 2, "value.layers": 2, "policy.layers": 2, "imag_length": HORIZON})
    return config


def numpy(value):
    return np.ascontiguousarray(np.asarray(value, dtype=np.float32))


def randomise(name, value, rng):
    shape = value.shape
    if name.endswith("/scale"):
        return jnp.asarray(1 + 0.2 * rng.normal(size=shape), jnp.float32)
    if name.endswith("head/logits/bias"):
        # Two-hot: mass near the middle bin. A flat softmax over bins up to 4.9e8 would drown float32 in cancellation.
        middle = -0.5 * ((np.arange(shape[0]) - 127) / 14.0) ** 2
        return jnp.asarray(middle + 0.3 * rng.normal(size=shape), jnp.float32)
    if name.endswith("/bias"):
        return jnp.asarray(0.1 * rng.normal(size=shape), jnp.float32)
    fan = shape[-2] if len(shape) == 3 else np.prod(shape[:-1])
    gain = 2.0 if "logit" in name and "dyn/" in name else 1.0
    return jnp.asarray(rng.normal(size=shape) * gain / np.sqrt(fan), jnp.float32)


def experiment(code, checkout, discrete, image, seed):
    rng = np.random.default_rng(seed)
    config = configuration(checkout)
    spaces = {"vector": elements.Space(np.float32, (5,)), "reward": elements.Space(np.float32),
              "is_first": elements.Space(bool), "is_last": elements.Space(bool), "is_terminal": elements.Space(bool)}
    if image:
        spaces["image"] = elements.Space(np.uint8, (64, 64, 3))
    actions = {"action": elements.Space(np.int32, (), 0, 3) if discrete else elements.Space(np.float32, (2,), -1, 1)}
    model = object.__new__(code.Agent)  # not through embodied.jax.Agent.__new__, which asks for meshes
    code.Agent.__init__(model, spaces, actions, config)

    flags = {key: np.zeros((BATCH, TIME), bool) for key in ("is_first", "is_last", "is_terminal")}
    flags["is_first"][[0, 2], 0] = flags["is_first"][1, 3] = flags["is_first"][2, 5] = True
    flags["is_last"][1, 2] = flags["is_last"][2, 4] = flags["is_last"][0, 5] = True
    flags["is_terminal"][1, 2] = flags["is_terminal"][0, 5] = True
    obs = {"vector": rng.normal(size=(BATCH, TIME, 5)).astype(np.float32) * np.float32([0.1, 1, 3, 20, 300]),
           "reward": (rng.normal(size=(BATCH, TIME)) * np.array([[0.5], [3.0], [40.0]])).astype(np.float32), **flags}
    if image:
        obs["image"] = load_file(OUT / "images.safetensors")["in/image"]
    if discrete:
        previous = {"action": rng.integers(0, 3, size=(BATCH, TIME)).astype(np.int32)}
    else:
        previous = {"action": rng.uniform(-1.5, 1.5, size=(BATCH, TIME, 2)).astype(np.float32)}
    deter = np.tanh(rng.normal(size=(BATCH, 16))).astype(np.float32)
    stoch = np.eye(5, dtype=np.float32)[rng.integers(0, 5, size=(BATCH, 4))]
    carry = ({}, {"deter": deter, "stoch": stoch}, {})

    dump = {f"in/{key}": value for key, value in obs.items() if key != "image"}
    dump["in/prev_action"] = previous["action"]
    dump["in/carry_deter"], dump["in/carry_stoch"] = deter, stoch

    # The reference's own functions are watched: what they take and give goes along as auxiliary output.
    seen = {}

    def watch(owner, name, keep):
        function = getattr(owner, name)

        def call(*arguments, **named):
            result = function(*arguments, **named)
            keep(result, arguments, named)
            return result
        setattr(owner, name, call)
        return lambda: setattr(owner, name, function)

    def on_imag(result, arguments, named):
        losses, outs, _ = result
        act, rew, con, policy, value, slow = arguments[:6]
        head = policy["action"]
        dist = getattr(head, "output", head)
        seen.update({
            "in/imag_action": act["action"], "out/imag_reward": rew, "out/imag_cont": con,
            "out/imag_value": value.pred(), "out/imag_slow_value": slow.pred(), "out/imag_return": outs["ret"],
            "out/actor_logprob": head.logp(act["action"]), "out/actor_entropy": head.entropy(),
            "out/policy_loss": losses["policy"], "out/value_loss": losses["value"],
            "out/retnorm_lo": model.retnorm.lo.read().reshape(1), "out/retnorm_hi": model.retnorm.hi.read().reshape(1)})
        if discrete:
            seen["out/actor_logits"] = dist.logits
        else:
            seen["out/actor_mean"], seen["out/actor_std"] = dist.mean, dist.stddev

    def on_replay(result, arguments, named):
        losses, outs, _ = result
        seen["out/repval_loss"], seen["out/replay_return"] = losses["repval"], outs["ret"]
        seen["out/replay_value"], seen["out/replay_slow_value"] = arguments[4].pred(), arguments[5].pred()

    def on_imagine(result, arguments, named):
        if named.get("single"):  # the scan's body
            return
        _, feat, _ = result
        seen.update({"out/imag_deter": feat["deter"], "in/imag_stoch": feat["stoch"], "out/imag_logit": feat["logit"]})

    def on_dynamics(result, arguments, named):
        _, entries, losses, feat, metrics = result
        seen.update({"out/deter": feat["deter"], "in/post_stoch": feat["stoch"], "out/post_logit": feat["logit"],
                     "out/prior_logit": model.dyn._prior(feat["deter"])})
        post, prior = model.dyn._dist(feat["logit"]), model.dyn._dist(seen["out/prior_logit"])
        seen["out/kl"] = post.kl(prior)
        seen["out/post_entropy"], seen["out/prior_entropy"] = post.entropy(), prior.entropy()

    def on_decoder(result, arguments, named):
        recons = result[2]
        seen["out/decoder_vector_symlog"] = recons["vector"].pred()
        if image:
            seen["out/decoder_image_0_0_every3"] = recons["image"].pred()[0, 0, ::3, ::3]
            seen["out/decoder_image_mean"] = recons["image"].pred().mean((2, 3))

    undo = [watch(code, "imag_loss", on_imag), watch(code, "repl_loss", on_replay)]
    undo += [watch(model.dyn, "imagine", on_imagine), watch(model.dyn, "loss", on_dynamics)]
    decoder = model.dec
    model.dec = lambda *a, **k: (lambda result: (on_decoder(result, a, k), result)[1])(decoder(*a, **k))

    def loss(carry, obs, previous):
        seen.clear()
        total, (_, _, outs, _) = model.loss(carry, obs, previous, training=True)
        extra = {"out/embed": outs["tokens"]}
        for key in ("rew", "con", "dyn", "rep", "vector", "image"):
            if key in outs["losses"]:
                extra[f"out/{key}_loss"] = outs["losses"][key]
        feat = model.feat2tensor(outs["repfeat"])
        extra["out/reward"] = model.rew(feat, 2).pred()
        extra["out/cont"] = model.con(feat, 2).prob(1)
        for key in ("policy", "value", "repval"):
            extra[f"out/mean_{key}_loss"] = outs["losses"][key].mean().reshape(1)
        return total, {**extra, **seen}

    def gradients(carry, obs, previous):
        total, params, grads, aux = nj.grad(loss, model.modules, has_aux=True)(carry, obs, previous)
        return total, grads, aux

    state = nj.init(loss)({}, carry, obs, previous, seed=0)
    state = {key: randomise(key, value, rng) if value.ndim else value for key, value in state.items()}
    # Not zero, so that the scale is not 1.
    state["retnorm/lo/value"], state["retnorm/hi/value"] = jnp.float32(-1.5), jnp.float32(2.0)
    dump["in/retnorm"] = np.array([-1.5, 2.0])
    _, (total, grads, aux) = nj.pure(gradients)(state, carry, obs, previous, seed=seed)
    for restore in undo:
        restore()
    dump.update(aux)
    dump["out/loss"] = total.reshape(1)
    for key in ("in/post_stoch", "in/imag_stoch"):
        dump[key] = jnp.round(dump[key])
    for key, value in state.items():
        if value.ndim:
            dump[f"weight/{key}"] = value
    norm = 0.0
    for key, value in grads.items():
        dump[f"gradnorm/{key}"] = jnp.linalg.norm(value).reshape(1)
        norm += float((value**2).sum())
        dump[f"grad/{key}"] = value if value.size <= GRAD_LIMIT else value.flatten()[:64]
    dump["out/grad_norm"] = np.array([norm**0.5])
    assert all(np.isfinite(np.asarray(v)).all() for v in dump.values())
    return {key: numpy(value) for key, value in dump.items()}


def mathematics(code, nets, outs, utils):
    """Functions without weights."""
    rng = np.random.default_rng(6)
    dump = {}
    values = np.float32([0, 1, -1, 0.1, -0.1, 0.5, 2.5, -7.3, 20, 100, -333.25, 1e4, -1e6, 4.8e8, 1e9, -1e9, 3e-4,
                         0.17, 0.171])
    dump["in/values"], dump["out/symlog"] = values, nets.symlog(values)
    logits = rng.normal(size=(1, 255)).astype(np.float32)
    dump["in/twohot_logits"] = logits
    logits = np.repeat(logits, len(values), 0)
    half = nets.symexp(jnp.linspace(-20, 0, 128, dtype=jnp.float32))
    bins = jnp.concatenate([half, -half[:-1][::-1]], 0)
    dist = outs.TwoHot(jnp.asarray(logits), bins)
    dump["out/bins"], dump["out/twohot_pred"] = bins, dist.pred()[:1]
    dump["out/twohot_loss"] = dist.loss(jnp.asarray(values))
    gradient = jax.grad(lambda l: outs.TwoHot(l, bins).loss(jnp.asarray(values)).sum())(jnp.asarray(logits))
    dump["out/twohot_target"] = dist.probs - gradient  # d loss / d logits = softmax - target
    dump["out/twohot_pred_uniform"] = outs.TwoHot(jnp.zeros((1, 255)), bins).pred()

    last, term = rng.uniform(size=(4, 7)) < 0.25, rng.uniform(size=(4, 7)) < 0.25
    con = rng.uniform(0.5, 1, size=(4, 7)).astype(np.float32)
    rew, val, boot = (rng.normal(size=(4, 7)).astype(np.float32) for _ in range(3))
    dump.update({"in/lambda_last": last, "in/lambda_term": term, "in/lambda_reward": rew, "in/lambda_value": val,
                 "in/lambda_boot": boot, "in/lambda_cont": con})
    dump["out/lambda_return_replay"] = code.lambda_return(last, term, rew, val, boot, 1 - 1 / 333, 0.95)
    dump["out/lambda_return_imag"] = code.lambda_return(np.zeros_like(con), 1 - con, rew, val, val, 1, 0.95)

    returns = (rng.normal(size=(6, 5, 8)) * np.array([1, 5, 50, 400, 5, 1])[:, None, None]).astype(np.float32)
    norm = utils.Normalize("perc", rate=0.01, limit=1.0, perclo=5.0, perchi=95.0, debias=False, name="retnorm")
    run = lambda x: (*norm(x, True), norm.lo.read(), norm.hi.read())
    state = nj.init(run)({}, returns[0], seed=0)
    rows = []
    for batch in returns:
        state, row = nj.pure(run)(state, batch)
        rows.append([float(x) for x in row])
    dump["in/norm_returns"] = returns
    dump["out/norm_lo"], dump["out/norm_scale"] = np.array(rows)[:, 0], np.array(rows)[:, 1]
    dump["out/norm_percentiles"] = np.array(rows)[:, 2:]

    logits = (3 * rng.normal(size=(6, 5))).astype(np.float32)
    other = (3 * rng.normal(size=(6, 5))).astype(np.float32)
    dist = outs.OneHot(jnp.asarray(logits), 0.01)
    dump.update({"in/unimix_logits": logits, "in/unimix_other": other, "out/unimix_logits": dist.dist.logits,
                 "out/unimix_entropy": dist.entropy(), "out/unimix_kl": dist.kl(outs.OneHot(jnp.asarray(other), 0.01))})
    return {key: numpy(value) for key, value in dump.items()}


def optimiser(code):
    """LaProp behind AGC behind a warm-up, as Agent._make_opt builds it: five steps on four tensors."""
    import optax
    rng = np.random.default_rng(7)
    make = code.Agent._make_opt
    shapes = {"kernel": (4, 6), "bias": (6,), "scale": (6,), "tiny": (3,)}
    params = {key: jnp.asarray(rng.normal(size=shape), jnp.float32) for key, shape in shapes.items()}
    params["bias"] = jnp.zeros(6)          # AGC's floor of 1e-3
    params["tiny"] = params["tiny"] * 1e-5
    gains = {"kernel": 10.0, "bias": 1e-3, "scale": 0.01, "tiny": 1.0}  # clipped, clipped by the floor, not, clipped
    dump = {f"weight/{key}": value for key, value in params.items()}
    for name, kwargs in (("warm", dict(lr=1e-2, warmup=3)), ("plain", dict(lr=1e-2, warmup=0)),
                         ("default", dict())):
        opt = make(None, **kwargs)
        now, state = dict(params), opt.init(params)
        noise = np.random.default_rng(8)
        for step in range(5):
            grads = {k: jnp.asarray(noise.normal(size=s) * gains[k], jnp.float32) for k, s in shapes.items()}
            grads["scale"] = grads["scale"].at[0].set(0.0)  # 0 / (0 + 1e-20)
            updates, state = opt.update(grads, state, now)
            now = optax.apply_updates(now, updates)
            for key in shapes:
                dump[f"in/step{step}/{key}"] = grads[key]
                dump[f"out/{name}/step{step}/{key}"] = now[key]
                dump[f"out/{name}/update{step}/{key}"] = updates[key]
    agc = importlib.import_module("embodied.jax.opt").clip_by_agc(0.3)
    clipped, _ = agc.update({k: dump[f"in/step0/{k}"] for k in shapes}, (), params)
    for key in shapes:
        dump[f"out/agc/step0/{key}"] = clipped[key]
    return {key: numpy(value) for key, value in dump.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path, help="of danijar/dreamerv3")
    checkout = parser.parse_args().checkout
    sys.path.insert(0, str(checkout))
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_default_matmul_precision", "highest")
    code = importlib.import_module("dreamerv3.agent")
    nets, outs, utils = (importlib.import_module(f"embodied.jax.{m}") for m in ("nets", "outs", "utils"))
    nets.COMPUTE_DTYPE = utils.COMPUTE_DTYPE = jnp.float32
    save_file(experiment(code, checkout, True, True, 3), OUT / "v3_24_discrete.safetensors")
    save_file(experiment(code, checkout, False, False, 4), OUT / "v3_24_continuous.safetensors")
    save_file(mathematics(code, nets, outs, utils), OUT / "v3_24_math.safetensors")
    save_file(optimiser(code), OUT / "v3_24_optimiser.safetensors")


if __name__ == "__main__":
    main()
