#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/behaviours/cma_es.h"
#include "core/behaviours/linear_controller.h"
#include "core/engine/counters.h"
#include "core/engine/lanes.h"
#include "core/engine/population.h"
#include "core/engine/vmc/vmc_recipe.h"

namespace dream {
namespace {

/// CMA-ES over the controller's 867 weights. All candidates of a generation drive the same tracks, which differ from
/// generation to generation: the ranking is then about driving, not about the luck of the track. (The original gives
/// pairs of candidates a common seed.) The controller in use is the mean of the distribution, as in the original's
/// evaluations. Of several temperatures one search follows the other, from the calmest on.
class Search : public Phase {
 public:
  explicit Search(std::shared_ptr<VmcParts> parts)
      : Phase("c", "C: controller by CMA-ES", "steps/s"), parts_(std::move(parts)) {
    restart();
  }

  void begin() override {
    lanes_ = lanes_of(*parts_, parts_->options.c.world, parts_->options.c.lanes, parts_->rng("c.lanes").next64());
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
    const auto within = population_ ? population_->progress() : 0.0;
    const double mine =
        stopped_.empty()
            ? std::min(1.0, (static_cast<double>(cma_->generation()) + within) / static_cast<double>(parts_->options.c.generations))
            : 1.0;
    return (static_cast<double>(turn_) + mine) / static_cast<double>(turns());
  }

  std::string detail() const override {
    std::ostringstream text;
    if (!stopped_.empty()) text << "stopped early, " << stopped_ << "; ";
    if (turns() > 1) text << "at \xcf\x84 = " << temperature_now() << ", ";
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
    if (turns() > 1) into.tensors["c.turn"] = torch::tensor({turn_}, torch::kInt64);
    if (population_ && !population_->finished()) {
      population_->save(into, "c.population/");
    } else {
      for (const auto& [name, tensor] : resumed_.tensors) into.tensors[name] = tensor;
    }
  }

  void load(const Checkpoint& from) override {
    const auto flat = counters_of(from, "c.flat", {"generations whose candidates earned the same"})[0];
    const auto turn = turns() > 1 ? counters_of(from, "c.turn", {"temperatures that have been searched at"})[0] : 0;
    if (turn >= turns()) throw Error(from.origin + ": 'c.turn' counts more temperatures than c.taus names");
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
    flat_ = flat, turn_ = turn;
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
    options.seed = turn_ == 0 ? parts_->rng("c").next64() : parts_->rng("c").fork(static_cast<std::uint64_t>(turn_)).next64();
    options.mean = parts_->controller->flat();
    cma_ = std::make_unique<CmaEs>(options);
  }

  /// What ends a search in pycma, whose conditions these are; empty while it is healthy.
  std::string why_it_stops() const {
    if (flat_ >= 2) return "as all candidates of two generations in a row earned the same";
    for (const auto& condition : cma_->stop_conditions()) {
      if (!condition.starts_with("tolfun")) return condition;  // equal costs have words of their own
    }
    return {};
  }

  /// One generation without a difference can be chance; a second is no search (pycma's tolflatfitness): it is over where there was a
  /// difference before, or where everybody lasts for as long as a dream may, as in a calm one; otherwise it has never begun.
  void check_flat(const std::vector<double>& rewards) {
    const auto [least, most] = std::minmax_element(rewards.begin(), rewards.end());
    flat_ = *least == *most ? flat_ + 1 : 0;
    const auto& options = parts_->options;
    const bool all_last = options.m.restarts && options.c.world == SearchWorld::dream && *least >= static_cast<double>(options.c.max_steps);
    if (flat_ < 2 || flat_ <= cma_->generation() || all_last) return;
    std::ostringstream text;
    text << "the " << rewards.size() << " candidates of two generations in a row all earned the same, " << *most
         << ": there is nothing to choose by. Longer episodes (c.max_steps), more patience or a larger c.sigma0 tell "
            "them apart";
    throw Error(text.str());
  }

  std::int64_t turns() const { return std::max<std::int64_t>(1, static_cast<std::int64_t>(parts_->controller->temperatures().size())); }
  double temperature_now() const {
    return turns() > 1 ? parts_->controller->temperatures()[static_cast<std::size_t>(turn_)] : parts_->options.c.tau;
  }

  /// The search at this temperature is over: its controller is kept, and the next one begins at zero.
  void take_turns() {
    if (turns() == 1 || (stopped_.empty() && cma_->generation() < parts_->options.c.generations)) return;
    parts_->controller->keep(static_cast<std::size_t>(turn_));
    if (turn_ + 1 == turns()) return;
    ++turn_, flat_ = 0;
    stopped_.clear();
    parts_->controller->set_flat(std::vector<double>(static_cast<std::size_t>(parts_->controller->count())));
    restart();
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
    if (auto* dreams = dynamic_cast<DreamLanes*>(lanes_.get())) dreams->bend(temperature_of(*parts_, temperature_now()));
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
    const auto generation = turn_ * parts_->options.c.generations + cma_->generation();  // of all searches
    metrics.add("c/mean", generation, sum / static_cast<double>(rewards.size()));
    metrics.add("c/best", generation, *std::max_element(rewards.begin(), rewards.end()));
    metrics.add("c/sigma", generation, cma_->rms_deviation());
    take_turns();
    start_generation();
  }

  std::shared_ptr<VmcParts> parts_;
  std::unique_ptr<CmaEs> cma_;
  std::vector<double> candidates_;  // [population, 867], row-major
  torch::Tensor rows_;              // the same, float32, on the device
  std::unique_ptr<Lanes> lanes_;
  std::unique_ptr<Population> population_;
  Checkpoint resumed_;    // a generation that was under way, until begin() takes it up
  std::int64_t turn_ = 0;  // temperatures that have been searched at
  std::int64_t flat_ = 0;  // generations in a row whose candidates all earned the same
  std::string stopped_;    // why the search ended before its last generation
};

}  // namespace

std::shared_ptr<Phase> c_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<Search>(std::move(parts));
}

}  // namespace dream
