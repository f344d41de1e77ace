#include "core/dream/player.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/engine/lanes.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr float full_difference = 0.4f;  // per channel value, drawn in the brightest colour

double milliseconds_since(double then) { return (now_seconds() - then) * 1e3; }

torch::Tensor unit_frame(const torch::Tensor& image) {  // uint8 [1, H, W, C] -> float [C, H, W] in [0, 1]
  return image[0].permute({2, 0, 1}).to(torch::kFloat32).div(255);
}

std::shared_ptr<const Image> shared_image(const torch::Tensor& tensor) {
  return std::make_shared<const Image>(image_from(tensor));
}

std::string steps(std::int64_t count) { return std::to_string(count) + (count == 1 ? " step" : " steps"); }

}  // namespace

void Player::load(std::shared_ptr<System> system, std::string title) {
  torch::NoGradGuard no_grad;
  Player fresh;  // a failure below leaves the dream under way as it was
  fresh.system_ = std::move(system);
  fresh.env_ = fresh.system_->make_env();
  fresh.rng_ = make_generator(fresh.system_->device, 1);
  const auto start = fresh.make_start(start_ ? start_->seed : 1);
  system_ = std::move(fresh.system_);
  env_ = std::move(fresh.env_);
  rng_ = std::move(fresh.rng_);
  title_ = std::move(title);
  drive_ = {};
  begin(start);
}

void Player::take_weights(const Checkpoint& weights, std::string title) {
  torch::NoGradGuard no_grad;
  system_->load_weights(weights);
  title_ = std::move(title);
  if (step_ == 0) begin(make_start(start_->seed));  // not begun yet: from the start that these weights see
  changed_ = true;
}

Player::Start Player::make_start(std::uint64_t seed) {
  auto& model = *system_->model;
  const auto& spaces = env_->spaces();
  const auto axes = static_cast<std::int64_t>(spaces.action.size());
  Start start;
  start.seed = seed;
  start.carry = model.initial(1);
  start.action = torch::zeros({1, axes});
  start.image = torch::empty({1, spaces.image_height, spaces.image_width, spaces.image_channels}, torch::kUInt8);
  const std::span<std::uint8_t> pixels(start.image.data_ptr<std::uint8_t>(), spaces.image_bytes());
  env_->reset(seed);
  for (std::int64_t step = 0;; ++step) {
    env_->observe_image(pixels);
    Observation observation;
    observation.image = start.image.to(system_->device);
    start.carry = model.observe(start.carry, start.action.to(system_->device), observation, rng_);
    if (step == warm_up) break;
    start.action = system_->behaviour->act(model.features(start.carry), rng_).to(torch::kCPU, torch::kFloat32).contiguous();
    if (env_->step({start.action.data_ptr<float>(), static_cast<std::size_t>(axes)}).done()) {
      throw Error("the episode of " + system_->environment + " ended before the dream could begin; try a new start");
    }
  }
  start.env = env_->save_state();
  return start;
}

void Player::begin(const Start& start) {
  env_->load_state(start.env);
  dream_ = real_ = start.carry;
  action_ = start.action;
  image_ = start.image;
  real_over_ = false;
  step_ = 0;
  dream_reward_ = real_reward_ = 0;
  done_probability_ = 0;
  start_ = start;
  next_due_ = now_seconds();
  changed_ = true;
}

void Player::control(DreamControl::Do what) {
  torch::NoGradGuard no_grad;
  switch (what) {
    case DreamControl::Do::play:
      playing_ = true;
      next_due_ = now_seconds();
      break;
    case DreamControl::Do::pause:
      playing_ = false;
      break;
    case DreamControl::Do::step:
      playing_ = false;
      if (system_) step(now_seconds());
      break;
    case DreamControl::Do::restart:
      if (start_) begin(Start(*start_));
      break;
    case DreamControl::Do::new_start:
      if (system_) begin(make_start(start_->seed + 1));
      break;
  }
  changed_ = true;
}

void Player::drive(const Drive& drive) {
  if (system_ && drive.engaged && drive.action.size() != env_->spaces().action.size()) {
    throw Error("the action has " + std::to_string(drive.action.size()) + " values; " + system_->environment + " takes " +
                std::to_string(env_->spaces().action.size()));
  }
  drive_ = drive;
}

void Player::set_temperature(float mixture, float sigma) {
  if (!(mixture > 0 && sigma >= 0 && std::isfinite(mixture) && std::isfinite(sigma))) {
    throw Error("a temperature is a positive number");
  }
  tau_mixture_ = mixture;
  tau_sigma_ = sigma;
  changed_ = true;
}

void Player::set_twin(bool on) {
  if (twin_ == on) return;
  twin_ = on;
  // The real world stood still meanwhile; from the common start both agree again.
  if (on && start_) begin(Start(*start_));
  changed_ = true;
}

void Player::edit(const std::string& probe, int index, float value) {
  torch::NoGradGuard no_grad;
  if (!std::isfinite(value)) throw Error(probe + ": the value is not a finite number");
  if (system_) dream_ = system_->model->edit(dream_, probe, index, value);
  changed_ = true;
}

void Player::randomise(const std::string& probe) {
  torch::NoGradGuard no_grad;
  if (system_) dream_ = system_->model->randomise(dream_, probe, rng_);
  changed_ = true;
}

double Player::until_due(double now) const {
  if (!system_ || !playing_) return std::numeric_limits<double>::infinity();
  return steps_per_second_ <= 0 ? 0 : std::max(0.0, next_due_ - now);
}

torch::Tensor Player::choose_action() {
  const auto& space = env_->spaces().action;
  const auto axes = static_cast<std::int64_t>(space.size());
  if (drive_.engaged) return torch::tensor(drive_.action).view({1, axes});
  if (human_pilot_) return space.discrete() ? torch::zeros({1, axes}) : torch::tensor(space.idle).view({1, axes});
  return system_->behaviour->act(system_->model->features(dream_), rng_).to(torch::kCPU, torch::kFloat32).contiguous();
}

void Player::step(double now) {
  torch::NoGradGuard no_grad;
  // A pause of the machine is not caught up with: the clock starts anew.
  next_due_ = steps_per_second_ > 0 ? std::max(next_due_, now - 0.1) + 1 / static_cast<double>(steps_per_second_) : now;
  input_ms_ = drive_.pressed_at > 0 ? (now - drive_.pressed_at) * 1e3 : 0;
  answered_ = drive_.pressed_at;
  drive_.pressed_at = 0;

  const double model_began = now_seconds();
  action_ = choose_action();
  dream_ = system_->model->imagine(dream_, action_.to(system_->device), options(), rng_);
  const auto outcome = system_->model->outcome(dream_);
  has_reward_ = outcome.reward.defined();
  if (has_reward_) dream_reward_ += outcome.reward.item<double>();
  if (outcome.done.defined()) done_probability_ = outcome.done.item<float>();
  ++step_;
  model_ms_ = milliseconds_since(model_began);

  if (twin_ && !real_over_) {
    const auto result = env_->step({action_.data_ptr<float>(), static_cast<std::size_t>(action_.size(1))});
    real_reward_ += static_cast<double>(result.reward);
    real_over_ = result.done();
    observe_real();
  }
  ++rate_steps_;
  if (now - rate_since_ >= 1) {
    rate_ = rate_since_ > 0 ? static_cast<double>(rate_steps_) / (now - rate_since_) : 0;
    rate_since_ = now;
    rate_steps_ = 0;
  }
  changed_ = true;
}

void Player::observe_real() {
  image_ = torch::empty_like(image_);
  env_->observe_image({image_.data_ptr<std::uint8_t>(), env_->spaces().image_bytes()});
  Observation observation;
  observation.image = image_.to(system_->device);
  real_ = system_->model->observe(real_, action_.to(system_->device), observation, rng_);
}

std::shared_ptr<const DreamView> Player::view() {
  torch::NoGradGuard no_grad;
  auto view = std::make_shared<DreamView>();
  changed_ = false;
  view->version = ++version_;
  view->playing = playing_;
  view->twin = twin_;
  view->human_pilot = human_pilot_;
  view->tau_mixture = tau_mixture_;
  view->tau_sigma = tau_sigma_;
  view->steps_per_second = steps_per_second_;
  if (!system_) return view;

  const double decode_began = now_seconds();
  const auto dreamt = system_->model->predict(dream_).frame[0].to(torch::kCPU);
  decode_ms_ = milliseconds_since(decode_began);
  view->frames.push_back({"dream", steps(step_) + " since the last real frame", -1, shared_image(dreamt)});
  if (twin_) {
    const auto real = unit_frame(image_);
    const auto seen = system_->model->predict(real_).frame[0].to(torch::kCPU);
    const auto difference = magnitude_image((dreamt - real).abs().mean(0), full_difference);
    const double dream_error = (dreamt - real).square().mean().item<double>();
    view->frames[0].error = dream_error;
    view->frames.push_back({"real", real_over_ ? "the real episode is over" : "same actions, same start", -1, shared_image(image_[0])});
    view->frames.push_back({"reconstruction", "the model's picture of the real frame",
                            (seen - real).square().mean().item<double>(), shared_image(seen)});
    view->frames.push_back({"difference", "|dream − real|, mean of the channels; pale from 0.4 on", dream_error,
                            std::make_shared<const Image>(difference)});
  } else {
    for (const char* name : {"real", "reconstruction", "difference"}) {
      view->frames.push_back({name, "the real world stands still; switch it on to compare", -1, nullptr});
    }
  }

  ProbeSink sink(watched_);
  system_->model->report(dream_, sink);
  view->probes = sink.take();
  if (twin_) {  // the encoder's opinion of the real frame, beside the dream's
    ProbeSink real_sink(watched_);
    system_->model->report(real_, real_sink);
    for (const auto& real : real_sink.take()) {
      const auto* said = std::get_if<Vector>(real.value.get());
      if (!said || said->mean.empty()) continue;
      for (auto& probe : view->probes) {
        if (probe.name != real.name) continue;
        auto both = std::get<Vector>(*probe.value);
        both.mean = said->mean;
        both.deviation = said->deviation;
        probe.value = std::make_shared<const Value>(std::move(both));
      }
    }
  }
  view->probe_names = system_->model->probe_names();
  view->ready = true;
  view->hands_on = drive_.engaged;
  view->step = step_;
  view->measured_rate = static_cast<float>(rate_);
  view->action = floats(action_);
  view->dream_reward = dream_reward_;
  view->real_reward = real_reward_;
  view->has_reward = view->has_done = has_reward_;
  view->done_probability = done_probability_;
  view->input_ms = input_ms_;
  view->model_ms = model_ms_;
  view->decode_ms = decode_ms_;
  view->pressed_at = answered_;
  view->natural_rate = env_->spaces().natural_rate;
  view->world = system_->environment + " · " + system_->title;
  view->run_title = title_;
  view->spaces = env_->spaces();
  return view;
}

}  // namespace dream
