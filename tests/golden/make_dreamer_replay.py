"""Golden dump of the 2024 Dreamer V3's replay: its context of latents and its online queue.

    git clone https://github.com/danijar/dreamerv3        (read at commit e3f0224)
    pip install jax ninjax elements portal einops chex optax numpy safetensors
    python make_dreamer_replay.py DREAMERV3

embodied.core.replay.Replay runs as it is on one stream of numbered steps: step n shows the number n and is answered by
the action 100 + n; its latents are 1000 + n of h and 2000 + n of z, as its actor would have left them. Batches go through
Agent._apply_replay_context, and Replay.update writes the latents 5000 + n and 6000 + n over them, as a learner would.
Writes dreamer/v3_24_replay.safetensors; dreamer/README.md lists the keys.
"""
import argparse
import importlib
import inspect
import pathlib
import sys
import types

import jax
import numpy as np
from safetensors.numpy import save_file

OUT = pathlib.Path(__file__).parent / "dreamer"
LENGTH, BATCH = 5, 3
EPISODES = (7, 4, 11, 6)  # frames of each


def stream():
    number = 0
    for frames in EPISODES:
        for time in range(frames):
            yield {"number": np.float32(number), "action": np.float32(100 + number), "is_first": time == 0,
                   "is_last": time == frames - 1, "dyn/deter": np.float32([1000 + number]),
                   "dyn/stoch": np.float32([[2000 + number]])}
            number += 1


def context(replays, agents, rssm):
    """Batches that begin with a stored latent, and what the replay holds after each."""
    replay = replays.Replay(LENGTH + 1, capacity=1000, chunksize=8, seed=2)
    for step in stream():
        replay.add(step)
    stub = types.SimpleNamespace(
        config=types.SimpleNamespace(replay_context=1), obs_space={k: 0 for k in ("number", "is_first", "is_last")},
        act_space={"action": 0}, enc=types.SimpleNamespace(truncate=lambda entries, carry: carry),
        dec=types.SimpleNamespace(truncate=lambda entries, carry: carry),
        dyn=types.SimpleNamespace(truncate=lambda entries, carry: inspect.unwrap(rssm.RSSM.truncate)(None, entries, carry)))
    zeros = ({}, {"deter": np.zeros((BATCH, 1)), "stoch": np.zeros((BATCH, 1, 1))}, {}, {"action": np.zeros(BATCH)})
    dump = {}
    for turn in range(4):
        data = replay.sample(BATCH)
        data["consec"] = np.zeros(data["is_first"].shape, np.int32)
        carry, obs, previous, stepid = agents.Agent._apply_replay_context(stub, zeros, data)
        dump[f"out/{turn}/number"] = obs["number"]
        dump[f"out/{turn}/first"], dump[f"out/{turn}/last"] = obs["is_first"], obs["is_last"]
        dump[f"out/{turn}/previous_action"] = previous["action"]
        dump[f"out/{turn}/deter"], dump[f"out/{turn}/stoch"] = carry[1]["deter"], carry[1]["stoch"][:, 0]
        number = np.asarray(obs["number"])
        replay.update({"stepid": np.asarray(stepid), "dyn/deter": 5000 + number[..., None],
                       "dyn/stoch": 6000 + number[..., None, None]})
        chunks = []  # in the order in which they were filled
        at = next(iter(replay.chunks.values()))
        while at:
            chunks.append((at.data["dyn/deter"][:at.length, 0], at.data["dyn/stoch"][:at.length, 0, 0]))
            at = replay.chunks.get(at.succ)
        dump[f"out/{turn}/kept"] = np.stack([np.concatenate(rows) for rows in zip(*chunks)], 1)
    return dump


def queue(replays):
    """Where the pieces begin that are taken for being new, [batch, lane]; -1 where a lane is drawn at random."""
    replay = replays.Replay(LENGTH, capacity=1000, chunksize=8, online=True, seed=3)
    rows, counts = [], []
    replay._annotate_batch, annotate = (lambda data, online, first: (seen.append(online), annotate(data, online, first))[1],
                                        replay._annotate_batch)
    for count, step in enumerate(stream(), 1):
        replay.add(step)
        if count < 8 or count % 3:
            continue
        seen = []
        data = replay.sample(2)
        rows.append([float(n) if new else -1.0 for n, new in zip(data["number"][:, 0], seen[0])])
        counts.append(count)
    return {"in/queue_count": np.array(counts), "out/queue_begin": np.array(rows)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path, help="of danijar/dreamerv3")
    sys.path.insert(0, str(parser.parse_args().checkout))
    jax.config.update("jax_platforms", "cpu")
    agents, rssm = (importlib.import_module(f"dreamerv3.{m}") for m in ("agent", "rssm"))
    replays = importlib.import_module("embodied.core.replay")
    dump = {"in/episodes": np.array(EPISODES), **context(replays, agents, rssm), **queue(replays)}
    save_file({k: np.ascontiguousarray(np.asarray(v, np.float32)) for k, v in dump.items()},
              OUT / "v3_24_replay.safetensors")


if __name__ == "__main__":
    main()
