#!/usr/bin/env python3
"""Sets DIAMOND, IRIS and STORM as published beside dreamscope-cli: all on this machine, in one run, printed as Markdown.

    git clone https://github.com/eloialonso/diamond
    git clone https://github.com/eloialonso/iris
    git clone https://github.com/weipu-zhang/STORM
    python bench/compare_dreams.py --diamond diamond --iris iris --storm STORM

The Python that runs it (--python names another) needs torch, einops and numpy. Each peer runs its own classes with random weights at
the sizes that its configuration has, on the processor, in float32; what they import to draw, download or report is left out. A dream is
one lane after one picture: the next frame, decoded, with what it pays and whether it is the last.

An update is a step of each of the world model's networks, on an eighth of the published batches, as whole ones take minutes. DIAMOND: the
denoiser on 4 pieces of 4 + 2 frames, the reward and end model on 4 of 19. IRIS: the tokenizer on 32 frames, the transformer on 8 pieces of
20; LPIPS, whose weights are a download, is left out of theirs, and ours has the error of neighbouring pixels' differences in its place.
STORM: its world model on 2 pieces of 64, and its agent on 128 lanes of 16 steps after contexts of 8. Ours draws what it learns from as
well; theirs is given it.

Figures are per second of wall clock and per second of processor time, the fairer one where other programs run.
"""
import argparse
import contextlib
import json
import pathlib
import sys
import types

import peers

CHECKOUTS = ("diamond", "iris", "storm")
ROWS = {  # ours: (what, peer, kind, target)
    "diamond_dream": ("DIAMOND 4.4 M, 3 Euler steps, dreamed frames", "diamond", "dream", "20 frames/s"),
    "diamond_update": ("DIAMOND, updates of an eighth of its batch", "diamond", "update", "2×"),
    "iris_dream": ("IRIS 8.4 M + 4.0 M, dreamed frames", "iris", "dream", "20 frames/s"),
    "iris_update": ("IRIS, likewise", "iris", "update", "2×"),
    "storm_dream": ("STORM 16.5 M, dreamed frames", "storm", "dream", "200 frames/s"),
    "storm_update": ("STORM, likewise", "storm", "update", "2×"),
}
CHOICES = 3
# Modules that are not timed, where they are not installed.
ABSENT = ("wandb", "omegaconf", "hydra", "torcheval", "gym", "gymnasium", "cv2", "torchvision", "tqdm", "ale_py", "tensorboardX",
          "yacs", "colorama", "huggingface_hub", "requests", "matplotlib", "PIL", "seaborn", "pygame", "h5py")


def bits(torch, *shape):
    return (torch.rand(*shape) < 0.01).long()


def diamond(checkout, kind):
    sys.path.insert(0, str(checkout / "src"))
    for name in ("envs", "data"):
        sys.modules[name] = peers.stand_in(name)
    import torch
    from models.diffusion import denoiser, diffusion_sampler, inner_model
    from models.rew_end_model import RewEndModel, RewEndModelConfig
    import models.rew_end_model as rew_end

    torch.manual_seed(1)
    net = denoiser.Denoiser(denoiser.DenoiserConfig(inner_model.InnerModelConfig(3, 4, 256, [2] * 4, [64] * 4, [0] * 4, CHOICES), 0.5, 0.3))
    outcome = RewEndModel(RewEndModelConfig(512, 3, 64, 128, [2] * 4, [32] * 4, [0] * 4, CHOICES))
    pictures = lambda *shape: torch.rand(*shape, 3, 64, 64) * 2 - 1
    choices = lambda *shape: torch.randint(CHOICES, shape)
    if kind == "dream":
        sampler = diffusion_sampler.DiffusionSampler(net.eval(), diffusion_sampler.DiffusionSamplerConfig(3))
        seen, done = pictures(1, 4), choices(1, 4)
        memory = [torch.zeros(1, 1, 512), torch.zeros(1, 1, 512)]

        def work():
            nonlocal seen, memory
            with torch.no_grad():
                frame, _ = sampler.sample(seen, done)
                pays, ends, memory = outcome.predict_rew_end(seen[:, -1:], done[:, -1:], frame.unsqueeze(1), memory)
                torch.distributions.Categorical(logits=pays).sample(), torch.distributions.Categorical(logits=ends).sample()
                seen = torch.cat([seen[:, 1:], frame.unsqueeze(1)], 1)
                frame.sum().item()
            return 1

        return work
    net.setup_training(denoiser.SigmaDistributionConfig(-0.4, 1.2, 2e-3, 20))
    rew_end.multiclass_confusion_matrix = lambda *_, **__: None
    adam = [torch.optim.AdamW(module.parameters(), lr=1e-4, weight_decay=1e-2, eps=1e-8) for module in (net, outcome)]

    def batch(frames):
        mask = torch.ones(4, frames, dtype=torch.bool)
        end = torch.zeros(4, frames, dtype=torch.long)
        return types.SimpleNamespace(obs=pictures(4, frames), act=choices(4, frames), rew=torch.randn(4, frames).sign(), end=end,
                                     mask_padding=mask, info=[{}] * 4)

    pieces = batch(6), batch(19)

    def work():
        for module, optimiser, given, most in zip((net, outcome), adam, pieces, (1.0, 100.0)):
            loss, _ = module(given)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), most)
            optimiser.step()
            optimiser.zero_grad()
            loss.item()
        return 1

    return work


def iris(checkout, kind):
    sys.path.insert(0, str(checkout / "src"))
    for name in ("dataset", "envs"):
        sys.modules[name] = peers.stand_in(name)
    import torch
    from models.tokenizer import nets
    from models.tokenizer.tokenizer import Tokenizer
    from models.transformer import TransformerConfig
    from models.world_model import WorldModel

    torch.manual_seed(1)
    config = nets.EncoderDecoderConfig(resolution=64, in_channels=3, z_channels=512, ch=64, ch_mult=[1] * 5, num_res_blocks=2,
                                       attn_resolutions=[8, 16], out_ch=3, dropout=0.0)
    tokenizer = Tokenizer(512, 512, nets.Encoder(config), nets.Decoder(config), with_lpips=False)
    world = WorldModel(512, CHOICES, TransformerConfig(17, 20, "causal", 10, 4, 256, 0.1, 0.1, 0.1))
    if kind == "dream":
        tokenizer.eval(), world.eval()
        draw = lambda logits: torch.distributions.Categorical(logits=logits).sample()
        memory, tokens = None, torch.randint(512, (1, 16))

        def begin():
            nonlocal memory
            memory = world.transformer.generate_empty_keys_values(n=1, max_tokens=world.config.max_tokens)
            world(tokens, past_keys_values=memory)

        def work():
            nonlocal tokens
            with torch.no_grad():
                if memory is None or memory.size + 17 > world.config.max_tokens:
                    begin()
                token, made = torch.ones(1, 1, dtype=torch.long), []
                for k in range(17):
                    out = world(token, past_keys_values=memory)
                    if k == 0:
                        draw(out.logits_rewards), draw(out.logits_ends)
                    if k < 16:
                        token = draw(out.logits_observations)
                        made.append(token)
                tokens = torch.cat(made, 1)
                z = tokenizer.embedding(tokens).view(1, 4, 4, 512).permute(0, 3, 1, 2)
                tokenizer.decode(z, should_postprocess=True).clamp(0, 1).sum().item()
            return 1

        return work
    adam = [torch.optim.Adam(module.parameters(), lr=1e-4) for module in (tokenizer, world)]
    frames = torch.rand(32, 3, 64, 64)
    batch = dict(observations=torch.rand(8, 20, 3, 64, 64), actions=torch.randint(CHOICES, (8, 20)), rewards=torch.randn(8, 20).sign(),
                 ends=torch.zeros(8, 20, dtype=torch.long), mask_padding=torch.ones(8, 20, dtype=torch.bool))

    def learned(module, optimiser, loss, most):
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), most)
        optimiser.step()
        loss.item()

    def work():
        x = tokenizer.preprocess_input(frames)
        z, codes, made = tokenizer(x)
        held = (z.detach() - codes).pow(2).mean() + (z - codes.detach()).pow(2).mean()
        learned(tokenizer, adam[0], held + (x - made).abs().mean(), 10.0)
        learned(world, adam[1], world.compute_loss(batch, tokenizer).loss_total, 10.0)
        return 1

    return work


def storm(checkout, kind):
    sys.path.insert(0, str(checkout))
    import torch

    # Their modules ask for a graphics card, and for half precision there.
    zeros = torch.zeros
    torch.zeros = lambda *shape, device=None, **options: zeros(*shape, **options)
    torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *_, **__: self
    torch.autocast = lambda *_, **__: contextlib.nullcontext()
    import agents
    import sub_models.world_models as world_models

    torch.manual_seed(1)
    world = world_models.WorldModel(in_channels=3, action_dim=CHOICES, transformer_max_length=64, transformer_hidden_dim=512,
                                    transformer_num_layers=2, transformer_num_heads=8)
    agent = agents.ActorCriticAgent(feat_dim=32 * 32 + 512, num_layers=2, hidden_dim=512, action_dim=CHOICES, gamma=0.985, lambd=0.95,
                                    entropy_coef=3e-4)
    for module in (world, agent):
        module.use_amp = False
        if hasattr(module, "scaler"):
            module.scaler = torch.amp.GradScaler("cpu", enabled=False)
    world.tensor_dtype = torch.float32
    return STORM[kind](torch, world, agent)


def storm_dream(torch, world, agent):
    world.eval()
    transformer = world.storm_transformer
    z = torch.nn.functional.one_hot(torch.randint(32, (1, 1, 32)), 32).flatten(2).float()
    action, count = torch.ones(1, 1), 0

    def work():
        nonlocal z, count
        with torch.no_grad():
            if count % 32 == 0:
                transformer.reset_kv_cache_list(1, dtype=torch.float32)
            count += 1
            picture, pays, ends, z, _ = world.predict_next(z, action, log_video=True)
            picture.sum().item()
        return 1

    return work


def storm_update(torch, world, agent):
    pictures, actions = torch.rand(2, 64, 3, 64, 64), torch.randint(CHOICES, (2, 64)).float()
    rewards, ends = torch.randn(2, 64), bits(torch, 2, 64).float()
    context = torch.rand(128, 8, 3, 64, 64), torch.randint(CHOICES, (128, 8)).float()

    def work():
        world.train()
        world.update(pictures, actions, rewards, ends, logger=None)
        world.eval(), agent.eval()
        with torch.no_grad():
            made = world.imagine_data(agent, *context, imagine_batch_size=128, imagine_batch_length=16, log_video=False, logger=None)
        agent.train()
        agent.update(*made[:2], None, None, *made[2:], logger=None)
        return 1

    return work


STORM = {"dream": storm_dream, "update": storm_update}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in CHECKOUTS:
        parser.add_argument(f"--{name}", type=pathlib.Path, help=f"checkout of the published code of {name.upper()}")
    parser.add_argument("--only", action="append", choices=list(ROWS), help="measure this row alone; repeatable")
    peers.add_options(parser)
    options = parser.parse_args()
    if options.peer:
        import torch

        sys.meta_path.append(peers.Absent(ABSENT))
        torch.set_num_threads(options.threads)
        peer, kind = options.peer
        work = {"diamond": diamond, "iris": iris, "storm": storm}[peer](getattr(options, peer).resolve(), kind)
        print(json.dumps({"rate": peers.rate(options.seconds, work)}))
        return
    rows = {name: row for name, row in ROWS.items() if getattr(options, row[1]) and name in (options.only or ROWS)}
    if not rows:
        sys.exit("compare_dreams.py: nothing to measure; name a peer with --diamond, --iris or --storm")
    mine, theirs = {}, {}
    for _ in range(options.rounds):
        for name, (_, peer, kind, _) in rows.items():
            mine[name] = peers.better(mine.get(name), peers.ours(options, name)["rate"])
            theirs[name] = peers.better(theirs.get(name), peers.measure(__file__, options, peer, kind, CHECKOUTS)["rate"])
    print("| per second (per CPU second) | ours | peer | ratio | target |\n|---|---:|---:|---:|---:|")
    for name, (what, peer, _, target) in rows.items():
        (a, b), (c, d) = mine[name], theirs[name]
        print(f"| {what} | {a:,.3g} ({b:,.3g}) | {peer} {c:,.3g} ({d:,.3g}) | {a / c:.2f}× ({b / d:.2f}×) | {target} |", flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({n: {"ours": mine[n], "peer": theirs[n]} for n in rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
