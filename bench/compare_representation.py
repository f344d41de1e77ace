#!/usr/bin/env python3
"""Sets eb_jepa and tinyworlds beside dreamscope-cli's JEPA and Genie: all on this machine, in one run, printed as Markdown.

    git clone https://github.com/facebookresearch/eb_jepa
    git clone https://github.com/AlmondGod/tinyworlds
    python bench/compare_representation.py --eb_jepa eb_jepa --tinyworlds tinyworlds

The Python that runs it (--python names another) needs torch, einops, numpy, pandas and omegaconf. Each peer runs its own code as it
is, on the processor, in float32, without compilation unless --compile asks for it (tinyworlds' own setting, on graphics cards).

Same layers on both sides: JEPA's z of 512 by a GRU, inverse model of 256 and MPPI of 20 x 200 x 90 are eb_jepa's, the encoder is
ours (four strided convolutions), which its class takes as any other; batch 32 x 9. Other layers: the rows "as published", where
eb_jepa has its own encoder on 65 x 65 pixels, of which 384 x 17 would not fit here, and ours is the recipe. Genie beside tinyworlds has the same widths,
blocks, heads, patches, frames and batches, once as our recipe has them and once as tinyworlds has them, of whose batches there are
eight pieces; its blocks norm after each part where ours norm before, gate their layers (SwiGLU of two thirds of the width, the same products) and
scale norms by the action. Its latent actions see pictures alone, ours their change as well.

Figures are per second of wall clock and per second of processor time, the fairer one where other programs run. GFLOP are those of
the matrix products and convolutions of one unit: counted by torch as the peer runs, by the layers' shapes in ours.
"""
import argparse
import json
import pathlib
import sys
import types

import peers

TARGET = 3
CHECKOUTS = ("eb_jepa", "tinyworlds")
ROWS = {  # ours: (what, peer, kind)
    "jepa_published_update": ("JEPA, same layers, updates", "eb_jepa", "same update"),
    "jepa_published_plan": ("JEPA, same layers and MPPI, imagined steps", "eb_jepa", "same plan"),
    "jepa_update": ("JEPA, recipe / as published, updates", "eb_jepa", "own update"),
    "jepa_plan": ("JEPA, recipe / as published, imagined steps", "eb_jepa", "own plan"),
    "genie_tokenizer": ("Genie's tokenizer, updates", "tinyworlds", "recipe tokenizer"),
    "genie_actions": ("Genie's latent actions, updates", "tinyworlds", "recipe actions"),
    "genie_dynamics": ("Genie's dynamics, updates", "tinyworlds", "recipe dynamics"),
    "genie_dream": ("Genie's dream, frames of 8 steps", "tinyworlds", "recipe dream"),
    "genie_4px_tokenizer": ("Patches of 4: tokenizer, updates", "tinyworlds", "own tokenizer"),
    "genie_4px_actions": ("Patches of 4: latent actions, updates", "tinyworlds", "own actions"),
    "genie_4px_dynamics": ("Patches of 4: dynamics, updates", "tinyworlds", "own dynamics"),
    "genie_4px_dream": ("Patches of 4: dream, frames of 8 steps", "tinyworlds", "own dream"),
}
# Modules that draw, write films or report elsewhere, where they are not installed: nothing that is timed uses them.
ABSENT = ("cv2", "matplotlib", "imageio", "wandb", "fire", "tqdm", "sklearn", "h5py", "seaborn")


def eb_jepa(checkout, kind, compiled):
    """Returns a unit of work and how many it is."""
    sys.path.insert(0, str(checkout))
    import torch
    from eb_jepa import architectures, jepa, losses, planning
    from omegaconf import OmegaConf

    whose, what = kind.split()
    batch, frames, side, channels, size, depth = 32, 9, 64, 3, 512, 12
    torch.manual_seed(1)
    if whose == "own":
        side, channels = 65, 2
        encoder = architectures.ImpalaEncoder(width=1, stack_sizes=(16, 32, 32), num_blocks=2, dropout_rate=None, layer_norm=False,
                                              input_channels=channels, final_ln=True, mlp_output_dim=size,
                                              input_shape=(channels, side, side))
    else:
        class Convolutions(torch.nn.Module):
            """Ours, all frames at once: [B, C, T, H, W] -> [B, D, T, 1, 1]."""

            def __init__(self):
                super().__init__()
                layers, wide = [], channels
                for out in (depth, 2 * depth, 4 * depth, 8 * depth):
                    layers += [torch.nn.Conv2d(wide, out, 4, stride=2, padding=1), torch.nn.ReLU()]
                    wide = out
                self.layers = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(16 * wide, size))
                self.final_ln = torch.nn.LayerNorm(size)

            def forward(self, x):
                seen = self.final_ln(self.layers(x.transpose(1, 2).flatten(0, 1)))
                return seen.unflatten(0, (x.shape[0], x.shape[2])).transpose(1, 2)[..., None, None]

        encoder = Convolutions()
    predictor = architectures.RNNPredictor(hidden_size=size, final_ln=encoder.final_ln)
    inverse = architectures.InverseDynamicsModel(state_dim=size, hidden_dim=256, action_dim=2)
    regulariser = losses.VC_IDM_Sim_Regularizer(cov_coeff=8, std_coeff=16, sim_coeff_t=12, idm_coeff=1, idm=inverse, first_t_only=False)
    model = jepa.JEPA(encoder, torch.nn.Identity(), predictor, regulariser, losses.SquareLossSeq())
    pictures = lambda count, steps: torch.randint(0, 255, (count, channels, steps, side, side), dtype=torch.uint8)
    if what == "plan":
        model.eval()
        config = OmegaConf.load(checkout / "examples/ac_video_jepa/cfgs/planning_mppi.yaml")
        same = types.SimpleNamespace(normalize_state=lambda x: x / 255 - 0.5)
        with torch.no_grad():
            agent = planning.GCAgent(model, plan_cfg=config, normalizer=same)
            agent.set_goal(pictures(1, 1)[0, :, 0].float())
        seen = same.normalize_state(pictures(1, 1))
        plan = config.planner

        def work():
            with torch.no_grad():
                agent.act(seen)
            return plan.n_iters * plan.num_samples * plan.plan_length

        return work
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-5)
    x, action = pictures(batch, frames), torch.rand(batch, 2, frames) * 2 - 1

    def work():
        optimiser.zero_grad()
        _, (loss, *_) = model.unroll(x / 255 - 0.5, action, nsteps=frames - 1, unroll_mode="autoregressive", ctxt_window_time=1,
                                     compute_loss=True, return_all_steps=False)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.encoder.parameters(), 2.0)
        torch.nn.utils.clip_grad_norm_(model.predictor.parameters(), 2.0)
        optimiser.step()
        loss.item()
        return 1

    return work


SIZES = {  # tokenizer, latent actions and dynamics: (width, blocks, heads, batch); patch, frames, numbers of a code, actions
    "recipe": dict(tokenizer=(32, 1, 2, 8), actions=(48, 1, 2, 16), dynamics=(64, 2, 2, 8), patch=8, frames=8, numbers=4, choices=8),
    "own": dict(tokenizer=(32, 4, 8, 8), actions=(32, 2, 8, 8), dynamics=(32, 8, 8, 8), patch=4, frames=4, numbers=5, choices=4),
}


def tinyworlds(checkout, kind, compiled):
    sys.path.insert(0, str(checkout))
    import torch
    from models.dynamics import DynamicsModel
    from models.latent_actions import LatentActionModel
    from models.video_tokenizer import VideoTokenizer
    from utils.optimizer_utils import create_optimizer

    whose, what = kind.split()
    size = SIZES[whose]
    torch.manual_seed(1)

    def made(network, of, **more):
        width, blocks, heads, _ = size[network]
        model = of(frame_size=(64, 64), patch_size=size["patch"], embed_dim=width, num_heads=heads, hidden_dim=4 * width,
                   num_blocks=blocks, **more)
        return model

    codes = dict(latent_dim=size["numbers"], num_bins=4)
    tokenizer = made("tokenizer", VideoTokenizer, **codes)
    actions = made("actions", LatentActionModel, n_actions=size["choices"])
    dynamics = made("dynamics", DynamicsModel, conditioning_dim=actions.action_dim, **codes)
    networks = dict(tokenizer=tokenizer, actions=actions, dynamics=dynamics)
    for name, network in networks.items():
        network.train(name == what).requires_grad_(name == what)
    run = {name: torch.compile(network, dynamic=True) if compiled else network for name, network in networks.items()}
    to_latents = lambda index: tokenizer.quantizer.get_latents_from_indices(index, dim=-1)
    frames = size["frames"]
    if what == "dream":
        seen = [torch.rand(1, frames - 1, 3, 64, 64) * 2 - 1]
        code = torch.zeros(1, frames - 1, dtype=torch.long)

        def work():
            with torch.no_grad():
                latents = to_latents(tokenizer.tokenize(seen[0]))
                told = dynamics.forward_inference(
                    context_latents=latents, prediction_horizon=1, num_steps=8, index_to_latents_fn=to_latents,
                    conditioning=actions.quantizer.get_latents_from_indices(code), temperature=0.5)
                frame = tokenizer.detokenize(told)[:, -1:]
                seen[0] = torch.cat([seen[0][:, 1:], frame], dim=1)
                frame.sum().item()
            return 1

        return work
    batch = size[what][3]
    x = torch.rand(batch, frames, 3, 64, 64) * 2 - 1
    optimiser, = create_optimizer(networks[what], types.SimpleNamespace(optimizer="adamw", learning_rate=1e-3))

    def work():
        optimiser.zero_grad(set_to_none=True)
        if what == "dynamics":
            index = tokenizer.tokenize(x)
            _, _, loss = run[what](to_latents(index), training=True, conditioning=actions.encode(x), targets=index)
        else:
            loss, _ = run[what](x)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(networks[what].parameters(), max_norm=1.0)
        optimiser.step()
        loss.item()
        return 1

    return work


def measured(peer, kind, checkout, seconds, compiled):
    from torch.utils.flop_counter import FlopCounterMode

    sys.meta_path.append(peers.Absent(ABSENT))
    work = {"eb_jepa": eb_jepa, "tinyworlds": tinyworlds}[peer](checkout, kind, compiled)
    flop = 0
    if not compiled:
        with FlopCounterMode(display=False) as counter:
            units = work()
        flop = counter.get_total_flops() / units
    return {"rate": peers.rate(seconds, work), "flop": flop}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eb_jepa", type=pathlib.Path, help="checkout of facebookresearch/eb_jepa")
    parser.add_argument("--tinyworlds", type=pathlib.Path, help="checkout of AlmondGod/tinyworlds")
    parser.add_argument("--compile", action="store_true", help="tinyworlds' networks through torch.compile, as it runs them on graphics cards")
    parser.add_argument("--only", action="append", choices=list(ROWS), help="measure this row alone; repeatable")
    peers.add_options(parser)
    options = parser.parse_args()
    if options.peer:
        import torch

        torch.set_num_threads(options.threads)
        peer, kind = options.peer
        print(json.dumps(measured(peer, kind, getattr(options, peer).resolve(), options.seconds, options.compile)))
        return
    rows = {name: row for name, row in ROWS.items() if getattr(options, row[1]) and name in (options.only or ROWS)}
    if not rows:
        sys.exit("compare_representation.py: nothing to measure; name a peer with --eb_jepa or --tinyworlds")
    mine, theirs = {}, {}
    for _ in range(options.rounds):
        for name, (_, peer, kind) in rows.items():
            for found, new in ((mine, peers.ours(options, name)), (theirs, peers.measure(__file__, options, peer, kind, CHECKOUTS))):
                found[name] = {"rate": peers.better(found.get(name, {}).get("rate"), new["rate"]), "flop": new["flop"]}
    print("| per second (per CPU second) | ours | peer | ratio | GFLOP of one: ours, peer | GFLOP/s: ours, peer | target |\n"
          "|---|---:|---:|---:|---:|---:|---:|")
    for name, (what, peer, _) in rows.items():
        (a, b), (c, d) = mine[name]["rate"], theirs[name]["rate"]
        work = [side[name]["flop"] / 1e9 for side in (mine, theirs)]
        print(f"| {what} | {a:,.3g} ({b:,.3g}) | {peer} {c:,.3g} ({d:,.3g}) | {a / c:.2f}× ({b / d:.2f}×) | "
              f"{work[0]:.3g}, {work[1]:.3g} | {a * work[0]:.1f}, {c * work[1]:.1f} | {TARGET}× |", flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({n: {"ours": mine[n], "peer": theirs[n]} for n in rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
