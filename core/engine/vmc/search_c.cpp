#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/behaviours/cma_es.h"
#include "core/behaviours/linear_controller.h"
#include "core/engine/counters.h"
#include "core/engine/lanes.h"
#include "core/engine/population.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

std::unique_ptr<Lanes> make_lanes(const VmcParts& parts, std::int64_t count, std::uint64_t seed) {
  const auto& options = parts.options.c;
  if (options.world == SearchWorld::dream) {
    return std::make_unique<DreamLanes>(parts.model, parts.system->starts, count, options.max_steps,
                                        together(parts.model->knobs(), temperature, options.tau), seed);
  }
  return std::make_unique<RealLanes>(parts.model, parts.system->device, parts.system->make_env, count, seed);
}

/// The first lane's picture, when the lanes are real.
std::vector<Frame> lane_frames(Lanes* lanes, const std::string& caption) {
  const auto* real = dynamic_cast<RealLanes*>(lanes);
  if (!real) return {};
  return {{"real", caption, -1, std::make_shared<const Image>(image_from(real->envs().images()[0]))}};
}

/// CMA-ES over the controller's 867 weights. All candidates of a generation drive the same tracks, which differ from
/// generation to generation: the ranking is then about driving, not about the luck of the track. (The original gives
/// pairs of candidates a common seed.) The controller in use is the mean of the distribution, as in the original's
/// evaluations.
class Search : public Phase {
 public:
  explicit Search(std::shared_ptr<VmcParts> parts)
      : Phase("c", "C: controller by CMA-ES", "steps/s"), parts_(std::move(parts)) {
    restart();
  }

  void begin() override {
    lanes_ = make_lanes(*parts_, parts_->options.c.lanes, parts_->rng("c.lanes").next64());
    Population::Options options;
    options.max_steps = parts_->options.c.max_steps;
    options.patience = parts_->options.c.patience;
    const auto act = [this](const Seen& seen, const torch::Tensor& candidate) {
      const auto features = seen.features();
      return parts_->controller->act_as(rows_, candidate.to(features.device()), features);
    };
    population_ = std::make_unique<Population>(act, *lanes_, options);
    if (cma_->generation() == 0) restart();  // from the controller that there is now
    start_generation();
    // With another number of lanes or episodes the generation begins anew: its candidates are the same.
    if (population_->fits(resumed_, "c.population/")) population_->load(resumed_, "c.population/");
    resumed_ = {};
  }

  double step() override {
    double steps = 0;
    for (int repeat = 0; repeat < 4 && !population_->finished(); ++repeat)
      steps += static_cast<double>(population_->tick());
    if (population_->finished()) finish_generation();
    return steps;
  }

  double progress() const override {
    if (!stopped_.empty()) return 1;
    const auto within = population_ ? population_->progress() : 0.0;
    return std::min(
        1.0, (static_cast<double>(cma_->generation()) + within) / static_cast<double>(parts_->options.c.generations));
  }

  std::string detail() const override {
    std::ostringstream text;
    if (!stopped_.empty()) text << "stopped early, " << stopped_ << "; ";
    text << "generation " << std::min(cma_->generation() + 1, parts_->options.c.generations) << " of "
         << parts_->options.c.generations;
    if (cma_->generation() > 0) text << ", mean return " << std::llround(parts_->system->metrics.last("c/mean"));
    return text.str();
  }

  std::vector<Frame> frames() override { return lane_frames(lanes_.get(), "a candidate drives, lane 1"); }

  void save(Checkpoint& into) const override {
    for (const auto& [name, values] : cma_->state())
      into.tensors["c.cma/" + name] = torch::tensor(values, torch::kFloat64);
    into.tensors["c.flat"] = torch::tensor({flat_}, torch::kInt64);
    if (population_ && !population_->finished()) {
      population_->save(into, "c.population/");
    } else {
      for (const auto& [name, tensor] : resumed_.tensors) into.tensors[name] = tensor;
    }
  }

  void load(const Checkpoint& from) override {
    const auto flat = counters_of(from, "c.flat", {"generations whose candidates earned the same"})[0];
    std::map<std::string, std::vector<double>> state;
    for (const auto& [name, tensor] : from.tensors) {
      if (!name.starts_with("c.cma/")) continue;
      const auto values = tensor.to(torch::kFloat64).contiguous();
      state[name.substr(6)] = {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
    }
    try {
      cma_->restore(state);
    } catch (const Error& error) {
      throw Error(from.origin + ": " + error.what());
    }
    flat_ = flat;
    stopped_ = why_it_stops();
    resumed_ = {};
    resumed_.origin = from.origin;
    for (const auto& [name, tensor] : from.tensors) {
      if (name.starts_with("c.population/")) resumed_.tensors[name] = tensor;
    }
  }

  void end() override {
    population_.reset();
    lanes_.reset();
  }

 private:
  void restart() {
    CmaOptions options;
    options.dimension = static_cast<int>(parts_->controller->count());
    options.population = static_cast<int>(parts_->options.c.population);
    options.sigma0 = parts_->options.c.sigma0;
    options.seed = parts_->rng("c").next64();
    options.mean = parts_->controller->flat();
    cma_ = std::make_unique<CmaEs>(options);
  }

  /// What ends a search in pycma, whose conditions these are; empty while it is healthy.
  std::string why_it_stops() const {
    for (const auto& condition : cma_->stop_conditions()) {
      if (!condition.starts_with("tolfun")) return condition;  // equal costs have words of their own
    }
    return {};
  }

  /// One generation without a difference can be chance; a second is no search (pycma's tolflatfitness).
  void check_flat(const std::vector<double>& rewards) {
    const auto [least, most] = std::minmax_element(rewards.begin(), rewards.end());
    flat_ = *least == *most ? flat_ + 1 : 0;
    if (flat_ < 2) return;
    std::ostringstream text;
    text << "the " << rewards.size() << " candidates of two generations in a row all earned the same, " << *most
         << ": there is nothing to choose by. Longer episodes (c.max_steps), more patience or a larger c.sigma0 tell "
            "them apart";
    throw Error(text.str());
  }

  void start_generation() {
    if (cma_->generation() >= parts_->options.c.generations || !stopped_.empty()) return;
    candidates_ = cma_->ask();
    auto rng = parts_->rng("c.tracks").fork(static_cast<std::uint64_t>(cma_->generation()));
    std::vector<std::uint64_t> seeds;
    for (std::int64_t i = 0; i < parts_->options.c.episodes; ++i) seeds.push_back(rng.integers(first_evaluation_seed));
    rows_ = torch::tensor(candidates_, torch::kFloat64)
                .view({parts_->options.c.population, -1})
                .to(parts_->system->device, torch::kFloat32);
    population_->begin(parts_->options.c.population, seeds);
  }

  void finish_generation() {
    const auto rewards = population_->mean_rewards();
    const auto width = candidates_.size() / rewards.size();
    std::vector<double> costs;
    double sum = 0;
    for (std::size_t i = 0; i < rewards.size(); ++i) {
      double squares = 0;
      for (std::size_t k = 0; k < width; ++k) squares += candidates_[i * width + k] * candidates_[i * width + k];
      costs.push_back(-rewards[i] + parts_->options.c.weight_decay * squares / static_cast<double>(width));
      sum += rewards[i];
    }
    check_flat(rewards);
    // What the weights cost does not tell candidates apart that drive alike.
    cma_->tell(candidates_, flat_ > 0 ? std::vector<double>(costs.size(), 0.0) : costs);
    stopped_ = why_it_stops();
    parts_->controller->set_flat({cma_->mean().begin(), cma_->mean().end()});
    auto& metrics = parts_->system->metrics;
    metrics.add("c/mean", cma_->generation(), sum / static_cast<double>(rewards.size()));
    metrics.add("c/best", cma_->generation(), *std::max_element(rewards.begin(), rewards.end()));
    metrics.add("c/sigma", cma_->generation(), cma_->rms_deviation());
    start_generation();
  }

  std::shared_ptr<VmcParts> parts_;
  std::unique_ptr<CmaEs> cma_;
  std::vector<double> candidates_;  // [population, 867], row-major
  torch::Tensor rows_;              // the same, float32, on the device
  std::unique_ptr<Lanes> lanes_;
  std::unique_ptr<Population> population_;
  Checkpoint resumed_;    // a generation that was under way, until begin() takes it up
  std::int64_t flat_ = 0;  // generations in a row whose candidates all earned the same
  std::string stopped_;    // why the search ended before its last generation
};

/// The controller on tracks that training never draws.
class SearchEvaluation : public Phase {
 public:
  explicit SearchEvaluation(std::shared_ptr<VmcParts> parts)
      : Phase("evaluate", "Evaluate: unseen tracks", "steps/s"), parts_(std::move(parts)) {}

  void begin() override {
    const auto episodes = parts_->options.evaluate.episodes;
    lanes_ = std::make_unique<RealLanes>(parts_->model, parts_->system->device, parts_->system->make_env,
                                         std::min<std::int64_t>(episodes, parts_->options.c.lanes),
                                         parts_->rng("evaluate").next64());
    Population::Options options;
    options.max_steps = parts_->options.c.max_steps;
    const auto act = [this](const Seen& seen, const torch::Tensor&) {
      return parts_->controller->act(seen.features());
    };
    population_ = std::make_unique<Population>(act, *lanes_, options);
    std::vector<std::uint64_t> seeds;
    for (std::int64_t i = 0; i < episodes; ++i) seeds.push_back(first_evaluation_seed + static_cast<std::uint64_t>(i));
    population_->begin(1, seeds);
    driver_ = parts_->controller->flat();
    if (resumed_driver_ == driver_ && population_->fits(resumed_, "evaluate.population/")) {
      population_->load(resumed_, "evaluate.population/");
    }
    resumed_ = {};
    resumed_driver_.clear();
  }

  double step() override {
    double steps = 0;
    for (int repeat = 0; repeat < 4 && !population_->finished(); ++repeat)
      steps += static_cast<double>(population_->tick());
    if (!population_->finished()) return steps;
    publish_score(*parts_->system, population_->results(), "tracks");
    evaluated_ = parts_->controller->flat();
    evaluated_episodes_ = static_cast<std::int64_t>(population_->results().size());
    return steps;
  }

  double progress() const override { return done() ? 1 : population_ ? std::min(0.999, population_->progress()) : 0; }
  std::string detail() const override { return done() ? parts_->system->facts["score"] : "driving unseen tracks"; }
  std::vector<Frame> frames() override { return lane_frames(lanes_.get(), "the controller on an unseen track"); }
  void save(Checkpoint& into) const override {
    into.tensors["evaluate.controller"] = torch::tensor(evaluated_, torch::kFloat64);
    into.tensors["evaluate.episodes"] = torch::tensor({evaluated_episodes_}, torch::kInt64);
    const bool under_way = population_ && !population_->finished();
    into.tensors["evaluate.driver"] = torch::tensor(under_way ? driver_ : resumed_driver_, torch::kFloat64);
    if (under_way) {
      population_->save(into, "evaluate.population/");
    } else {
      for (const auto& [name, tensor] : resumed_.tensors) into.tensors[name] = tensor;
    }
  }
  void load(const Checkpoint& from) override {
    const auto episodes = counters_of(from, "evaluate.episodes", {"evaluated episodes"})[0];
    evaluated_ = doubles(from, "evaluate.controller");
    evaluated_episodes_ = episodes;
    resumed_ = {};
    resumed_driver_.clear();
    resumed_driver_ = doubles(from, "evaluate.driver");
    resumed_.origin = from.origin;
    for (const auto& [name, tensor] : from.tensors) {
      if (name.starts_with("evaluate.population/")) resumed_.tensors[name] = tensor;
    }
  }
  void end() override {
    population_.reset();
    lanes_.reset();
  }

 private:
  static std::vector<double> doubles(const Checkpoint& from, const std::string& name) {
    const auto saved = from.exact(name, {-1}).to(torch::kFloat64).contiguous();
    return {saved.data_ptr<double>(), saved.data_ptr<double>() + saved.numel()};
  }
  /// A controller that has been trained further, or is to drive other many tracks, is evaluated anew.
  bool done() const {
    return evaluated_ == parts_->controller->flat() && evaluated_episodes_ == parts_->options.evaluate.episodes;
  }

  std::shared_ptr<VmcParts> parts_;
  std::unique_ptr<Lanes> lanes_;
  std::unique_ptr<Population> population_;
  std::vector<double> evaluated_;  // the controller whose score is known
  std::int64_t evaluated_episodes_ = 0;
  std::vector<double> driver_;  // the one that drives now
  Checkpoint resumed_;          // an evaluation that was under way, and its driver, until begin() takes it up
  std::vector<double> resumed_driver_;
};

}  // namespace

std::shared_ptr<Phase> c_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<Search>(std::move(parts));
}

std::shared_ptr<Phase> evaluate_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<SearchEvaluation>(std::move(parts));
}

}  // namespace dream
