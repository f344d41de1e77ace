"""Golden data of STORM and TransDreamer, made by running the authors' code:

    git clone https://github.com/weipu-zhang/STORM
    git clone https://github.com/changchencc/TransDreamer
    pip install torch==2.13.0 numpy einops
    python make_tssm.py STORM TransDreamer

Networks are small where the code lets them be. Weights and inputs are not stored: both sides make them from a hash of the names
(`hashed`, `fill`), so that the files hold results alone. Dropout is off, a loss's draws are given, tensors for a graphics card lie in
memory. Moments are as ours: entry t holds what was seen at t and the action and reward that led there. Writes tssm/storm.npz and
tssm/transdreamer.npz; "count/…" are parameters of the published sizes.
"""
import importlib
import math
import pathlib
import sys
import types

import numpy as np
import torch
import torch.nn.functional as F

OUT = pathlib.Path(__file__).parent / "tssm"
BATCH, STEPS, ACTIONS = 2, 5, 4


def stream_of(name):
    """FNV-1a of a name, 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def hash32(stream, count):
    """Murmur3's finaliser over a counter: the same 32 bits in every language."""
    x = (np.arange(count, dtype=np.uint64) * 2654435761 + stream * 97531) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> np.uint64(shift)
        x = (x * factor) & 0xFFFFFFFF
    return x ^ (x >> np.uint64(16))


def hashed(name, shape):
    """Uniform in [-1, 1), float32."""
    values = (hash32(stream_of(name), math.prod(shape)) >> np.uint64(8)).astype(np.float64) / 2**23 - 1
    return torch.tensor(values.reshape(shape)).float()


def fill(module):
    """A norm's scale about 1, other vectors small, matrices by their fan-in."""
    with torch.no_grad():
        for name, p in module.named_parameters():
            unit = hashed(name, p.shape)
            if p.dim() == 1:
                p.copy_(1 + 0.2 * unit if name.endswith("weight") else 0.2 * unit)
            else:
                p.copy_(unit * math.sqrt(3 / (p.numel() / p.shape[0])))
    for m in module.modules():
        if isinstance(m, torch.nn.Dropout):
            m.p = 0.0
    return module


def count(module):
    return sum(p.numel() for p in module.parameters())


def norms(module):
    return {"gradnorm/" + n: p.grad.norm() for n, p in module.named_parameters() if p.grad is not None}


def write(name, results):
    arrays = {k: (v.detach().numpy() if torch.is_tensor(v) else np.asarray(v)) for k, v in results.items()}
    arrays = {k: np.ascontiguousarray(v.astype(np.float32) if v.dtype == np.float64 else v) if v.ndim else v for k, v in arrays.items()}
    OUT.mkdir(exist_ok=True)
    np.savez_compressed(OUT / f"{name}.npz", **arrays)


def images(name, shape):
    """Levels 0 … 255."""
    return ((hashed(name, shape) + 1) * 127.5).round()


def one_hots(name, shape, classes):
    return F.one_hot(((hashed(name, shape) + 1) * classes / 2).long().clamp(max=classes - 1), classes).float()


def thinned(x):
    return x[..., ::8, ::8]


def without_card():
    """Their code says device="cuda" and .cuda()."""
    for name in ("zeros", "ones", "empty"):
        made = getattr(torch, name)
        setattr(torch, name, lambda *a, _made=made, **k: _made(*a, **{n: v for n, v in k.items() if n != "device"}))
    torch.Tensor.cuda = lambda self: self


def import_from(root, names, without=()):
    for name in without:
        sys.modules[name] = types.ModuleType(name)
    sys.path.insert(0, str(root))
    loaded = [importlib.import_module(name) for name in names]
    sys.path.pop(0)
    return loaded


# -- STORM -------------------------------------------------------------------------------------------------------------


def storm(root):
    utils = types.ModuleType("utils")

    class EMAScalar:
        def __init__(self, decay):
            self.scalar, self.decay = 0.0, decay

        def __call__(self, value):
            self.scalar = self.scalar * self.decay + value * (1 - self.decay)
            return self.scalar

    utils.EMAScalar = EMAScalar
    sys.modules["utils"] = utils
    world_models, agents, blocks = import_from(root, ("sub_models.world_models", "agents", "sub_models.attention_blocks"))
    results = {}

    full = world_models.WorldModel(3, ACTIONS, 64, 512, 2, 8)
    for name, part in dict(encoder=full.encoder, posterior=full.dist_head.post_head, prior=full.dist_head.prior_head, decoder=full.image_decoder,
                           transformer=full.storm_transformer, reward=full.reward_decoder, end=full.termination_decoder, world=full).items():
        results["count/" + name] = count(part)
    agent = agents.ActorCriticAgent(1536, 2, 512, ACTIONS, 0.985, 0.95, 3e-4)
    results["count/actor"], results["count/critic"] = count(agent.actor), count(agent.critic)

    model = fill(world_models.WorldModel(3, ACTIONS, 8, 64, 2, 4))
    model.use_amp = False
    model.train()
    obs = images("storm/image", (BATCH, STEPS, 3, 64, 64)) / 255
    draws = one_hots("storm/z", (BATCH, STEPS, 32), 32)
    actions = one_hots("storm/action", (BATCH, STEPS, ACTIONS), ACTIONS)[:, :, 0].argmax(-1)  # [B, T]: that led to t
    reward = 3 * hashed("storm/reward", (BATCH, STEPS))
    ended = (hashed("storm/end", (BATCH, STEPS)) > 0.3).float()

    posterior = model.dist_head.forward_post(model.encoder(obs))
    probabilities = posterior.exp()
    z = model.flatten_sample(draws + probabilities - probabilities.detach())
    painted = model.image_decoder(z)
    mask = blocks.get_subsequent_mask_with_batch_length(STEPS - 1, "cpu")
    h = model.storm_transformer(z[:, :-1], actions[:, 1:], mask)
    prior = model.dist_head.forward_prior(h)
    said, end = model.reward_decoder(h), model.termination_decoder(h)
    image_loss = model.mse_loss_func(painted, obs)
    reward_loss = model.symlog_twohot_loss_func(said, reward[:, 1:])
    end_loss = model.bce_with_logits_loss_func(end, ended[:, 1:])
    dynamics, real = model.categorical_kl_div_loss(posterior[:, 1:].detach(), prior)
    representation, _ = model.categorical_kl_div_loss(posterior[:, 1:], prior.detach())
    total = image_loss + reward_loss + end_loss + 0.5 * dynamics + 0.1 * representation
    total.backward()
    results |= dict(h=h, prior=prior.flatten(2), reward=said, end=end,
                    image_loss=image_loss, reward_loss=reward_loss, end_loss=end_loss, dynamics=dynamics, representation=representation,
                    kl=real, total=total, **norms(model))

    # As it dreams: batch norm by what the one batch has taught it, token by token.
    model.eval()
    with torch.no_grad():
        flat = model.flatten_sample(draws)
        model.storm_transformer.reset_kv_cache_list(BATCH, torch.float32)
        steps = [model.storm_transformer.forward_with_kv_cache(flat[:, t:t + 1], actions[:, t + 1:t + 2]) for t in range(STEPS - 1)]
        results["cached"] = torch.cat(steps, 1)
        results["eval_posterior"] = model.dist_head.forward_post(model.encoder(obs)).flatten(2)
        results["eval_painted"] = thinned(model.image_decoder(flat))
        results["eval_reward"] = model.symlog_twohot_loss_func.decode(model.reward_decoder(results["cached"]))

    agent = fill(agents.ActorCriticAgent(24, 2, 16, ACTIONS, 0.9, 0.8, 3e-4))
    seen = hashed("storm/seen", (BATCH, STEPS + 1, 24))
    gained, stops = hashed("storm/gained", (BATCH, STEPS)), (hashed("storm/stops", (BATCH, STEPS)) > 0.6).float()
    logits, raw = agent.get_logits_raw_value(seen)
    value = agent.symlog_twohot_loss.decode(raw)
    returns = agents.calc_lambda_return(gained, value, stops, 0.9, 0.8)
    distribution = torch.distributions.Categorical(logits=logits[:, :-1])
    results |= dict(agent_value=value, agent_returns=returns, agent_entropy=distribution.entropy().mean(),
                    agent_value_loss=agent.symlog_twohot_loss(raw[:, :-1], returns.detach()), agent_raw=raw)
    write("storm", results)


# -- TransDreamer ------------------------------------------------------------------------------------------------------


def config(**sizes):
    def tree(x):
        return types.SimpleNamespace(**{k: tree(v) for k, v in x.items()}) if isinstance(x, dict) else x

    s = dict(layers=6, d=600, heads=8, inner=64, ff=1024, stoch=32, hidden=600, units=400, actions=18, gray=False, H=15) | sizes
    transformer = dict(max_time=2000, num_heads=s["heads"], d_model=s["d"], d_inner=s["inner"], d_ff_inner=s["ff"], dropout=0.1, dropatt=0.1,
                       n_layers=s["layers"], pre_lnorm=True, deter_type="concat_o", gating=False, last_ln=False)
    head = dict(num_units=s["units"], act="elu", dist="normal", layers=4)
    return tree(dict(
        arch=dict(H=s["H"], q_trans=False, decoder=dict(dec_type="conv"),
                  actor=dict(num_units=s["units"], act="elu", init_std=5.0, dist="onehot", layers=4, actor_loss_type="reinforce", aggregator="none"),
                  value=head,
                  world_model=dict(reward_layer=0, q_emb_action=False, act_after_emb=True, rec_sigma=0.3, discrete_type="discrete",
                                   input_type="image", transformer=transformer, reward=head, pcont=head | dict(dist="binary"),
                                   RSSM=dict(act="elu", weight_init="xavier", stoch_size=s["stoch"], stoch_discrete=s["stoch"],
                                             hidden_size=s["hidden"], ST=True))),
        loss=dict(pcont_scale=5.0, kl_scale=0.1, free_nats=0.0, kl_balance=0.8, ent_scale=1e-3),
        env=dict(action_size=s["actions"], grayscale=s["gray"]),
        rl=dict(discount=0.999, lambda_=0.95, r_transform="tanh"),
        train=dict(batch_length=50, log_every_step=1, n_sample=10, imag_last_T=False, log_grad=False),
        optimize=dict(grad_clip=100.0), slow_update_step=100))


def transdreamer(root):
    for name in [n for n in sys.modules if n.split(".")[0] in ("utils", "model", "agents")]:
        del sys.modules[name]
    module, whole = import_from(root, ("model.modules_transformer", "model.transdreamer"))
    results = {}
    full = whole.TransDreamer(config(actions=ACTIONS))
    world = full.world_model
    for name, part in dict(encoder=world.dynamic.img_enc, transformer=world.dynamic.cell, token=world.dynamic.act_stoch_mlp,
                           posterior=world.dynamic.post_stoch_mlp, prior=world.dynamic.prior_stoch_mlp, decoder=world.img_dec,
                           reward=world.reward, end=world.pcont, world=world, actor=full.actor, critic=full.value).items():
        results["count/" + name] = count(part)

    model = fill(module.TransformerWorldModel(config(layers=2, d=40, heads=4, inner=12, ff=48, stoch=8, hidden=24, units=16, actions=ACTIONS,
                                                     H=STEPS - 1)))
    model.train()
    draws = one_hots("trans/z", (BATCH, STEPS, 8), 8)

    class Given(torch.distributions.OneHotCategorical):
        def sample(self, shape=torch.Size()):
            return draws[:, :self._batch_shape[1]] if self._batch_shape[1] == STEPS else draws[:, 1:]

    module.OneHotCategorical = Given
    traj = dict(image=images("trans/image", (BATCH, STEPS, 3, 64, 64)), action=one_hots("trans/action", (BATCH, STEPS), ACTIONS),
                reward=3 * hashed("trans/reward", (BATCH, STEPS)), done=(hashed("trans/end", (BATCH, STEPS)) > 0.3).float())
    prior, post = model.dynamic(traj, None, 1.0)
    total, logs = model.world_model_loss(1, traj, prior, {k: v for k, v in post.items()}, 1.0)
    total.backward()
    feature = model.dynamic.get_feature(dict(stoch=post["stoch"][:, 1:], deter=prior["deter"]))
    results |= dict(posterior=F.log_softmax(post["logits"], -1).flatten(2), h=prior["deter"], prior=F.log_softmax(prior["logits"], -1).flatten(2),
                    painted=thinned(model.img_dec(feature).mean), reward=model.reward(feature).mean, end=-model.pcont(feature).base_dist.logits,
                    image_loss=logs["model_image_loss"], reward_loss=logs["model_reward_logprob_loss"],
                    end_loss=logs["model_discount_logprob_loss"] / 5, kl_loss=logs["model_kl_loss"], total=total, **norms(model))
    write("transdreamer", results)


if __name__ == "__main__":
    without_card()
    storm(pathlib.Path(sys.argv[1]).resolve())
    transdreamer(pathlib.Path(sys.argv[2]).resolve())
