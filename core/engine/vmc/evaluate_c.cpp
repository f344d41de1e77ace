#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "core/behaviours/linear_controller.h"
#include "core/engine/counters.h"
#include "core/engine/lanes.h"
#include "core/engine/population.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "core/probe/from_tensor.h"

namespace dream {

KnobValues temperature_of(const VmcParts& parts, double tau) {
  return together(parts.model->knobs(), temperature, tau);
}

std::unique_ptr<Lanes> lanes_of(const VmcParts& parts, SearchWorld world, std::int64_t count, std::uint64_t seed) {
  const auto& system = *parts.system;
  if (world == SearchWorld::dream) {
    return std::make_unique<DreamLanes>(parts.model, system.starts, count, parts.options.c.max_steps,
                                        temperature_of(parts, parts.options.c.tau), seed);
  }
  return std::make_unique<RealLanes>(parts.model, system.device, system.make_env, count, seed);
}

std::vector<Frame> lane_frames(Lanes* lanes, const std::string& caption) {
  const auto* real = dynamic_cast<RealLanes*>(lanes);
  if (!real) return {};
  return {{"real", caption, -1, std::make_shared<const Image>(image_from(real->envs().images()[0]))}};
}

namespace {

bool on_tracks(const VmcParts& parts) {
  return parts.system->environment.starts_with("CarRacing");
}

/// C in episodes that training never draws; then, where it was found in dreams, also in those, each C at its own temperature.
class Evaluation : public Phase {
 public:
  explicit Evaluation(std::shared_ptr<VmcParts> parts)
      : Phase("evaluate", on_tracks(*parts) ? "Evaluate: unseen tracks" : "Evaluate: unseen episodes", "steps/s"), parts_(std::move(parts)) {}

  void begin() override {
    if (!parts_->away.empty()) return;
    driver_ = drivers();
    if (resumed_driver_ != driver_) scores_.clear(), resumed_ = {};
    if (done()) scores_.clear();  // asked for once more
    begin_stage();
    if (population_->fits(resumed_, "evaluate.population/")) population_->load(resumed_, "evaluate.population/");
    resumed_ = {};
    resumed_driver_.clear();
  }

  double step() override {
    double steps = 0;
    if (!population_) return steps;
    for (int repeat = 0; repeat < 4 && !population_->finished(); ++repeat)
      steps += static_cast<double>(population_->tick());
    if (!population_->finished()) return steps;
    finish_stage();
    if (stage() < stages()) {
      begin_stage();
    } else {
      evaluated_ = driver_;
      evaluated_episodes_ = parts_->options.evaluate.episodes;
    }
    return steps;
  }

  double progress() const override {
    if (done() || !parts_->away.empty()) return 1;
    const auto within = population_ ? population_->progress() : 0.0;
    return std::min(0.999, (static_cast<double>(stage()) + within) / static_cast<double>(stages()));
  }
  std::string detail() const override {
    if (done()) return parts_->system->facts["score"];
    if (!parts_->away.empty()) return "left out, as the real world cannot be entered here: " + parts_->away;
    if (stage() > 0) return "driving in its dreams";
    return on_tracks(*parts_) ? "driving unseen tracks" : "driving unseen episodes";
  }
  std::vector<Frame> frames() override {
    return lane_frames(lanes_.get(), on_tracks(*parts_) ? "the controller on an unseen track" : "the controller in an unseen episode");
  }

  void save(Checkpoint& into) const override {
    into.tensors["evaluate.controller"] = torch::tensor(evaluated_, torch::kFloat64);
    into.tensors["evaluate.episodes"] = torch::tensor({evaluated_episodes_}, torch::kInt64);
    const bool under_way = population_ && !population_->finished();
    into.tensors["evaluate.driver"] = torch::tensor(under_way ? driver_ : resumed_driver_, torch::kFloat64);
    if (dreams() > 0) {
      std::vector<double> flat;
      for (const auto& score : scores_) flat.push_back(score.mean), flat.push_back(score.deviation);
      into.tensors["evaluate.scores"] = torch::tensor(flat, torch::kFloat64);
    }
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
    scores_.clear();
    if (dreams() > 0 && from.tensors.contains("evaluate.scores")) {
      const auto flat = doubles(from, "evaluate.scores");
      const auto known = static_cast<std::size_t>(controllers() + dreams());
      if (flat.size() % 2 != 0 || flat.size() / 2 > known || (!flat.empty() && flat.size() / 2 < static_cast<std::size_t>(controllers())))
        throw Error(from.origin + ": 'evaluate.scores' holds " + std::to_string(flat.size()) + " values, which are no scores of this run's controllers");
      for (std::size_t i = 0; i < flat.size(); i += 2) scores_.push_back({flat[i], flat[i + 1]});
    }
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
  /// A controller that has been trained further, or is to drive other many episodes, is evaluated anew.
  bool done() const { return evaluated_ == drivers() && evaluated_episodes_ == parts_->options.evaluate.episodes; }

  /// All weights that are evaluated, and whose score is the run's.
  std::vector<double> drivers() const {
    const auto flat = floats(parts_->controller->all());
    std::vector<double> all(flat.begin(), flat.end());
    if (controllers() > 1) all.push_back(static_cast<double>(parts_->controller->usual()));
    return all;
  }
  std::int64_t controllers() const { return parts_->controller->all().size(0); }
  std::int64_t dreams() const { return parts_->options.c.world == SearchWorld::dream ? controllers() : 0; }
  std::int64_t stages() const { return 1 + dreams(); }
  std::int64_t stage() const { return scores_.empty() ? 0 : static_cast<std::int64_t>(scores_.size()) - controllers() + 1; }
  double temperature_of_dream(std::int64_t dream) const {
    const auto& all = parts_->controller->temperatures();
    return all.empty() ? parts_->options.c.tau : all[static_cast<std::size_t>(dream)];
  }

  void begin_stage() {
    const auto episodes = parts_->options.evaluate.episodes;
    const bool real = stage() == 0;
    const auto together = real ? episodes * controllers() : episodes;
    auto rng = parts_->rng("evaluate");
    const auto seed = real ? rng.next64() : rng.fork(static_cast<std::uint64_t>(stage())).next64();
    const auto most = real ? std::min(parts_->options.c.lanes, parts_->options.evaluate.lanes) : parts_->options.c.lanes;
    lanes_ = lanes_of(*parts_, real ? SearchWorld::real : SearchWorld::dream, std::min(together, most), seed);
    if (auto* dreamt = dynamic_cast<DreamLanes*>(lanes_.get())) dreamt->bend(temperature_of(*parts_, temperature_of_dream(stage() - 1)));
    Population::Options options;
    options.max_steps = parts_->options.c.max_steps;
    const auto rows = parts_->controller->all();
    const auto act = [this, rows, first = std::max<std::int64_t>(0, stage() - 1)](const Seen& seen, const torch::Tensor& candidate) {
      const auto features = seen.features();
      if (rows.size(0) == 1) return parts_->controller->act(features);
      return parts_->controller->act_as(rows, (candidate + first).to(features.device()), features);
    };
    population_ = std::make_unique<Population>(act, *lanes_, options);
    std::vector<std::uint64_t> seeds;
    for (std::int64_t i = 0; i < episodes; ++i) seeds.push_back(first_evaluation_seed + static_cast<std::uint64_t>(i));
    population_->begin(real ? controllers() : 1, seeds);
  }

  void finish_stage() {
    const auto& results = population_->results();
    const auto episodes = parts_->options.evaluate.episodes;
    const auto of = [&](std::int64_t candidate) {
      const auto first = results.begin() + candidate * episodes;
      return std::vector<Population::Result>(first, first + episodes);
    };
    auto& system = *parts_->system;
    if (stage() == 0) {
      publish_score(system, of(static_cast<std::int64_t>(controllers() > 1 ? parts_->controller->usual() : 0)), on_tracks(*parts_) ? "tracks" : "episodes");
      for (std::int64_t candidate = 0; candidate < controllers(); ++candidate) scores_.push_back(score_of(of(candidate)));
    } else {
      scores_.push_back(score_of(results));
    }
    if (stage() < stages() || dreams() == 0) return;
    // The dream against reality, temperature by temperature: where the dream pays more, its C cheats.
    system.metrics.clear("temperatures/");
    std::ostringstream text;
    for (std::int64_t i = 0; i < dreams(); ++i) {
      const auto &real = scores_[static_cast<std::size_t>(i)], &dreamt = scores_[static_cast<std::size_t>(controllers() + i)];
      const auto tau = temperature_of_dream(i);
      if (controllers() > 1) {
        const auto hundredths = std::llround(100 * tau);  // curves count whole steps
        system.metrics.add("temperatures/real", hundredths, real.mean);
        system.metrics.add("temperatures/dream", hundredths, dreamt.mean);
      }
      text << (i > 0 ? "; " : "") << "found at \xcf\x84 = " << std::setprecision(3) << tau << ": dream " << std::llround(dreamt.mean) << " \xc2\xb1 "
           << std::llround(dreamt.deviation) << ", reality " << std::llround(real.mean) << " \xc2\xb1 " << std::llround(real.deviation);
    }
    system.facts["temperatures"] = text.str();
  }

  std::shared_ptr<VmcParts> parts_;
  std::unique_ptr<Lanes> lanes_;
  std::unique_ptr<Population> population_;
  std::vector<Score> scores_;      // in reality, one for each controller; then in the dreams that have been dreamed
  std::vector<double> evaluated_;  // the controllers whose scores are known
  std::int64_t evaluated_episodes_ = 0;
  std::vector<double> driver_;  // those that drive now
  Checkpoint resumed_;          // an evaluation that was under way, and its drivers, until begin() takes it up
  std::vector<double> resumed_driver_;
};

}  // namespace

std::shared_ptr<Phase> evaluate_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<Evaluation>(std::move(parts));
}

}  // namespace dream
