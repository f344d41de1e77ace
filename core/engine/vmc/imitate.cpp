#include <algorithm>

#include "api/error.h"
#include "core/behaviours/linear_controller.h"
#include "core/behaviours/pilot.h"
#include "core/engine/counters.h"
#include "core/engine/lanes.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "core/nn/optimiser.h"

namespace dream {
namespace {

constexpr std::int64_t most_lanes = 64;  // episodes that are watched
constexpr int moments_at_once = 10, fits_at_once = 10, fits = 300;

/// A first controller for the search: what comes nearest to another run's driver. Both models watch collected episodes,
/// whoever drove there; the driver says at every moment what it would do, and the controller is fitted to that, by
/// least squares before the squashing, then by Adam after it. The search alone says how well it drives.
class Imitation : public Phase {
 public:
  explicit Imitation(std::shared_ptr<VmcParts> parts)
      : Phase("imitate", "C begins as another driver", "frames/s"), parts_(std::move(parts)) {}

  double step() override {
    if (parts_->load_more()) return 0;
    if (!driver_) open();
    if (time_ < length_) return watch();
    fit();
    return 0;
  }

  double progress() const override {
    if (done_) return 1;
    return length_ == 0 ? 0 : 0.8 * static_cast<double>(time_) / static_cast<double>(length_) + 0.19 * fitted_ / fits;
  }

  std::string detail() const override {
    if (done_) return "imitates " + parts_->options.collect.driver;
    if (!driver_) return parts_->loading();
    return time_ < length_ ? "watching " + parts_->options.collect.driver : "fitting";
  }

  /// An imitation that was under way begins anew: it is short, and comes to the same.
  void save(Checkpoint& into) const override {
    into.tensors["imitate.done"] = torch::tensor({done_ ? 1 : 0}, torch::kInt64);
  }
  void load(const Checkpoint& from) override {
    end();
    done_ = counters_of(from, "imitate.done", {"imitations"})[0] > 0;
  }

  void end() override {
    pilot_.reset();
    driver_.reset();
    features_.clear();
    actions_.clear();
    adam_.reset();
    length_ = time_ = 0;
    fitted_ = 0;
    parts_->unload();
  }

 private:
  void open() {
    const auto& run = parts_->options.collect.driver;
    driver_ = load_system(Checkpoint::load(checkpoint_path(run)), parts_->system->device.str());
    if (driver_->environment != parts_->system->environment) {
      throw Error("collect.driver = " + run + " drives " + driver_->environment + ", not " +
                  parts_->system->environment);
    }
    const auto& replay = parts_->replay;
    const auto episodes = static_cast<std::int64_t>(replay.episodes()), lanes = std::min(most_lanes, episodes);
    std::vector<std::int64_t> offsets;
    for (std::int64_t i = 0, offset = 0; i < episodes; ++i) {
      offsets.push_back(offset);
      offset += static_cast<std::int64_t>(replay.episode(static_cast<std::size_t>(i)).length()) + 1;
    }
    watched_.clear();
    offsets_.clear();
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const auto episode = static_cast<std::size_t>(lane * episodes / lanes);
      watched_.push_back(episode);
      offsets_.push_back(offsets[episode]);
      length_ = std::max(length_, static_cast<std::int64_t>(replay.episode(episode).length()));
    }
    rng_ = make_generator(parts_->system->device, parts_->rng("imitate").next64());
    mine_ = parts_->model->initial(lanes);
    theirs_ = driver_->model->initial(lanes);
    pilot_ = std::make_unique<Pilot>(driver_->behaviour, lanes, Mode::judge);
  }

  /// Some moments of all lanes, seen by both models.
  double watch() {
    torch::NoGradGuard no_grad;
    const auto lanes = static_cast<std::int64_t>(watched_.size());
    const auto axes = parts_->model->m()->options().action_size;
    double seen = 0;
    for (int moment = 0; moment < moments_at_once && time_ < length_; ++moment, ++time_) {
      std::vector<std::int64_t> frames, going;
      auto before = torch::zeros({lanes, axes});
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        const auto index = static_cast<std::size_t>(lane);
        const auto& episode = parts_->replay.episode(watched_[index]);
        const auto length = static_cast<std::int64_t>(episode.length());
        frames.push_back(offsets_[index] + std::min(time_, length));
        if (time_ < length) going.push_back(lane);
        if (time_ == 0 || time_ > length) continue;
        std::copy_n(episode.actions.begin() + (time_ - 1) * axes, axes, before.data_ptr<float>() + lane * axes);
      }
      const auto device = parts_->system->device;
      Observation seen_now;
      seen_now.image = parts_->frames.gather(parts_->replay, torch::tensor(frames, torch::kInt64));
      before = before.to(device);
      mine_ = parts_->model->observe(mine_, before, seen_now, rng_);
      theirs_ = driver_->model->observe(theirs_, before, seen_now, rng_);
      const auto rows = torch::tensor(going, torch::kInt64).to(device);
      features_.push_back(parts_->model->features(mine_).index_select(0, rows));
      actions_.push_back(pilot_->drive({driver_->model.get(), theirs_, seen_now}, rng_).index_select(0, rows));
      seen += static_cast<double>(going.size());
    }
    return seen;
  }

  void fit() {
    auto& controller = *parts_->controller;
    if (!adam_) {
      features_ = {torch::cat(features_)};
      actions_ = {torch::cat(actions_)};
      parameters_ = controller.nearest_parameters(features_[0], actions_[0]).requires_grad_();
      adam_ = std::make_unique<Optimiser>(std::vector<torch::Tensor>{parameters_},
                                          OptimiserOptions{.kind = OptimiserKind::adam,
                                                           .learning_rate = 1e-2,
                                                           .eps = 1e-8,
                                                           .adaptive_clip = 0,
                                                           .warm_up = 0,
                                                           .measure = false});
    }
    for (int i = 0; i < fits_at_once && fitted_ < fits; ++i, ++fitted_) {
      const auto error = (controller.act_with(parameters_, features_[0]) - actions_[0]).square().mean();
      parts_->system->metrics.add("c/imitation", fitted_ + 1, error.item<double>());
      error.backward();
      adam_->step();
    }
    if (fitted_ < fits) return;
    const auto flat = parameters_.detach().to(torch::kCPU, torch::kFloat64).contiguous();
    controller.set_flat({flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()});
    done_ = true;
  }

  std::shared_ptr<VmcParts> parts_;
  std::unique_ptr<System> driver_;
  std::unique_ptr<Pilot> pilot_;
  std::vector<std::size_t> watched_;   // episodes of the replay, one per lane
  std::vector<std::int64_t> offsets_;  // the first frame of each among all
  std::int64_t length_ = 0, time_ = 0;
  at::Generator rng_;
  Carry mine_, theirs_;
  std::vector<torch::Tensor> features_, actions_;  // [rows, F], [rows, A]
  torch::Tensor parameters_;
  std::unique_ptr<Optimiser> adam_;
  int fitted_ = 0;
  bool done_ = false;
};

}  // namespace

std::shared_ptr<Phase> imitate_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<Imitation>(std::move(parts));
}

}  // namespace dream
