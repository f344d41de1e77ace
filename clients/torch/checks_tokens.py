"""What check.py compares of the families whose models are transformers over tokens, or make frames from noise."""
import torch
from torch.nn.functional import one_hot

from actor_critic import ActorCritic
from compared import PICTURE, action_input, action_output, actions_for, image_of, row, vector_of
from delta_iris import DeltaIris
from diamond import Diamond
from dreamer4 import Dreamer4
from edm import sample
from frame_actor_critic import FrameActorCritic
from iris import Iris
from tssm import Tssm
from two_hot import symlog


NOT_SHOWN = "no dream shows them; the test in C++ does (--given)"


def compare_looks(agent, given, same):
    """The actor-critic on frames over a sequence of pictures [T, B, C, H, W], which the test in C++ made: its memory is carried on here."""
    memory = agent.initial(given["frames"].shape[1])
    for frame, policy, value in zip(given["frames"], given["policy"], given["value"]):
        said, worth, memory = agent.look(frame, memory)
        same("actor, given", said, policy)
        same("critic, given", worth, value)


def compare_policy(agent, dream, steps, seed, same, frame_of, probes=()):
    """The actor-critic on frames drives, and remembers what it has seen: frame_of(moment) is [1, C, H, W] in [0, 1]."""
    shown = {"frames": ["dream"], "probes": ["policy/action", "policy/memory", *probes]}
    h_of = lambda moment: row(moment.probes["policy/memory"]["cells"])[:, :agent.lstm.hidden_size]
    dream.start(seed)
    dream.couple("dream_leads")
    now = dream.look(**shown)
    h, c = agent.initial(1)
    if h_of(now).any():  # it has driven before the dream began: c, which nobody is shown, is what h and the gate o leave for it
        before, now = now, dream.step(**shown)
        o = torch.sigmoid(agent.lstm.weight_ih @ agent.see(frame_of(before))[0] + agent.lstm.bias_ih
                          + agent.lstm.weight_hh @ h_of(before)[0] + agent.lstm.bias_hh)[None, -h.shape[1]:]
        h, c = h_of(now), torch.atanh(h_of(now).double() / o.double()).float()
    for _ in range(steps):
        same("policy: h, carried on", h, h_of(now))
        said, _, (h, c) = agent.look(frame_of(now), (h, c))
        policy = now.probes["policy/action"]
        if agent.discrete:
            same("policy: probabilities", said.softmax(1), policy["values"])
        else:
            mean, deviation = agent.mean_deviation(said)
            same("policy: mean", mean, policy["mean"])
            same("policy: deviation", deviation, policy["deviation"])
        now = dream.step(**shown)
        if now["ended"]:
            break


def compare_draws(same, dream, draws, shown):
    """A box's policy is shown as 256 draws: their mean, give or take five standard errors. `draws` [N, A] in [-1, 1] are ours."""
    ours = torch.cat([action_output(dream, a[None])[None] for a in draws])
    off, spread = ours.mean(0) - row(shown["mean"])[0], ours.std(0).clamp_min(1e-3)
    same("policy: mean, standard errors / 5", off / (5 * spread / 16), torch.zeros(len(spread)), 1)


def check_iris(run, dream, steps, seed, same, given=None):
    world = Iris(run)
    agent = FrameActorCritic(run, world.action_size)
    shown = {"frames": ["dream", "real"], "probes": ["tokens/grid", "outcome/sign"]}
    tokens_of = lambda moment: torch.tensor(moment.probes["tokens/grid"]["codes"]).long()[None]

    def compare(told, now):
        """`told`: what world.imagine says, where its tokens were those of this moment."""
        reward, end, tokens, log_p = told
        same("reward's sign, P(end)", torch.cat([reward, end[:, None]], 1), now.probes["outcome/sign"]["values"])
        same("P(token)", log_p.gather(2, tokens[..., None]).exp(), now.probes["tokens/grid"]["chance"])

    now = dream.start(seed, **shown)
    window = [world.tokenizer.tokens(image_of(now.frames["real"]))]
    same("tokenizer: tokens", window[0], tokens_of(now))
    for action in actions_for(dream, world.frames + steps, seed):
        same.picture("tokenizer: decoded frame", world.tokenizer.pictures(window[-1]), now.frames["dream"])
        now = dream.step(action, **shown)
        drawn = tokens_of(now)
        compare(world.imagine(window, action_input(dream, action), lambda log_p, k: drawn[:, k]), now)
        if now["ended"]:
            break
    dream.start(seed)
    dream.couple("awake")  # a real frame at every step
    window = [tokens_of(dream.look(**shown))]
    for action in actions_for(dream, steps, seed + 1):
        now = dream.step(action, **shown)
        if "real episode ended" in now["ended"] or now["step"] == 0:
            break
        seen = world.tokenizer.tokens(image_of(now.frames["real"]))
        same("tokenizer: tokens", seen, tokens_of(now))
        told = world.imagine(window, action_input(dream, action), lambda log_p, k: seen[:, k])
        compare(told, now)
        same("surprise", -told[3].gather(2, seen[..., None]).sum(), now["surprise"])
    compare_policy(agent, dream, steps, seed, same, lambda moment: world.tokenizer.pictures(tokens_of(moment)), ["tokens/grid"])
    if given is None:
        return same.leave_out("tokenizer: z; logits, critic", NOT_SHOWN)
    same("tokenizer: z", world.tokenizer.encode(given["pictures"]), given["z"])
    same("tokenizer: tokens", world.tokenizer.tokens(given["pictures"]), given["tokens"])
    same("tokenizer: pictures, given", world.tokenizer.pictures(given["tokens"]), given["rebuilt"])
    codes, actions = given["codes"], given["actions"]  # [B, T, K], [B, T, A]
    window = [part for t in range(codes.shape[1]) for part in (codes[:, t], actions[:, t])]
    place, x = torch.arange(codes.shape[1] * (codes.shape[2] + 1)) % (codes.shape[2] + 1), world.read(window)
    tells = place != codes.shape[2] - 1  # the last token of a frame is followed by an action, and the last of all by nothing
    tells[-1] = False
    same("P of tokens, given", world.codes(x[:, tells]).softmax(-1), given["logits"].softmax(-1))
    acted = x[:, place == codes.shape[2]]
    same("logits of reward's sign", world.reward(acted), given["reward"])
    same("logits of the end", world.end(acted), given["end"])
    compare_looks(agent, given, same)


def check_delta_iris(run, dream, steps, seed, same, given=None):
    world = DeltaIris(run)
    agent = FrameActorCritic(run, world.action_size)
    shown = {"frames": ["dream", "real"], "probes": ["tokens/grid", "outcome/reward"]}
    tokens_of = lambda moment: torch.tensor(moment.probes["tokens/grid"]["codes"]).long()[None]
    frame_of = lambda moment: image_of(moment.frames["dream"])  # of 256 levels, as it is remembered

    def compare(told, now):
        reward, end, tokens, log_p = told
        same("reward or its sign, P(end)", torch.cat([reward.view(1, -1), end[:, None]], 1), now.probes["outcome/reward"]["values"])
        same("P(Δ-token)", log_p.gather(2, tokens[..., None]).exp(), now.probes["tokens/grid"]["chance"])

    def go_on(window, action, now, tokens):
        before, a = window[-1], action_input(dream, action)
        compare(world.imagine(window, a, lambda log_p, k: tokens[:, k]), now)
        return before, a

    now = dream.start(seed, **shown)
    window = [frame_of(now)]
    for action in actions_for(dream, world.frames + steps, seed):
        now = dream.step(action, **shown)
        before, a = go_on(window, action, now, tokens_of(now))
        same.picture("tokenizer: painted frame", world.tokenizer.paint(before, a, tokens_of(now)), now.frames["dream"])
        world.turn(window, frame_of(now))  # what lies between two levels is rounded as it was there
        if now["ended"]:
            break
    dream.start(seed)
    dream.couple("awake")  # a real frame at every step
    now = dream.look(**shown)
    window = [image_of(now.frames["real"])]
    for action in actions_for(dream, steps, seed + 1):
        now = dream.step(action, **shown)
        if "real episode ended" in now["ended"] or now["step"] == 0:
            break
        seen = world.tokenizer.tokens(window[-1], action_input(dream, action), image_of(now.frames["real"]))
        same("tokenizer: Δ-tokens", seen, tokens_of(now))
        go_on(window, action, now, seen)
        world.turn(window, image_of(now.frames["real"]))
    compare_policy(agent, dream, steps, seed, same, frame_of)
    if given is None:
        return same.leave_out("tokenizer: z; logits, critic", NOT_SHOWN)
    frame, a, after = given["frame"], given["action"], given["after"]
    same("tokenizer: z", world.tokenizer.encode(frame, a, after), given["z"])
    same("tokenizer: Δ-tokens", world.tokenizer.tokens(frame, a, after), given["tokens"])
    # Where nothing was learned, either is some 1e-5 off what float64 says
    same("tokenizer: painted, given", world.tokenizer.paint(frame, a, given["tokens"]), given["painted"], 1e-4)
    window = []
    for t in range(given["film"].shape[1]):
        window.append(given["film"][:, t])
        reward, end, _, log_p = world.imagine(window, given["actions"][:, t], lambda _, k: given["codes"][:, t, k])
        same("log p of Δ-tokens, given", log_p, given["logits"][:, t].log_softmax(-1))
        same("reward, given", reward[:, 2] - reward[:, 0] if world.signs else reward, given["reward"][:, t])
        same("P(end), given", end, given["end"][:, t].softmax(-1)[:, 1])
    compare_looks(agent, given, same)


def check_tssm(run, dream, steps, seed, same, given=None):
    world = Tssm(run)
    behaviour = ActorCritic(run, world.action_size)
    probes = ["latent/z", "latent/seen", "hidden/h", "policy/action", "horizon/value", "attention/heads"]
    shown = {"frames": ["dream", "real"], "probes": probes}
    window, keep = run["world.window"], run["world.keep"]
    h_of = lambda moment: row(moment.probes["hidden/h"]["cells"])[:, :world.wide]
    z_of = lambda moment: one_hot(torch.tensor([moment.probes["latent/z"]["drawn"]]), run["world.classes"]).float().flatten(1)

    def look(now, h, z):
        if world.decoder is not None:
            same.picture("decoded frame", world.decode(h, z), now.frames["dream"])
        same("value", behaviour.value(h, z), now.probes["horizon/value"]["lines"][0]["y"][:1])
        if behaviour.discrete:
            same("policy: probabilities", behaviour.policy(h, z), now.probes["policy/action"]["values"])
        else:
            compare_draws(same, dream, behaviour.sample(h.expand(4096, -1), z.expand(4096, -1)), now.probes["policy/action"])
        if world.encoder is not None or vector_of(now) is not None:
            q = world.posterior(image_of(now.frames["real"]), vector_of(now))
            same("posterior of the real frame", q.exp(), now.probes["latent/seen"]["posterior"])

    def stepped(tokens, before, action):
        return world.step(tokens, z_of(before), action_input(dream, action))

    moments, actions = [dream.start(seed, **shown)], actions_for(dream, 2 * window + steps, seed)
    tokens, h = world.initial(1)
    at = 0
    if h_of(moments[0]).any():  # what it has seen by then nobody is told: once its window is full, it goes on with what was dreamt here
        for action in actions[:window + 1]:
            moments.append(dream.step(action, **shown))
        after = {}
        for now in range(keep, window + 1):
            tokens, _ = world.initial(1)
            for before, action in zip(moments[now - keep:now + 1], actions[now - keep:now + 1]):
                tokens, h = stepped(tokens, before, action)
            after[now + 1] = (h - h_of(moments[now + 1])).abs().max().item(), tokens, h
        at = min(after, key=lambda now: after[now][0])
        _, tokens, h = after[at]
        dream.go_to(moments[at])
        same("h, after a full window", h, h_of(moments[at]))
    now = moments[at]
    for action in actions[at:]:
        before, now = now, dream.step(action, **shown)
        tokens, h = stepped(tokens, before, action)
        z, latent = z_of(now), now.probes["latent/z"]
        same("h, carried on", h, h_of(now))
        same("prior: probabilities", world.prior(h).exp(), latent["prior"])
        same("reward", world.reward(h, z), now["reward"])
        same("P(end)", world.end(h, z), now["done_probability"])
        if tokens.shape[1] == now.probes["attention/heads"]["keys"]:  # it shows the last sixteen
            same("attention", torch.stack(world.transformer(tokens)[1])[:, 0], now.probes["attention/heads"]["weights"])
        if len(tokens[0]) % 4 == 0:
            look(now, h, z)
        if now["ended"]:
            break
    if world.vector_decoder is not None and given is None:
        same.leave_out("decoded vector", NOT_SHOWN)
    elif world.vector_decoder is not None:
        same("decoded vector", symlog(world.vector(given["h"], given["z"])), given["vector"])


def compare_levels(same, name, ours, theirs):
    """Pictures in [-1, 1]; theirs are of 256 levels."""
    same(name, (ours.clamp(-1, 1) + 1) / 2, (theirs + 1) / 2, PICTURE)


def check_diamond(run, dream, steps, seed, same, given=None):
    world = Diamond(run)
    agent = FrameActorCritic(run, world.action_size)
    count, noisy = run["world.context"], run.get("world.noisy_past", False)
    shown = {"frames": ["dream"], "probes": ["denoising/context", "outcome/probabilities"]}
    # All that it looks back at, [1, K, C, H, W] in [-1, 1]
    past_of = lambda moment: torch.stack((image_of(moment.probes["denoising/context"]["picture"]) * 2 - 1).chunk(count, 3), 1)
    dream.start(seed)
    for name in ("denoising_steps", "upsampling_steps"):  # one step from no noise, so that nothing is drawn
        if name in dream.knobs:
            dream.knob(name, 1)
    dream.knob("tau_noise", 0)
    dream.knob("churn", 0)
    now = dream.look(**shown)
    past, actions, memory = past_of(now), torch.zeros(1, count, world.action_size), None
    if count > 1 and past[:, :-1].abs().max() < 0.005:  # nothing came before, which is gray and no level
        past[:, :-1], memory = 0, world.initial(1)
    for number, action in enumerate(actions_for(dream, count + steps, seed)):
        large, now, a = image_of(now.frames["dream"]) * 2 - 1, dream.step(action, **shown), action_input(dream, action)
        frame, actions = past_of(now)[:, -1], torch.cat([actions[:, 1:], a[:, None]], 1)
        if not noisy and (memory is not None or number + 1 >= count):  # what was done before the dream nobody is told
            denoised = world.denoiser(torch.zeros_like(frame), run["world.sigma_max"], past, actions)
            compare_levels(same, "denoised frame", denoised, frame)
        if world.upsampler is not None:
            made = world.enlarge(frame, large, torch.zeros_like, lambda x: x)
            compare_levels(same, "large frame", made, image_of(now.frames["dream"]) * 2 - 1)
        if memory is not None:
            reward, end, memory = world.outcome(past[:, -1], a, frame, memory)
            same("reward's sign, P(end)", torch.cat([reward, end[:, None]], 1), now.probes["outcome/probabilities"]["values"])
        past = torch.cat([past[:, 1:], frame[:, None]], 1)
        if now["ended"]:
            break
    if noisy:
        same.leave_out("dreamt frames", "what it looks back at has noise, which nobody is told")
    compare_policy(agent, dream, steps, seed, same, lambda moment: (past_of(moment)[:, -1] + 1) / 2, ["denoising/context"])
    if given is None:
        return same.leave_out("frames from noise; reward, end, critic", NOT_SHOWN)
    past, actions = given["past"], given["actions"]
    for name, ways in (("euler_", {"steps": 3}), ("heun_", {"steps": 2, "heun": True, "churn": 0.5, "low": 0.3})):
        seen, noises = iter(zip(given[name + "x"], given[name + "denoised"])), iter(given[name + "noise"])

        def denoise(x, sigma):
            theirs, taken_for = next(seen)
            same(f"{name[:-1]}: x of every step", x, theirs)
            past_noise = run["world.past_noise"] if noisy else 0.0
            compare_levels(same, f"{name[:-1]}: denoised", world.denoiser(x, sigma, past, actions, past_noise), taken_for)
            return taken_for  # what lies between two levels is rounded as it was there

        same(f"{name[:-1]}: frame", sample(denoise, next(noises), noise=lambda x: next(noises), **ways), given[name + "frame"])
    if world.upsampler is not None:
        noises = iter(given["large_noise"])
        large = world.enlarge(past[:, -1], given["large_before"], lambda x: next(noises), lambda x: x)
        compare_levels(same, "large frame, from noise", large, given["large"])
    memory = world.initial(len(past))
    for t, (reward, end) in enumerate(zip(given["reward"], given["end"])):
        said, over, memory = world.outcome(past[:, t], actions[:, t], past[:, t + 1], memory)
        same("reward's sign and P(end), given", torch.cat([said, over[:, None]], 1), torch.cat([reward, end[:, None]], 1))
    compare_looks(agent, given, same)


def check_dreamer4(run, dream, steps, seed, same, given=None):
    world = Dreamer4(run)
    shown = {"frames": ["dream", "real"], "probes": ["latent/z", "policy/action", "attention/time"]}
    z_of = lambda moment: row(moment.probes["latent/z"]["cells"]).view(1, world.spatial, -1)
    silent = lambda *shape: torch.zeros(shape)

    def look(now, agent, z):
        same("reward", world.reward(agent), now["reward"], 1e-4)
        same("P(end)", world.end(agent), now["done_probability"])
        same.picture("decoded frame", world.tokenizer.decode(world.unpacked(torch.stack(z, 1)))[:, -1], now.frames["dream"])
        if world.discrete:
            return same("policy: probabilities", world.policy(agent), now.probes["policy/action"]["values"])
        mean, deviation = world.policy(agent)
        compare_draws(same, dream, mean + deviation * torch.randn(4096, mean.shape[1]), now.probes["policy/action"])

    dream.start(seed)
    for name in ("tau_noise", "distrust"):
        dream.knob(name, 0)
    now = dream.look(**shown)
    if not any(now.probes["attention/time"]["weights"][:world.net.context - 1]):  # it is the first: none came before it
        same("z of the first frame", world.packed(world.tokenizer.encode(image_of(now.frames["real"])[:, None]))[:, 0], z_of(now))
    # How frames before the dream are looked back at was drawn: they must be out of reach, where so many later ones put them
    reach = max((net.context - 1) * sum("time" in block for block in net.blocks) for net in (world.net, world.tokenizer.decoder))
    film, z = world.begin(1), [z_of(now)]
    for number, action in enumerate(actions_for(dream, reach + steps, seed)):
        now, a = dream.step(action, **shown), action_input(dream, action)
        z.append(world.imagine(film, a, noise=silent) if number >= reach else z_of(now))
        film = world.remember(film, z[-1], a, 0)
        if number >= reach:
            same("z, carried on", z[-1], z_of(now))
            look(now, world.read(film)[1], z)
        if now["ended"]:
            break
    if given is None:
        return same.leave_out("frames from noise, value", NOT_SHOWN)
    pictures = given["pictures"].transpose(0, 1)  # [B, T, C, H, W]
    film, all_z, begin = world.begin(len(pictures)), [], iter(given["begin"])
    seen = world.packed(world.tokenizer.encode(pictures))
    for t, (a, doubt) in enumerate(zip(given["action"], given["doubt"])):
        z = seen[:, t] if t < pictures.shape[1] else world.imagine(film, a, noise=lambda *shape: next(begin))
        film = world.remember(film, z, a if t > 0 else None, noise=lambda *shape: doubt)
        all_z.append(z)
        agent = world.read(film)[1]
        same("z, from noise", z, given["latent"][t])
        same("agent token", agent, given["agent"][t])
        # Bins reach to 5e8, and where nothing was learned all are likely
        same("reward, given", world.reward(agent), given["reward"][t], 1e-4)
        same("P(end), given", world.end(agent), given["end"][t])
        same("policy, given", world.to_policy(agent), given["policy"][t])
        same("value: logits", world.value.net(agent), given["value"][t])
        same("tokenizer: picture", world.tokenizer.decode(world.unpacked(torch.stack(all_z, 1)))[:, -1], given["frame"][t])


CHECKS_OF_TOKENS = {"iris": check_iris, "delta-iris": check_delta_iris, "storm": check_tssm, "transdreamer": check_tssm,
                    "diamond": check_diamond, "dreamer-v4": check_dreamer4}
