// The training looked back at: one moment, dreamt on with the weights that the run had on its way.
#include <algorithm>
#include <cmath>
#include <utility>

#include "api/error.h"
#include "core/dream/fan.h"
#include "core/engine/run_file.h"
#include "core/engine/weight_history.h"
#include "core/nn/generator.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::uint64_t seed_of_weights = 11;

/// At most `count` of them, spread evenly, the first and the last among them.
std::vector<PastWeights> spread_out(const std::vector<PastWeights>& all, std::size_t count) {
  if (all.size() <= count) return all;
  std::vector<PastWeights> some;
  for (std::size_t i = 0; i < count; ++i) some.push_back(all[i * (all.size() - 1) / (count - 1)]);
  return some;
}

class FanOverWeights : public Fan {
 public:
  FanOverWeights(const Stage& stage, std::deque<Moment> watched, const Carry& dream, const Carry& memory,
                 const torch::Tensor& last_reward, std::int64_t step, Hold hold)
      : here_(stage), knobs_(stage.knobs), hold_(std::move(hold)), step_(step) {
    start_.watched = std::move(watched);
    const auto kept = past_weights(stage.system.history);
    if (kept.empty())
      throw Error("this run has kept no earlier weights: those are kept while it is trained, from now on");
    for (const auto& past : spread_out(kept, most_futures - 1)) {
      Future future;
      future.label = std::to_string(std::lround(100 * past.progress)) + " % trained";
      future.file = past.file;
      futures_.push_back(std::move(future));
    }
    Future now;
    now.label = "now";
    now.system = &stage.system;
    now.dream = dream, now.memory = memory, now.last_reward = last_reward;
    now.rng = make_generator(stage.system.device, seed());
    futures_.push_back(std::move(now));
  }

  void step(const torch::Tensor& hands) override {
    if (over()) return;
    torch::NoGradGuard no_grad;
    for (auto& future : futures_) {
      if (!future.system && future.fault.empty()) return open(future);
    }
    for (auto& future : futures_) {
      if (future.system) go_on(future, hands);
    }
    ++steps_;
  }

  std::vector<Lived> path(int which) const override {
    if (which < 0 || static_cast<std::size_t>(which) >= futures_.size())
      throw Error("the fan has futures 0 to " + std::to_string(futures_.size() - 1) + ", not " + std::to_string(which));
    if (static_cast<std::size_t>(which) + 1 < futures_.size())
      throw Error("that future is of other weights, whose latents mean nothing to these: dream with them to go on");
    return lived_;
  }

  FanView view() const override {
    torch::NoGradGuard no_grad;
    FanView view;
    view.over = FanOver::weights;
    view.from_step = step_, view.steps = steps_, view.most = most_steps;
    for (const auto& future : futures_) {
      FutureView seen;
      seen.label = future.fault.empty() ? future.label : future.label + ": " + future.fault;
      seen.weights = future.file.string();
      seen.reward = future.reward;
      seen.done_probability = future.done;
      if (future.system) {
        const auto frame = future.system->model->predict(future.dream).frame;
        if (frame.defined()) seen.picture = std::make_shared<const Image>(image_from(frame[0].to(torch::kCPU)));
      }
      view.futures.push_back(std::move(seen));
    }
    return view;
  }

 private:
  struct Future {
    std::string label, fault;    // why it cannot be opened
    std::filesystem::path file;  // empty: the weights that the dream has
    std::unique_ptr<System> own;
    System* system = nullptr;    // null: not opened
    Carry dream, memory;
    torch::Tensor last_reward;  // [1]
    at::Generator rng;
    double reward = 0;
    float done = 0;  // the highest until now
  };
  std::int64_t steps() const override { return steps_; }
  std::uint64_t seed() const { return seed_of_weights + static_cast<std::uint64_t>(step_); }

  void open(Future& future) {
    try {
      future.own = load_system(load_run(future.file), here_.system.device.str());
      future.rng = make_generator(here_.system.device, seed());
      auto start = start_;
      Stage{*future.own, here_.env, knobs_, future.rng}.see_all(start);
      future.dream = std::move(start.carry), future.memory = std::move(start.memory);
      future.last_reward = torch::zeros({1}, future.own->device);
      future.system = future.own.get();
    } catch (const std::exception& error) {  // the others go on without it
      future.fault = error.what();
      future.own.reset();
    }
  }

  void go_on(Future& future, const torch::Tensor& hands) {
    auto& model = *future.system->model;
    auto action = hands.defined() ? hands : here_.idle();
    if (!hands.defined() && future.system->who_drives()) {
      auto decision = future.system->who_drives()->decide({&model, future.dream, {}, future.last_reward, knobs_},
                                                       future.memory, Mode::judge, future.rng);
      future.memory = std::move(decision.memory);
      action = decision.action.to(torch::kCPU, torch::kFloat32).clone();
    }
    auto drawn = model.imagine(future.dream, action.to(future.system->device), knobs_, future.rng);
    const bool now = future.file.empty();
    future.dream = now ? hold_(drawn) : drawn;
    if (now) lived_.push_back({action, std::move(drawn)});
    const auto outcome = model.outcome(future.dream);
    if (outcome.reward.defined()) {
      future.last_reward = model.reward_from_target(outcome.reward);
      future.reward += future.last_reward.item<double>();
    }
    if (outcome.done.defined()) future.done = std::max(future.done, outcome.done.item<float>());
  }

  Stage here_;
  KnobValues knobs_;
  Hold hold_;
  Start start_;
  std::int64_t step_, steps_ = 0;
  std::vector<Future> futures_;
  std::vector<Lived> lived_;  // of the weights that the dream has
};

}  // namespace

std::unique_ptr<Fan> fan_over_weights(const Stage& stage, std::deque<Moment> watched, const Carry& dream,
                                      const Carry& memory, const torch::Tensor& last_reward, std::int64_t step,
                                      Hold hold) {
  return std::make_unique<FanOverWeights>(stage, std::move(watched), dream, memory, last_reward, step, std::move(hold));
}

}  // namespace dream
