// Of families that learn to see, and of those that make frames or plans from noise.
#include "core/behaviours/forcing_planner.h"
#include "core/engine/hjepa/hjepa_recipe.h"
#include "core/models/diffusion_forcing.h"
#include "core/models/genie2.h"
#include "core/models/masked_jepa.h"
#include "core/models/two_views.h"
#include "core/nn/generator.h"
#include "tests/cli/torch_says.h"

namespace dream::test {
namespace {

constexpr std::uint64_t says_seed = 9;
constexpr std::int64_t says_most_draws = 40;

/// What a generator of that seed draws where it is asked for this shape again and again, one after the other.
torch::Tensor draws_of(torch::IntArrayRef shape) {
  auto rng = make_generator(torch::kCPU, says_seed);
  std::vector<torch::Tensor> all;
  for (std::int64_t i = 0; i < says_most_draws; ++i) all.push_back(torch::randn(shape, rng));
  return torch::stack(all);
}

/// Pictures of few large patches, so that they differ as a whole: float [N, 3, 64, 64] in [0, 1].
torch::Tensor patchy_pictures(std::int64_t count) {
  return torch::rand({count, 3, 4, 4}).repeat_interleave(16, 2).repeat_interleave(16, 3) * 0.9 + 0.1 * torch::rand({count, 3, 64, 64});
}
/// The same as a world shows them, uint8 [N, 64, 64, 3].
torch::Tensor patchy_bytes(std::int64_t count) {
  return (patchy_pictures(count) * 255).to(torch::kUInt8).permute({0, 2, 3, 1}).contiguous();
}

template <typename Part>
Part& part_of(const torch::nn::Module& in, const std::string& name) {
  return *in.named_children()[name]->as<Part>();
}

void say_loss(const SelfSupervised::Loss& loss, Checkpoint& said) {
  said.tensors["loss"] = loss.total;
  for (const auto& [name, term] : loss.terms) said.tensors["loss/" + name] = term;
}

/// Every kind of schedule, on few levels.
void say_schedules(Checkpoint& said) {
  const auto z = torch::randn({2, 20, 3}), output = 4 * torch::randn({2, 20, 3}), noise = torch::randn({2, 20, 3});
  const auto before = torch::arange(20, torch::kInt64).expand({2, -1}), after = (before - 3).clamp_min(-1);
  said.tensors["schedule/z"] = z, said.tensors["schedule/output"] = output, said.tensors["schedule/noise"] = noise;
  said.tensors["schedule/draw"] = torch::randn(z.sizes(), make_generator(torch::kCPU, says_seed));
  for (const auto betas : {BetaSchedule::linear, BetaSchedule::cosine, BetaSchedule::sigmoid})
    for (const auto tells : {DenoiserTells::noise, DenoiserTells::frame, DenoiserTells::velocity}) {
      const DiffusionSchedule schedule({.levels = 24, .betas = betas, .tells = tells});
      const auto told = schedule.told(z, before, output);
      const auto stepped = schedule.step(z, told, before, after, 0.5, make_generator(torch::kCPU, says_seed));
      const auto name = "schedule/" + name_of(betas) + "/" + name_of(tells);
      said.tensors[name] = torch::stack({schedule.noised(z, before, noise), told.clean, told.noise, stepped});
    }
}

}  // namespace

void say_masked_jepa(System& system, Checkpoint& said) {
  auto& model = dynamic_cast<MaskedJepa&>(*system.encoder);
  auto& encoder = part_of<VitImpl>(model, "encoder");
  const auto clips = patchy_bytes(2 * model.frames()).unflatten(0, {2, model.frames()});
  const auto pieces = encoder.pieces(clips);
  const auto masks = model.masks(2, Rng(3));
  said.tensors = {{"clips", clips}, {"z", model.embed(clips)}, {"pieces", pieces}};
  for (std::size_t way = 0; way < masks.size(); ++way) {
    const auto number = std::to_string(way);
    const auto predicted = part_of<VitPredictorImpl>(model, "predictor")
                               .forward(encoder.forward(pieces, masks[way].context), masks[way].context, masks[way].targets, static_cast<std::int64_t>(way));
    said.tensors["context" + number] = masks[way].context, said.tensors["targets" + number] = torch::stack(masks[way].targets);
    said.tensors["predicted" + number] = predicted.unflatten(0, {static_cast<std::int64_t>(masks[way].targets.size()), 2});
    said.tensors["painted" + number] = part_of<MlpImpl>(model, "viewer").forward(predicted);
  }
  say_loss(model.loss_under(clips, masks), said);
  said.tensors["picture"] = pictures_of_pieces(pieces, encoder.shape(), 0);
}

void say_two_views(System& system, Checkpoint& said) {
  auto& model = dynamic_cast<TwoViews&>(*system.encoder);
  const auto clips = patchy_bytes(4).unsqueeze(1), z = model.embed(clips);
  const auto one = patchy_pictures(6), other = (0.7 * one + 0.3 * patchy_pictures(6));
  said.tensors = {{"clips", clips}, {"z", z}, {"one", one}, {"other", other}, {"painted", part_of<ViewingDecoderImpl>(model, "viewer").forward(z)}};
  say_loss(model.loss_of(one, other), said);
}

void say_hjepa(System& system, Checkpoint& said) {
  auto& model = dynamic_cast<Hjepa&>(*system.model);
  auto& parts = *std::static_pointer_cast<HjepaParts>(system.parts);
  auto& planner = *parts.two;  // the behaviour only sometimes lets it drive
  const auto rng = make_generator(torch::kCPU, says_seed);
  auto carry = model.initial(3);
  for (const char* name : {"z", "goal"}) carry[name] = torch::randn_like(carry.at(name));
  carry["aimed"] = torch::ones({3, 1});
  auto above = model.above(carry);
  said.tensors = {{"z", carry.at("z")}, {"goal", carry.at("goal")}, {"w", above.at("w")}, {"w_goal", above.at("goal")}};
  const auto far = planner.far().plan({&model.slow(), above}, {}, rng);
  said.tensors["far"] = far.candidates, said.tensors["far_scores"] = far.scores;
  const auto after = model.slow().next(above.at("w"), far.best.select(1, 0));
  said.tensors["mean"] = far.best.select(1, 0).contiguous(), said.tensors["after"] = after;
  said.tensors["between"] = part_of<MlpImpl>(model.slow(), "inverse").forward(torch::cat({above.at("w"), after}, 1));
  said.tensors["painted"] = model.slow().viewer()(after);
  carry["subgoal"] = after, carry["led"] = torch::ones({3, 1});
  const auto near = planner.near().plan({&model, carry}, {}, rng);
  said.tensors["near"] = near.candidates, said.tensors["near_scores"] = near.scores;
}

void say_genie2(System& system, Checkpoint& said) {
  auto& model = dynamic_cast<Genie2Model&>(*system.model);
  const auto rng = make_generator(torch::kCPU, says_seed);
  const std::int64_t seen = model.frames() + 1, steps = 3;  // the window slides
  std::vector<torch::Tensor> bytes, codes, latents, frames, surprises;
  auto carry = model.initial(2);
  for (std::int64_t i = 0; i < seen; ++i) {
    bytes.push_back(patchy_bytes(2));
    carry = model.observe(carry, torch::zeros({2, 1}), {bytes.back(), {}}, rng);
    codes.push_back(model.inferred(carry)), latents.push_back(carry.at("latent")), frames.push_back(carry.at("frame"));
    surprises.push_back(model.surprise(carry));
  }
  const auto shape = carry.at("latent").sizes().vec();
  said.tensors = {{"bytes", torch::stack(bytes, 1)}, {"codes", torch::cat(codes, 1)}, {"latents", torch::stack(latents, 1)}, {"frames", torch::stack(frames, 1)},
                  {"surprises", torch::stack(surprises, 1)}, {"draws", draws_of(shape)}};
  said.tensors["surprise_noise"] = torch::randn({shape[1], shape[2]}, make_generator(torch::kCPU, 7));
  const auto actions = torch::randint(model.latent_actions()->codes(), {2, steps}).to(torch::kFloat32);
  said.tensors["actions"] = actions;
  std::vector<torch::Tensor> dreamt, painted;
  for (std::int64_t i = 0; i < steps; ++i) {
    carry = model.imagine(carry, actions.slice(1, i, i + 1), {{"denoising_steps", 3}, {"guidance", 2}, {"distrust", 0.3}, {"tau_noise", 0.8}}, rng);
    dreamt.push_back(carry.at("latent")), painted.push_back(carry.at("frame"));
  }
  said.tensors["dreamt"] = torch::stack(dreamt, 1), said.tensors["painted"] = torch::stack(painted, 1);
}

void say_diffusion_forcing(System& system, Checkpoint& said) {
  auto& model = dynamic_cast<DiffusionForcing&>(*system.model);
  const auto rng = make_generator(torch::kCPU, says_seed);
  const std::int64_t lanes = 2, seen = 3, steps = 6;
  const auto actions = torch::tensor({0, 1, 2, 3, 3, 3, 1, 1, 2}, torch::kFloat32).unsqueeze(1).expand({-1, lanes}).unsqueeze(2);  // as the world takes them
  std::vector<torch::Tensor> bytes, rewards, ends, surprises;
  auto carry = model.initial(lanes);
  const auto tell = [&] {
    const auto made = model.outcome(carry);
    rewards.push_back(made.reward), ends.push_back(made.done);
  };
  for (std::int64_t i = 0; i < seen; ++i) {
    bytes.push_back(patchy_bytes(lanes));
    carry = model.observe(carry, actions[i], {bytes.back(), {}}, rng);
    tell();
    surprises.push_back(model.surprise(carry));
  }
  const auto frame = carry.at("frames").select(1, 0);
  said.tensors = {{"bytes", torch::stack(bytes, 1)}, {"actions", actions.squeeze(2).t().contiguous()}, {"surprises", torch::stack(surprises, 1)}, {"draws", draws_of(frame.sizes())}};
  said.tensors["surprise_noise"] = model.schedule().noise(frame[0].sizes(), frame.options(), make_generator(torch::kCPU, 7));
  const auto begin = carry;
  const std::vector<std::pair<std::string, KnobValues>> ways = {
      {"frame_by_frame", {{"noise_order", 0}, {"denoising_steps", 3}}},
      {"pyramid", {{"noise_order", 1}, {"denoising_steps", 3}, {"uncertainty", 1}, {"stabilisation", 20}}},
      {"full_sequence", {{"noise_order", 2}, {"denoising_steps", 2}, {"eta", 0.5}}}};
  for (const auto& [name, knobs] : ways) {
    const auto chance = make_generator(torch::kCPU, says_seed);
    carry = begin;
    std::vector<torch::Tensor> pictures;
    for (std::int64_t i = 0; i < steps; ++i) {
      carry = model.imagine(carry, actions[seen + i], knobs, chance);
      pictures.push_back(model.predict(carry).frame);
      tell();
    }
    said.tensors[name] = torch::stack(pictures, 1);
  }
  said.tensors["rewards"] = torch::stack(rewards, 1), said.tensors["ends"] = torch::stack(ends, 1);
}

void say_forcing_planner(System& system, Checkpoint& said) {
  auto& planner = dynamic_cast<ForcingPlanner&>(*system.behaviour);
  const auto& options = planner.live_options();
  const auto start = torch::randn({2, planner.bundle()}), goal = torch::randn({2, planner.bundle()});
  const auto noise = planner.schedule().noise({2, options.tokens, options.stack * planner.bundle()}, start.options(), make_generator(torch::kCPU, 3));
  said.tensors = {{"start", start}, {"goal", goal}, {"noise", noise}};
  const auto levels = torch::randint(options.schedule.levels, {2, 1 + options.tokens}, torch::kInt64);
  const auto tokens = torch::randn({2, 1 + options.tokens, options.stack * planner.bundle()});
  said.tensors["tokens"] = tokens, said.tensors["levels"] = levels, said.tensors["said"] = planner.network()(tokens, levels);
  said.tensors["nearness"] = planner.nearness(tokens, start, goal, planner.horizon(), 3);
  const std::vector<std::pair<std::string, ForcingPlanner::Way>> ways = {{"free", {.steps = 6, .futures = 1, .lag = 6, .guidance = 0, .rest = 0}},
                                                                         {"led", {.steps = 8, .futures = 1, .lag = 1.5, .guidance = 1, .rest = 4}},
                                                                         {"futures", {.steps = 6, .futures = 3, .lag = 2, .guidance = 1, .rest = 0}}};
  for (const auto& [name, way] : ways) {
    std::vector<torch::Tensor> rows;
    planner.plan(start, goal, planner.horizon(), way, noise, make_generator(torch::kCPU, says_seed), &rows);
    said.tensors[name] = torch::stack(rows);
  }
  // Other noise of two more futures, as it is drawn at once.
  const auto other = make_generator(torch::kCPU, says_seed);
  std::vector<torch::Tensor> draws;
  for (std::int64_t i = 0; i < says_most_draws; ++i) draws.push_back(torch::randn({2, 2, 1 + options.tokens, options.stack * planner.bundle()}, other));
  said.tensors["draws"] = torch::stack(draws);
  say_schedules(said);
  const auto vector = torch::randn({2, 6});  // x, y, their speeds, the goal
  const auto decided = planner.decide({nullptr, {}, {{}, vector}}, planner.initial(2), Mode::judge, make_generator(torch::kCPU, 3));
  said.tensors["vector"] = vector, said.tensors["plan"] = decided.memory.at("plan"), said.tensors["action"] = decided.action;
}

}  // namespace dream::test
