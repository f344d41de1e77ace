#include "core/engine/collector.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>

#include "api/error.h"
#include "core/behaviours/pilot.h"
#include "core/behaviours/random_policy.h"
#include "core/engine/seeds.h"
#include "core/probe/from_tensor.h"

namespace dream {

class Collector::Driver {
 public:
  virtual ~Driver() = default;
  virtual void start(std::int64_t lane, Rng rng) = 0;
  virtual torch::Tensor act(const EnvLanes& lanes) = 0;  // float [L, A] on the CPU
};

class Collector::RandomDriver : public Driver {
 public:
  RandomDriver(const ActionSpace& space, std::int64_t lanes, std::int64_t hold, bool held)
      : space_(space), hold_(static_cast<int>(hold)), held_(held), policies_(static_cast<std::size_t>(lanes), RandomPolicy(space, Rng())) {}

  void start(std::int64_t lane, Rng rng) override {
    policies_[static_cast<std::size_t>(lane)] = RandomPolicy(space_, rng, hold_, held_);
  }

  torch::Tensor act(const EnvLanes&) override {
    auto actions =
        torch::empty({static_cast<std::int64_t>(policies_.size()), static_cast<std::int64_t>(space_.size())});
    auto* to = actions.data_ptr<float>();
    for (auto& policy : policies_) {
      const auto& action = policy.next();
      to = std::copy(action.begin(), action.end(), to);
    }
    return actions;
  }

 private:
  ActionSpace space_;
  int hold_;
  bool held_;
  std::vector<RandomPolicy> policies_;
};

class Collector::UntrainedDriver : public Driver {
 public:
  explicit UntrainedDriver(RandomWeights weights) : weights_(std::move(weights)) {}
  void start(std::int64_t lane, Rng rng) override { weights_.start(lane, rng); }
  torch::Tensor act(const EnvLanes& lanes) override { return weights_.act(lanes.images()); }

 private:
  RandomWeights weights_;
};

/// Shakes and weakens actions, lane by lane (see Collector::Options).
class Collector::Shaker {
 public:
  Shaker(const ActionSpace& space, std::int64_t lanes, double noise, double weaken)
      : space_(space),
        noise_(space.discrete() ? 0 : noise),
        weaken_(weaken),
        lanes_(static_cast<std::size_t>(lanes)) {}

  void start(std::int64_t lane, Rng rng) {
    auto& shake = lanes_[static_cast<std::size_t>(lane)];
    shake = {rng, noise_ * rng.random(), std::vector<double>(space_.size()), 0, {}};
    if (weaken_ > 0) {
      auto chance = rng.fork("weaken");
      shake.share = weaken_ * chance.random();
      shake.wander.emplace(space_, chance);
    }
  }

  void apply(torch::Tensor& actions) {  // float [L, A] on the CPU
    auto* value = actions.data_ptr<float>();
    for (auto& shake : lanes_) {
      if (!shake.value.empty()) shake_one({value, space_.size()}, shake);  // else no episode was left for it
      value += space_.size();
    }
  }

 private:
  struct Lane {
    Rng rng;
    double scale = 0;
    std::vector<double> value;
    double share = 0;  // of the random motion
    std::optional<RandomPolicy> wander;
  };
  void shake_one(std::span<float> action, Lane& lane) {
    if (lane.wander) {
      const auto share = static_cast<float>(std::min(1.0, lane.share));
      const auto random = lane.wander->next();
      if (space_.discrete()) {  // choices cannot be mixed: its share of them is random
        if (lane.rng.random() < lane.share) action[0] = random[0];
        return;
      }
      for (std::size_t axis = 0; axis < action.size(); ++axis)
        action[axis] = (1 - share) * action[axis] + share * random[axis];
    }
    if (noise_ <= 0) return;
    for (std::size_t axis = 0; axis < action.size(); ++axis) {
      // An AR(1) stream of unit variance that forgets over some ten steps.
      auto& n = lane.value[axis];
      n = 0.9 * n + std::sqrt(1 - 0.81) * lane.rng.normal();
      const double half = (space_.high[axis] - space_.low[axis]) / 2.0;
      action[axis] =
          std::clamp(action[axis] + static_cast<float>(lane.scale * half * n), space_.low[axis], space_.high[axis]);
    }
  }
  ActionSpace space_;
  double noise_, weaken_;
  std::vector<Lane> lanes_;
};

class Collector::TrainedDriver : public Driver {
 public:
  TrainedDriver(std::shared_ptr<System> system, Shaker shaker, const ActionSpace& space, std::int64_t lanes, Rng rng)
      : system_(std::move(system)),
        shaker_(std::move(shaker)),
        rng_(make_generator(system_->device, rng.next64())),
        pilot_(system_->behaviour, lanes, Mode::judge),
        action_(torch::zeros({lanes, static_cast<std::int64_t>(space.size())})) {
    if (system_->model) carry_ = system_->model->initial(lanes);
  }

  void start(std::int64_t lane, Rng rng) override {
    if (system_->model) carry_ = begun_anew(lane, system_->model->initial(action_.size(0)), carry_);
    pilot_.start(lane);
    shaker_.start(lane, rng);
  }

  torch::Tensor act(const EnvLanes& lanes) override {
    torch::NoGradGuard no_grad;
    const auto observation = lanes.observation(system_->device);
    if (system_->model) carry_ = system_->model->observe(carry_, action_.to(system_->device), observation, rng_);
    const Seen seen{system_->model.get(), carry_, observation};
    action_ = pilot_.drive(seen, rng_).to(torch::kCPU, torch::kFloat32).clone();
    shaker_.apply(action_);
    return action_;
  }

 private:
  std::shared_ptr<System> system_;
  Shaker shaker_;
  at::Generator rng_;
  Pilot pilot_;
  Carry carry_;
  torch::Tensor action_;
};

class Collector::ExpertDriver : public Driver {
 public:
  explicit ExpertDriver(Shaker shaker) : shaker_(std::move(shaker)) {}
  void start(std::int64_t lane, Rng rng) override { shaker_.start(lane, rng); }
  torch::Tensor act(const EnvLanes& lanes) override {
    auto actions = lanes.experts();
    if (!actions.defined()) throw Error("this environment has no expert that could drive");
    shaker_.apply(actions);
    return actions;
  }

 private:
  Shaker shaker_;
};

Collector::Collector(Options options, const std::string& environment, std::function<std::unique_ptr<Env>()> make_env,
                     std::shared_ptr<System> driver, const std::string& policy_name)
    : options_(std::move(options)), envs_(make_env, options_.lanes) {
  if (driver && !driver->behaviour) throw Error(policy_name + ": a " + driver->recipe + " has no behaviour that could drive; people drive it");
  envs_.outlive_faults();
  const auto& space = envs_.spaces().action;
  const Shaker shaker(space, options_.lanes, options_.noise, options_.weaken);
  if (driver) {
    driver_ = std::make_unique<TrainedDriver>(driver, shaker, space, options_.lanes, options_.rng.fork("driver"));
  } else if (options_.expert) {
    driver_ = std::make_unique<ExpertDriver>(shaker);
  } else if (options_.untrained) {
    driver_ = std::make_unique<UntrainedDriver>(
        RandomWeights(options_.untrained, options_.lanes, static_cast<std::int64_t>(space.size())));
  } else {
    driver_ = std::make_unique<RandomDriver>(space, options_.lanes, options_.hold, options_.held);
  }
  writer_ = std::make_unique<DatasetWriter>(options_.directory, DatasetInfo{environment, policy_name, envs_.spaces()});
  next_ = written_ = static_cast<std::int64_t>(writer_->episodes());
  for (std::int64_t lane = 0; lane < options_.lanes; ++lane) {
    lanes_.push_back({Recorder(envs_.spaces()), -1});
    assign(lane);
  }
}

Collector::~Collector() = default;

void Collector::assign(std::int64_t lane) {
  auto& state = lanes_[static_cast<std::size_t>(lane)];
  if (next_ >= options_.episodes) {
    state.index = -1;
    return;
  }
  state.index = next_++;
  begin(lane);
}

void Collector::begin(std::int64_t lane) {
  auto& state = lanes_[static_cast<std::size_t>(lane)];
  auto rng = options_.rng.fork(static_cast<std::uint64_t>(state.index));
  const auto seed = rng.integers(first_evaluation_seed);
  envs_.start(lane, seed);
  driver_->start(lane, rng);
  state.recorder.begin(seed, envs_.observation_of(lane));
}

double Collector::step() {
  constexpr int repeats = 20;  // one step of a few lanes is too little work to report
  double steps = 0;
  for (int repeat = 0; repeat < repeats && written_ < options_.episodes; ++repeat) {
    const auto actions = driver_->act(envs_);
    std::vector<char> active;
    for (const auto& lane : lanes_) active.push_back(lane.index >= 0);
    const auto results = envs_.step(actions, active);
    for (std::int64_t lane = 0; lane < options_.lanes; ++lane) {
      const auto index = static_cast<std::size_t>(lane);
      if (!active[index]) continue;
      auto& state = lanes_[index];
      const bool broken = envs_.broken(lane);  // such a step is none, and the episode ends with the one before
      if (broken && state.recorder.steps() == 0) {
        begin(lane);
        continue;
      }
      if (!broken) ++steps, state.recorder.add(actions[lane], results[index], envs_.observation_of(lane));
      if (!results[index].done() && state.recorder.steps() < options_.max_steps) continue;
      waiting_.push_back({state.index, state.recorder.take()});
      assign(lane);
    }
    flush();
  }
  return steps;
}

void Collector::flush() {
  for (;;) {
    const auto due =
        std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.index == written_; });
    if (due == waiting_.end()) return;
    rewards_.push_back(std::accumulate(due->episode.rewards.begin(), due->episode.rewards.end(), 0.0));
    writer_->append(due->episode);
    ++written_;
    waiting_.erase(due);
  }
}

Image Collector::picture() const {
  return image_from(envs_.images()[0]);
}

}  // namespace dream
