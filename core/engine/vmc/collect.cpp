#include <algorithm>

#include "core/behaviours/random_policy.h"
#include "core/data/dataset.h"
#include "core/engine/lanes.h"
#include "core/engine/recorder.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

/// Random-policy episodes into the run's dataset. The dataset itself is the checkpoint: episode i always comes from the
/// i-th seed, so a resumed collection goes on where the files end.
class Collection {
 public:
  explicit Collection(std::shared_ptr<VmcParts> parts) : parts_(std::move(parts)) {}

  void begin() {
    const auto& options = parts_->options.collect;
    const auto& make_env = parts_->system->make_env;
    envs_ = std::make_unique<EnvLanes>(make_env, options.lanes);
    DatasetInfo info;
    info.environment = parts_->system->environment;
    info.policy = "random";
    info.spaces = envs_->spaces();
    writer_ = std::make_unique<DatasetWriter>(parts_->own_data(), info);
    written_ = static_cast<std::int64_t>(writer_->episodes());
    next_ = written_;
    lanes_.clear();
    for (std::int64_t lane = 0; lane < options.lanes; ++lane) {
      lanes_.push_back({Recorder(envs_->spaces()), RandomPolicy(envs_->spaces().action, Rng()), -1});
      assign(lane);
    }
  }

  double step() {
    const auto count = static_cast<std::int64_t>(lanes_.size());
    auto actions = torch::zeros({count, static_cast<std::int64_t>(envs_->spaces().action.size())});
    std::vector<char> active(lanes_.size());
    double steps = 0;
    // Some tens of steps at a time: one step of a few lanes is too little work to report.
    for (int repeat = 0; repeat < 20; ++repeat) {
      for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
        active[lane] = lanes_[lane].index >= 0;
        if (!active[lane]) continue;
        const auto& action = lanes_[lane].policy.next();
        std::copy(action.begin(), action.end(), actions[static_cast<std::int64_t>(lane)].data_ptr<float>());
      }
      const auto results = envs_->step(actions, active);
      for (std::int64_t lane = 0; lane < count; ++lane) {
        auto& state = lanes_[static_cast<std::size_t>(lane)];
        if (state.index < 0) continue;
        ++steps;
        state.recorder.add(actions[lane], results[static_cast<std::size_t>(lane)], envs_->images()[lane]);
        if (results[static_cast<std::size_t>(lane)].done() || state.recorder.steps() >= parts_->options.collect.max_steps) {
          waiting_.push_back({state.index, state.recorder.take()});
          assign(lane);
        }
      }
      flush();
    }
    return steps;
  }

  double progress() const { return std::min(1.0, static_cast<double>(written_) / goal()); }

  std::string detail() const {
    return "episode " + std::to_string(written_) + " of " + std::to_string(parts_->options.collect.episodes);
  }

  std::vector<Frame> frames() const {
    if (!envs_) return {};
    return {{"real", "random driver, lane 1", -1, std::make_shared<const Image>(image_from(envs_->images()[0]))}};
  }

  void save(Checkpoint& into) const { into.tensors["collect.counters"] = torch::tensor({written_}, torch::kInt64); }
  void load(const Checkpoint& from) { written_ = from.get("collect.counters", {1}).to(torch::kInt64).item<std::int64_t>(); }

  void end() {
    envs_.reset();
    writer_.reset();
    lanes_.clear();
    waiting_.clear();
  }

 private:
  struct Lane {
    Recorder recorder;
    RandomPolicy policy;
    std::int64_t index;  // of the episode under way; -1 = idle
  };
  struct Waiting {
    std::int64_t index;
    Episode episode;
  };

  double goal() const { return static_cast<double>(parts_->options.collect.episodes); }

  void assign(std::int64_t lane) {
    auto& state = lanes_[static_cast<std::size_t>(lane)];
    if (next_ >= parts_->options.collect.episodes) {
      state.index = -1;
      return;
    }
    state.index = next_++;
    auto rng = parts_->rng("collect").fork(static_cast<std::uint64_t>(state.index));
    const auto seed = rng.integers(first_evaluation_seed);
    state.policy = RandomPolicy(envs_->spaces().action, rng);
    envs_->start(lane, seed);
    state.recorder.begin(seed, envs_->images()[lane]);
  }

  /// Episodes go to the disk in the order of their index, so that the dataset's length says all.
  void flush() {
    for (bool found = true; found;) {
      found = false;
      for (auto item = waiting_.begin(); item != waiting_.end(); ++item) {
        if (item->index != written_) continue;
        double reward = 0;
        for (const float r : item->episode.rewards) reward += r;
        writer_->append(item->episode);
        parts_->system->metrics.add("collect/reward", ++written_, reward);
        waiting_.erase(item);
        found = true;
        break;
      }
    }
  }

  std::shared_ptr<VmcParts> parts_;
  std::unique_ptr<EnvLanes> envs_;
  std::unique_ptr<DatasetWriter> writer_;
  std::vector<Lane> lanes_;
  std::vector<Waiting> waiting_;
  std::int64_t written_ = 0, next_ = 0;
};

}  // namespace

Phase collect_phase(std::shared_ptr<VmcParts> parts) {
  return phase_of("collect", "Collect: a random driver", "steps/s", std::make_shared<Collection>(std::move(parts)));
}

}  // namespace dream
