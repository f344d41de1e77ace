"""Golden dumps of Dreamer V1, made by running danijar/dreamer itself (TensorFlow) at a tiny size.

    git clone https://github.com/danijar/dreamer        (read at commit 56d4d44)
    pip install tensorflow-cpu==2.21.0 tf_keras tensorflow-probability safetensors
    python make_dreamer_v1.py DREAMER

Dreamer._train and _imagine_ahead run as they are, eagerly and in float32, on an object that carries only what they
use; the optimisers are recorders of the gradient, Gaussian noise is seeded and recorded, removed TensorFlow names are
given back. All weights are seeded noise. Reads dreamer/images.safetensors; writes dreamer/v1.safetensors;
dreamer/README.md lists the keys.
"""
import argparse
import functools
import importlib
import os
import pathlib
import sys
import types

os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0",
                  CUDA_VISIBLE_DEVICES="")
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file, save_file
from tensorflow_probability import distributions as tfd

OUT = pathlib.Path(__file__).parent / "dreamer"
BATCH, TIME, HORIZON, GRAD_LIMIT = 3, 6, 5, 300


def load_reference(checkout):
    sys.path.insert(0, str(checkout))
    policy = types.SimpleNamespace(compute_dtype=tf.float32)
    import tensorflow.keras.mixed_precision as precision
    precision.experimental = types.SimpleNamespace(global_policy=lambda: policy)
    for name in ("gym", "wrappers"):
        sys.modules[name] = types.ModuleType(name)
    tf.config.run_functions_eagerly(True)
    return (importlib.import_module(name) for name in ("dreamer", "models", "tools"))


def variables(module, prefix):
    found = {}
    layers = dict(getattr(module, "_modules", {}))
    if hasattr(module, "_cell"):
        layers["gru"] = module._cell
    for name, layer in layers.items():
        found.update({f"{prefix}{name}/{v.name.split('/')[-1].split(':')[0]}": v for v in layer.variables})
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path, help="of danijar/dreamer")
    dreamer, models, tools = load_reference(parser.parse_args().checkout)
    rng = np.random.default_rng(21)
    dump, noises = {}, []

    def noise(shape):
        noises.append(tf.constant(rng.normal(size=shape), tf.float32))
        return noises[-1]

    # One draw per element. The repository's own sampler draws one vector and shares it over the batch.
    tfd.MultivariateNormalDiag.sample = lambda self, *_, **__: self.mean() + self.stddev() * noise(self.mean().shape)
    tfd.Normal._sample_n = lambda self, n, seed=None: (
        self.loc + self.scale * noise([int(n), *self.loc.shape]))

    config = dreamer.define_config()
    config.update(deter_size=16, stoch_size=4, num_units=12, cnn_depth=1, horizon=HORIZON, log_scalars=False)
    act = tf.nn.elu
    agent = types.SimpleNamespace(
        _c=config, _strategy=types.SimpleNamespace(num_replicas_in_sync=1),
        _encode=models.ConvEncoder(1, tf.nn.relu), _dynamics=models.RSSM(4, 16, 12),
        _decode=models.ConvDecoder(1, tf.nn.relu), _reward=models.DenseDecoder((), 2, 12, act=act),
        _pcont=models.DenseDecoder((), 3, 12, "binary", act=act), _value=models.DenseDecoder((), 3, 12, act=act),
        _actor=models.ActionDecoder(2, 4, 12, "tanh_normal", init_std=5.0, act=act))
    agent._imagine_ahead = functools.partial(dreamer.Dreamer._imagine_ahead, agent)
    parts = {"encode": agent._encode, "dynamics": agent._dynamics, "decode": agent._decode, "reward": agent._reward,
             "pcont": agent._pcont, "value": agent._value, "actor": agent._actor}

    image = load_file(OUT / "images.safetensors")["in/image"].astype(np.float32) / 255.0 - 0.5
    terminal = np.zeros((BATCH, TIME))
    terminal[1, 4] = 1
    data = {"action": rng.uniform(-1, 1, size=(BATCH, TIME, 2)), "reward": rng.normal(size=(BATCH, TIME)),
            "discount": 1 - terminal}
    dump.update({f"in/{key}": value for key, value in data.items()})
    data = {key: tf.constant(value, tf.float32) for key, value in {**data, "image": image}.items()}

    def recorder(prefix, groups, keep):
        def call(tape, loss):
            named = {k: v for group in groups for k, v in variables(parts[group], f"{group}/").items()}
            total = 0.0
            for (name, _), gradient in zip(named.items(), tape.gradient(loss, list(named.values()))):
                gradient = tf.convert_to_tensor(gradient).numpy()
                total += float((gradient.astype(np.float64) ** 2).sum())
                if keep:
                    dump[f"gradnorm/{name}"] = [np.linalg.norm(gradient)]
                    dump[f"grad/{name}"] = gradient if gradient.size <= GRAD_LIMIT else gradient.flatten()[:64]
            dump[f"out/{prefix}loss"], dump[f"out/{prefix}grad_norm"] = [loss], [total**0.5]
        return call

    for pcont in (None, False, True):  # the first only builds the layers
        config.pcont = pcont is not False
        config.free_nats = 0.3 if pcont is False else 3.0  # below the mean KL, so that its gradient is seen; above it
        tag = "pcont/" if pcont else ""
        rng = np.random.default_rng(22)
        noises.clear()
        model = ["encode", "dynamics", "decode", "reward"] + ["pcont"] * config.pcont
        agent._model_opt = recorder(f"{tag}model_", model, pcont is False)
        agent._actor_opt = recorder(f"{tag}actor_", ["actor"], pcont is False)
        agent._value_opt = recorder(f"{tag}value_", ["value"], pcont is False)
        dreamer.Dreamer._train(agent, data, False)
        if pcont is None:
            fill = np.random.default_rng(23)
            for key, part in parts.items():
                for name, variable in variables(part, f"{key}/").items():
                    shape = variable.shape.as_list()
                    transposed = "decode/" in name and len(shape) == 4
                    fan = np.prod(shape[:2]) * shape[3] if transposed else np.prod(shape[:-1])
                    bias = name.endswith("bias")
                    value = 0.1 * fill.normal(size=shape) if bias else fill.normal(size=shape) / np.sqrt(fan)
                    variable.assign(value.astype(np.float32))
                    dump[f"weight/{name}"] = variable.numpy()
            continue
        # Per observed step: prior's noise, then posterior's; then per imagined step: action's, then state's.
        dump["in/post_noise"] = np.stack(noises[1:2 * TIME:2], 1)
        rollout = noises[2 * TIME:]
        dump[f"in/{tag}imag_action_noise"] = np.stack(rollout[0:2 * HORIZON:2])[:, 0]
        dump[f"in/{tag}imag_noise"] = np.stack(rollout[1:2 * HORIZON:2])
        assert len(noises) == 2 * TIME + 2 * HORIZON

        # The same pass once more, for what lies between (the same seed gives the same noise).
        rng = np.random.default_rng(22)
        embed = agent._encode(data)
        post, prior = agent._dynamics.observe(embed, data["action"])
        feat = agent._dynamics.get_feat(post)
        imagined = agent._imagine_ahead(post)
        reward = agent._reward(imagined).mode()
        gamma = agent._pcont(imagined).mean() if pcont else config.discount * tf.ones_like(reward)
        value = agent._value(imagined).mode()
        returns = tools.lambda_return(reward[:-1], value[:-1], gamma[:-1], bootstrap=value[-1], lambda_=config.disclam,
                                      axis=0)
        dump.update({f"out/{tag}imag_feat": imagined, f"out/{tag}imag_reward": reward, f"out/{tag}imag_value": value,
                     f"out/{tag}returns": returns})
        if pcont:
            dump["out/pcont/imag_pcont"] = gamma
            dump["out/pcont/likelihood"] = agent._pcont(feat).log_prob(config.discount * data["discount"])
            continue
        picture = agent._decode(feat)
        dump.update({
            "out/embed": embed, "out/deter": post["deter"], "out/post_stoch": post["stoch"],
            "out/post_mean": post["mean"], "out/post_std": post["std"], "out/prior_mean": prior["mean"],
            "out/prior_std": prior["std"], "out/image_likelihood": picture.log_prob(data["image"]),
            "out/decoder_image_0_0_every3": picture.mode()[0, 0, ::3, ::3],
            "out/decoder_image_mean": tf.reduce_mean(picture.mode(), (2, 3)), "out/reward": agent._reward(feat).mode(),
            "out/reward_likelihood": agent._reward(feat).log_prob(data["reward"]),
            "out/kl": tfd.kl_divergence(agent._dynamics.get_dist(post), agent._dynamics.get_dist(prior))})
        policy = agent._actor(feat)
        normal = policy._dist.distribution.distribution
        action = tf.constant(np.random.default_rng(24).uniform(-0.99, 0.99, size=(BATCH, TIME, 2)), tf.float32)
        dump.update({"out/actor_mean": normal.loc, "out/actor_std": normal.scale, "in/logprob_action": action,
                     "out/actor_logprob": policy.log_prob(action)})
    save_file({k: np.ascontiguousarray(np.asarray(v, np.float32)) for k, v in dump.items()}, OUT / "v1.safetensors")


if __name__ == "__main__":
    main()
