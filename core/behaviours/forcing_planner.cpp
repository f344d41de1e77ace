#include "core/behaviours/forcing_planner.h"

#include <algorithm>
#include <cmath>

#include "api/error.h"

namespace dream {
namespace {

constexpr double planner_part = 0.05;  // of a token's weight that is not there
/// Guidance is 1000 times a mean, over a batch of 128 lanes among others, in the published evaluation. Ours is each lane's own, so it
/// has their share.
constexpr double planner_gain = 1000.0 / 128;
constexpr double planner_most_steps = 100;

std::int64_t planner_column(const Spaces& spaces, const std::string& name) {
  const auto found = std::ranges::find(spaces.vector_names, name);
  return found == spaces.vector_names.end() ? -1 : found - spaces.vector_names.begin();
}

DiffusionScheduleOptions planner_schedule(const ForcingPlannerOptions& options) {
  auto schedule = options.schedule;
  schedule.snr_decay = std::pow(schedule.snr_decay, static_cast<double>(options.stack));
  return schedule;
}

const Knob planner_order{.name = "noise_order",
                         .symbol = "M",
                         .title = "Order of the noise",
                         .help = "How the tokens of a plan lose their noise: one after the other, in a pyramid (each begins a little after the one "
                                 "before, so that the near is decided before the far), or all at once, as Diffuser does.",
                         .minimum = 0,
                         .maximum = 2,
                         .default_value = 1,
                         .whole = true,
                         .choices = names_of<NoiseOrder>()};

}  // namespace

void ForcingPlannerOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "width", net.width, {.help = "Numbers of a token within the network", .low = 8, .high = 8192});
  config.add(prefix + "layers", net.layers, {.help = "Blocks", .low = 1, .high = 100});
  config.add(prefix + "heads", net.heads, {.help = "Heads of the attention; they divide the width", .low = 1, .high = 128});
  config.add(prefix + "units", net.units, {.help = "Units of a block's layer", .low = 1, .high = 32768});
  config.add(prefix + "causal", net.causal, {.help = "No token looks at a later one"});
  config.add(prefix + "stack", stack, {.help = "Steps in a token", .unit = "steps", .low = 1, .high = 100});
  config.add(prefix + "tokens", tokens, {.help = "Tokens of a plan", .low = 1, .high = 1000});
  config.add(prefix + "levels", schedule.levels, {.help = "Levels of noise", .low = 8, .high = 10000});
  config.add(prefix + "betas", schedule.betas, {.help = "How noise grows with its level"});
  config.add(prefix + "tells", schedule.tells, {.help = "What the network's output stands for: the noise, the clean token, or v, a mixture of both"});
  config.add(prefix + "weights", schedule.weights,
             {.help = "How much each level of noise counts: by what a token and those before it tell of it (fused SNR), by what it tells by itself "
                      "(min-SNR), or all the same"});
  config.add(prefix + "snr_clip", schedule.snr_clip, {.help = "Signal-to-noise ratio beyond which a loss counts no more", .low = 0.1, .high = 1000});
  config.add(prefix + "steps", steps, {.help = "Steps in which a token is sampled", .low = 1, .high = planner_most_steps});
  config.add(prefix + "stabilisation", stabilisation, {.help = "Levels of noise that what is seen is taken to have", .low = 1, .high = 1000});
  config.add(prefix + "order", order, {.help = "In which order the tokens of a plan lose their noise"});
  config.add(prefix + "uncertainty", uncertainty, {.help = "Of a pyramid: steps by which a token begins after the one before it", .low = 0, .high = planner_most_steps});
  config.add(prefix + "guidance", guidance, {.help = "How much a plan is drawn to the goal; 0: not at all", .low = 0, .high = 1000});
  config.add(prefix + "rest", rest, {.help = "How much guidance asks for small velocities and actions, where nearness to the goal counts 1", .low = 0, .high = 1000});
  config.add(prefix + "replan", replan, {.help = "Steps of a plan that are made before the next one", .unit = "steps", .low = 1, .high = 1e6});
  config.add(prefix + "futures", futures, {.help = "Futures that guidance is averaged over (Monte-Carlo guidance)", .low = 1, .high = 64});
}

std::string ForcingPlanner::lacks(const Spaces& spaces) {
  if (spaces.action.discrete()) return "its plans are of continuous actions";
  for (const auto* name : {"x", "y", "goal_x", "goal_y"})
    if (planner_column(spaces, name) < 0)
      return std::string("it plans from a place to a goal by their numbers, and the vector of this world has no '") + name + "'";
  return "";
}

ForcingPlanner::ForcingPlanner(const ForcingPlannerOptions& options, const Spaces& spaces)
    : options_(options), space_(spaces.action), schedule_(planner_schedule(options)) {
  if (const auto lack = lacks(spaces); !lack.empty()) throw Error(lack);
  for (const auto& [name, value] : {std::pair("steps", options.steps), std::pair("stabilisation", options.stabilisation)}) {
    if (value > options.schedule.levels)
      throw Error(std::string("planner.") + name + " = " + std::to_string(value) + " is more than planner.levels = " +
                  std::to_string(options.schedule.levels) + "; choose at most as many");
  }
  std::vector<std::int64_t> columns = {planner_column(spaces, "x"), planner_column(spaces, "y")};
  const std::vector<std::int64_t> goals = {planner_column(spaces, "goal_x"), planner_column(spaces, "goal_y")};
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(spaces.vector_names.size()); ++i)
    if (std::ranges::find(columns, i) == columns.end() && std::ranges::find(goals, i) == goals.end()) columns.push_back(i);
  for (const auto column : columns) seen_names_.push_back(spaces.vector_names[static_cast<std::size_t>(column)]);
  const auto seen = static_cast<std::int64_t>(columns.size()), size = seen + static_cast<std::int64_t>(space_.size());
  seen_columns_ = register_buffer("seen_columns", torch::tensor(columns)), goal_columns_ = register_buffer("goal_columns", torch::tensor(goals));
  const auto pairs = (seen + 1) / 2;
  auto kinds = torch::zeros({size, pairs + 1});
  for (std::int64_t i = 0; i < size; ++i) kinds[i][i < seen ? i / 2 : pairs] = 1;
  kinds_ = register_buffer("kinds", kinds);
  mean_ = register_buffer("mean", torch::zeros({size})), deviation_ = register_buffer("deviation", torch::ones({size}));
  known_ = register_buffer("known", torch::zeros({}));
  network_ = register_module("network", SequenceDenoiser(options.stack * size, options.net));
}

void ForcingPlanner::know(const torch::Tensor& mean, const torch::Tensor& deviation) {
  torch::NoGradGuard no_grad;
  mean_.copy_(mean), known_.fill_(1);
  deviation_.copy_(torch::where(deviation > 1e-6, deviation, torch::ones_like(deviation)));  // what never changes keeps its unit
}

// -- what it learns -----------------------------------------------------------------------------------------------------

ForcingPlanner::Drawn ForcingPlanner::draw(std::int64_t lanes, at::Generator rng) const {
  const auto all = 1 + options_.tokens, levels = schedule_.options().levels, size = options_.stack * bundle();
  const auto whole = mean_.options().dtype(torch::kInt64);
  Drawn drawn;
  drawn.levels = torch::randint(levels, {lanes, all}, rng, whole);
  drawn.ends = options_.net.causal || all < 3 ? torch::full({lanes}, all, whole) : torch::randint(2, all + 1, {lanes}, rng, whole);
  drawn.levels = torch::where(torch::arange(all, whole).unsqueeze(0) >= drawn.ends.unsqueeze(1), levels - 1, drawn.levels);
  // What is seen is known nearly always: in half of the pieces it has little noise.
  const auto known = torch::randint(2, {lanes}, rng, whole), little = torch::randint(std::max<std::int64_t>(1, levels / 4), {lanes}, rng, whole);
  drawn.levels = torch::cat({torch::where(known > 0, little, drawn.levels.select(1, 0)).unsqueeze(1), drawn.levels.slice(1, 1)}, 1);
  drawn.noise = schedule_.noise({lanes, all, size}, mean_.options(), rng);
  return drawn;
}

torch::Tensor ForcingPlanner::start_of(const torch::Tensor& seen) const {
  const auto count = seen.size(1);
  return torch::cat({(seen - mean_.slice(0, 0, count)) / deviation_.slice(0, 0, count), torch::zeros({seen.size(0), bundle() - count}, seen.options())}, 1);
}

ForcingPlanner::Loss ForcingPlanner::loss(const torch::Tensor& seen, const torch::Tensor& done, const Drawn& drawn) {
  const auto lanes = seen.size(0);
  const auto bundles = normalised(torch::cat({seen.slice(1, 1), done}, 2)).view({lanes, options_.tokens, -1});
  const auto clean = torch::cat({first_token(start_of(seen.select(1, 0))), bundles}, 1);
  const auto said = network_(schedule_.noised(clean, drawn.levels, drawn.noise), drawn.levels);
  const auto missed = (said - schedule_.target(clean, drawn.levels, drawn.noise)).square().mean(2);
  const auto there = torch::arange(1 + options_.tokens, drawn.ends.options()).unsqueeze(0) < drawn.ends.unsqueeze(1);
  return {(missed * schedule_.weights(drawn.levels) * torch::where(there, 1.0, planner_part).to(missed.scalar_type())).mean(),
          missed.detach().mean()};
}

// -- how it plans -------------------------------------------------------------------------------------------------------

torch::Tensor ForcingPlanner::nearness(const torch::Tensor& clean, const torch::Tensor& start, const torch::Tensor& goal, std::int64_t horizon,
                                       double rest) const {
  const auto lanes = clean.size(0), stack = options_.stack, steps = clean.size(1) * stack, kinds = kinds_.size(1);
  const auto target = torch::cat({start.unsqueeze(1).expand({-1, stack, -1}), goal.unsqueeze(1).expand({-1, steps - stack, -1})}, 1);
  // A root has no slope at 0.
  auto away = (clean.view({lanes, steps, -1}) - target).square().matmul(kinds_).clamp_min(1e-12).sqrt();
  away = torch::cat({torch::tanh(away.slice(2, 0, kinds - 1) / 2), away.slice(2, kinds - 1)}, 2);
  auto weight = torch::full({steps, kinds}, rest, clean.options());
  weight.slice(0, 0, stack).fill_(2);
  auto place = weight.select(1, 0);
  place.fill_(0), place.slice(0, 0, stack).fill_(20), place.slice(0, stack, stack + horizon).fill_(1);
  return -(away * weight).mean({1, 2});
}

torch::Tensor ForcingPlanner::step(const torch::Tensor& z, const torch::Tensor& from, const torch::Tensor& to, const torch::Tensor& waits,
                                   const torch::Tensor& start, const torch::Tensor& goal, std::int64_t horizon, const Way& way, at::Generator rng) {
  const auto lanes = z.size(0);
  const auto label = torch::where(from < 0, options_.stabilisation - 1, from).unsqueeze(0).expand({lanes, -1});
  const auto kept = (from < 0).view({1, -1, 1});
  const auto x = torch::where(kept, schedule_.faded(z, label), z);
  const auto before = from.unsqueeze(0).expand({lanes, -1}), after = to.unsqueeze(0).expand({lanes, -1});
  if (way.guidance == 0) return schedule_.step(z, schedule_.told(x, label, said(x, label)), before, after, 0, {});

  const bool waiting = way.futures > 1 && waits.any().item<bool>();
  const auto futures = waiting ? way.futures : 1;
  auto many = x;
  if (futures > 1) {
    const auto other = schedule_.noise({futures - 1, lanes, z.size(1), z.size(2)}, z.options(), rng);
    many = torch::cat({x, torch::where(waits.view({1, 1, -1, 1}), other, x.unsqueeze(0)).flatten(0, 1)});
  }
  const auto labels = label.repeat({futures, 1});
  torch::Tensor slope;
  DiffusionSchedule::Told told;
  {
    const torch::AutoGradMode with_gradient(true);
    many = many.detach().requires_grad_();
    told = schedule_.told(many, labels, said(many, labels));
    const auto near = nearness(told.clean, start.repeat({futures, 1}), goal.repeat({futures, 1}), horizon, way.rest).sum();
    slope = torch::autograd::grad({near * (way.guidance * planner_gain / static_cast<double>(futures))}, {many})[0];
  }
  slope = slope.view({futures, lanes, z.size(1), z.size(2)}).sum(0);
  const auto wide = [&](const torch::Tensor& levels) { return levels.to(z.scalar_type()).unsqueeze(-1); };
  const auto noise = told.noise.detach().slice(0, 0, lanes) - wide((1 - schedule_.kept(after)).sqrt()) * slope;
  const auto of = schedule_.kept(label);
  const auto clean = wide((1 / of).sqrt()) * x - wide((1 / of - 1).sqrt()) * noise;
  return schedule_.step(z, {clean, noise}, before, after, 0, {});
}

torch::Tensor ForcingPlanner::plan(const torch::Tensor& start, const torch::Tensor& goal, std::int64_t horizon, const Way& way,
                                   const torch::Tensor& noise, at::Generator rng, std::vector<torch::Tensor>* rows) {
  const torch::NoGradGuard no_grad;
  const auto lanes = start.size(0), tokens = noise.size(1), rest = options_.net.causal ? 0 : options_.tokens - tokens;
  const auto device = start.device();
  const auto ladder = schedule_.levels_of(way.steps).to(device);
  const auto matrix = noise_matrix(way.steps, tokens, way.lag).to(device);
  // What is seen first, and tokens beyond the horizon, all noise, last.
  const auto count = matrix.size(0);
  const auto to_go = torch::cat({torch::zeros({count, 1}, matrix.options()), matrix, torch::full({count, rest}, way.steps, matrix.options())}, 1);
  const auto within = torch::arange(1 + tokens + rest, matrix.options()) <= tokens;
  auto z = torch::cat({first_token(start), noise, torch::zeros({lanes, rest, noise.size(2)}, noise.options())}, 1);
  const auto shown = [&] { return z.slice(1, 1, 1 + tokens).reshape({lanes, tokens * options_.stack, -1}).slice(1, 0, horizon); };
  for (std::int64_t m = 0; m + 1 < count; ++m) {
    if (rows) rows->push_back(shown());
    const auto from = to_go[m], to = to_go[m + 1];
    z = step(z, ladder.index_select(0, from), ladder.index_select(0, to), (to == way.steps) & within, start, goal, horizon, way, rng);
  }
  if (rows) rows->push_back(shown());
  return shown();
}

ForcingPlanner::Way ForcingPlanner::way_of(const KnobValues& values) const {
  const auto all = knobs();
  const auto value = [&](std::size_t i) { return value_of(values, all[i]); };
  Way way{.steps = std::llround(value(0)), .futures = std::llround(value(5)), .lag = 0, .guidance = value(3), .rest = value(6)};
  const auto order = static_cast<NoiseOrder>(std::clamp<std::int64_t>(std::llround(value(1)), 0, 2));
  way.lag = lag_of(order, way.steps, std::min(value(2), static_cast<double>(way.steps)));
  return way;
}

std::int64_t ForcingPlanner::replan_of(const KnobValues& values) const {
  return std::min<std::int64_t>(horizon(), std::llround(value_of(values, knobs()[4])));
}

std::vector<Knob> ForcingPlanner::knobs() const {
  auto order = planner_order;
  order.default_value = static_cast<double>(options_.order);
  return {{.name = "denoising_steps",
           .symbol = "K",
           .title = "Steps of a token",
           .help = "In how many steps a token of the plan is made from noise. More are slower.",
           .minimum = 1,
           .maximum = std::min(planner_most_steps, static_cast<double>(schedule_.options().levels)),
           .default_value = static_cast<double>(options_.steps),
           .whole = true},
          order,
          {.name = "uncertainty",
           .symbol = "u",
           .title = "Uncertainty scale",
           .help = "Steps by which a token begins after the one before it: 0 is all at once, as many as a token's steps are one after the other.",
           .minimum = 0,
           .maximum = planner_most_steps,
           .default_value = options_.uncertainty,
           .when = {"noise_order", 1}},
          {.name = "guidance",
           .symbol = "g",
           .title = "Guidance",
           .help = "How strongly every step of the denoising draws the plan to the goal. 0 leaves it alone: it goes wherever the data went from here.",
           .minimum = 0,
           .maximum = std::max(10.0, 4 * options_.guidance),
           .default_value = options_.guidance},
          {.name = "replan",
           .symbol = "n",
           .title = "Steps until the next plan",
           .help = "So much of a plan is done before it plans anew from where it is.",
           .minimum = 1,
           .maximum = static_cast<double>(horizon()),
           .default_value = static_cast<double>(std::min(options_.replan, horizon())),
           .whole = true},
          {.name = "futures",
           .symbol = "F",
           .title = "Futures of the guidance",
           .help = "Monte-Carlo guidance: over so many draws of the tokens that have not begun, the pull to the goal is averaged. In a full "
                   "sequence all begin at once, and it changes nothing.",
           .minimum = 1,
           .maximum = std::max(16.0, static_cast<double>(options_.futures)),
           .default_value = static_cast<double>(options_.futures),
           .whole = true},
          {.name = "rest",
           .symbol = "w",
           .title = "Rest",
           .help = "How much guidance asks for small velocities and actions, where nearness to the goal counts 1. Much of it, and the plan stays where it is.",
           .minimum = 0,
           .maximum = std::max(10.0, options_.rest),
           .default_value = options_.rest}};
}

Carry ForcingPlanner::initial(std::int64_t lanes) const {
  return {{"plan", torch::zeros({lanes, horizon(), bundle()})},
          {"at", torch::full({lanes, 1}, static_cast<double>(horizon()))},  // nothing is left of it
          {"goal", torch::zeros({lanes, 2})}};
}

Decision ForcingPlanner::decide(const Seen& seen, const Carry& memory, Mode, at::Generator rng) {
  const torch::NoGradGuard no_grad;
  if (!seen.observation.vector.defined()) throw Error("it plans from the numbers that the world shows; there is no model to dream in");
  const auto vector = seen.observation.vector.to(mean_.device());
  const auto lanes = vector.size(0), numbers = static_cast<std::int64_t>(seen_names_.size());
  const auto now = seen_of(vector), goal = goal_of(vector);
  auto plan = memory.at("plan").to(mean_.device()), at = memory.at("at").to(mean_.device()).squeeze(1);
  const auto due = (at >= replan_of(seen.knobs)) | (goal != memory.at("goal").to(mean_.device())).any(1);
  if (due.any().item<bool>()) {
    // Noise of every lane, so that none has other noise for what the others do.
    const auto noise = schedule_.noise({lanes, options_.tokens, options_.stack * bundle()}, mean_.options(), rng);
    const auto which = due.nonzero().squeeze(1);
    const auto aim = torch::cat({goal, torch::zeros({lanes, numbers - 2}, goal.options())}, 1);  // at rest there
    const auto way = way_of(seen.knobs);
    std::vector<torch::Tensor> rows;
    const auto made = this->plan(start_of(now).index_select(0, which), start_of(aim).index_select(0, which), horizon(), way,
                                 noise.index_select(0, which), rng, lanes == 1 ? &rows : nullptr);
    plan = plan.index_copy(0, which, made * deviation_ + mean_);
    at = torch::where(due, 0, at);
    if (lanes == 1) thought_ = {{}, torch::cat(rows) * deviation_ + mean_, way};
  }
  const auto next = at.to(torch::kInt64);
  auto action = plan.index({torch::arange(lanes, next.options()), next}).slice(1, numbers);
  action = torch::maximum(torch::minimum(action, torch::tensor(space_.high, action.options())), torch::tensor(space_.low, action.options()));
  Decision decision{.action = action, .memory = {{"plan", plan}, {"at", (at + 1).unsqueeze(1)}, {"goal", goal}}};
  for (auto& [name, tensor] : decision.memory) tensor = tensor.to(torch::kCPU);
  if (lanes == 1 && due.any().item<bool>()) thought_.plan = decision.memory.at("plan");
  return decision;
}

}  // namespace dream
