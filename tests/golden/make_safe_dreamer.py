"""Golden dump of SafeDreamer (Huang et al. 2024), made by running PKU-Alignment/SafeDreamer itself.

    git clone https://github.com/PKU-Alignment/SafeDreamer        (read at commit 529221f)
    pip install jax==0.10.2 numpy safetensors
    python make_safe_dreamer.py SAFEDREAMER

ImagSafeActorCritic.loss, VFunction and CostVFunction (score and loss), Lagrange, Moments, DiscDist, PIDLagrangian and
CCEPlanner's choice among safe trajectories run as they are, taken from agent.py, jaxutils.py, train.py and behaviors.py;
what stands around them there (variables, networks of one hidden layer, a normal distribution, metrics) is put in their
place. All weights and what was imagined are seeded noise, and gradients are of the losses by the imagination itself:
features, rewards and costs. Writes safe_dreamer/loss.safetensors: in/, weight/, out/; imagined data are [S, N, ...].
"""
import argparse
import ast
import pathlib
import types
from collections import deque

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from safetensors.numpy import save_file

OUT = pathlib.Path(__file__).parent / "safe_dreamer"
STATES, STARTS, FEATURES, ACTIONS, UNITS, BINS = 6, 7, 5, 2, 8, 255
LIMIT, UPDATES = 2.0, 3
CONFIG = dict(
    lagrange_multiplier_init=0.02, penalty_multiplier_init=0.03, cost_limit=LIMIT, actor_grad_cont="backprop",
    actor={}, actor_dist_cont="normal", retnorm=dict(impl="perc_ema", decay=0.99, max=1.0, perclo=5.0, perchi=95.0),
    costnorm=dict(impl="perc_ema", decay=0.99, max=1.0, perclo=5.0, perchi=95.0), actor_opt={}, critic_opt={},
    cost_critic_opt={}, critic={}, actent=3e-4, loss_scales=dict(actor=1.0, critic=1.0, slowreg=1.0), expl_behavior="None",
    pessimistic=True, slow_critic_fraction=0.02, slow_critic_update=1, critic_slowreg="logprob", horizon=333,
    return_lambda=0.95)
PID = dict(
    kp=0.1, ki=0.01, kd=0.01, init_penalty=0.0, d_delay=10, delta_p_ema_alpha=0.95, delta_d_ema_alpha=0.95, sum_norm=True,
    diff_norm=False, penalty_max=100.0, lagrangian_multiplier_init=0.001, use_cost_decay=False, init_cost_limit=10.0)


class Config(dict):
    def __getattr__(self, name):
        value = self[name]
        return Config(value) if isinstance(value, dict) else value


class Named(type):
    """Modules there take a name beside what their constructor takes."""

    def __call__(cls, *args, name=None, **kwargs):
        return super().__call__(*args, **kwargs)


class Module(metaclass=Named):
    pass


class Variable:
    def __init__(self, ctor, *args, name=None):
        self.value = ctor(*args)

    def read(self):
        return self.value

    def write(self, value):
        self.value = value


def source_of(path, name):
    text = path.read_text()
    node = next(n for n in ast.parse(text).body if getattr(n, "name", "") == name)
    return ast.get_source_segment(text, node)


def load(checkout, weights):
    """The authors' classes in a world of few words."""
    folder = checkout / "SafeDreamer"
    numbers = np.random.default_rng(7)

    class Net(Module):
        """One hidden layer with a layer norm; the output's rows are bins, or means and deviations."""

        def __init__(self, name, out):
            draw = lambda scale, *shape: jnp.array(scale * numbers.standard_normal(shape), jnp.float32)
            self.weights = {
                "layer0.linear.weight": draw(0.6, UNITS, FEATURES), "layer0.norm.scale": 1 + draw(0.1, UNITS),
                "layer0.norm.shift": draw(0.1, UNITS), "out.weight": draw(0.5, out, UNITS), "out.bias": draw(0.1, out)}
            weights.update({f"{name}.{key}": value for key, value in self.weights.items()})

        def __call__(self, traj):
            w = self.weights
            x = traj["deter"] @ w["layer0.linear.weight"].T
            mean = x.mean(-1, keepdims=True)
            x = (x - mean) / jnp.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-3)
            x = jax.nn.silu(x * w["layer0.norm.scale"] + w["layer0.norm.shift"])
            return x @ w["out.weight"].T + w["out.bias"]

    sg = jax.lax.stop_gradient
    nj = types.SimpleNamespace(Module=Module, Variable=Variable)
    jaxutils = types.SimpleNamespace(Optimizer=lambda **kw: None, SlowUpdater=lambda *a: None, tensorstats=lambda *a: {})
    names = dict(jax=jax, jnp=jnp, np=np, lax=lax, nj=nj, sg=sg, jaxutils=jaxutils, deque=deque, parallel=lambda: False,
                 symlog=lambda x: jnp.sign(x) * jnp.log(1 + jnp.abs(x)), symexp=lambda x: jnp.sign(x) * (jnp.exp(jnp.abs(x)) - 1))
    names["tree_map"] = jax.tree_util.tree_map
    for name in ("DiscDist", "Lagrange", "Moments"):
        exec(source_of(folder / "jaxutils.py", name), names)
        setattr(jaxutils, name, names[name])

    class Normal:
        def __init__(self, out):
            mean, std = jnp.split(out, 2, -1)
            self.mean, self.std = jnp.tanh(mean), 0.9 * jax.nn.sigmoid(std + 2) + 0.1

        def log_prob(self, x):
            return (-0.5 * ((x - self.mean) / self.std) ** 2 - jnp.log(self.std) - 0.5 * jnp.log(2 * jnp.pi)).sum(-1)

        def entropy(self):
            return (0.5 * jnp.log(2 * jnp.pi * jnp.e * self.std**2)).sum(-1)

    critics = {"VFunction": ("critic", "slow_critic"), "CostVFunction": ("cost_critic", "slow_cost_critic")}
    made = []

    def mlp(shape=None, name=None, **kwargs):
        if name == "actor":
            net = Net("actor", 2 * ACTIONS)
            return lambda traj: Normal(net(traj))
        made.append(name)
        net = Net(sum(critics.values(), ())[len(made) - 1], BINS)
        return lambda traj: names["DiscDist"](net(traj))

    names["nets"] = types.SimpleNamespace(MLP=mlp)
    for name in ("VFunction", "CostVFunction", "ImagSafeActorCritic"):
        exec(source_of(folder / "agent.py", name), names)
    names["ImagSafeActorCritic"]._metrics = lambda *args: {}
    exec(source_of(folder / "train.py", "PIDLagrangian"), names)
    exec(source_of(folder / "behaviors.py", "CCEPlanner"), names)
    return types.SimpleNamespace(**{k: v for k, v in names.items() if isinstance(v, type)})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path)
    weights, found = {}, {}
    theirs = load(parser.parse_args().checkout, weights)
    config = Config(CONFIG)
    reward = theirs.VFunction(lambda s: s["reward"][1:], config)
    cost = theirs.CostVFunction(lambda s: s["cost"][1:], config)
    space = types.SimpleNamespace(discrete=False, shape=(ACTIONS,))
    actor_critic = theirs.ImagSafeActorCritic({"extr": reward}, {"extr": cost}, {"extr": 1.0}, {"extr": 1.0}, space, config)

    rng = np.random.default_rng(1)
    traj = dict(
        deter=rng.standard_normal((STATES, STARTS, FEATURES)), action=rng.uniform(-1, 1, (STATES, STARTS, ACTIONS)),
        reward=rng.standard_normal((STATES, STARTS)), cost=rng.integers(0, 5, (STATES, STARTS)).astype(float),
        cont=(rng.uniform(size=(STATES, STARTS)) > 0.1).astype(float))
    traj["cont"][0] = 1
    traj = {k: jnp.array(v, jnp.float32) for k, v in traj.items()}
    found.update({f"in/{k}": v for k, v in traj.items()})

    def with_weight(parts):
        whole = {**traj, **parts}
        discount = 1 - 1 / config.horizon
        return {**whole, "weight": jnp.cumprod(discount * whole["cont"], 0) / discount}

    for name, critic in (("reward", reward), ("cost", cost)):
        _, returns, _ = critic.score(with_weight({}))
        found[f"out/{name}_return"] = returns
        found[f"out/{name}_critic_loss"] = critic.loss(with_weight({}), returns)[0]
    learned = {k: traj[k] for k in ("deter", "reward", "cost")}
    lagrange = actor_critic.lagrange
    moments = [*actor_critic.retnorms.values(), *actor_critic.costnorms.values()]
    for update in range(UPDATES):
        ranges = [(m.low.read(), m.high.read()) for m in moments]
        multiplier, penalty = lagrange.lagrange_multiplier.read(), lagrange.penalty_multiplier.read()

        def actor_loss(parts):
            # It writes beside what it returns: that is put back first, so that it can be asked twice.
            for m, (low, high) in zip(moments, ranges):
                m.low.write(low), m.high.write(high)
            lagrange.lagrange_multiplier.write(multiplier), lagrange.penalty_multiplier.write(penalty)
            return actor_critic.loss(with_weight(parts))[0]

        gradients = jax.grad(actor_loss)(learned)
        loss = actor_loss(learned)
        found[f"out/actor_loss{update}"] = loss
        found[f"out/multiplier{update}"] = lagrange.lagrange_multiplier.read()
        found[f"out/penalty{update}"] = lagrange.penalty_multiplier.read()
        found.update({f"out/gradient{update}_{k}": v for k, v in gradients.items()})

    pid = theirs.PIDLagrangian(Config(pid=PID, cost_limit=LIMIT))
    costs = rng.uniform(0, 12, 40)
    found["in/episode_costs"] = costs
    found["out/pid"] = np.array([pid.pid_update(c, 0)[0] for c in costs])

    # Which of 12 trajectories are the 4 elites, where 8, 3 and none of them cost less than the limit. There the list of
    # those that are safe is filled up with the first of all, be it safe or not; what fills is left away here.
    planner = object.__new__(theirs.CCEPlanner)
    planner.cost_limit, planner.num_elites = 5.0, 4
    returns = jnp.array(rng.standard_normal(12), jnp.float32)
    marks = {"action": jnp.arange(12)[None, :, None]}
    for safe in (8, 3, 0):
        planned = rng.permutation(np.concatenate([rng.uniform(0, 5, safe), rng.uniform(5, 9, 12 - safe)])).astype(np.float32)
        enough = safe >= planner.num_elites
        value, action = (planner.false_function if enough else planner.true_function)(returns, jnp.array(planned), marks)
        count = safe if enough else 12
        value, action = np.array(value)[:count], np.array(action)[0, :count, 0]
        found[f"in/planned_cost{safe}"] = planned
        found[f"out/elites{safe}"] = action[np.argsort(-value)[: planner.num_elites]].astype(np.int64)
    found["in/planned_return"] = returns

    found.update({f"weight/{k}": v for k, v in weights.items()})
    OUT.mkdir(exist_ok=True)
    save_file({k: np.ascontiguousarray(np.atleast_1d(np.asarray(v))) for k, v in found.items()}, OUT / "loss.safetensors")


if __name__ == "__main__":
    main()
