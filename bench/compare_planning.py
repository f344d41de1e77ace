#!/usr/bin/env python3
"""Sets three published planners beside dreamscope-cli: all on this machine, in one run, printed as Markdown.

    git clone https://github.com/nicklashansen/tdmpc2
    git clone https://github.com/werner-duvaud/muzero-general
    python bench/compare_planning.py --tdmpc2 tdmpc2 --muzero muzero-general --transformers

The Python that runs it (--python names another) needs torch, and tensordict for tdmpc2, numpy for muzero-general, transformers
for the Decision Transformer: its DecisionTransformerModel is kzl/decision-transformer's gym model, moved there. Each peer runs its
own code as it is, on the processor, without compilation: tdmpc2's update and plan at 5M on walker's shapes, muzero-general's search
with CartPole's networks and 50 simulations, one move at a time as it plays, the transformer's update at hopper's size. Figures are
per second of wall clock and per second of processor time; the second is the fairer one where other programs run.
"""
import argparse
import json
import pathlib
import sys
import types

import peers

TARGET = 3
ROWS = {  # ours: (what, peer, kind)
    "td_mpc2_update": ("TD-MPC2 5M, updates", "tdmpc2", "update"),
    "td_mpc2_plan": ("TD-MPC2 5M, plans", "tdmpc2", "plan"),
    "muzero_moves_1": ("MuZero, moves, one lane", "muzero", "move"),
    "muzero_moves_32": ("MuZero, moves, 32 lanes (the peer has one)", "muzero", "move"),
    "dt_update": ("Decision Transformer, updates", "transformers", "update"),
}


def tdmpc2(checkout, kind, seconds):
    """tdmpc2.py and what it imports, with the names of a graphics card replaced."""
    import torch

    root = checkout / "tdmpc2"
    package = types.ModuleType("common")
    package.__path__ = [str(root / "common")]
    sys.modules["common"] = package
    for name in ("common.init", "common.layers", "common.math", "common.scale", "common.world_model", "tdmpc2"):
        path = root / (name.replace(".", "/") + ".py")
        source = path.read_text().replace("cuda:0", "cpu").replace("capturable=True", "capturable=False")
        source = source.replace("WorldModel(cfg).to(self.device)", "WorldModel(cfg)")  # it is there already
        module = types.ModuleType(name)
        module.__file__ = str(path)
        sys.modules[name] = module
        if "." in name:
            setattr(package, name.split(".")[1], module)
        exec(compile(source, str(path), "exec"), module.__dict__)
    config = types.SimpleNamespace(
        multitask=False, obs="state", obs_shape={"state": (24,)}, action_dim=6, task_dim=0, episode_length=500, latent_dim=512,
        mlp_dim=512, enc_dim=256, num_enc_layers=2, num_channels=32, num_q=5, dropout=0.01, simnorm_dim=8, num_bins=101, vmin=-10,
        vmax=10, bin_size=0.2, log_std_min=-10, log_std_max=2, episodic=False, lr=3e-4, enc_lr_scale=0.3, tau=0.01, rho=0.5,
        consistency_coef=20, reward_coef=0.1, value_coef=0.1, termination_coef=1, entropy_coef=1e-4, grad_clip_norm=20,
        discount_denom=5, discount_min=0.95, discount_max=0.995, horizon=3, batch_size=256, iterations=6, compile=False, mpc=True,
        num_samples=512, num_elites=64, num_pi_trajs=24, min_std=0.05, max_std=2, temperature=0.5)
    config.get = lambda name, default=None: getattr(config, name, default)
    agent = sys.modules["tdmpc2"].TDMPC2(config)
    if kind == "plan":
        state = torch.randn(24)

        def work():
            agent.act(state, t0=False, eval_mode=True)
            return 1

        return peers.rate(seconds, work)
    obs, action = torch.randn(4, 256, 24), torch.rand(3, 256, 6) * 2 - 1
    reward, ended = torch.randn(3, 256, 1), torch.zeros(3, 256, 1)

    def work():
        agent._update(obs, action, reward, ended)
        return 1

    return peers.rate(seconds, work)


def muzero(checkout, kind, seconds):
    import importlib

    import numpy

    ray = types.ModuleType("ray")
    ray.remote = lambda thing: thing
    sys.modules["ray"] = ray
    sys.path.insert(0, str(checkout))
    models, self_play = importlib.import_module("models"), importlib.import_module("self_play")
    config = types.SimpleNamespace(
        network="fullyconnected", observation_shape=(1, 1, 4), stacked_observations=0, action_space=[0, 1], players=[0], encoding_size=8,
        fc_representation_layers=[], fc_dynamics_layers=[16], fc_reward_layers=[16], fc_value_layers=[16], fc_policy_layers=[16],
        support_size=10, num_simulations=50, discount=0.997, pb_c_base=19652, pb_c_init=1.25, root_dirichlet_alpha=0.25,
        root_exploration_fraction=0.25)
    import torch

    model = models.MuZeroNetwork(config)
    model.eval()
    seen = numpy.random.randn(1, 1, 4)

    def work():
        with torch.no_grad():
            self_play.MCTS(config).run(model, seen, config.action_space, 0, True)
        return 1

    return peers.rate(seconds, work)


def transformers(_, kind, seconds):
    import torch
    from transformers import DecisionTransformerConfig, DecisionTransformerModel

    model = DecisionTransformerModel(DecisionTransformerConfig(
        state_dim=11, act_dim=3, hidden_size=128, max_ep_len=1000, n_layer=3, n_head=1, n_inner=512, activation_function="relu",
        resid_pdrop=0.1, embd_pdrop=0.1, attn_pdrop=0.1, n_positions=1024))
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-4)
    states, actions, returns = torch.randn(64, 20, 11), torch.rand(64, 20, 3) * 2 - 1, torch.randn(64, 20, 1)
    times, mask = torch.arange(20).expand(64, 20), torch.ones(64, 20, dtype=torch.long)

    def work():
        said = model(states=states, actions=actions, rewards=None, returns_to_go=returns, timesteps=times, attention_mask=mask,
                     return_dict=True).action_preds
        loss = ((said - actions) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimiser.step()
        loss.item()
        return 1

    return peers.rate(seconds, work)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tdmpc2", type=pathlib.Path, help="checkout of nicklashansen/tdmpc2")
    parser.add_argument("--muzero", type=pathlib.Path, help="checkout of werner-duvaud/muzero-general")
    parser.add_argument("--transformers", action="store_true", help="compare with the Decision Transformer of transformers")
    peers.add_options(parser)
    options = parser.parse_args()
    if options.peer:
        import torch

        torch.set_num_threads(options.threads)
        peer, kind = options.peer
        checkout = getattr(options, peer)
        run = {"tdmpc2": tdmpc2, "muzero": muzero, "transformers": transformers}[peer]
        print(json.dumps(run(checkout.resolve() if isinstance(checkout, pathlib.Path) else None, kind, options.seconds)))
        return
    rows = {name: row for name, row in ROWS.items() if getattr(options, row[1])}
    if not rows:
        sys.exit("compare_planning.py: nothing to measure; name a peer with --tdmpc2, --muzero or --transformers")
    mine, theirs = {}, {}
    for _ in range(options.rounds):
        for name, (_, peer, kind) in rows.items():
            mine[name] = peers.better(mine.get(name), peers.ours(options, name)["rate"])
            theirs[name] = peers.better(theirs.get(name), peers.measure(__file__, options, peer, kind, ("tdmpc2", "muzero")))
    print("| per second (per CPU second) | ours | peer | ratio | target |\n|---|---:|---:|---:|---:|")
    for name, (what, peer, _) in rows.items():
        (a, b), (c, d) = mine[name], theirs[name]
        print(f"| {what} | {a:,.1f} ({b:,.1f}) | {peer} {c:,.1f} ({d:,.1f}) | {a / c:.2f}× ({b / d:.2f}×) | {TARGET}× |")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({n: {"ours": mine[n], "peer": theirs[n]} for n in rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
