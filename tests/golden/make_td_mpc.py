"""Golden dump of TD-MPC (2022), made by running nicklashansen/tdmpc itself.

    git clone https://github.com/nicklashansen/tdmpc
    pip install torch==2.13.0 safetensors
    python make_td_mpc.py TDMPC

src/algorithm/{helper,tdmpc}.py run as they are but for the device. One update of a small agent, number 2, after which the
slow weights follow; every sequence counts as much (no priorities). All weights are seeded noise; draws are recorded. Writes
td_mpc/v1.safetensors, laid out as make_td_mpc2.py says; in/weight/out as there. Their losses are sums over the horizon,
whose gradient is then divided by it.
"""
import argparse
import pathlib
import sys
import types

import torch
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).parent / "td_mpc"
HORIZON, BATCH, OBS, ACTIONS = 3, 6, 5, 2
CONFIG = dict(
    modality="state", obs_shape=(OBS,), img_size=64, action_dim=ACTIONS, enc_dim=10, mlp_dim=12, latent_dim=7, lr=1e-3,
    std_schedule="0.2", min_std=0.05, horizon_schedule="3", horizon=HORIZON, discount=0.99, rho=0.5, consistency_coef=2,
    reward_coef=0.5, value_coef=0.1, grad_clip_norm=1.0, update_freq=2, tau=0.01, batch_size=BATCH)


def load_reference(checkout):
    package = types.ModuleType("algorithm")
    sys.modules["algorithm"] = package
    for name in ("helper", "tdmpc"):
        path = checkout / "src" / "algorithm" / f"{name}.py"
        source = path.read_text().replace(".cuda()", "").replace("torch.device('cuda')", "torch.device('cpu')")
        module = types.ModuleType(f"algorithm.{name}")
        sys.modules[f"algorithm.{name}"] = module
        setattr(package, name, module)
        exec(compile(source, str(path), "exec"), module.__dict__)
    return package


def named(agent, pick):
    """Our name -> pick(tensor), weights as [member, in, out]."""
    found = {}

    def add(ours, nets, layers, norm=None):
        for index, theirs in enumerate(layers):
            weights = [pick(net[theirs].weight) for net in nets]
            if weights[0] is None:
                return
            found[f"{ours}.weight{index}"] = torch.stack([w.t() for w in weights])
            found[f"{ours}.bias{index}"] = torch.stack([pick(net[theirs].bias).unsqueeze(0) for net in nets])
        if norm is not None:
            found[f"{ours}.scale0"] = torch.stack([pick(net[norm].weight).unsqueeze(0) for net in nets])
            found[f"{ours}.shift0"] = torch.stack([pick(net[norm].bias).unsqueeze(0) for net in nets])

    model, slow = agent.model, agent.model_target
    add("encoder", [model._encoder], (0, 2))
    add("dynamics", [model._dynamics], (0, 2, 4))
    add("reward", [model._reward], (0, 2, 4))
    add("policy", [model._pi], (0, 2, 4))
    add("q", [model._Q1, model._Q2], (0, 3, 5), 1)
    add("slow_encoder", [slow._encoder], (0, 2))
    add("slow_q", [slow._Q1, slow._Q2], (0, 3, 5), 1)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path, help="of nicklashansen/tdmpc")
    reference = load_reference(parser.parse_args().checkout)
    chance = torch.Generator().manual_seed(23)

    def noise(*shape):
        return torch.randn(*shape, generator=chance)

    agent = reference.tdmpc.TDMPC(types.SimpleNamespace(**CONFIG))
    with torch.no_grad():
        for model, size in ((agent.model, 0.4), (agent.model_target, 0.3)):
            for name, p in model.named_parameters():
                norm = name in ("_Q1.1.weight", "_Q2.1.weight")
                p.copy_(noise(*p.shape) * (0.1 if name.endswith("bias") else size) + (1 if norm else 0))

    def value(p):
        return p.detach().clone()

    def gradient(p):
        return None if p.grad is None else p.grad.detach().clone()

    dump = {f"weight/{name}": tensor for name, tensor in named(agent, value).items()}
    obs, later = noise(BATCH, OBS), noise(HORIZON + 1, BATCH, OBS)
    action = torch.rand(HORIZON + 1, BATCH, ACTIONS, generator=chance) * 2 - 1
    reward = noise(HORIZON + 1, BATCH, 1) * 3
    dump.update({"in/obs": torch.cat([obs[None], later[:HORIZON]]), "in/action": action[:HORIZON],
                 "in/reward": reward[:HORIZON].squeeze(-1)})
    replay = types.SimpleNamespace(sample=lambda: (obs, later, action, reward, None, torch.ones(BATCH)),
                                   update_priorities=lambda *_: None)

    drawn, states, targets = [], [], []

    def standard_normal(shape, dtype, device):
        drawn.append(noise(*shape))
        return drawn[-1].clone()  # they scale it in place

    reference.helper._standard_normal = standard_normal
    clip, td_target, update_pi = torch.nn.utils.clip_grad_norm_, agent._td_target, agent.update_pi

    def recorded_clip(parameters, limit, **options):
        policy = bool(states)
        dump.update({f"grad/{name}": g for name, g in named(agent, gradient).items()
                     if not name.startswith("slow") and name.startswith("policy") == policy})
        return clip(parameters, limit, **options)

    def recorded_target(*args):
        targets.append(td_target(*args))
        return targets[-1]

    def recorded_pi(zs):
        states.extend(zs)
        return update_pi(zs)

    torch.nn.utils.clip_grad_norm_, agent._td_target, agent.update_pi = recorded_clip, recorded_target, recorded_pi
    info = agent.update(replay, 2)
    dump.update({"in/target_noise": torch.stack(drawn[:HORIZON]), "in/policy_noise": torch.stack(drawn[HORIZON:]),
                 "out/z": torch.stack(states), "out/td_target": torch.stack(targets).squeeze(-1)})
    dump.update({f"out/{name}": torch.tensor([number]) for name, number in info.items()})
    dump.update({f"after/{name}": tensor for name, tensor in named(agent, value).items()})
    OUT.mkdir(exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in dump.items()}, OUT / "v1.safetensors")


if __name__ == "__main__":
    main()
