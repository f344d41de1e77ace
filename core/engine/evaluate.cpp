#include "core/engine/evaluate.h"

#include "api/error.h"
#include "core/behaviours/pilot.h"
#include "core/engine/population.h"
#include "core/engine/run_file.h"
#include "core/engine/seeds.h"
#include "core/engine/system.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

class UnseenEpisodes : public Phase {
 public:
  UnseenEpisodes(System& system, Evaluated of)
      : Phase("evaluate", "Evaluate: unseen episodes", "steps/s"), system_(system), of_(std::move(of)) {}

  void begin() override {
    if (of_.updates() == 0) {
      throw Error("there is nothing to evaluate: this run has made no update yet; train its phase 'learn' first");
    }
    const auto episodes = of_.episodes();
    // At most 32 side by side, and as many in the last round as in the first: the networks run on all lanes to the end.
    const auto rounds = (episodes + 31) / 32;
    lanes_ = std::make_unique<RealLanes>(system_.model, system_.device, system_.make_env,
                                         (episodes + rounds - 1) / rounds, 1);
    generator_ = make_generator(system_.device, 2);
    pilot_ = std::make_unique<Pilot>(system_.behaviour, lanes_->count(), Mode::judge);
    const auto act = [this](const Seen& seen, const torch::Tensor&) { return pilot_->drive(seen, generator_); };
    Population::Options play;
    play.max_steps = 0;
    play.begins = [this](std::int64_t lane) { pilot_->start(lane); };
    population_ = std::make_unique<Population>(act, *lanes_, play);
    std::vector<std::uint64_t> seeds;
    for (std::int64_t i = 0; i < episodes; ++i) seeds.push_back(first_evaluation_seed + static_cast<std::uint64_t>(i));
    population_->begin(1, seeds);
  }

  double step() override {
    double steps = 0;
    for (int repeat = 0; repeat < 4 && !population_->finished(); ++repeat)
      steps += static_cast<double>(population_->tick());
    if (!population_->finished()) return steps;
    publish_score(system_, population_->results(), "episodes");
    evaluated_ = of_.updates();
    return steps;
  }

  double progress() const override { return done() ? 1 : population_ ? std::min(0.999, population_->progress()) : 0; }
  std::string detail() const override {
    if (!done()) return "unseen episodes";
    const auto cost = system_.facts.find(cost_fact);
    return system_.facts[score_fact] + (cost == system_.facts.end() ? "" : "; cost " + cost->second);
  }
  std::vector<Frame> frames() override {
    if (!lanes_ || !lanes_->envs().images().defined()) return {};
    return {{"real", "the policy on an unseen episode", -1,
             std::make_shared<const Image>(image_from(lanes_->envs().images()[0]))}};
  }
  void save(Checkpoint& into) const override {
    into.tensors["evaluate.updates"] = torch::tensor({evaluated_}, torch::kInt64);
  }
  void load(const Checkpoint& from) override {
    const auto updates = from.exact("evaluate.updates", {1});
    if (updates.scalar_type() != torch::kInt64 || updates.item<std::int64_t>() < -1) {
      throw Error(from.origin + ": 'evaluate.updates' must be a count of updates, or -1 where nothing was evaluated");
    }
    evaluated_ = updates.item<std::int64_t>();
  }
  void end() override {
    population_.reset();
    pilot_.reset();
    lanes_.reset();
  }

 private:
  bool done() const { return evaluated_ > 0 && evaluated_ == of_.updates(); }
  System& system_;
  Evaluated of_;
  std::unique_ptr<RealLanes> lanes_;
  std::unique_ptr<Pilot> pilot_;
  std::unique_ptr<Population> population_;
  at::Generator generator_;
  std::int64_t evaluated_ = -1;  // the number of updates whose score is known
};

}  // namespace

std::shared_ptr<Phase> evaluate_phase(System& system, Evaluated of) {
  return std::make_shared<UnseenEpisodes>(system, std::move(of));
}

}  // namespace dream
