"""Golden data of IRIS's tokenizer and world model, made by running the authors' code:

    git clone https://github.com/eloialonso/iris         (read at commit 24326aa)
    pip install torch==2.13.0 numpy einops
    python make_iris.py IRIS

Networks have their published sizes, and no dropout. Weights and inputs come from a hash of their names (make_diamond.py), so that
the files hold results alone. LPIPS, whose weights are a download, is left out: its place has a zero. Writes iris/tokenizer.npz and
iris/world_model.npz.
"""
import math
import pathlib
import sys

import torch

import make_diamond as shared
from make_diamond import hashed, import_from, norms, write

shared.OUT = pathlib.Path(__file__).parent / "iris"
ACTIONS, CODES, PLACES, FRAMES = 4, 512, 16, 20
LONGER = 23  # frames, of which the last do not fit into the memory
EVERY = 9    # of the logits one of so many is written


def fill(module):
    with torch.no_grad():
        for name, p in module.named_parameters():
            unit = hashed(name, p.shape)
            if p.dim() == 1:
                p.copy_(1 + 0.2 * unit if name.endswith("weight") else 0.2 * unit)
            else:
                p.copy_(unit * math.sqrt(3 / (p.numel() / p.shape[0])))


def whole(name, shape, below):
    return ((hashed(name, shape) + 1) * below / 2).floor().long().clamp(0, below - 1)


def tokenizer(models):
    config = models.tokenizer.EncoderDecoderConfig(resolution=64, in_channels=3, z_channels=512, ch=64, ch_mult=[1] * 5, num_res_blocks=2,
                                                   attn_resolutions=[8, 16], out_ch=3, dropout=0.0)
    model = models.tokenizer.Tokenizer(CODES, 512, models.tokenizer.Encoder(config), models.tokenizer.Decoder(config), with_lpips=False)
    fill(model)
    model.lpips = lambda x, y: torch.zeros(1)
    pictures = ((hashed("pictures", (1, 2, 3, 64, 64)) + 1) * 127.5).round() / 255
    loss = model.compute_loss({"observations": pictures})
    loss.loss_total.backward()
    with torch.no_grad():
        out = model.encode(pictures[0], should_preprocess=True)
        rebuilt = model.decode(out.z_quantized)
    write("tokenizer", {"z": out.z, "codes": out.tokens.float(), "rebuilt": rebuilt,
                        **{k: torch.tensor(v) for k, v in loss.intermediate_losses.items()}, **norms(model)})


def world_model(models):
    config = models.TransformerConfig(tokens_per_block=PLACES + 1, max_blocks=FRAMES, attention="causal", num_layers=10, num_heads=4,
                                      embed_dim=256, embed_pdrop=0.0, resid_pdrop=0.0, attn_pdrop=0.0)
    model = models.world_model.WorldModel(CODES, ACTIONS, config)
    fill(model)
    codes, actions = whole("codes", (2, LONGER, PLACES), CODES), whole("actions", (2, LONGER), ACTIONS)
    tokens = torch.cat([codes, actions.unsqueeze(2)], 2)
    window = tokens[:, :FRAMES].flatten(1)
    results = {}
    with torch.no_grad():
        out = model(window)
        results |= {"logits": out.logits_observations[:, ::EVERY], "reward": out.logits_rewards, "end": out.logits_ends}
        # As WorldModelEnv plays on: what does not fit is forgotten, and the present frame seen again.
        kept = model.transformer.generate_empty_keys_values(n=2, max_tokens=config.max_tokens)
        model(codes[:, 0], past_keys_values=kept)
        for t in range(1, LONGER):
            if kept.size + PLACES + 1 > config.max_tokens:
                kept = model.transformer.generate_empty_keys_values(n=2, max_tokens=config.max_tokens)
                model(codes[:, t - 1], past_keys_values=kept)
            logits, state = [], None
            for k, token in enumerate([actions[:, t - 1], *codes[:, t].unbind(1)]):
                out = model(token.unsqueeze(1), past_keys_values=kept)
                state = out.output_sequence[:, -1]
                if k == 0:
                    reward, end = out.logits_rewards[:, 0], out.logits_ends[:, 0]
                if k < PLACES:
                    logits.append(out.logits_observations[:, 0])
            if t in (1, FRAMES - 1, FRAMES, LONGER - 1):
                results |= {f"step{t}/logits": torch.stack(logits, 1)[:, ::5], f"step{t}/reward": reward, f"step{t}/end": end,
                            f"step{t}/state": state}
    present = torch.ones(2, FRAMES, dtype=torch.bool)
    present[1, 13:] = False
    ends = torch.zeros(2, FRAMES, dtype=torch.long)
    ends[1, 12] = 1
    rewards = whole("rewards", (2, FRAMES), 5).float() - 2

    class Seen:
        def encode(self, x, should_preprocess):
            return type("Output", (), {"tokens": codes[:, :FRAMES]})

    loss = model.compute_loss({"observations": None, "actions": actions[:, :FRAMES], "rewards": rewards, "ends": ends, "mask_padding": present},
                              Seen())
    loss.loss_total.backward()
    write("world_model", results | {k: torch.tensor(v) for k, v in loss.intermediate_losses.items()} | norms(model))


def main():
    iris = pathlib.Path(sys.argv[1])
    shared.OUT.mkdir(exist_ok=True)
    without = ["gym", "wandb", "tqdm", "torchvision", "torchvision.models", "cv2", "PIL", "requests", "dataset", "envs",
               "envs.world_model_env", "models.actor_critic", "models.tokenizer.lpips", "psutil"]
    models, world, tokens = import_from(iris, ["models", "models.world_model", "models.tokenizer"], without)
    models.world_model, models.tokenizer = world, tokens
    torch.manual_seed(0)
    tokenizer(models)
    world_model(models)
    for file in sorted(shared.OUT.iterdir()):
        print(file.name, file.stat().st_size)


if __name__ == "__main__":
    main()
