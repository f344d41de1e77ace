"""Golden data of Δ-IRIS's tokenizer, world model, dreams and actor-critic, made by running the authors' code:

    git clone https://github.com/vmicheli/delta-iris     (read at commit f8d4173)
    pip install torch==2.13.0 numpy einops
    python make_delta_iris.py DELTA-IRIS

Networks have the sizes of config/params/atari.yaml. Weights and inputs come from a hash of their names (make_diamond.py), so that the
files hold results alone. Where their code draws Δ-tokens, and paints frames of them, the hash does; of what it revives by chance, how
many. The world model computes in float64, as its smallest gradients are noise to 3e-4 in float32. Writes delta_iris/tokenizer.npz, world_model.npz, dream.npz and actor_critic.npz.
"""
import math
import pathlib
import sys

import torch

import make_diamond as shared
from make_diamond import hashed, import_from, norms, write

shared.OUT = pathlib.Path(__file__).parent / "delta_iris"
ACTIONS, CODES, TOKENS, FRAMES = 4, 1024, 4, 26
LEVELS = dict(mult=[1, 1, 2, 2, 4], down=[1, 0, 1, 1, 0])
DREAMED = 32  # frames, of which the last do not fit into the memory
SHOWN = (0, 23, 24, 25, 30)
HORIZON, BURN_IN, LANES = 20, 5, 3


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


def pictures(name, shape):
    return ((hashed(name, shape) + 1) * 127.5).round() / 255


def moving(name, lanes, frames):
    """A picture of which a quarter changes from frame to frame, so that frames are alike and not the same."""
    ground, change = pictures(name, (lanes, 1, 3, 64, 64)).repeat(1, frames, 1, 1, 1), pictures(name + "/change", (lanes, frames, 3, 32, 32))
    ground[..., 16:48, 16:48] = change
    return ground


def numbers(losses):
    return {k: torch.tensor(v) for k, v in losses.intermediate_losses.items()}


def count(module):
    return torch.tensor(float(sum(p.numel() for p in module.parameters())))


def make_tokenizer(their):
    cnn = lambda channels, latent, width: their.convnet.FrameCnnConfig(image_channels=channels, latent_dim=latent, num_channels=width, **LEVELS)
    model = their.tokenizer.Tokenizer(their.tokenizer.TokenizerConfig(
        image_channels=3, image_size=64, num_actions=ACTIONS, num_tokens=TOKENS, decoder_act_channels=4, codebook_size=CODES, codebook_dim=64,
        max_codebook_updates_with_revival=400, encoder_config=cnn(7, 64, 64), decoder_config=cnn(3, 16 + 4 + 64, 64),
        frame_cnn_config=cnn(3, 16, 32)))
    fill(model)
    with torch.no_grad():
        model.quantizer.codebook.copy_(torch.nn.functional.normalize(hashed("quantizer.codebook", (CODES, 64)), dim=-1))
    return model


def make_world_model(their, numbers_of_rewards=False):
    model = their.world_model.WorldModel(their.world_model.WorldModelConfig(
        latent_vocab_size=CODES, num_actions=ACTIONS, image_channels=3, image_size=64, latents_weight=0.1, rewards_weight=1.0, ends_weight=0.1,
        two_hot_rews=numbers_of_rewards,
        transformer_config=their.transformer.TransformerConfig(
            tokens_per_block=2 + TOKENS, max_blocks=FRAMES, num_layers=3, num_heads=4, embed_dim=256, attention="causal", embed_pdrop=0.0,
            resid_pdrop=0.0, attn_pdrop=0.0),
        frame_cnn_config=their.convnet.FrameCnnConfig(image_channels=3, latent_dim=4, num_channels=32, **LEVELS)))
    fill(model)
    return model


def batch_of(their, observations, actions, rewards=None, ends=None, mask=None):
    blank = torch.zeros(actions.shape)
    return their.data.Batch(observations, actions, blank if rewards is None else rewards, blank.long() if ends is None else ends,
                            torch.ones(actions.shape, dtype=torch.bool) if mask is None else mask, [])


def tokenizer(their):
    model = make_tokenizer(their)
    frames, actions = moving("frames", 2, 3), whole("actions", (2, 3), ACTIONS)
    results = {"count": count(model)}
    model.eval()
    with torch.no_grad():
        asked = []
        hook = model.quantizer.pre_quant_proj.register_forward_hook(lambda module, inputs, output: asked.append(output))
        out = model(frames[:, :-1], actions[:, :-1], frames[:, 1:])
        hook.remove()
        results |= {"z": torch.nn.functional.normalize(asked[0], dim=-1).flatten(0, 1), "codes": out.tokens.flatten(0, 1).float(),
                    "rebuilt": model.encode_decode(frames[:, :-1], actions[:, :-1], frames[:, 1:]).flatten(0, 1)[..., ::2, ::2]}
    model.train()
    losses, metrics = model.compute_loss(batch_of(their, frames, actions))
    losses.loss_total.backward()
    results |= numbers(losses) | norms(model) | {"entropy": torch.tensor(metrics["codebook_entropy"])}
    quantizer = model.quantizer
    results |= {"codebook": quantizer.codebook[::8].clone(), "freqs": quantizer.codewords_freqs.clone()}
    # Few codes are in use, and the others expired.
    with torch.no_grad():
        quantizer.codewords_freqs.copy_(torch.where(torch.arange(CODES) < 8, 1 / 8, 0.0))
        again = model.quantizer.update_codebook(torch.nn.functional.normalize(hashed("rows", (24, 64)), dim=-1), whole("stood for", (24,), 8))
    results |= {"revived": torch.tensor(float(min(again["codewords_revived"], 24))), "freqs_sorted": quantizer.codewords_freqs.sort().values,
                "codebook_first": quantizer.codebook[:8].clone()}
    write("tokenizer", results)


def world_model(their):
    model = make_world_model(their).double()
    frames, actions, codes = moving("seen", 2, FRAMES).double(), whole("taken", (2, FRAMES), ACTIONS), whole("codes", (2, FRAMES - 1, TOKENS), CODES)
    mask = torch.ones(2, FRAMES, dtype=torch.bool)
    mask[1, 13:] = False
    ends = torch.zeros(2, FRAMES, dtype=torch.long)
    ends[1, 12] = 1
    rewards = whole("rewards", (2, FRAMES), 5).float() - 2
    given = lambda *_: type("Output", (), {"tokens": codes})
    batch = batch_of(their, frames, actions, rewards, ends, mask)
    results = {"count": count(model)}
    kept = {}
    hook = model.register_forward_hook(lambda module, inputs, output: kept.update(out=output))
    losses, metrics = model.compute_loss(batch, given)
    hook.remove()
    losses.loss_total.backward()
    out = kept["out"]
    results |= {"logits": out.logits_latents[:, ::9], "reward": out.logits_rewards, "end": out.logits_ends, "accuracy": metrics["latent_accuracy"]}
    results |= numbers(losses) | norms(model)
    other = make_world_model(their, True).double()
    results["loss_of_numbers"] = numbers(other.compute_loss(batch, given)[0])["loss_rewards"]
    write("world_model", results)


def dream(their):
    tokens, world = make_tokenizer(their).eval(), make_world_model(their).eval()
    frames, actions, codes = moving("start", 2, 3), whole("done", (2, 2 + DREAMED), ACTIONS), whole("drawn", (2, DREAMED, TOKENS), CODES)
    drawn, painted = iter(codes.flatten(1).unbind(1)), iter(moving("painted", 2, DREAMED).split(1, 1))
    tokens.decode = lambda *_, **__: next(painted)
    their.env.Categorical.sample = lambda self: next(drawn).unsqueeze(1) if self.logits.size(-1) == CODES else self.logits.argmax(-1)
    env = their.env.WorldModelEnv(tokens, world, "cpu")
    results, asked = {}, []
    hook = world.register_forward_hook(lambda module, inputs, output: asked.append(output))
    env.reset_from_past(frames, actions[:, :2])
    with torch.no_grad():
        for t in range(DREAMED):
            asked.clear()
            env.step(actions[:, 2 + t : 3 + t])
            if t in SHOWN:
                logits = torch.cat([out.logits_latents for out in asked], 1)
                results |= {f"step{t}/logits": logits.log_softmax(-1)[..., ::5], f"step{t}/reward": asked[0].logits_rewards[:, 0],
                            f"step{t}/end": asked[0].logits_ends[:, 0]}
            if t - 1 in SHOWN:  # what the frame became, which is fed with the action after
                results[f"step{t - 1}/state"] = asked[0].output_sequence[:, -2]
    hook.remove()
    write("dream", results)


class Imagined:
    """A world that shows what the hash says; lane 1's episode ends after its fifth step."""

    def __init__(self, *_):
        self.frames = moving("imagined", LANES, BURN_IN + 1 + HORIZON)
        self.rewards, self.ends = whole("imagined rewards", (LANES, HORIZON), 3).float() - 1, torch.zeros(LANES, HORIZON)
        self.ends[1, 4] = self.ends[0, -1] = 1
        self.t = 0

    def shown(self, frames):
        return type("Shown", (), {"frames": frames})

    def reset_from_past(self, obs, act):
        return self.shown(self.frames[:, :BURN_IN]), self.shown(self.frames[:, BURN_IN : BURN_IN + 1])

    def step(self, action):
        t, self.t = self.t, self.t + 1
        return self.shown(self.frames[:, BURN_IN + 1 + t : BURN_IN + 2 + t]), self.rewards[:, t].numpy(), self.ends[:, t].numpy(), None


def actor_critic(their):
    actor = their.actor_critic
    net = their.actor_net.CnnLstmActorCritic(their.convnet.FrameCnnConfig(image_channels=3, latent_dim=16, num_channels=32, **LEVELS), ACTIONS, False)
    agent = actor.ActorCritic(actor.ActorCriticConfig(burn_in_length=BURN_IN, imagination_horizon=HORIZON, gamma=0.995, lambda_=0.95,
                                                      entropy_weight=0.002, two_hot_rets=False, model=net))
    fill(agent)
    results = {"count": count(agent.model)}
    actor.WorldModelEnv = Imagined
    actor.Categorical.sample = lambda self: self.logits.argmax(-1)
    kept, imagine = {}, agent.imagine
    agent.imagine = lambda *given: kept.setdefault("out", imagine(*given))
    world = type("World", (), {"config": type("Config", (), {"transformer_config": type("Sizes", (), {"max_blocks": FRAMES})})})
    batch = batch_of(their, torch.zeros(LANES, BURN_IN + 1, 3, 8, 8), torch.zeros(LANES, BURN_IN + 1, dtype=torch.long))
    losses, metrics = agent.compute_loss(batch, None, world)
    losses.loss_total.backward()
    out = kept["out"]
    results |= {"action": out.actions.T.float(), "reward": out.rewards.T, "end": out.ends.T.float(), "logits": out.logits_actions.transpose(0, 1),
                "value": out.logits_values.T, "slow": out.target_values.T, "bootstrap": out.value_bootstrap, "loss": losses.loss_total,
                "actor": torch.tensor(losses.intermediate_losses["loss_actions"]), "critic": torch.tensor(losses.intermediate_losses["loss_values"]),
                "entropy": torch.tensor(metrics["policy_entropy"]), "followed": agent.target_model.actor_linear.weight}
    write("actor_critic", results | norms(agent.model))


def main():
    root = pathlib.Path(sys.argv[1])
    shared.OUT.mkdir(exist_ok=True)
    without = ["gym", "wandb", "tqdm", "torchvision", "cv2", "PIL", "PIL.Image", "matplotlib", "matplotlib.pyplot", "psutil"]
    names = ["data", "models", "models.convnet", "models.transformer", "models.tokenizer", "models.world_model", "models.actor_critic.actor_critic",
             "models.actor_critic.cnn_lstm_actor_critic", "envs.world_model_env"]
    shared.Anything.Image = shared.Anything("Image")  # PIL's, a module within one
    loaded = import_from(root, names, without)
    short = ["data", "models", "convnet", "transformer", "tokenizer", "world_model", "actor_critic", "actor_net", "env"]
    their = type("Their", (), dict(zip(short, loaded)))
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokenizer(their)
    world_model(their)
    actor_critic(their)
    dream(their)
    for file in sorted(shared.OUT.iterdir()):
        print(file.name, file.stat().st_size)


if __name__ == "__main__":
    main()
