"""Golden dumps of PlaNet, made by running google-research/planet itself (TensorFlow 1 code under tf.compat.v1).

    git clone https://github.com/google-research/planet        (read at commit c04226b)
    pip install tensorflow-cpu==2.21.0 tf_keras tensorflow-probability safetensors
    python make_dreamer_planet.py PLANET

models/rssm.py, tools/unroll.py, tools/overshooting.py, training/utility.py (compute_objectives), tools/preprocess.py
and control/planning.py (cross_entropy_method) run as they are, in a graph, in float32. Given back: the name
tf.contrib.rnn.GRUBlockCell (in plain operations, checked against TensorFlow's own kernel). Put in place: Gaussian draws
(seeded), the planner's random candidates (recorded), the overshooting objective (compute_objectives forgets its mask
and gives NaN; formed here from the reference's functions with the mask). All weights are seeded noise. The encoder is
not run: it is V1's, so `in/embed` stands in its place. Writes dreamer/planet.safetensors; dreamer/README.md lists the
keys.
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
import tensorflow
import tensorflow_probability
from safetensors.numpy import save_file

OUT = pathlib.Path(__file__).parent / "dreamer"
BATCH, TIME, STATE, BELIEF, EMBED, ACTIONS, GRAD_LIMIT = 3, 6, 4, 16, 10, 2, 300
PLAN_BATCH, AMOUNT, TOPK, ITERATIONS, HORIZON = 1, 20, 5, 3, 4
tf = tensorflow.compat.v1


class GRUBlockCell(tf.nn.rnn_cell.RNNCell):
    """tf.contrib's cell and its variable names, in plain operations: today's kernel has no gradient. main() checks
    that the kernel gives the same numbers."""

    def __init__(self, units):
        super().__init__()
        self._units = units

    state_size = output_size = property(lambda self: self._units)

    def call(self, x, state):
        size = int(x.shape[-1]) + self._units
        w_ru = tf.get_variable("w_ru", [size, 2 * self._units])
        b_ru = tf.get_variable("b_ru", [2 * self._units], initializer=tf.constant_initializer(1.0))
        w_c = tf.get_variable("w_c", [size, self._units])
        b_c = tf.get_variable("b_c", [self._units], initializer=tf.constant_initializer(0.0))
        self.check = lambda x, h: tensorflow.raw_ops.GRUBlockCell(x=x, h_prev=h, w_ru=w_ru, w_c=w_c, b_ru=b_ru, b_c=b_c)
        reset, update = tf.split(tf.sigmoid(tf.concat([x, state], 1) @ w_ru + b_ru), 2, 1)
        candidate = tf.tanh(tf.concat([x, reset * state], 1) @ w_c + b_c)
        state = update * state + (1 - update) * candidate
        return state, state


def load_reference(checkout):
    tf.disable_v2_behavior()
    tf.contrib = types.SimpleNamespace(rnn=types.SimpleNamespace(GRUBlockCell=GRUBlockCell))
    sys.modules["tensorflow"] = tf
    root = checkout / "planet"
    for name in ("planet", "planet.tools", "planet.models", "planet.control", "planet.training"):
        package = types.ModuleType(name)
        package.__path__ = [str(root / pathlib.Path(*name.split(".")[1:]))]
        sys.modules[name] = package
    planet, tools = sys.modules["planet"], sys.modules["planet.tools"]
    planet.tools, planet.control = tools, sys.modules["planet.control"]
    for name in ("nested", "shape", "attr_dict", "mask", "overshooting", "preprocess", "unroll"):
        setattr(tools, name, importlib.import_module(f"planet.tools.{name}"))
    tools.AttrDict, tools.overshooting = tools.attr_dict.AttrDict, tools.overshooting.overshooting
    tools.shape, tools.mask = tools.shape.shape, tools.mask.mask
    sys.modules["planet.training.trainer"] = types.ModuleType("trainer")
    sys.modules["planet.training"].trainer = sys.modules["planet.training.trainer"]
    return (importlib.import_module(f"planet.{name}") for name in ("models.rssm", "training.utility",
                                                                  "control.planning"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path, help="of google-research/planet")
    rssm, utility, planning = load_reference(parser.parse_args().checkout)
    tools, tfd = sys.modules["planet.tools"], tensorflow_probability.distributions
    rng = np.random.default_rng(31)
    dump = {}

    # dynamic_rnn's loops admit no tape: the draw is seeded by the mean, and the noise is read from the output.
    tfd.MultivariateNormalDiag.sample = lambda self, *_, **__: self.mean() + self.stddev() * tf.random.stateless_normal(
        tf.shape(self.mean()), seed=tf.bitcast(tf.stack([tf.reduce_sum(self.mean()), 7.0]), tf.int32))

    config = tools.AttrDict(_unlocked=True)
    config.overshooting_distance = 3
    config.heads = config.gradient_heads = ["reward"]
    cell = rssm.RSSM(STATE, BELIEF, 12, True, False, 0.1, tf.nn.relu, 1)
    data = {"action": rng.uniform(-1, 1, size=(BATCH, TIME, ACTIONS)), "embed": rng.normal(size=(BATCH, TIME, EMBED)),
            "reward": rng.normal(size=(BATCH, TIME))}
    dump.update({f"in/{key}": value for key, value in data.items()})
    data = {key: tf.constant(value, tf.float32) for key, value in data.items()}

    def head(features):
        hidden = tf.layers.dense(features, 12, tf.nn.relu)
        mean = tf.reshape(tf.layers.dense(hidden, 1, None), tf.shape(features)[:-1])
        return tfd.Normal(mean, 1.0)

    reward = tf.make_template("head_reward", head)
    prior, posterior = tools.unroll.closed_loop(cell, data["embed"], data["action"])
    graph = tools.AttrDict(cell=cell, heads={"reward": reward}, embedded=data["embed"], data=data)
    losses = {}
    for free in (3.0, 0.5):
        config.free_nats = free
        config.loss_scales = {"divergence": 1.0, "reward": 10.0}
        for objective in utility.compute_objectives(posterior, prior, data, graph, config):
            losses[f"{objective.name}_free{free}"] = objective.value
    _, open_prior, open_posterior, mask = tools.overshooting(
        cell, {}, data["embed"], data["action"], tf.fill([BATCH], TIME), config.overshooting_distance, posterior)
    # Distances 1 .. amount - 1, as compute_objectives slices them.
    fixed = {key: tf.stop_gradient(value) for key, value in open_posterior.items()}
    open_divergence = cell.divergence_from_states(fixed, open_prior, mask)
    valid = tf.cast(mask, tf.float32)[:, :, 1:-1]
    for free in (3.0, 0.5):
        over = tf.maximum(0.0, open_divergence[:, :, 1:-1] - free) * valid
        losses[f"overshooting_free{free}"] = tf.reduce_sum(over) / tf.reduce_sum(valid)
    values = {
        "prior": prior, "posterior": posterior, "loss": losses, "open_prior": open_prior,
        "open_posterior_mean": open_posterior["mean"], "open_mask": mask,
        "divergence": cell.divergence_from_states(posterior, prior),
        "open_divergence": open_divergence,
        "reward": reward(cell.features_from_state(posterior)).mean()}

    # Planner: the same rollout as in control, with recorded candidates.
    candidates = rng.normal(size=(ITERATIONS, PLAN_BATCH, AMOUNT, HORIZON, ACTIONS)).astype(np.float32)
    start = {"mean": (PLAN_BATCH, STATE), "stddev": (PLAN_BATCH, STATE), "sample": (PLAN_BATCH, STATE),
             "belief": (PLAN_BATCH, BELIEF), "rnn_state": (PLAN_BATCH, BELIEF)}
    start = {key: rng.normal(size=shape).astype(np.float32) * 0.5 for key, shape in start.items()}
    start["rnn_state"] = start["belief"]
    dump["in/plan_noise"] = candidates[:, 0]
    dump["in/plan_sample"], dump["in/plan_belief"] = start["sample"][0], start["belief"][0]
    counter = iter(range(ITERATIONS))
    seen = []

    def objective(state):
        seen.append((state["sample"], state["mean"], state["stddev"], state["belief"],
                     tf.reduce_sum(reward(cell.features_from_state(state)).mean(), 1)))
        return seen[-1][-1]

    def scan(iteration, elements, initial, back_prop):  # unrolled, so that each iteration is seen
        results = [initial]
        for index in range(ITERATIONS):
            results.append(iteration(results[-1], index))
        return tuple(tf.stack(part) for part in zip(*results[1:]))

    refits = {}
    real_scan, real_normal = tf.scan, tf.random_normal
    tf.random_normal = lambda shape: tf.constant(candidates[next(counter)])
    tf.scan = lambda *a, **k: refits.setdefault("all", scan(*a, **k))
    constant = {key: tf.constant(value) for key, value in start.items()}
    plan = planning.cross_entropy_method(cell, objective, constant, (EMBED,), (ACTIONS,), HORIZON, graph,
                                         amount=AMOUNT, topk=TOPK, iterations=ITERATIONS)
    tf.scan, tf.random_normal = real_scan, real_normal
    values.update(plan=plan, plan_mean=refits["all"][0], plan_stddev=refits["all"][1], plan_seen=seen)

    named = {v.name.split(":")[0]: v for v in tf.trainable_variables()}
    total = sum(value * {"reward": -10.0}.get(key.split("_")[0], 1.0) for key, value in losses.items()
                if key.endswith("free0.5"))
    values["total"], values["grads"] = total, tf.gradients(total, list(named.values()))
    image = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    dither = rng.uniform(0, 1, size=(1, 16, 16, 1)).astype(np.float32)
    uniform = tf.random_uniform
    tf.random_uniform = lambda shape, low, high: tf.constant(dither) * high
    values["preprocessed"] = tools.preprocess.preprocess(tf.constant(image), 5)
    tf.random_uniform = uniform

    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for name, variable in named.items():
            shape = variable.shape.as_list()
            bias = len(shape) == 1
            value = 0.1 * rng.normal(size=shape) if bias else rng.normal(size=shape) * 1.5 / np.sqrt(shape[0])
            variable.load((value + (1.0 if name.endswith("b_ru") else 0.0)).astype(np.float32), session)
            dump[f"weight/{name}"] = session.run(variable)
        out = session.run(values)
        gru = cell._cell
        x, h = (tf.constant(rng.normal(size=(5, n)), tf.float32) for n in (12, BELIEF))
        with tf.variable_scope(next(n for n in named if n.endswith("w_ru"))[:-5], reuse=True):
            ours = gru.call(x, h)[0]
        ours, kernel = session.run([ours, gru.check(x, h).h])
        assert np.abs(ours - kernel).max() < 1e-6

    for kind in ("prior", "posterior"):
        dump[f"out/{kind}_mean"], dump[f"out/{kind}_stddev"] = out[kind]["mean"], out[kind]["stddev"]
        dump[f"out/{kind}_sample"] = out[kind]["sample"]
    dump["in/noise"] = (out["posterior"]["sample"] - out["posterior"]["mean"]) / out["posterior"]["stddev"]
    dump["out/belief"], dump["out/reward"] = out["posterior"]["belief"], out["reward"]
    for key, value in out["loss"].items():
        dump[f"out/{key}"] = [value]
    dump["out/divergence"], dump["out/open_divergence"] = out["divergence"], out["open_divergence"]
    keep = out["open_mask"][..., None]
    for key in ("mean", "stddev", "belief"):
        dump[f"out/open_{key}"] = out["open_prior"][key] * keep
    dump["in/open_noise"] = np.where(keep, (out["open_prior"]["sample"] - out["open_prior"]["mean"])
                                     / np.where(keep, out["open_prior"]["stddev"], 1), 0)
    dump["out/open_posterior_mean"], dump["out/open_mask"] = out["open_posterior_mean"] * keep, out["open_mask"]
    sample, mean, stddev, belief, returns = (np.stack(part) for part in zip(*out["plan_seen"]))
    dump["in/plan_state_noise"] = (sample - mean) / stddev
    dump["out/plan_returns"] = returns
    dump["out/plan_mean"], dump["out/plan_stddev"] = out["plan_mean"][:, 0], out["plan_stddev"][:, 0]
    dump["out/plan"] = out["plan"][0]
    dump["out/total_free0.5"] = [out["total"]]
    for name, gradient in zip(named, out["grads"]):
        dump[f"gradnorm/{name}"] = [np.linalg.norm(gradient)]
        dump[f"grad/{name}"] = gradient if gradient.size <= GRAD_LIMIT else gradient.flatten()[:64]
    dump["in/bytes"], dump["in/dither"] = image.flatten(), dither.flatten()
    dump["out/preprocessed"] = out["preprocessed"].flatten()
    save_file({k: np.ascontiguousarray(np.asarray(v, np.float32)) for k, v in dump.items()},
              OUT / "planet.safetensors")


if __name__ == "__main__":
    main()
