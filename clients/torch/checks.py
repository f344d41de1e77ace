"""What check.py compares of every family."""
import torch

from actor_critic import ActorCritic
from checks_tokens import CHECKS_OF_TOKENS
from checks_views import CHECKS_OF_VIEWS
from compared import action_input, action_output, actions_for, NO_VECTOR, image_of, row, vector_of
from decision_transformer import DecisionTransformer
from dyna import Table
from dyna_neural import OneStep
from gato import Gato, lines_of
from genie import Genie
from jepa import Jepa
from lecun import Lecun
from muzero import MuZero
from rssm import Rssm
from td_mpc2 import TdMpc2
from vmc import Vmc


def check_vmc(run, dream, steps, seed, same):
    agent = Vmc(run)
    shown = {"frames": ["dream", "real"], "probes": ["latent/z", "hidden/h", "mixture/z"] + ["hidden/c"] * agent.sees_cell}
    h_of = lambda moment: row(moment.probes["hidden/h"]["cells"])[:, :agent.m.out.shape[0]]
    z_of = lambda moment: row(moment.probes["latent/z"]["values"])
    c_of = lambda moment: row(moment.probes["hidden/c"]["cells"])[:, :agent.m.out.shape[0]] if agent.sees_cell else None

    def cell_after(before, a, now):  # where it is not shown: what the LSTM's output and its gate o leave for it
        if agent.sees_cell:
            return c_of(now)
        o = torch.sigmoid(agent.m.gates(z_of(before), a, h_of(before))[3])
        return torch.atanh((h_of(now).double() / o.double()).clamp(-1 + 1e-15, 1 - 1e-15)).float()

    before, c = dream.start(seed, **shown), None
    for action in actions_for(dream, steps, seed):
        now, a = dream.step(action, **shown), row(action)
        z, h = z_of(before), h_of(before) if c is None else h
        if c is None:
            h, c = h_of(now), cell_after(before, a, now)
        else:
            h, c = agent.m.step(z, a, h, c)
            same("M: h", h, h_of(now))
            if agent.sees_cell:
                same("M: c", c, c_of(now))
        log_weights, mean, log_deviation, reward, end = agent.m.mixture(h)
        mixture = now.probes["mixture/z"]
        same("M: weights of the mixture", log_weights.exp(), mixture["weights"])
        same("M: means", mean, mixture["means"])
        same("M: deviations", log_deviation.exp(), mixture["deviations"])
        same("M: reward", reward, now["reward"])
        same("M: P(end)", end, now["done_probability"])
        same.picture("V: decoded frame", agent.v.decode(z_of(now)), now.frames["dream"])
        mean, deviation = agent.v.encode(image_of(now.frames["real"]))
        same("V: mean of the real frame", mean, now.probes["latent/z"]["mean"])
        same("V: its deviation", deviation, now.probes["latent/z"]["deviation"])
        before = now
    dream.start(seed)
    dream.couple("dream_leads")  # C looks into the dream
    before = dream.look(**shown)
    for _ in range(steps):
        now = dream.step(**shown)
        same("C: action", agent.act(z_of(before), h_of(before), c_of(before)), now["action"])
        before = now


def kl(world, q, p):
    """Of every group [B, G], nats."""
    if world.categorical:
        return (q.exp() * (q - p)).sum(-1)
    normal = torch.distributions.Normal
    return torch.distributions.kl_divergence(normal(q[:, 0], q[:, 1]), normal(p[:, 0], p[:, 1]))


def check_rssm(run, dream, steps, seed, same):
    world = Rssm(run)
    behaviour = ActorCritic(run, world.action_size) if run.has("behaviour/actor.") else None
    names = ["latent/z", "latent/kl", "hidden/h"]
    names += (["horizon/value", "policy/action"] if behaviour else []) + (["horizon/cost"] if world.to_cost else [])
    shown = {"frames": ["dream", "real"], "probes": names}
    reads = world.vector_encoder is not None

    def h_of(moment):
        return row(moment.probes["hidden/h"]["cells"])[:, :world.sizes[0]]

    def z_of(moment):
        latent = moment.probes["latent/z"]
        if not world.categorical:
            return row(latent["values"])
        return torch.nn.functional.one_hot(torch.tensor([latent["drawn"]]), latent["classes"]).float().flatten(1)

    def look(now, h):
        """What is said of a state, but for its reward."""
        z = z_of(now)
        same.picture("decoded frame", world.decode(h, z), now.frames["dream"])
        if behaviour:
            same("value", behaviour.value(h, z), now.probes["horizon/value"]["lines"][0]["y"][:1])
        if behaviour and behaviour.discrete:
            same("policy: probabilities", behaviour.policy(h, z), now.probes["policy/action"]["values"])
        elif behaviour:  # it shows 256 draws: their mean and deviation, give or take five standard errors
            ours = torch.cat([action_output(dream, a[None])[None] for a in behaviour.sample(h.expand(4096, -1), z.expand(4096, -1))])
            spread = ours.std(0).clamp_min(1e-3)
            off = ours.mean(0) - row(now.probes["policy/action"]["mean"])[0]
            same("policy: mean, standard errors / 5", off / (5 * spread / 16), torch.zeros(len(spread)), 1)
        if behaviour and behaviour.cost_critic:
            cost, still = (line["y"][:1] for line in now.probes["horizon/cost"]["lines"])
            same("cost", world.cost(h, z), cost)
            same("cost: still to be paid", behaviour.cost_value(h, z), still)

    before = dream.start(seed, **shown)
    h, z = h_of(before), z_of(before)  # from here on h is computed here
    look(before, h)
    for action in actions_for(dream, steps, seed):
        now = dream.step(action, **shown)
        h = world.step(h, z, action_input(dream, action))
        z, latent = z_of(now), now.probes["latent/z"]
        same("h, carried on", h, h_of(now))
        if world.categorical:
            same("prior: probabilities", world.prior(h).exp(), latent["prior"])
        same("reward", world.reward(h, z), now["reward"])
        if world.going_on is not None:
            same("P(end)", world.end(h, z), now["done_probability"])
        look(now, h)
        if now["ended"]:
            break
    dream.start(seed)
    dream.couple("awake")  # a real frame at every step: the posterior
    before = dream.look(**shown)
    h, z = h_of(before), z_of(before)
    for action in actions_for(dream, steps, seed + 1):
        now = dream.step(action, **shown)
        if now["step"] <= before["step"] or "real episode ended" in now["ended"]:
            break
        h = world.step(h, z, action_input(dream, action))
        same("h, awake", h, h_of(now))
        latent = now.probes["latent/z"]
        p = world.prior(h)
        if world.categorical:
            q = torch.log(row(latent["posterior"])).view(p.shape)
        else:
            q = torch.stack([row(latent["mean"]), row(latent["deviation"])], 1)
        same("KL(posterior ‖ prior)", kl(world, q, p), now.probes["latent/kl"]["values"])
        if run["world.five_bits"]:
            same.leave_out("posterior", "its pictures are dithered by chance")
        elif reads and vector_of(now) is None:
            same.leave_out("posterior", NO_VECTOR)
        else:
            q = world.posterior(h, world.embed(image_of(now.frames["real"]), vector_of(now)))
            if world.categorical:
                same("posterior: probabilities", q.exp(), latent["posterior"])
            else:
                same("posterior: mean", q[:, 0], latent["mean"])
                same("posterior: deviation", q[:, 1], latent["deviation"])
        z = z_of(now)
        before = now
    if behaviour and (behaviour.discrete or behaviour.continuous != "tanh_normal") and not run["behaviour.sample_to_evaluate"]:
        dream.start(seed)
        dream.couple("dream_leads")
        before = dream.look(**shown)
        for _ in range(steps):
            now = dream.step(**shown)
            same("policy: action", action_output(dream, behaviour.act(h_of(before), z_of(before))), now["action"])
            before = now
            if now["ended"]:
                break


def check_td_mpc2(run, dream, steps, seed, same):
    agent, discount = TdMpc2(run), None
    shown = {"frames": ["dream"], "probes": ["latent/z", "plan/actions"]}

    def shown_z(moment):  # dreamt, or seen where it begins
        return row(moment.probes["latent/z"]["values" if agent.first else "prior" if moment["step"] else "posterior"])

    def look(now, z):
        nonlocal discount
        if agent.viewer is not None:
            same.picture("decoded frame", agent.decode(z), now.frames["dream"])
        plans = now.probes["plan/actions"]
        actions, scores = torch.tensor(plans["actions"]).view(plans["count"], plans["steps"], plans["axes"]), torch.tensor(plans["scores"])
        many = z.expand(len(actions), -1)
        if discount is None:  # γ follows from the length of the world's episodes, which the file does not know: what fits best
            off = lambda gamma: agent.plan_return(many[:4], actions[:4], gamma).sub(scores[:4]).abs().max().item()
            discount = run["behaviour.discount"] or min((1 - 5 / length for length in range(100, 1001)), key=off)
        same("Σ γ^t R + γ^H Q of plans", agent.plan_return(many, actions, discount), scores, 1e-4)  # either is 1e-5 off what float64 says

    before = dream.start(seed)
    dream.knob("plan_iterations", 1)  # so that plans are of what is looked at
    before = dream.look(**shown)
    actions = actions_for(dream, steps, seed)
    z = shown_z(before)
    if agent.tasks is not None:  # which one it is, no probe says: the one by which the dream goes on
        after = dream.go_to(dream.step(actions[0]), **shown)
        each = [torch.cat([z, (task / task.norm().clamp_min(1))[None]], 1) for task in agent.tasks]
        z = min(each, key=lambda z: (agent.next(z, action_input(dream, actions[0]))[:, :agent.latent] - shown_z(after)).abs().max().item())
        dream.go_to(before)
    look(before, z)

    def check_seen(moment):
        """h(x) of the frame that the dream stands on."""
        seen = torch.zeros(0) if agent.convs is not None else vector_of(moment)
        if agent.convs is not None or seen is None:
            return same.leave_out("z = h(x)", "it sees several pictures at once" if agent.convs is not None else NO_VECTOR)
        found = agent.encode(seen) if agent.tasks is None else agent.encode(seen[:, 1:], seen[:, 0].long())
        if not agent.first:
            same("z = h(x)", found[:, :agent.latent], moment.probes["latent/z"]["posterior"])
        elif moment["step"] == 0:
            same("z = h(x)", found, shown_z(moment))

    check_seen(before)
    for action in actions:
        now, a = dream.step(action, **shown), action_input(dream, action)
        same("reward", agent.reward(z, a), now["reward"])
        z = agent.next(z, a)
        same("z, carried on", z[:, :agent.latent], shown_z(now))
        if agent.termination is not None:
            same("P(end)", agent.end(z), now["done_probability"])
        look(now, z)
        check_seen(now)  # posterior: of the real frame beside the dream
    dream.knob("plan_iterations", 0)  # the policy acts by itself
    dream.couple("dream_leads")
    for _ in range(steps):
        now = dream.step(probes=["latent/z"], frames=[])
        same("policy: action", action_output(dream, agent.act(z)), now["action"])
        z = torch.cat([shown_z(now), z[:, agent.latent:]], 1)


def check_muzero(run, dream, steps, seed, same):
    agent = MuZero(run)
    shown = {"frames": ["dream"], "probes": ["latent/s", "search/tree", "search/policy"]}
    size = agent.dynamics[-1].out_features
    s_of = lambda moment: row(moment.probes["latent/s"]["cells"])[:, :size]
    one_hot = lambda action: torch.nn.functional.one_hot(torch.tensor([int(action)]), agent.choices).float()

    def look(now, s):
        if agent.viewer is not None:
            same.picture("decoded frame", agent.decode(s), now.frames["dream"])
        same("f: policy", agent.predict(s)[0], now.probes["search/policy"]["mean"])
        if run["search.root"] == "puct":
            same("search: share of visits", agent.search(s), now.probes["search/policy"]["values"])
        states, gamma = {0: s}, run["search.discount"]
        for number, node in enumerate(now.probes["search/tree"]["nodes"][1:], 1):  # a parent comes before its children
            parent, choice = states[node["parent"]], int(node["deed"][0])
            states[number], reward, end = agent.step(parent, one_hot(choice))
            same("search: rewards", reward, node["reward"])
            same("search: prior", agent.predict(parent)[0][0, choice], node["prior"])
            if node["visits"] == 1:
                same("search: values of leaves", reward + gamma * (1 - end) * agent.predict(states[number])[1], node["value"])

    before = dream.start(seed, **{**shown, "frames": ["dream", "real"]})
    s = s_of(before)
    look(before, s)
    if agent.encoder is None and vector_of(before) is None:
        same.leave_out("h: s of what is seen", NO_VECTOR)
    else:
        same("h: s of what is seen", agent.represent(vector_of(before) if agent.encoder is None else image_of(before.frames["real"])), s)
    for action in actions_for(dream, steps, seed):
        now = dream.step(action, **shown)
        s, reward, end = agent.step(s, one_hot(action[0]))
        same("g: s, carried on", s, s_of(now))
        same("g: reward", reward, now["reward"])
        same("g: P(end)", end, now["done_probability"])
        look(now, s)
        if now["ended"]:
            break
    dream.start(seed)
    dream.couple("dream_leads")
    dream.knob("simulations", 0)  # the policy acts by itself
    before = dream.look(probes=["latent/s"], frames=[])
    for _ in range(steps):
        now = dream.step(probes=["latent/s"], frames=[])
        same("f: action", agent.predict(s_of(before))[0].argmax(-1), now["action"])
        before = now
        if now["ended"]:
            break


def episode_of(dream, steps, seed, names):
    """What the agent does in the real world from its first frame on."""
    moments = [dream.start(seed, frames=["real"], probes=names)]
    for _ in range(steps):
        moments.append(dream.step(frames=["real"], probes=names))
        if moments[-1]["ended"]:
            break
    return moments


def check_decision_transformer(run, dream, steps, seed, same):
    agent = DecisionTransformer(run)
    agent.discrete = "choices" in dream.actions
    moments = episode_of(dream, steps, seed, ["policy/action", "attention/heads"])
    if agent.encoder is None and vector_of(moments[0]) is None:
        return same.leave_out("what it does", NO_VECTOR)
    asked = dream.knobs["return_to_go"]["value"]
    look = [agent.state(vector_of(m) if agent.encoder is None else image_of(m.frames["real"])) for m in moments]
    inputs = [action_input(dream, m["action"]) for m in moments[1:]]
    unknown = action_input(dream, [0.0] * len(moments[0]["action"]))  # in the last row, as it stands in Dreamscope's
    for now in range(len(moments)):
        window = range(max(0, now - agent.context + 1), now + 1)
        returns = torch.tensor([[asked - moments[t]["real_reward"] for t in window]])
        states, done = torch.stack([look[t] for t in window], 1), torch.stack([*(inputs[t] for t in window[:-1]), unknown], 1)
        said, looks = agent(returns, states, done, torch.tensor([list(window)]))
        said = said[:, -1]
        same("what it does", said, moments[now].probes["policy/action"]["values"])
        if now > 0:
            same("action", action_output(dream, before), moments[now]["action"])
        looked = moments[now].probes["attention/heads"]
        if len(window) * 3 == looked["keys"]:  # it shows the last eight steps
            same("attention", torch.stack(looks)[:, 0], looked["weights"])
        before = said


def check_gato(run, dream, steps, seed, same):
    agent = Gato(run)
    choices = len(dream.actions.get("choices", [])) or None
    moments = episode_of(dream, steps, seed, ["policy/action"])
    picture = run.environment in ("Catch", "KeyDoor") or vector_of(moments[0]) is None
    seen = [agent.see_picture(image_of(m.frames["real"])) if picture else agent.see_numbers(vector_of(m)) for m in moments]
    inputs = [action_input(dream, m["action"]) for m in moments[1:]]
    done = [agent.bins + x.argmax(-1)[None] if choices else agent.bins_of(x) for x in inputs]
    done.append(torch.zeros_like(done[0]))
    line, before = agent.line(lines_of(run.environment)[0]), None
    for now, moment in enumerate(moments):
        window = range(max(0, now - agent.context + 1), now + 1)
        tokens, logits = agent.choose(line, torch.stack([seen[t] for t in window], 1), torch.stack([done[t] for t in window], 1), choices)
        same("what it does", logits[:, 0].softmax(-1) if choices else agent.number(tokens), moment.probes["policy/action"]["values"])
        if before is not None:
            same("action", before[:, 0] - agent.bins if choices else action_output(dream, agent.number(before)), moment["action"])
        before = tokens


def check_jepa(run, dream, steps, seed, same):
    lecun = run.recipe == "lecun"
    world = Lecun(run) if lecun else Jepa(run)
    pictures = world.encoder.convs is not None
    shown = {"frames": ["dream", "real"] + (["goal"] if "goal" in dream.frame_names else []),
             "probes": ["latent/z", "goal/distance", "plan/actions"] + (["costs/now"] if lecun else [])}
    z_of = lambda moment: row(moment.probes["latent/z"]["values"])

    def look(now, z, goal):
        if world.viewer is not None:
            same.picture("decoded frame", world.decode(z), now.frames["dream"])
        if goal is not None:
            same("distance to h(x*)", world.distance(z, goal), now.probes["goal/distance"]["value"])
        plans = now.probes["plan/actions"]
        if plans["kind"] == "trajectories" and world.kind != "transformer" and (lecun or goal is not None):
            actions = torch.tensor(plans["actions"]).view(plans["count"], plans["steps"], plans["axes"])
            many = (z.expand(len(actions), -1), goal, actions)
            same("returns of plans", world.plan_return(*many, world.weights) if lecun else world.plan_return(*many), plans["scores"])

    dream.start(seed)
    dream.knob("plan_iterations", 1)  # so that plans are of what is looked at
    before = dream.look(**shown)
    goal = world.encode(image_of(before.frames["goal"])) if "goal" in shown["frames"] else None
    z = z_of(before)
    if pictures or vector_of(before) is not None:
        same("z = h(x)", world.encode(image_of(before.frames["real"]) if pictures else vector_of(before)), z)
    else:
        same.leave_out("z = h(x)", NO_VECTOR)
    look(before, z, goal)
    window = len(world.looking_back.place) - 1 if world.kind == "transformer" else 0
    moments = torch.zeros(1, 0, z.shape[1] + world.action_size)
    for action in actions_for(dream, steps + window, seed):
        now, a = dream.step(action, **shown), action_input(dream, action)
        before, moments = moments[:, -window:], torch.cat([moments, torch.cat([z, a], 1)[:, None]], 1)
        if before.shape[1] < window:  # what it looks back at is not all of this dream
            z = z_of(now)
            continue
        after = world.next(z, a, before)
        same("z, carried on", after, z_of(now))
        if lecun:
            costs = world.weights * world.costs(z, a, after, goal)
            same("costs", costs, now.probes["costs/now"]["values"])
            same("reward", -costs.sum(1), now["reward"])
        elif goal is not None:
            same("reward", -world.distance(after, goal), now["reward"])
        z = after
        look(now, z, goal)
    if lecun:
        dream.start(seed)
        dream.couple("dream_leads")
        dream.knob("mode", 1)  # Mode 1: the policy reacts
        before = dream.look(probes=["latent/z"], frames=[])
        for _ in range(steps):
            now = dream.step(probes=["latent/z"], frames=[])
            same("Mode 1: action", action_output(dream, world.act(z_of(before), goal, world.weights)), now["action"])
            before = now


def check_dyna(run, dream, steps, seed, same):
    world = Table(run)
    shown = {"frames": ["dream"], "probes": ["table/known", "table/values", "table/actions"]}
    before = dream.start(seed, **shown)
    painted = torch.tensor(before.frames["dream"].tolist(), dtype=torch.uint8)
    state = (world.pictures == painted).flatten(1).all(1).nonzero()[0]  # no probe says which one it is; its picture does
    count = len(world.q)
    same("known actions", world.known(), before.probes["table/known"]["cells"][:count])
    same("values", world.value(torch.arange(count)), before.probes["table/values"]["cells"][:count])
    for action in actions_for(dream, steps, seed):
        same("Q", world.q[state], before.probes["table/actions"]["values"])
        now = dream.step(action, **shown)
        state, reward, done = world.step(state, int(action[0]))
        same("reward", reward, now["reward"])
        same("P(end)", done, now["done_probability"])
        same.picture("picture", world.decode(state), now.frames["dream"])
        if now["ended"]:
            break
        before = now


def check_one_step(run, dream, steps, seed, same):
    shown = {"frames": ["dream"], "probes": ["latent/x", "behaviour/q"]}
    now = dream.start(seed, **shown)
    world = OneStep(run, states=now.probes["latent/x"]["kind"] == "heatmap")  # which weights that nobody has trained do not tell
    x_of = lambda moment: row(moment.probes["latent/x"]["cells" if world.states else "values"])[:, :len(world.mean)]
    x = world.encode(vector_of(now))  # from here on x is computed here
    for action in [None, *actions_for(dream, steps, seed)]:
        if action is not None:
            now = dream.step(action, **shown)
            x, reward, end = world.step(x, action_input(dream, action))
            same("reward", reward, now["reward"])
            same("P(end)", end, now["done_probability"])
        same("x, carried on", x, x_of(now))
        same("Q", world.q(x), now.probes["behaviour/q"]["values"])
        same.picture("picture", world.decode(x), now.frames["dream"])
        if now["ended"]:
            break


def check_genie(run, dream, steps, seed, same, given=None):
    world = Genie(run)
    shown, hidden = {"frames": ["dream"], "probes": ["tokens/grid", "tokens/confidence", "tokens/order"]}, len(world.token) - 1
    temperature, past = dream.knobs["tau_tokens"]["value"], world.frames - 1
    dream.start(seed)
    tokens, codes = [], []
    for action in actions_for(dream, past + steps, seed):
        now = dream.step(action, **shown)
        new, codes = torch.tensor(now.probes["tokens/grid"]["cells"]).long()[None], [*codes, int(action[0])]
        if len(tokens) >= past:  # all that it looks back at was dreamt here
            window, led = torch.stack(tokens[-past:], 1), torch.tensor([codes[-past:]])
            order, sure = row(now.probes["tokens/order"]["cells"]), row(now.probes["tokens/confidence"]["cells"])
            for number in range(1, int(order.max()) + 1):
                known = torch.where(order < number, new, hidden)
                p = (world.logits(torch.cat([window, known[:, None]], 1), led)[:, -1] / temperature).softmax(-1)
                chosen = order == number
                same("MaskGIT: P(token)", p.gather(-1, new[..., None])[..., 0][chosen], sure[chosen])
            same.picture("tokenizer: decoded frame", world.tokenizer.pictures(torch.cat([window, new[:, None]], 1))[:, -1], now.frames["dream"])
        tokens.append(new)
    if given is None:
        return same.leave_out("tokenizer and actions: encoders", "the real world does not know the model's actions, so it stands still")
    pictures, tokens, codes = given["pictures"], given["tokens"], given["codes"]
    same("tokenizer: tokens", world.tokenizer.tokens(pictures), tokens)
    same("tokenizer: rebuilt pictures", world.tokenizer.pictures(tokens), given["rebuilt"])
    same("latent actions: codes", world.latent_actions.codes(pictures), codes)
    same("latent actions: painted pictures", world.latent_actions.painted(pictures[:, :-1], codes), given["painted"])


CHECKS = {"vmc": check_vmc, "vmc-doom": check_vmc, "vmc-ctallec": check_vmc, **dict.fromkeys(("planet", "dreamer-v1", "dreamer-v2", "dreamer-v3", "safe-dreamer"), check_rssm),
          "td-mpc": check_td_mpc2, "td-mpc2": check_td_mpc2, "muzero": check_muzero, "decision-transformer": check_decision_transformer,
          "gato": check_gato, "genie": check_genie, "jepa": check_jepa, "lecun": check_jepa, "dyna-q": check_dyna, "dyna-q-plus": check_dyna, "dyna-neural": check_one_step}
CHECKS.update(CHECKS_OF_TOKENS | CHECKS_OF_VIEWS)
