"""A checkpoint that danijar/dreamerv3 has saved (dreamer/v3_24_agent.pkl), and what its agent says (v3_24_agent.safetensors).

    python make_danijar_agent.py DREAMERV3        (needs what make_dreamer_v3_24.py needs)

The whole embodied.jax.Agent, in float32 on the CPU, for the spaces of our CartPoleSwingUp: a picture, five numbers under two
names, one number as action. Weights are noise (make_dreamer_v3_24.randomise). elements.Checkpoint writes them; of the
optimiser's state only biases are kept. dreamer/README.md lists the keys.
"""
import argparse
import pathlib
import sys
import tempfile

import elements
import jax
import jax.numpy as jnp
import ninjax as nj
import numpy as np
import ruamel.yaml
from safetensors.numpy import load_file, save_file

from make_dreamer_v3_24 import BATCH, OUT, TIME, numpy, randomise


def agent_of(code, checkout, logdir):
    text = (checkout / "dreamerv3" / "configs.yaml").read_text()
    config = elements.Config(ruamel.yaml.YAML(typ="safe").load(text)["defaults"])
    config = config.update({
        r"agent\..*rssm": dict(deter=16, hidden=12, classes=2), r"agent\..*\.depth": 2, r"agent\..*\.units": 12,
        r"agent\.(policy|value)\.units": 10, r"agent\.(enc|dec)\.simple\.layers": 2, "agent.value.layers": 2,
        "jax.platform": "cpu", "jax.compute_dtype": "float32", "jax.prealloc": False})
    space = elements.Space
    seen = {"image": space(np.uint8, (64, 64, 3)), "pole": space(np.float32, (3,)), "cart": space(np.float32, (2,)),
            "reward": space(np.float32), "is_first": space(bool), "is_last": space(bool), "is_terminal": space(bool)}
    return code.Agent(seen, {"action": space(np.float32, (1,), -1, 1)}, elements.Config(
        **config.agent, logdir=str(logdir), seed=0, jax={**config.jax, "precompile": False}, batch_size=2, batch_length=4,
        report_length=4, replay_context=1, replica=0, replicas=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path, help="of danijar/dreamerv3")
    checkout = parser.parse_args().checkout
    sys.path.insert(0, str(checkout))
    jax.config.update("jax_default_matmul_precision", "highest")
    from dreamerv3 import agent as code

    rng = np.random.default_rng(9)
    with tempfile.TemporaryDirectory() as folder:
        agent = agent_of(code, checkout, folder)
        jax.config.update("jax_transfer_guard", "allow")
        data = agent.save()
        state = {k: randomise(k, v, rng) if v.ndim and not k.startswith("opt/") else v for k, v in data["params"].items()}
        state |= {"retnorm/lo/value": jnp.float32(-1.5), "retnorm/hi/value": jnp.float32(2.0)}
        agent.load({**data, "params": {k: np.asarray(v) for k, v in state.items()}})

        def save():
            saved = agent.save()
            saved["params"] = {k: v for k, v in saved["params"].items() if not k.startswith("opt/") or v.ndim < 2}
            return saved
        checkpoint = elements.Checkpoint(elements.Path(folder) / "ckpt")
        checkpoint.agent = elements.checkpoint.Saveable(save=save, load=agent.load)
        checkpoint.save()
        (OUT / "v3_24_agent.pkl").write_bytes((checkpoint.latest() / "agent.pkl").read_bytes())

    first = np.zeros((BATCH, TIME), bool)
    first[[0, 2], 0] = first[1, 3] = first[2, 5] = True
    obs = {"image": load_file(OUT / "images.safetensors")["in/image"], "is_first": first,
           "cart": rng.normal(size=(BATCH, TIME, 2)).astype(np.float32) * np.float32([1, 20]),
           "pole": rng.normal(size=(BATCH, TIME, 3)).astype(np.float32) * np.float32([0.1, 1, 300])}
    previous = {"action": rng.uniform(-1.5, 1.5, size=(BATCH, TIME, 1)).astype(np.float32)}
    carry = {"deter": np.tanh(rng.normal(size=(BATCH, 16))).astype(np.float32),
             "stoch": np.eye(2, dtype=np.float32)[rng.integers(0, 2, size=(BATCH, 32))]}
    model = agent.model

    def say(carry, obs, previous):
        _, _, tokens = model.enc({}, obs, obs["is_first"], training=False)
        _, _, feat = model.dyn.observe(carry, tokens, previous, obs["is_first"], training=False)
        _, _, recons = model.dec({}, feat, obs["is_first"], training=False)
        x = model.feat2tensor(feat)
        policy, picture = model.pol(x, 2)["action"], recons["image"].pred()
        dist = getattr(policy, "output", policy)
        return {"out/deter": feat["deter"], "out/post_logit": feat["logit"], "in/post_stoch": feat["stoch"],
                "out/prior_logit": model.dyn._prior(feat["deter"]), "out/reward": model.rew(x, 2).pred(),
                "out/cont": model.con(x, 2).prob(1), "out/value": model.val(x, 2).pred(),
                "out/actor_mean": dist.mean, "out/actor_std": dist.stddev,
                "out/decoder_vector_symlog": jnp.concatenate([recons[k].pred() for k in ("cart", "pole")], -1),
                "out/decoder_image_0_0_every3": picture[0, 0, ::3, ::3], "out/decoder_image_mean": picture.mean((2, 3))}

    _, dump = nj.pure(say)(state, carry, obs, previous, seed=9)
    dump |= {"in/vector": np.concatenate([obs["cart"], obs["pole"]], -1), "in/is_first": first, "in/reward": np.zeros((BATCH, TIME)),
             "in/prev_action": previous["action"], "in/carry_deter": carry["deter"], "in/carry_stoch": carry["stoch"]}
    dump["in/post_stoch"] = jnp.round(dump["in/post_stoch"])
    save_file({k: numpy(v) for k, v in dump.items()}, OUT / "v3_24_agent.safetensors")


if __name__ == "__main__":
    main()
