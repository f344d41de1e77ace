#include "core/engine/walks.h"

#include <algorithm>

#include "core/engine/collector.h"
#include "core/engine/counters.h"

namespace dream {
namespace {

class Walks : public Phase {
 public:
  Walks(System& system, const WalkOptions& options, std::filesystem::path folder, Rng rng, std::function<void()> before)
      : Phase("collect", options.expert ? "Collect: the world's own expert" : "Collect: random actions", "steps/s"),
        system_(system),
        options_(options),
        folder_(std::move(folder)),
        rng_(rng),
        before_(std::move(before)) {}

  void begin() override {
    if (before_) before_();
    Collector::Options collect{folder_, options_.episodes, options_.max_steps,
                               std::min(options_.lanes, options_.episodes), rng_};
    collect.hold = options_.hold, collect.expert = options_.expert, collect.noise = options_.noise;
    collector_ = std::make_unique<Collector>(std::move(collect), system_.environment, system_.make_env, nullptr,
                                             options_.expert ? "expert" : "random");
    written_ = collector_->written();
  }
  double step() override {
    const double steps = collector_->written() < options_.episodes ? collector_->step() : 0;
    written_ = collector_->written();
    return steps;
  }
  double progress() const override {
    return std::min(1.0, static_cast<double>(written_) / static_cast<double>(options_.episodes));
  }
  std::string detail() const override {
    return "episode " + std::to_string(written_) + " of " + std::to_string(options_.episodes);
  }
  std::vector<Frame> frames() override {
    if (!collector_) return {};
    return {{"real", options_.expert ? "the expert, lane 1" : "random actions, lane 1", -1, std::make_shared<const Image>(collector_->picture())}};
  }
  void save(Checkpoint& into) const override {
    into.tensors["collect.counters"] = torch::tensor({written_}, torch::kInt64);
  }
  void load(const Checkpoint& from) override {
    written_ = counters_of(from, "collect.counters", {"written episodes"})[0];
  }
  void end() override { collector_.reset(); }

 private:
  System& system_;
  const WalkOptions& options_;
  std::filesystem::path folder_;
  Rng rng_;
  std::function<void()> before_;
  std::unique_ptr<Collector> collector_;
  std::int64_t written_ = 0;
};

}  // namespace

void WalkOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "episodes", episodes,
             {.help = "Episodes of random actions, where no dataset is given", .low = 2, .high = 1e6});
  config.add(prefix + "max_steps", max_steps, {.help = "Longest of them", .unit = "steps", .low = 2, .high = 1e6});
  config.add(prefix + "hold", hold,
             {.help = "Steps that a random choice is held, at most", .unit = "steps", .low = 1, .high = 1000});
  config.add(prefix + "lanes", lanes, {.help = "Environments side by side", .low = 1, .high = 4096});
}

std::shared_ptr<Phase> walk_phase(System& system, const WalkOptions& options, std::filesystem::path folder, Rng rng,
                                  std::function<void()> before) {
  return std::make_shared<Walks>(system, options, std::move(folder), rng, std::move(before));
}

}  // namespace dream
