#include <memory>

#include "app/cli/bench_rows.h"
#include "core/behaviours/planner.h"
#include "core/engine/genie/genie_recipe.h"
#include "core/engine/jepa/jepa_recipe.h"
#include "core/nn/generator.h"
#include "core/nn/precision.h"

namespace dream::cli {
namespace {

/// Multiplications and additions of a linear layer of one row.
double linear_flop(std::int64_t in, std::int64_t out) {
  return 2.0 * static_cast<double>(in) * static_cast<double>(out);
}

// -- JEPA
// ---------------------------------------------------------------------------------------------------------------

/// As the recipe has it; or with eb_jepa's predictor, z, inverse model and planner, of which only the encoder is
/// another.
struct JepaSize {
  std::string name, what;
  JepaRunOptions options;
};

JepaSize jepa_recipe_size() {
  return {"jepa", "JEPA", {}};
}

JepaSize jepa_published_size() {
  JepaSize size{"jepa_published", "JEPA, z of 512 by a GRU", {}};
  auto& world = size.options.world;
  world.latent = 512, world.inverse_units = 256, world.predictor = JepaPredictor::gru;
  size.options.planner = {.candidates = 200,
                          .iterations = 20,
                          .elites = 20,
                          .horizon = 90,
                          .exploration_noise = 0,
                          .method = PlanMethod::mppi,
                          .first_deviation = 2,
                          .temperature = 0.005};
  return size;
}

Spaces jepa_spaces() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64, spaces.image_channels = 3;
  spaces.goals = true;
  spaces.action.axes = {"x", "y"};
  spaces.action.low = {-1, -1}, spaces.action.high = {1, 1}, spaces.action.idle = {0, 0};
  return spaces;
}

std::shared_ptr<Jepa> make_jepa_of(JepaSize& size, const torch::Device& device) {
  size.options.world.view.on = false;
  torch::manual_seed(1);
  auto model = std::make_shared<Jepa>(size.options.world, jepa_spaces());
  model->to(device);
  model->set_bfloat16(bfloat16_is_fast(device));
  return model;
}

double predictor_flop(const JepaOptions& o) {
  if (o.predictor == JepaPredictor::gru) return linear_flop(2 + o.latent, 3 * o.latent);
  return linear_flop(o.latent + 2, o.predictor_units) + linear_flop(o.predictor_units, o.predictor_units) +
         linear_flop(o.predictor_units, o.latent);
}

/// Of one update: backward is twice forward, and pixels take no gradient.
double jepa_update_flop(const JepaOptions& o, std::int64_t lanes, std::int64_t frames) {
  const auto d = o.depth;
  const double first = 32 * 32 * linear_flop(3 * 16, d);
  const double encode = first + 16 * 16 * linear_flop(16 * d, 2 * d) + 8 * 8 * linear_flop(32 * d, 4 * d) +
                        4 * 4 * linear_flop(64 * d, 8 * d) + linear_flop(16 * 8 * d, o.latent);
  const double inverse = linear_flop(2 * o.latent, o.inverse_units) + linear_flop(o.inverse_units, o.inverse_units + 2);
  const auto pictures = static_cast<double>(lanes * frames), steps = static_cast<double>(lanes * (frames - 1));
  return pictures * (3 * encode - first + 3 * linear_flop(o.latent, o.latent)) +
         steps * 3 * (predictor_flop(o) + inverse);
}

/// One update as jepa_learner makes it: 32 pieces of nine frames.
Row jepa_update(double seconds, const torch::Device& device, JepaSize size) {
  const auto model = make_jepa_of(size, device);
  constexpr std::int64_t frames = 9, lanes = 32;
  SequenceBatch batch;
  batch.image = torch::randint(0, 255, {frames, lanes, 64, 64, 3}, torch::kUInt8);
  batch.action = torch::rand({frames, lanes, 2}) * 2 - 1;
  batch.first = torch::zeros({frames, lanes});
  batch = batch.to(device);
  Optimiser optimiser(model->learned(), size.options.optimiser);
  auto rng = make_generator(device, 1);
  const auto value = rate(seconds, [&] {
    const auto loss = model->loss(batch, size.options.world, rng);
    loss.total.item<double>();
    loss.total.backward();
    optimiser.step();
    model->follow_slowly(size.options.world.slow_share);
    return 1.0;
  });
  return {size.name + "_update",
          size.what + ", update of 32 × 9",
          "updates/s",
          value,
          {},
          jepa_update_flop(size.options.world, lanes, frames)};
}

/// Steps that are imagined while it plans towards a picture, one lane, the picture before it looked at anew.
Row jepa_plan(double seconds, const torch::Device& device, JepaSize size) {
  torch::NoGradGuard no_grad;
  const auto model = make_jepa_of(size, device);
  const auto spaces = jepa_spaces();
  Planner planner(spaces.action, size.options.planner);
  auto rng = make_generator(device, 1);
  const auto picture = [&] { return torch::randint(0, 255, {1, 64, 64, 3}, torch::kUInt8).to(device); };
  auto carry = model->aimed(model->initial(1), picture());
  auto memory = planner.initial(1);
  const auto seen = picture();
  // icem's rounds grow smaller, and keep some.
  const auto& plan = size.options.planner;
  double sequences = 0;
  auto count = plan.candidates;
  for (std::int64_t i = 0; i < plan.iterations; ++i) {
    sequences += static_cast<double>(count);
    if (plan.method == PlanMethod::icem)
      sequences += std::max(1.0, plan.keep * static_cast<double>(plan.elites)) + (i + 1 == plan.iterations ? 1 : 0),
          count = std::max(2 * plan.elites, static_cast<std::int64_t>(static_cast<double>(count) / plan.decay));
  }
  const double steps = sequences * static_cast<double>(plan.horizon);
  const auto value = rate(seconds, [&] {
    carry = model->observe(carry, {}, {seen, {}}, rng);
    auto decision = planner.decide({model.get(), carry}, memory, Mode::judge, rng);
    memory = std::move(decision.memory);
    return steps;
  });
  return {size.name + "_plan",
          size.what + ", planning, " + std::to_string(static_cast<int>(steps)) + " steps a plan",
          "imagined steps/s",
          value,
          {},
          predictor_flop(size.options.world)};
}

// -- Genie
// --------------------------------------------------------------------------------------------------------------

struct GenieSize {
  std::string name, what;
  GenieOptions world;
  std::int64_t tokenizer_batch, actions_batch, dynamics_batch;
};

/// As the recipe has it.
GenieSize genie_recipe_size(const std::string& device) {
  RunSpec spec;
  spec.recipe = "genie", spec.environment = "BouncingSquare", spec.device = device;
  const auto system = make_system(spec);
  const auto& options =
      static_cast<const GenieRecipeOptions&>(std::static_pointer_cast<GenieParts>(system->parts)->options);
  return {"genie", "Genie", options.world, options.tokenizer.batch, options.actions.batch, options.dynamics.batch};
}

/// tinyworlds', whose batches of 350 and 500 are cut to eight on both sides.
GenieSize genie_tinyworlds_size() {
  GenieSize size{"genie_4px", "Genie, patches of 4", {}, 8, 8, 8};
  auto& w = size.world;
  w.frames = 4;
  w.tokenizer.patch = 4, w.tokenizer.width = 32, w.tokenizer.layers = 4, w.tokenizer.heads = 8,
  w.tokenizer.codes.numbers = 5;
  w.actions.patch = 4, w.actions.width = 32, w.actions.layers = 2, w.actions.heads = 8, w.actions.codes.codes = 4;
  w.dynamics.width = 32, w.dynamics.layers = 8, w.dynamics.heads = 8;
  return size;
}

struct GenieBench {
  GenieBench(const GenieSize& size, const torch::Device& device) : rng(make_generator(device, 1)) {
    Spaces spaces;
    spaces.image_height = spaces.image_width = 64, spaces.image_channels = 3;
    torch::manual_seed(1);
    model = std::make_shared<GenieModel>(size.world, spaces);
    model->to(device);
    model->eval();
  }
  std::shared_ptr<GenieModel> model;
  at::Generator rng;
};

/// Of a space-time transformer, every token of `frames` frames through all blocks. A place looks at half of its past.
double space_time_flop(std::int64_t width, std::int64_t layers, std::int64_t places, std::int64_t frames) {
  const double each = linear_flop(width, 3 * width) * 2 + linear_flop(width, width) * 2 +
                      linear_flop(width, 4 * width) * 2 + 2 * linear_flop(places, width) +
                      linear_flop(frames + 1, width);
  return static_cast<double>(layers * places * frames) * each;
}

struct GenieFlop {
  double tokenize, detokenize, find, paint, tell;  // of one piece
};

GenieFlop genie_flop(const GenieModel& model) {
  const auto& o = model.options();
  const auto t = o.frames;
  const auto places = [](std::int64_t patch) { return (64 / patch) * (64 / patch); };
  const auto tokens = [&](std::int64_t patch) { return static_cast<double>(t * places(patch)); };
  const auto& [k, a, d] = std::tie(o.tokenizer, o.actions, o.dynamics);
  const auto pixels = 3 * k.patch * k.patch, moved = 3 * a.patch * a.patch;
  std::int64_t codes = 1;
  for (std::int64_t i = 0; i < k.codes.numbers; ++i) codes *= k.codes.levels;
  const double coder = space_time_flop(k.width, k.layers, places(k.patch), t),
               acts = space_time_flop(a.width, a.layers, places(a.patch), t);
  return {
      coder + tokens(k.patch) * (linear_flop(pixels, k.width) + linear_flop(k.width, k.codes.numbers)),
      coder + tokens(k.patch) * (linear_flop(k.codes.numbers, k.width) + linear_flop(k.width, pixels)),
      acts + tokens(a.patch) * linear_flop(2 * moved, a.width),
      (acts + tokens(a.patch) * 2 * linear_flop(moved, a.width)) * static_cast<double>(t - 1) / static_cast<double>(t),
      space_time_flop(d.width, d.layers, places(k.patch), t) + tokens(k.patch) * linear_flop(d.width, codes)};
}

/// One update of one of the three networks, as genie_stages makes it.
Row genie_update(double seconds, const torch::Device& device, const GenieSize& size, const std::string& network) {
  GenieBench bench(size, device);
  auto& model = *bench.model;
  const auto batch = network == "tokenizer" ? size.tokenizer_batch
                     : network == "actions" ? size.actions_batch
                                            : size.dynamics_batch;
  const auto pictures = torch::rand({batch, size.world.frames, 3, 64, 64}).to(device);
  auto parameters = network == "tokenizer" ? model.tokenizer()->parameters()
                    : network == "actions" ? model.latent_actions()->parameters()
                                           : model.dynamics()->parameters();
  Optimiser optimiser(std::move(parameters), GenieStageOptions{}.optimiser);
  const auto learn = [&] {
    if (network == "tokenizer") return model.tokenizer()->loss(pictures).total;
    if (network == "actions") {
      model.latent_actions()->train();
      const auto loss = model.latent_actions()->loss(pictures).total;
      model.latent_actions()->eval();
      return loss;
    }
    torch::Tensor tokens, actions;
    {
      torch::NoGradGuard no_grad;
      tokens = model.tokenizer()->tokens(pictures);
      actions = model.latent_actions()->values(model.latent_actions()->codes_of(pictures));
    }
    return model.dynamics()->loss(tokens, actions, bench.rng).total;
  };
  const auto value = rate(seconds, [&] {
    {
      const Autocast autocast(bfloat16_is_fast(device), device);
      const auto loss = learn();
      loss.item<double>();
      loss.backward();
    }
    optimiser.step();
    return 1.0;
  });
  const auto flop = genie_flop(model);
  const double each = network == "tokenizer" ? 3 * (flop.tokenize + flop.detokenize)
                      : network == "actions" ? 3 * (flop.find + flop.paint)
                                             : flop.tokenize + flop.find + 3 * flop.tell;
  return {
      size.name + "_" + network,
      size.what + ", " + network + ", update of " + std::to_string(batch) + " × " + std::to_string(size.world.frames),
      "updates/s",
      value,
      {},
      each * static_cast<double>(batch)};
}

/// Frames that one lane imagines, each as a picture: eight steps of MaskGIT, and all frames that it looks back at are
/// there.
Row genie_dream(double seconds, const torch::Device& device, const GenieSize& size) {
  torch::NoGradGuard no_grad;
  GenieBench bench(size, device);
  auto& model = *bench.model;
  auto carry = model.initial(1);
  for (std::int64_t t = 0; t < size.world.frames; ++t)
    carry = model.observe(carry, {}, {torch::randint(0, 255, {1, 64, 64, 3}, torch::kUInt8).to(device), {}}, bench.rng);
  const auto action = torch::ones({1, 1}, device);
  const auto value = rate(seconds, [&] {
    carry = model.imagine(carry, action, {{"maskgit_steps", 8.0}}, bench.rng);
    model.predict(carry).frame.sum().item<float>();
    return 1.0;
  });
  const auto flop = genie_flop(model);
  const auto frames = static_cast<double>(size.world.frames);
  return {size.name + "_dream",
          size.what + ", dream, 8 steps a frame",
          "frames/s",
          value,
          {},
          flop.tell * (1 + 8 / frames) + flop.detokenize};
}

}  // namespace

std::vector<Measurement> representation_rows(double seconds, const std::string& name) {
  const torch::Device device(name);
  std::vector<Measurement> rows;
  for (const auto& make : {jepa_recipe_size, jepa_published_size}) {
    const auto size = make();
    rows.push_back({size.name + "_update", [=] { return jepa_update(seconds, device, size); }});
    rows.push_back({size.name + "_plan", [=] { return jepa_plan(seconds, device, size); }});
  }
  for (const std::string kind : {"genie", "genie_4px"}) {
    const auto size = [=] { return kind == "genie" ? genie_recipe_size(name) : genie_tinyworlds_size(); };
    for (const std::string network : {"tokenizer", "actions", "dynamics"})
      rows.push_back({kind + "_" + network, [=] { return genie_update(seconds, device, size(), network); }});
    rows.push_back({kind + "_dream", [=] { return genie_dream(seconds, device, size()); }});
  }
  return rows;
}

}  // namespace dream::cli
