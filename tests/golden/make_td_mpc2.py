"""Golden dump of TD-MPC2, made by running nicklashansen/tdmpc2 itself.

    git clone https://github.com/nicklashansen/tdmpc2        (read at commit e9f5932)
    pip install torch==2.13.0 tensordict==0.15.3 safetensors
    python make_td_mpc2.py TDMPC2

common/{layers,math,init,scale,world_model}.py and tdmpc2.py run as they are but for the device: its name, the move there and
Adam's `capturable`, which ask for a graphics card. One update of a small episodic agent, without dropout. All weights are seeded
noise; draws are recorded. Writes td_mpc/v2.safetensors under the names of our weights, layers as [member, in, out]:

in/…       obs [H + 1, B, V], action, reward, terminated [H, B, …]; the noise and the pairs of Q-functions that were drawn
weight/…   before the update, `slow_q` the target Q-functions
grad/…     of the model's loss, and of the policy's, before clipping
after/…    weights after the whole update
out/…      every term of the losses; td_target [H, B]; z [H + 1, B, L]; scale: S after the update
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
    multitask=False, obs="state", obs_shape={"state": (OBS,)}, action_dim=ACTIONS, task_dim=0, episode_length=200,
    latent_dim=16, mlp_dim=12, enc_dim=10, num_enc_layers=2, num_channels=32, num_q=5, dropout=0.0, simnorm_dim=8,
    num_bins=101, vmin=-10, vmax=10, bin_size=0.2, log_std_min=-10, log_std_max=2, episodic=True, lr=3e-4,
    enc_lr_scale=0.3, tau=0.01, rho=0.5, consistency_coef=20, reward_coef=0.1, value_coef=0.1, termination_coef=1,
    entropy_coef=1e-4, grad_clip_norm=1.0, discount_denom=5, discount_min=0.95, discount_max=0.995, horizon=HORIZON,
    batch_size=BATCH, iterations=6, compile=False, mpc=True)


def load_reference(checkout):
    """tdmpc2.py and what it imports, for a processor."""
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
    return sys.modules["tdmpc2"]


def layers_of(net, get):
    """Our names of a net's layers, and their tensors [member, in, out] by `get`(layer, name)."""
    for index in range(3):
        for ours, theirs in (("weight", "weight"), ("bias", "bias"), ("scale", "ln.weight"), ("shift", "ln.bias")):
            tensor = get(index, theirs)
            if tensor is None:
                continue
            if ours == "weight":
                tensor = tensor.transpose(-1, -2)
            elif tensor.dim() == 2:
                tensor = tensor.unsqueeze(1)
            yield f"{net}.{ours}{index}", tensor if tensor.dim() == 3 else tensor.view(1, -1, tensor.shape[-1])


def named(model, pick):
    """Our name -> pick(tensor) of everything that the agent learns, and of its slow Q-functions."""
    found = {}
    nets = {"encoder": model._encoder["state"], "dynamics": model._dynamics, "reward": model._reward,
            "termination": model._termination, "policy": model._pi}
    for ours, net in nets.items():
        own = dict(net.named_parameters())
        found.update(layers_of(ours, lambda i, n, own=own: pick(own.get(f"{i}.{n}"))))
    for ours, params in (("q", model._Qs.params), ("slow_q", model._target_Qs_params)):
        own = params.flatten_keys(".")
        found.update(layers_of(ours, lambda i, n, own=own: pick(own.get(f"{i}.{n}", None))))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path, help="of nicklashansen/tdmpc2")
    reference = load_reference(parser.parse_args().checkout)
    chance = torch.Generator().manual_seed(17)

    def noise(*shape):
        return torch.randn(*shape, generator=chance)

    agent = reference.TDMPC2(types.SimpleNamespace(**CONFIG))
    model = agent.model
    with torch.no_grad():
        for name, p in list(model.named_parameters()):
            scale = 0.1 if name.endswith("bias") else 0.4
            p.copy_(noise(*p.shape) * scale + (1 if name.endswith("ln.weight") else 0))
        for p in model._target_Qs_params.flatten_keys(".").values():
            p.data.copy_(noise(*p.shape) * 0.3)
    value = lambda p: None if p is None else p.detach().clone()
    gradient = lambda p: None if p is None or p.grad is None else p.grad.detach().clone()
    dump = {f"weight/{name}": tensor for name, tensor in named(model, value).items()}

    obs, action = noise(HORIZON + 1, BATCH, OBS), torch.rand(HORIZON, BATCH, ACTIONS, generator=chance) * 2 - 1
    reward = noise(HORIZON, BATCH, 1) * 3
    terminated = torch.zeros(HORIZON, BATCH, 1)
    terminated[-1, 1] = terminated[-1, 4] = 1
    dump.update({"in/obs": obs, "in/action": action, "in/reward": reward.squeeze(-1),
                 "in/terminated": terminated.squeeze(-1)})

    drawn = {"noise": [], "pair": []}

    def randn_like(x):
        drawn["noise"].append(noise(*x.shape))
        return drawn["noise"][-1]

    def randperm(n, device=None):
        drawn["pair"].append(real_randperm(n, generator=chance))
        return drawn["pair"][-1]

    real_randperm, torch.randn_like, torch.randperm = torch.randperm, randn_like, randperm
    clip, targets, update_pi = torch.nn.utils.clip_grad_norm_, agent._td_target, agent.update_pi

    def recorded_clip(parameters, limit):
        dump.update({f"grad/{name}": g for name, g in named(model, gradient).items()})
        return clip(parameters, limit)

    def recorded_target(*args):
        dump["out/td_target"] = targets(*args).squeeze(-1)
        return dump["out/td_target"].unsqueeze(-1)

    def recorded_pi(zs, task):
        dump["out/z"] = zs.clone()
        return update_pi(zs, task)

    torch.nn.utils.clip_grad_norm_, agent._td_target, agent.update_pi = recorded_clip, recorded_target, recorded_pi
    info = agent._update(obs, action, reward, terminated)
    dump.update({"in/target_noise": drawn["noise"][0], "in/policy_noise": drawn["noise"][1],
                 "in/target_pair": drawn["pair"][0][:2], "in/policy_pair": drawn["pair"][1][:2]})
    dump.update({f"out/{name}": number.float().reshape(1) for name, number in info.items()})
    dump["out/scale"] = agent.scale.value.clone()
    dump["out/discount"] = torch.tensor([agent.discount])
    dump.update({f"after/{name}": tensor for name, tensor in named(model, value).items()})
    OUT.mkdir(exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in dump.items()}, OUT / "v2.safetensors")


if __name__ == "__main__":
    main()
