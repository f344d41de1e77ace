#include <algorithm>

#include "core/engine/collector.h"
#include "core/engine/vmc/vmc_recipe.h"

namespace dream {
namespace {

/// Episodes of a random driver into the run's dataset. The dataset itself is the checkpoint: a resumed collection goes
/// on where the files end.
class Collection : public Phase {
 public:
  explicit Collection(std::shared_ptr<VmcParts> parts)
      : Phase("collect", "Collect: a random driver", "steps/s"), parts_(std::move(parts)) {}

  void begin() override {
    const auto& options = parts_->options.collect;
    Collector::Options collect{parts_->own_data(), options.episodes,       options.max_steps,
                               options.lanes,      parts_->rng("collect"), 0};
    if (options.policy == "random-weights") collect.untrained = parts_->untrained;
    collector_ = std::make_unique<Collector>(std::move(collect), parts_->system->environment, parts_->system->make_env,
                                             nullptr, parts_->own_data().filename().string());
    written_ = collector_->written();
  }

  double step() override {
    const double steps = collector_->step();
    if (collector_->written() == written_) return steps;
    written_ = collector_->written();
    parts_->system->metrics.add("collect/reward", written_, collector_->last_reward());
    return steps;
  }

  double progress() const override {
    return std::min(1.0, static_cast<double>(written_) / static_cast<double>(parts_->options.collect.episodes));
  }

  std::string detail() const override {
    return "episode " + std::to_string(written_) + " of " + std::to_string(parts_->options.collect.episodes);
  }

  std::vector<Frame> frames() override {
    if (!collector_) return {};
    return {{"real", "a random driver, lane 1", -1, std::make_shared<const Image>(collector_->picture())}};
  }

  void save(Checkpoint& into) const override { into.tensors["collect.counters"] = torch::tensor({written_}, torch::kInt64); }
  void load(const Checkpoint& from) override {
    written_ = from.get("collect.counters", {1}).to(torch::kInt64).item<std::int64_t>();
  }
  void end() override { collector_.reset(); }

 private:
  std::shared_ptr<VmcParts> parts_;
  std::unique_ptr<Collector> collector_;
  std::int64_t written_ = 0;
};

}  // namespace

std::shared_ptr<Phase> collect_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<Collection>(std::move(parts));
}

}  // namespace dream
