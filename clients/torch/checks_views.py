"""What check.py compares of families that learn to see, and of those that make frames or plans from noise."""
import torch

from compared import action_input, actions_for, image_of, row
from diffusion_forcing import DiffusionForcing
from diffusion_schedule import Schedule
from forcing_planner import ForcingPlanner
from genie2 import Genie2, noised
from hjepa import Hjepa
from masked_jepa import MaskedJepa
from two_views import TwoViews

NOT_GIVEN = "the test in C++ says what no dream shows (--given)"


def floats_of(uint8):
    """[..., H, W, C] -> [..., C, H, W] in [0, 1]."""
    return uint8.float().movedim(-1, -3) / 255


class Given:
    """Draws in the order in which Dreamscope made them, in the place of torch.randn: [N, ...]. Several at once lie along dimension 1."""

    def __init__(self, draws):
        self.draws = iter(draws)

    def __call__(self, shape):
        first = next(self.draws)
        if first.shape == shape:
            return first
        return torch.stack([first, *(next(self.draws) for _ in range(shape[1] - 1))], 1)


def check_masked_jepa(run, dream, steps, seed, same, given=None):
    world = MaskedJepa(run)
    moments = [dream.start(seed, frames=["real"], probes=["embeddings/z"])]
    for action in actions_for(dream, max(steps, world.frames), seed):
        moments.append(dream.step(action, frames=["real"], probes=["embeddings/z"]))
        if len(moments) >= world.frames:
            clip = torch.stack([image_of(m.frames["real"]) for m in moments[-world.frames:]], 1)
            same("embedding of what is seen", world.embed(clip), moments[-1].probes["embeddings/z"]["values"])
    if given is None:
        return same.leave_out("predictor, targets, losses, viewer", NOT_GIVEN)
    clips = floats_of(given["clips"])
    pieces = world.encoder.pieces(clips)
    same("pieces", pieces, given["pieces"])
    same("pieces as a picture", world.encoder.pictures(pieces), given["picture"])
    same("embedding", world.embed(clips), given["z"])
    masks = [(given[f"context{way}"], given[f"targets{way}"]) for way in range(2 if world.frames > 1 else 1)]
    for way, (context, targets) in enumerate(masks):
        predicted = world.predict(pieces, context, targets, way)
        same("predicted tokens", predicted, given[f"predicted{way}"])
        same("viewer", world.paint(predicted), given[f"painted{way}"])
    total, each = world.loss(clips, masks)
    same("loss", total, given["loss"])
    for name, ours in zip(("short_range", "long_range"), each if len(masks) == 2 else ()):
        same("losses of each way of masking", ours, given["loss/" + name])


def check_two_views(run, dream, steps, seed, same, given=None):
    world = TwoViews(run)
    now = dream.start(seed, frames=["real"], probes=["embeddings/z", "embeddings/painted"])
    for action in actions_for(dream, steps, seed):
        z = world.embed(image_of(now.frames["real"]))
        same("embedding of what is seen", z, now.probes["embeddings/z"]["values"])
        if world.viewer is not None:
            same.picture("embedding painted", world.paint(z), now.probes["embeddings/painted"]["picture"])
        now = dream.step(action, frames=["real"], probes=["embeddings/z", "embeddings/painted"])
    if given is None:
        return same.leave_out("losses", NOT_GIVEN)
    z = world.embed(floats_of(given["clips"][:, 0]))
    same("embedding", z, given["z"])
    same("viewer", world.paint(z), given["painted"])
    total, terms = world.loss(given["one"], given["other"])
    same("loss", total, given["loss"])
    for name, term in terms.items():
        same("its " + name, term, given["loss/" + name])


def check_hjepa(run, dream, steps, seed, same, given=None):
    world = Hjepa(run)
    shown = {"frames": ["dream", "real", "goal"], "probes": ["latent/z", "latent/w", "goal/distance"]}
    now = dream.start(seed, **shown)
    dream.knob("plan_iterations", 1)  # so that plans are of what is looked at
    now, goal = dream.look(**shown), world.encode(image_of(now.frames["goal"]))
    z = row(now.probes["latent/z"]["values"])
    same("z = h(x)", world.encode(image_of(now.frames["real"])), z)
    for action in actions_for(dream, steps, seed):
        same("w = g(z)", world.slow.embed(z), now.probes["latent/w"]["values"])
        same("distance to h(x*)", world.distance(z, goal), now.probes["goal/distance"]["value"])
        if world.viewer is not None:
            same.picture("decoded frame", world.decode(z), now.frames["dream"])
        now = dream.step(action, **shown)
        z = world.next(z, action_input(dream, action))
        same("z, carried on", z, now.probes["latent/z"]["values"])
        same("reward", -world.distance(z, goal), now["reward"])
    if given is None:
        return same.leave_out("plans of both levels", NOT_GIVEN)
    z, goal, flat = given["z"], given["goal"], lambda plans: plans.flatten(0, 1)
    w, w_goal = world.slow.embed(z), world.slow.embed(goal)
    same("w = g(z)", torch.cat([w, w_goal]), torch.cat([given["w"], given["w_goal"]]))
    count = given["far"].shape[1]
    many = lambda x: x.repeat_interleave(count, 0)
    same("returns of far plans", world.slow.plan_return(many(w), many(w_goal), flat(given["far"])), given["far_scores"])
    after = world.slow.next(w, given["mean"])
    same("w, a stride later", after, given["after"])
    same("mean action between", world.slow.mean_action_between(w, after), given["between"])
    same("w painted", world.slow.decode(after), given["painted"])
    count = given["near"].shape[1]
    same("returns of plans that are led", world.led_return(many(z), many(after), flat(given["near"])), given["near_scores"])


def check_genie2(run, dream, steps, seed, same, given=None):
    world = Genie2(run)
    shown = {"frames": ["dream", "real"], "probes": ["latent/z"]}
    dream.start(seed)
    for name, value in {"tau_noise": 0, "distrust": 0, "guidance": 2, "denoising_steps": 3}.items():  # nothing is drawn
        dream.knob(name, value)
    now = dream.look(**shown)
    latents, levels, codes = world.autoencoder.latents(image_of(now.frames["real"])[:, None]), torch.zeros(1, 1), torch.full((1, 1), -1)
    same("latents of what is seen", latents, now.probes["latent/z"]["cells"])
    before = (world.frames - 1) * len(world.network.blocks)  # so many frames back it sees: they are to be dreamt here
    for number, action in enumerate(actions_for(dream, before + steps, seed)):
        now, code = dream.step(action, **shown), torch.tensor([int(action[0])])
        new = torch.tensor(now.probes["latent/z"]["cells"]).view_as(latents[:, 0])
        if number >= before:
            new = world.imagine(latents, levels, codes, code, steps=3, guidance=2, temperature=0)
            same("latents, carried on", new, now.probes["latent/z"]["cells"])
            same.picture("decoded frame", world.autoencoder.pictures(new), now.frames["dream"])
        latents, codes = torch.cat([latents, new[:, None]], 1), torch.cat([codes, code[:, None]], 1)
        levels = torch.zeros(codes.shape)
    if given is None:
        return same.leave_out("dreams with noise, latent actions, surprise", NOT_GIVEN)
    pictures, draw = floats_of(given["bytes"]), Given(given["draws"])
    latents = world.autoencoder.latents(pictures)
    same("latents", latents, given["latents"])
    same("rebuilt pictures", world.autoencoder.pictures(latents), given["frames"])
    codes = torch.cat([world.codes(pictures[:, max(0, t + 1 - world.frames):t + 1])[:, -1:] for t in range(pictures.shape[1])], 1)
    same("latent actions: codes", codes[:, 1:], given["codes"][:, 1:])
    levels = torch.zeros(latents.shape[:2])
    for t in range(1, latents.shape[1]):
        z = torch.cat([latents[:, :t], given["surprise_noise"].expand_as(latents[:, :1])], 1)
        expected = world.clean(z, torch.cat([levels[:, :t], torch.ones(len(z), 1)], 1), codes[:, :t + 1])[:, -1]
        same("surprise", 0.5 * (latents[:, t] - expected).square().flatten(1).sum(1), given["surprises"][:, t])
    for t, code in enumerate(given["actions"].long().unbind(1)):
        new = world.imagine(latents, levels, codes, code, steps=3, guidance=2, temperature=0.8, draw=draw)
        same("latents from noise, carried on", new, given["dreamt"][:, t])
        same("pictures from noise", world.autoencoder.pictures(new), given["painted"][:, t])
        latents = torch.cat([latents, noised(new, draw(new.shape), 0.3)[:, None]], 1)
        levels, codes = torch.cat([levels, torch.full_like(levels[:, :1], 0.3)], 1), torch.cat([codes, code[:, None]], 1)


def check_diffusion_forcing(run, dream, steps, seed, same, given=None):
    world = DiffusionForcing(run)
    dream.start(seed)
    dream.couple("awake")  # a real frame at every step
    before = now = dream.look(frames=["real"])
    frames, actions = world.seen(image_of(now.frames["real"]))[:, None], torch.zeros(1, 1, world.action_size)
    for number, action in enumerate(actions_for(dream, world.frames - 1 + steps, seed)):
        now = dream.step(action, frames=["real"])
        if now["step"] <= before["step"] or "real episode ended" in now["ended"]:
            break
        before = now
        frames = torch.cat([frames, world.seen(image_of(now.frames["real"]))[:, None]], 1)[:, -world.frames:]
        actions = torch.cat([actions, action_input(dream, action)[:, None]], 1)[:, -world.frames:]
        if number < world.frames - 1:  # what it looks back at began before
            continue
        hidden = world.told((frames, actions))
        same("reward of what is seen", world.reward(hidden), now["reward"])
        same("P(end) of what is seen", world.end(hidden), now["done_probability"])
    if given is None:
        return same.leave_out("dreams, surprise", NOT_GIVEN)
    pictures = floats_of(given["bytes"])
    seen = world.seen(pictures)
    actions = torch.nn.functional.one_hot(given["actions"].long(), world.action_size).float()
    led = torch.cat([torch.zeros_like(actions[:, :1]), actions[:, 1:]], 1)
    rewards, ends, shown = [], [], pictures.shape[1]
    noise = given["surprise_noise"].expand_as(seen[:, :1])

    def tell(hidden):
        rewards.append(world.reward(hidden))
        ends.append(world.end(hidden))

    for t in range(shown):
        tell(world.told((seen[:, :t + 1], led[:, :t + 1])))
        if t:
            same("surprise", world.surprise((seen[:, :t + 1], led[:, :t + 1]), noise), given["surprises"][:, t])
    ways = {"frame_by_frame": {"steps": 3}, "pyramid": {"steps": 3, "uncertainty": 1, "label": 20},
            "full_sequence": {"steps": 2, "chance": 0.5}}
    for order, way in ways.items():
        past, coming, before, draw = (seen, led[:, :shown]), None, None, Given(given["draws"])
        for t, action in enumerate(actions[:, shown:].unbind(1)):
            coming = coming if before is not None and (before == action).all() else None  # under another action they begin anew
            past, coming, hidden = world.imagine(past, action, coming, order, draw=draw, **way)
            same(f"{order}: pictures", world.pictures(past[0][:, -1]), given[order][:, t])
            tell(hidden)
            before = action
    same("rewards", torch.stack(rewards, 1), given["rewards"])
    same("P(end)", torch.stack(ends, 1), given["ends"])


def check_forcing_planner(run, dream, steps, seed, same, given=None):
    planner = ForcingPlanner(run)
    if given is None:
        return same.leave_out("plans", NOT_GIVEN)
    start, goal, noise = given["start"], given["goal"], given["noise"]
    same("denoiser", planner.network(given["tokens"], given["levels"]), given["said"])
    same("nearness", planner.nearness(given["tokens"], start, goal, 3), given["nearness"])
    ways = {"free": {"order": "frame_by_frame", "steps": 6, "guidance": 0},
            "led": {"order": "pyramid", "uncertainty": 1.5, "steps": 8, "guidance": 1, "rest": 4, "futures": 1},
            "futures": {"order": "pyramid", "uncertainty": 2, "steps": 6, "guidance": 1, "rest": 0, "futures": 3}}
    for name, way in ways.items():
        same(f"a plan, {name}: every row", torch.stack(planner.plan(start, goal, noise, Given(given["draws"]), **way)), given[name])
    z, output, noise, draw = (given["schedule/" + x] for x in ("z", "output", "noise", "draw"))
    before = torch.arange(z.shape[1]).expand(len(z), -1)
    for betas in ("linear", "cosine", "sigmoid"):
        for tells in ("noise", "frame", "velocity"):
            schedule = Schedule({"levels": 24, "betas": betas, "tells": tells}, "")
            told = schedule.told(z, before, output)
            ours = schedule.noised(z, before, noise), *told, schedule.step(z, told, before, (before - 3).clamp_min(-1), 0.5, lambda _: draw)
            same("schedules of every kind", torch.stack(ours), given[f"schedule/{betas}/{tells}"])
    plan = planner.in_world(planner.plan(planner.start(given["vector"]), planner.goal(given["vector"]), given["noise"])[-1])
    same("a plan as the run's settings have it", plan, given["plan"])
    low, high = torch.tensor(dream.actions["low"]), torch.tensor(dream.actions["high"])
    same("what it does", plan[:, 0, len(planner.seen):].clamp(low, high), given["action"])


CHECKS_OF_VIEWS = {"i-jepa": check_masked_jepa, "v-jepa": check_masked_jepa, "byol": check_two_views, "vicreg": check_two_views,
                   "h-jepa": check_hjepa, "genie-2": check_genie2, "diffusion-forcing": check_diffusion_forcing, "forcing-planner": check_forcing_planner}
