#include <algorithm>
#include <numeric>

#include "api/error.h"
#include "core/data/dataset.h"
#include "core/engine/collector.h"
#include "core/engine/counters.h"
#include "core/engine/run_file.h"
#include "core/engine/vmc/vmc_recipe.h"

namespace dream {
namespace {

/// Episodes of one driver after the other into the run's datasets. The datasets themselves are the checkpoint: a
/// resumed collection goes on where the files end.
class Collection : public Phase {
 public:
  explicit Collection(std::shared_ptr<VmcParts> parts)
      : Phase("collect", "Collect: a random driver", "steps/s"), parts_(std::move(parts)) {}

  void begin() override {
    parts_->unload();  // what was read before is no longer all
    written_ = 0;
    for (const auto& share : parts_->collected()) written_ += catch_up(share);
    open();
  }

  double step() override {
    if (!collector_) return 0;  // a run that was killed had written all before its checkpoint knew
    const double steps = collector_->step();
    for (const double reward : collector_->new_rewards()) add(++written_, reward);
    if (collector_->written() == episodes_ && progress() < 1) open();
    return steps;
  }

  double progress() const override {
    return std::min(1.0, static_cast<double>(written_) / static_cast<double>(parts_->options.collect.episodes));
  }

  std::string detail() const override {
    return "episode " + std::to_string(written_) + " of " + std::to_string(parts_->options.collect.episodes) +
           (driver_.empty() ? "" : ", " + driver_);
  }

  std::vector<Frame> frames() override {
    if (!collector_) return {};
    return {{"real", driver_ + ", lane 1", -1, std::make_shared<const Image>(collector_->picture())}};
  }

  void save(Checkpoint& into) const override {
    into.tensors["collect.counters"] = torch::tensor({written_, shown_}, torch::kInt64);
  }
  void load(const Checkpoint& from) override {
    const auto counters = counters_of(from, "collect.counters", {"written episodes", "episodes in the curve"});
    written_ = counters[0];
    shown_ = counters[1];
  }
  void end() override { collector_.reset(); }

 private:
  void add(std::int64_t episode, double reward) {
    parts_->system->metrics.add("collect/reward", episode, reward);
    shown_ = episode;
  }

  /// How many episodes of a share are there. Those that a killed run has written after its last checkpoint are missing
  /// in the curve: their points are made good.
  std::int64_t catch_up(const VmcParts::Collected& share) {
    if (!std::filesystem::exists(share.folder)) return 0;
    const Dataset dataset(share.folder);
    const auto there = std::min(static_cast<std::int64_t>(dataset.episodes()), share.episodes);
    for (auto i = std::max<std::int64_t>(0, shown_ - written_); i < there; ++i) {
      const auto rewards = dataset.read(static_cast<std::size_t>(i)).rewards;
      add(written_ + i + 1, std::accumulate(rewards.begin(), rewards.end(), 0.0));
    }
    return there;
  }

  /// Takes up the first share that is not complete.
  void open() {
    collector_.reset();
    for (const auto& share : parts_->collected()) {
      Collector::Options collect{share.folder,
                                 share.episodes,
                                 parts_->options.collect.max_steps,
                                 std::min(parts_->options.collect.lanes, std::max<std::int64_t>(1, share.episodes)),
                                 parts_->rng(share.random_stream),
                                 share.noise,
                                 share.weaken};
      collect.held = share.held;
      std::shared_ptr<System> driver;
      if (share.driver) {
        const auto& run = parts_->options.collect.driver;
        driver = load_system(load_run(checkpoint_path(run)), parts_->system->device.str());
        if (driver->environment != parts_->system->environment) {
          throw Error("collect.driver = " + run + " drives " + driver->environment + ", not " +
                      parts_->system->environment);
        }
      } else if (share.untrained) {
        collect.untrained = parts_->untrained;
      }
      auto collector =
          std::make_unique<Collector>(std::move(collect), parts_->system->environment, parts_->system->make_env,
                                      std::move(driver), share.folder.filename().string());
      if (collector->written() >= share.episodes) continue;
      collector_ = std::move(collector);
      episodes_ = share.episodes;
      driver_ = share.title;
      return;
    }
  }

  std::shared_ptr<VmcParts> parts_;
  std::unique_ptr<Collector> collector_;
  std::string driver_;
  std::int64_t episodes_ = 0;             // of the share under way
  std::int64_t written_ = 0, shown_ = 0;  // of all shares: in the datasets, and in the curve
};

}  // namespace

std::shared_ptr<Phase> collect_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<Collection>(std::move(parts));
}

}  // namespace dream
