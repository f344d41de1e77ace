#include "core/engine/vmc/vmc_recipe.h"

#include <algorithm>
#include <sstream>

#include "api/error.h"
#include "core/base/text.h"
#include "core/behaviours/linear_controller.h"
#include "core/data/dataset.h"
#include "core/engine/gauge_watch.h"
#include "core/engine/population.h"
#include "core/engine/run_file.h"
#include "core/engine/script/script_recipe.h"
#include "core/engine/seed_field.h"
#include "core/env/registry.h"
#include "core/env/resized.h"
#include "core/nn/device.h"
#include "core/nn/kernel_path.h"
#include "core/nn/mixture_kernel.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

std::vector<Squash> squash_for(const VmcOptions& options, const std::string& environment, const ActionSpace& space) {
  std::string text = options.c.squash;
  // The published CarRacing controller; for other boxes the range decides.
  if (text.empty() && environment.starts_with("CarRacing")) text = "tanh,half,cut";
  std::vector<Squash> squash;
  if (text.empty()) {
    for (const float low : space.low) squash.push_back(low < 0 ? Squash::tanh : Squash::half);
  } else {
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, ',');) squash.push_back(squash_from(word));
  }
  if (squash.size() != space.size()) {
    throw Error("c.squash names " + std::to_string(squash.size()) + " axes, the action has " +
                std::to_string(space.size()));
  }
  return squash;
}

std::vector<Metrics::Spec> curves(const VmcOptions& options, const Spaces& spaces) {
  const double tolerance = 0.5 * static_cast<double>(options.v.latent_size);
  std::ostringstream label;
  label << "tolerance 0.5·z = " << tolerance;
  std::vector<Metrics::Spec> specs = {
      {"collect/reward", "Return of collected episodes", "reward", "episode"},
      {"v/reconstruction", "V: reconstruction Σ(x − x̂)² per frame", "sum over 64·64·3", "step"},
      {"v/kl", "V: KL(q(z|x) ‖ N(0, I))", "nats", "step", tolerance, label.str()},
      {"m/nll", "M: −log p(z' | z, a, h)", "nats / dim", "step"}};
  if (options.m.heads) specs.push_back({"m/reward", "M: reward error", "MSE", "step"});
  if (options.dream_pays()) specs.push_back({"m/done", "M: done cross-entropy", "nats", "step"});
  for (auto& curve : GaugeWatch::curves("step")) specs.push_back(std::move(curve));
  if (options.c.start == SearchStart::imitate) {
    specs.push_back({"c/imitation", "C: squared distance from its teacher where it drives itself", "", "round"});
    specs.push_back({"c/taught", "C: mean return while it is taught", "reward", "round"});
  }
  specs.push_back({"c/mean", "C: mean return of the population", "reward", "generation"});
  specs.push_back({"c/best", "C: best candidate's return", "reward", "generation"});
  specs.push_back({"c/sigma", "C: CMA-ES rms deviation", "", "generation"});
  if (!options.temperatures().empty()) {
    specs.push_back({"temperatures/real", "Return in reality, by the temperature that C was found at", "reward", "hundredths of τ"});
    specs.push_back({"temperatures/dream", "Return in the dream of that temperature", "reward", "hundredths of τ"});
  }
  specs.push_back({"evaluate/reward", "Return of unseen episodes", "reward", "episode"});
  if (spaces.costs) specs.push_back(cost_curve("evaluate/cost", "Cost of unseen episodes", "episode", spaces));
  return specs;
}

void apply_preset(VmcOptions& options) {
  if (options.preset != Preset::paper) return;
  options.collect.episodes = 10000;
  options.collect.budget_gb = 128;
  options.v.epochs = 10;
  options.m.batch = 100;
  options.m.sequence = options.m.restarts ? 500 : 999;
  options.m.steps = options.m.restarts ? 24400 : 4000;
  options.c.episodes = 16;
  options.c.generations = 1800;
}

/// V and M of a new run have the sizes of those that it takes; one that is loaded knows them, wherever that other run is now.
void take_sizes(VmcOptions& options, const RunSpec& spec) {
  if (options.vm.from.empty() || spec.weights > 0) return;
  const auto checkpoint = load_run(checkpoint_path(options.vm.from));
  if (const auto recipe = checkpoint.text("recipe"); recipe != "vmc" && recipe != "vmc-doom")
    throw Error("vm.from = " + options.vm.from + " is a run of " + recipe + ", which has no V and M");
  if (const auto other = checkpoint.text("environment"); other != spec.environment)
    throw Error("vm.from = " + options.vm.from + " knows " + other + ", not " + spec.environment);
  auto theirs = VmcOptions();
  Config config;
  theirs.fields(config);
  config.parse(checkpoint.text("config"), checkpoint.origin + ", field 'config'");
  options.v.latent_size = theirs.v.latent_size;
  options.m.hidden_size = theirs.m.hidden_size, options.m.mixtures = theirs.m.mixtures;
  options.m.heads = theirs.m.heads, options.m.restarts = theirs.m.restarts;
}

}  // namespace

void VmcOptions::fields(Config& config) {
  const auto traits = [](std::string help, double low, double high, std::string unit = "") {
    Config::Traits t;
    t.help = std::move(help);
    t.low = low;
    t.high = high;
    t.unit = std::move(unit);
    return t;
  };
  const auto titled = [](std::string title, Config::Traits t) {
    t.title = std::move(title);
    return t;
  };
  const auto live = [&](Config::Traits t, bool logarithmic = false) {
    t.live = true;
    t.logarithmic = logarithmic;
    return t;
  };
  Config::Traits presets;
  presets.help = "desk: fits two cores; paper: the published amounts of data and steps";
  config.add("preset", preset, presets);
  seed_field(config, seed);
  config.add("vm.from", vm.from,
             traits("A run of this kind whose V, M and first moments of dreams are taken as they are: then nothing is collected, and C alone "
                    "is learned. Empty = they are learned here",
                    0, 0));
  config.add("collect.policy", collect.policy,
             traits("Who drives: a Brownian motion of the controls; V-M-C with random weights drawn per episode "
                    "(published for the car); a third each of random weights, collect.driver mixed with a random motion, and "
                    "collect.driver with shaken actions; or held: controls drawn anew after 1 to 10 steps (published for Doom)",
                    0, 0));
  config.add("collect.driver", collect.driver,
             traits("The run whose controller drives where the policy is mixed", 0, 0));
  config.add("collect.noise", collect.noise,
             traits("Largest shake of collect.driver's actions, a share of each axis's half range", 0, 10));
  config.add("collect.episodes", collect.episodes, traits("Random episodes to collect (published: 10,000)", 1, 1e6));
  config.add("collect.max_steps", collect.max_steps, traits("Longest collected episode", 1, 1e6, "steps"));
  config.add("collect.lanes", collect.lanes, traits("Environments that are stepped side by side", 1, 4096));
  collect.datasets.fields(config, "collect.", "More dataset folders to train V and M on, separated by ':'");
  config.add("collect.budget_gb", collect.budget_gb,
             titled("memory budget", traits("Memory that the replay may take", 0.01, 1e4, "GB")));
  config.add("v.latent_size", v.latent_size, titled("latent size z", traits("Size of the latent z", 1, 1024)));
  config.add("v.learning_rate", v.learning_rate, live(traits("Adam step size of V", 1e-7, 1, ""), true));
  config.add("v.batch", v.batch, live(traits("Frames per gradient step of V", 2, 4096, "frames")));
  config.add("v.epochs", v.epochs, traits("Passes over the frames (published code: 10)", 1, 1e6));
  config.add("v.bfloat16", v.bfloat16,
             traits("bf16 matrix products where the processor has them; weights stay float32", 0, 1));
  config.add("m.hidden_size", m.hidden_size, titled("hidden size h", traits("LSTM units of M", 1, 16384)));
  config.add("m.mixtures", m.mixtures, titled("mixtures K", traits("Gaussians per z dimension, K", 1, most_mixtures)));
  config.add("m.learning_rate", m.learning_rate, live(traits("Adam step size of M", 1e-7, 1), true));
  config.add("m.batch", m.batch, live(traits("Sequences per gradient step of M", 1, 4096, "sequences")));
  config.add("m.sequence", m.sequence, traits("Length of a training sequence of M (published: 999)", 1, 1e5, "steps"));
  config.add("m.steps", m.steps, traits("Gradient steps of M (published: 4000)", 1, 1e8));
  config.add("m.gradient_clip", m.gradient_clip,
             live(traits("Each gradient element is clipped to ± this", 1e-4, 1e4), true));
  config.add("m.decay", m.decay,
             traits("The step size falls towards 1e-5 by this factor a step; 1 = never (published: 1 for the car, 0.99999 for Doom)", 0.9, 1));
  config.add("m.bfloat16", m.bfloat16,
             traits("bf16 matrix products in M's training and large batches; weights stay float32", 0, 1));
  config.add("m.gauges", m.gauges,
             traits("Measure skill, reliance on actions, silent latents and usable horizon on unseen pieces as M trains, in at "
                    "most 3 % of the time", 0, 1));
  config.add("m.heads", m.heads,
             traits("M also predicts reward and done, so that C can be trained in the dream", 0, 1));
  config.add("m.restarts", m.restarts,
             traits("M learns whole episodes, is told where one begins, and predicts where it ends, every step until then paying 1, so that "
                    "C can be trained in the dream (published for Doom); m.batch · m.sequence are the transitions of an update then", 0, 1));
  config.add("c.population", c.population, titled("population λ", traits("CMA-ES candidates per generation, λ", 4, 4096)));
  config.add("c.episodes", c.episodes,
             traits("Episodes per candidate; the same tracks for all in a generation", 1, 1024));
  config.add("c.generations", c.generations, traits("Generations of CMA-ES (published: 1,800)", 1, 1e6));
  config.add("c.sigma0", c.sigma0, titled("first step size σ₀", traits("First step size of CMA-ES, σ₀", 1e-6, 100)));
  config.add("c.weight_decay", c.weight_decay, live(traits("Cost per mean squared weight", 0, 1e3)));
  config.add("c.max_steps", c.max_steps, traits("Longest episode of a candidate", 1, 1e6, "steps"));
  config.add("c.patience", c.patience,
             traits("Give an episode up after so many steps without reward; 0 = never (published)", 0, 1e6, "steps"));
  config.add("c.lanes", c.lanes,
             traits("Environments that are stepped as one batch; resumed with another number, a generation begins anew",
                    1, 16384));
  Config::Traits worlds;
  worlds.help = "Where candidates drive: the real environment, or M's dream (needs m.heads or m.restarts)";
  config.add("c.world", c.world, worlds);
  config.add("c.tau", c.tau,
             live(titled("temperature τ", traits("Temperature τ of the dream that candidates drive in, from the next generation on", 0.01, 10))));
  config.add("c.taus", c.taus,
             traits("Temperatures, separated by ',': a controller is found in the dream of each, one search after the other, and all are kept "
                    "and evaluated, in their dreams and in the real environment; the one of the nearest to c.tau usually drives. Empty = at c.tau alone",
                    0, 0));
  config.add("c.squash", c.squash,
             traits("tanh, half or cut per action axis, separated by ','; empty = by environment", 0, 0));
  config.add("c.bias", c.bias, traits("C adds a bias to each axis; Doom's has none", 0, 1));
  config.add("c.cell", c.cell, traits("C sees M's cell state c beside z and h, as Doom's does", 0, 1));
  config.add("c.start", c.start,
             traits("Where CMA-ES begins: at zero (published), or at what does as c.teacher would, wherever it drives "
                    "itself (DAgger)",
                    0, 0));
  config.add("c.teacher", c.teacher,
             traits("Who is imitated: 'expert', the world's own driver who knows the simulator's state, or a run", 0, 0));
  config.add("c.rounds", c.rounds, traits("Rounds of driving and learning from the teacher", 1, 1e4));
  config.add("evaluate.episodes", evaluate.episodes, traits("Episodes on unseen tracks at the end", 1, 1e6));
  config.add("evaluate.lanes", evaluate.lanes, traits("Real environments that are stepped side by side at the end, no more than c.lanes", 1, 4096));
  config.resumable({"collect.episodes", "collect.max_steps", "collect.lanes", "collect.datasets", "collect.budget_gb",
                    "v.epochs", "v.bfloat16", "m.sequence", "m.steps", "m.bfloat16", "m.gauges", "c.episodes", "c.generations",
                    "c.max_steps", "c.patience", "c.lanes", "c.rounds", "evaluate.episodes", "evaluate.lanes"});
}

std::vector<double> VmcOptions::temperatures() const {
  std::vector<double> all;
  std::istringstream words(c.taus);
  for (std::string word; std::getline(words, word, ',');) {
    const auto value = finite_number(word);
    if (!value || *value < 0.01 || *value > 10) throw Error("c.taus is '" + c.taus + "'; temperatures from 0.01 to 10 were expected, separated by ','");
    all.push_back(*value);
  }
  std::ranges::sort(all);
  if (all.empty()) return all;
  if (std::ranges::adjacent_find(all) != all.end()) throw Error("c.taus = " + c.taus + " names a temperature twice");
  if (c.world != SearchWorld::dream) throw Error("c.taus are temperatures of dreams, and c.world is not dream");
  if (c.start != SearchStart::zero) throw Error("c.taus has each search begin at zero, and c.start is not zero");
  return all;
}

std::vector<VmcParts::Collected> VmcParts::collected() const {
  const auto data = system->directory / "data";
  const auto all = options.collect.episodes, third = all / 3;
  const Collected brownian{data / "random", "a random motion", "collect", all};
  Collected untrained{data / "random-weights", "random weights", "collect", all, true};
  if (options.collect.policy == CollectPolicy::brownian) return {brownian};
  if (options.collect.policy == CollectPolicy::held) {
    Collected held{data / "held", "controls that are held", "collect", all};
    held.held = true;
    return {held};
  }
  if (options.collect.policy == CollectPolicy::random_weights) return {untrained};
  untrained.episodes = all - 2 * third;
  return {untrained,
          {data / "early", "an early driver", "collect.early", third, false, true, options.collect.noise, 1},
          {data / "good", "a good driver", "collect.good", third, false, true, options.collect.noise, 0}};
}

std::unique_ptr<DatasetSources> VmcParts::sources() const {
  auto folders = folders_of(options.collect.datasets.folders);
  const auto own = collected();
  for (auto share = own.rbegin(); share != own.rend(); ++share) {
    if (std::filesystem::exists(share->folder)) folders.insert(folders.begin(), share->folder);
  }
  auto all = std::make_unique<DatasetSources>(
      folders, fit_to(system->make_env()->spaces(), system->environment, {.pictures = true, .vectors = false}),
      options.collect.datasets.damage());
  if (all->empty()) throw Error("there are no episodes to train on; run the phase 'collect' first");
  return all;
}

bool VmcParts::load_more() {
  if (complete_) return !streams() && frames.prepare(replay);
  if (streams()) {
    complete_ = !stream_->fill(replay);
    return !complete_;
  }
  if (!sources_) {
    replay = Replay(static_cast<std::size_t>(options.collect.budget_gb * 1e9));
    sources_ = sources();
  }
  if (sources_->read_into(replay)) return true;
  if (!sources_->all_read()) {
    replay.clear();
    streamed_frames_ = sources_->steps() + static_cast<std::int64_t>(sources_->episodes());
    // An epoch draws each frame once: with few of them frames may not stay for long.
    stream_ = std::make_unique<EpisodeStream>(std::move(sources_), rng("episodes"), place_,
                                              std::min(EpisodeStream::draws_per_frame, static_cast<double>(options.v.epochs)));
    return true;
  }
  complete_ = true;
  sources_.reset();
  return frames.prepare(replay);
}

void VmcParts::learned(double frames) {
  if (streams()) stream_->learned(replay, frames);
}

std::string VmcParts::loading() const {
  const bool noted = sources_ && !sources_->notes().empty();
  return "reading episodes: " + std::to_string(replay.episodes()) + (noted ? "; " + sources_->notes().back() : "");
}

std::vector<std::string> VmcParts::notes() const { return streams() ? stream_->notes() : std::vector<std::string>(); }

void VmcParts::unload() {
  place_ = place();  // it goes on from there
  stream_.reset();
  replay.clear();
  frames.clear();
  sources_.reset();
  complete_ = false;
}

namespace {

std::unique_ptr<System> make(const RunSpec& spec, const char* recipe, const char* title, const VmcOptions& usual) {
  auto system = std::make_unique<System>();
  auto parts = std::make_shared<VmcParts>();
  parts->options = usual;
  parts->options.fields(system->config);
  // The preset changes defaults, so it is read first and the explicit settings win.
  apply_settings(system->config, spec);
  apply_preset(parts->options);
  take_sizes(parts->options, spec);
  apply_settings(system->config, spec);

  const auto& options = parts->options;
  if (options.c.world == SearchWorld::dream && !options.dream_pays()) {
    throw Error("c.world = dream needs m.heads = true or m.restarts = true: without them M predicts nothing to search by");
  }
  if (options.collect.policy == CollectPolicy::mixed && options.collect.driver.empty()) {
    throw Error("collect.driver is empty: collect.policy = mixed needs a run whose controller drives");
  }
  for (const auto& who : {options.collect.driver, options.c.teacher})  // whether its program may run is asked before there is a run
    if (spec.weights == 0 && !who.empty() && foreign_file(who) == ForeignFile::script) load_run(who);
  system->recipe = recipe;
  system->title = title;
  system->environment = spec.environment;
  system->directory = spec.directory;
  system->device = device_from(spec.device);
  system->make_env = [name = spec.environment]() -> std::unique_ptr<Env> {
    // CarRacing's lower 12 rows are the instrument bar, which the original cuts away.
    const int rows = name.starts_with("CarRacing") ? 84 : 0;
    return std::make_unique<ResizedEnv>(make_env(name), rows, 64, 64);
  };
  const auto world = system->make_env();
  const auto spaces = world->spaces();
  if (const auto* away = world->away()) parts->away = away->why;
  MdnRnnOptions m;
  m.latent_size = options.v.latent_size;
  m.action_size = static_cast<std::int64_t>(spaces.action.size());
  m.hidden_size = options.m.hidden_size;
  m.mixtures = options.m.mixtures;
  m.heads = options.m.heads;
  m.restarts = options.m.restarts;
  torch::manual_seed(static_cast<std::uint64_t>(options.seed));  // the layers' first weights
  const auto squash = squash_for(options, spec.environment, spaces.action);
  parts->system = system.get();
  parts->frames = FrameSource(system->device, !on_processor(system->device));
  parts->model = std::make_shared<VmcModel>(m, options.c.cell);
  parts->controller = std::make_shared<LinearController>(parts->model->feature_count(), squash, options.c.bias, options.temperatures(), options.c.tau);
  parts->untrained = [m, squash, cell = options.c.cell, bias = options.c.bias] {
    auto model = std::make_shared<VmcModel>(m, cell);
    auto controller = std::make_shared<LinearController>(model->feature_count(), squash, bias);
    return RandomWeights::Parts{std::move(model), std::move(controller)};
  };
  parts->model->to(system->device);
  parts->controller->to(system->device);
  parts->model->v()->set_bfloat16(options.v.bfloat16 && bfloat16_is_fast(system->device));
  parts->model->m()->set_bfloat16(options.m.bfloat16 && bfloat16_is_fast(system->device));
  system->model = parts->model;
  system->behaviour = parts->controller;
  system->metrics = Metrics(curves(options, spaces));
  system->parts = parts;
  system->memory_bytes = [p = parts.get()] { return static_cast<double>(p->replay.bytes()); };
  system->budget_bytes = [p = parts.get()] { return p->options.collect.budget_gb * 1e9; };
  if (options.vm.from.empty())
    system->phases = {collect_phase(parts), v_phase(parts), m_phase(parts)};
  else
    system->phases = {take_phase(parts)};
  if (options.c.start == SearchStart::imitate) system->phases.push_back(imitate_phase(parts));
  system->phases.push_back(c_phase(parts));
  system->phases.push_back(evaluate_phase(parts));
  return system;
}

}  // namespace

VmcOptions VmcOptions::doom() {
  VmcOptions options;
  options.collect.policy = CollectPolicy::held;
  options.collect.episodes = 1500;
  options.collect.max_steps = 2100;
  options.v.latent_size = 64;
  options.v.epochs = 2;
  options.m.hidden_size = 512;
  options.m.batch = 10;
  options.m.sequence = 500;
  options.m.steps = 3000;
  options.m.decay = 0.99999;
  options.m.restarts = true;
  options.c.bias = false;
  options.c.cell = true;
  options.c.world = SearchWorld::dream;
  options.c.tau = 1.15;
  options.c.episodes = 8;
  options.c.generations = 40;
  options.c.max_steps = 2100;
  options.c.lanes = 512;
  options.evaluate.lanes = 16;
  return options;
}

std::unique_ptr<System> make_vmc(const RunSpec& spec) {
  return make(spec, "vmc", "World Models (V-M-C)", {});
}

std::unique_ptr<System> make_vmc_doom(const RunSpec& spec) {
  return make(spec, "vmc-doom", "World Models (V-M-C, in the dream)", VmcOptions::doom());
}

}  // namespace dream
