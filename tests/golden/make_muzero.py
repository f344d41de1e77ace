"""Golden data of MuZero's search and targets: `pip install torch==2.13.0 numpy jax mctx==0.0.71`, then
`python make_muzero.py PATH` in this folder, where PATH holds a checkout of werner-duvaud/muzero-general.

muzero/muzero.npz: visits and values of its search (ties are won by the first action there, as in ours), of mctx' Gumbel MuZero
(without noise), and its value targets. The model is a made-up world of 101 states whose every number is a sine, so that both
sides compute it themselves; see `Sines` here and in tests/behaviours/search_golden_test.cpp.
"""
import importlib
import pathlib
import sys
import types

import numpy as np

CHOICES, STATES = 4, 101


class Sines:
    @staticmethod
    def next(s, a):
        return (3 * s + 5 * a + 1) % STATES

    @staticmethod
    def reward(s, a):
        return np.sin(0.3 * s + a)

    @staticmethod
    def logits(s):
        return [float(np.sin(0.7 * s + 1.3 * a)) for a in range(CHOICES)]

    @staticmethod
    def value(s):
        return 2 * np.cos(0.9 * s)


def modules(path):
    ray = types.ModuleType("ray")
    ray.remote = lambda thing: thing
    sys.modules["ray"] = ray
    sys.path.insert(0, str(path))
    return [importlib.import_module(name) for name in ("models", "self_play", "replay_buffer")]


def puct(models, self_play, start, simulations, discount):
    import torch

    models.support_to_scalar = lambda x, _: x
    self_play.numpy.random.choice = lambda options: options[0]

    class Model:
        def parameters(self):
            yield torch.zeros(1)

        def initial_inference(self, observation):
            s = int(observation.item())
            return torch.tensor(float(Sines.value(s)), dtype=torch.float64), torch.tensor(0.0), [Sines.logits(s)], torch.tensor([s])

        def recurrent_inference(self, hidden, action):
            s, a = int(hidden.item()), int(action.item())
            n = Sines.next(s, a)
            return (torch.tensor(float(Sines.value(n)), dtype=torch.float64),
                    torch.tensor(float(Sines.reward(s, a)), dtype=torch.float64), [Sines.logits(n)], torch.tensor([n]))

    config = types.SimpleNamespace(support_size=0, num_simulations=simulations, players=[0], action_space=list(range(CHOICES)),
                                   discount=discount, pb_c_base=19652, pb_c_init=1.25)
    root, _ = self_play.MCTS(config).run(Model(), start, config.action_space, 0, False)
    return [root.children[a].visit_count for a in range(CHOICES)], root.value()


def gumbel(start, simulations, discount, considered):
    import jax
    import mctx

    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    def logits_of(s):
        return jnp.sin(0.7 * s[:, None] + 1.3 * jnp.arange(CHOICES)[None, :])

    def recurrent(_, __, action, s):
        n = (3 * s + 5 * action + 1) % STATES
        output = mctx.RecurrentFnOutput(reward=jnp.sin(0.3 * s + action), discount=jnp.full(s.shape, discount),
                                        prior_logits=logits_of(n), value=2 * jnp.cos(0.9 * n))
        return output, n

    s = jnp.array([start])
    root = mctx.RootFnOutput(prior_logits=logits_of(s), value=2 * jnp.cos(0.9 * s), embedding=s)
    out = mctx.gumbel_muzero_policy((), jax.random.PRNGKey(0), root, recurrent, num_simulations=simulations,
                                    max_num_considered_actions=considered, gumbel_scale=0.0)
    summary = out.search_tree.summary()
    return (np.asarray(summary.visit_counts[0]), np.asarray(out.action_weights[0]), int(out.action[0]),
            float(summary.value[0]))


def targets(replay_buffer, self_play, discount, steps):
    random = np.random.default_rng(3)
    history = self_play.GameHistory()
    length = 20
    history.reward_history = [0.0] + list(random.normal(size=length))
    history.root_values = list(random.normal(size=length) * 5)
    history.to_play_history = [0] * (length + 1)
    buffer = replay_buffer.ReplayBuffer.__new__(replay_buffer.ReplayBuffer)
    buffer.config = types.SimpleNamespace(td_steps=steps, discount=discount)
    made = [buffer.compute_target_value(history, i) for i in range(length)]
    return np.array(history.reward_history), np.array(history.root_values), np.array(made)


def main():
    models, self_play, replay_buffer = modules(pathlib.Path(sys.argv[1]).resolve())
    arrays = {}
    rewards, values, made = targets(replay_buffer, self_play, 0.9, 4)
    arrays["targets/reward"], arrays["targets/value"], arrays["targets/z"] = rewards, values, made
    for start, simulations, discount in [(0, 8, 0.997), (7, 50, 0.997), (42, 200, 0.9), (88, 333, 1.0)]:
        visits, value = puct(models, self_play, start, simulations, discount)
        arrays[f"puct/{start}"] = np.array([simulations, discount, value, *visits], np.float64)
        print("puct", start, visits, value)
    for start, simulations, discount, considered in [(0, 8, 0.997, 4), (7, 50, 0.997, 16), (42, 32, 0.9, 2), (88, 3, 1.0, 3)]:
        visits, weights, action, value = gumbel(start, simulations, discount, considered)
        arrays[f"gumbel/{start}"] = np.array([simulations, discount, considered, value, action, *visits, *weights], np.float64)
        print("gumbel", start, visits, weights, action, value)
    out = pathlib.Path(__file__).parent / "muzero"
    out.mkdir(exist_ok=True)
    np.savez_compressed(out / "muzero.npz", **arrays)


if __name__ == "__main__":
    main()
