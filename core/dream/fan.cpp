#include "core/dream/fan.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include "api/error.h"
#include "core/nn/generator.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::uint64_t seed_of_fans = 9;

std::string with_number(const std::string& name, double number) {
  std::ostringstream text;
  text.precision(3);
  text << name << ' ' << number;
  return text.str();
}

/// `count` values from low to high, both included.
std::vector<double> spread_over(double low, double high, std::int64_t count, bool logarithmic, bool whole) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(count - 1);
    const double value = logarithmic && low > 0 ? low * std::pow(high / low, share) : low + (high - low) * share;
    values.push_back(whole ? std::round(value) : value);
  }
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

class FanOfOneModel : public Fan {
 public:
  FanOfOneModel(FanOver over, const Knob* knob, const Stage& stage, const Carry& dream, const Carry& memory,
                const torch::Tensor& last_reward, std::int64_t step, Hold hold);
  void step(const torch::Tensor& hands) override;
  std::vector<Lived> path(int which) const override;
  FanView view() const override;

 private:
  struct Future {
    std::string label;
    KnobValues knobs;
    std::optional<float> axis;  // FanOver::action: the choice, or the value of the first axis
  };
  std::int64_t steps() const override { return static_cast<std::int64_t>(steps_.size()); }
  Carry imagine(const torch::Tensor& action);

  FanView about_;
  System& system_;
  ActionSpace actions_;
  torch::Tensor idle_;  // [1, A]
  KnobValues knobs_;
  Hold hold_;
  std::vector<Future> futures_;
  at::Generator rng_;
  Carry dream_, memory_;
  torch::Tensor last_reward_, reward_, done_;  // [N]; the last two undefined without heads
  struct Step {
    torch::Tensor actions;  // [N, A]
    Carry drawn;
  };
  std::vector<Step> steps_;
};

FanOfOneModel::FanOfOneModel(FanOver over, const Knob* knob, const Stage& stage, const Carry& dream,
                             const Carry& memory, const torch::Tensor& last_reward, std::int64_t step, Hold hold)
    : system_(stage.system),
      actions_(stage.actions()),
      idle_(stage.idle()),
      knobs_(stage.knobs),
      hold_(std::move(hold)),
      rng_(make_generator(stage.system.device, seed_of_fans + static_cast<std::uint64_t>(step))) {
  about_.over = over;
  about_.from_step = step;
  about_.most = most_steps;
  if (over == FanOver::knob) {
    if (!knob) throw Error("a fan over a knob needs the knob's name");
    about_.knob = knob->name;
    about_.title = knob->title;
    for (const double value :
         spread_over(knob->minimum, knob->maximum, most_futures, knob->logarithmic, knob->whole)) {
      auto knobs = knobs_;
      knobs[knob->name] = value;
      futures_.push_back({with_number(knob->symbol, value), std::move(knobs), {}});
    }
  } else if (over == FanOver::action && actions_.discrete()) {
    for (std::size_t i = 0; i < actions_.choices.size() && i < static_cast<std::size_t>(most_futures); ++i)
      futures_.push_back({actions_.choices[i], knobs_, static_cast<float>(i)});
  } else if (over == FanOver::action) {
    if (actions_.axes.empty()) throw Error("this model takes no actions to fan out over");
    for (const double value : spread_over(static_cast<double>(actions_.low.at(0)),
                                          static_cast<double>(actions_.high.at(0)), most_futures, false, false))
      futures_.push_back({with_number(actions_.axes[0], value), knobs_, static_cast<float>(value)});
  } else {
    for (std::int64_t i = 0; i < most_futures; ++i)
      futures_.push_back({"chance " + std::to_string(i + 1), knobs_, {}});
  }
  const auto count = static_cast<std::int64_t>(futures_.size());
  dream_ = repeated(dream, count);
  memory_ = repeated(memory, count);
  last_reward_ = last_reward.repeat({count});
}

Carry FanOfOneModel::imagine(const torch::Tensor& action) {
  const auto there = action.to(system_.device);
  if (about_.over != FanOver::knob) return system_.model->imagine(dream_, there, knobs_, rng_);
  // Knobs bend a whole batch: each future is a batch of its own.
  std::map<std::string, std::vector<torch::Tensor>> parts;
  for (std::size_t i = 0; i < futures_.size(); ++i) {
    const auto lane = static_cast<std::int64_t>(i);
    const auto one = system_.model->imagine(select_lane(dream_, lane), there.slice(0, lane, lane + 1),
                                            futures_[i].knobs, rng_);
    for (const auto& [name, tensor] : one) parts[name].push_back(tensor);
  }
  Carry all;
  for (const auto& [name, tensors] : parts) all[name] = torch::cat(tensors);
  return all;
}

void FanOfOneModel::step(const torch::Tensor& hands) {
  if (over()) return;
  torch::NoGradGuard no_grad;
  auto& model = *system_.model;
  const auto count = static_cast<std::int64_t>(futures_.size());
  auto action = (hands.defined() ? hands : idle_).repeat({count, 1});
  if (!hands.defined() && system_.who_drives()) {
    auto decision = system_.who_drives()->decide({&model, dream_, {}, last_reward_, knobs_}, memory_, Mode::judge, rng_);
    memory_ = std::move(decision.memory);
    action = decision.action.to(torch::kCPU, torch::kFloat32).clone();
  }
  for (std::int64_t i = 0; i < count; ++i) {
    if (const auto axis = futures_[static_cast<std::size_t>(i)].axis) action[i][0] = *axis;
  }
  auto drawn = imagine(action);
  dream_ = hold_(drawn);
  const auto outcome = model.outcome(dream_);
  if (outcome.reward.defined()) {
    last_reward_ = model.reward_from_target(outcome.reward);
    reward_ = reward_.defined() ? reward_ + last_reward_ : last_reward_;
  }
  if (outcome.done.defined()) done_ = done_.defined() ? torch::maximum(done_, outcome.done) : outcome.done;
  steps_.push_back({action, std::move(drawn)});
}

std::vector<Fan::Lived> FanOfOneModel::path(int which) const {
  if (which < 0 || static_cast<std::size_t>(which) >= futures_.size())
    throw Error("the fan has futures 0 to " + std::to_string(futures_.size() - 1) + ", not " + std::to_string(which));
  std::vector<Lived> lived;
  for (const auto& step : steps_) {
    Carry own;
    for (const auto& [name, tensor] : select_lane(step.drawn, which)) own[name] = tensor.clone();
    lived.push_back({step.actions.slice(0, which, which + 1).clone(), std::move(own)});
  }
  return lived;
}

FanView FanOfOneModel::view() const {
  torch::NoGradGuard no_grad;
  auto view = about_;
  view.steps = steps();
  const auto frames = system_.model->predict(dream_).frame;
  const auto rewards = reward_.defined() ? floats(reward_) : std::vector<float>();
  const auto ends = done_.defined() ? floats(done_) : std::vector<float>();
  for (std::size_t i = 0; i < futures_.size(); ++i) {
    FutureView future;
    future.label = futures_[i].label;
    if (!rewards.empty()) future.reward = static_cast<double>(rewards[i]);
    if (!ends.empty()) future.done_probability = ends[i];
    if (frames.defined())
      future.picture = std::make_shared<const Image>(image_from(frames[static_cast<std::int64_t>(i)].to(torch::kCPU)));
    view.futures.push_back(std::move(future));
  }
  return view;
}

}  // namespace

std::unique_ptr<Fan> fan_of_one_model(FanOver over, const Knob* knob, const Stage& stage, const Carry& dream,
                                      const Carry& memory, const torch::Tensor& last_reward, std::int64_t step,
                                      Hold hold) {
  return std::make_unique<FanOfOneModel>(over, knob, stage, dream, memory, last_reward, step, std::move(hold));
}

}  // namespace dream
