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

constexpr double time_to_see_the_end = 1;  // seconds from a dream's end to the next one
constexpr float full_difference = 0.4f;  // per channel value, drawn in the brightest colour

double milliseconds_since(double then) { return (now_seconds() - then) * 1e3; }

torch::Tensor unit_frame(const torch::Tensor& image) {  // uint8 [1, H, W, C] -> float [C, H, W] in [0, 1]
  return image[0].permute({2, 0, 1}).to(torch::kFloat32).div(255);
}

std::shared_ptr<const Image> shared_image(const torch::Tensor& tensor) {
  return std::make_shared<const Image>(image_from(tensor));
}

/// A value of the dream with the real frame's posterior beside it; null where there is nothing to add.
std::shared_ptr<const Value> beside(const Value& dream, const Value& real) {
  auto both = std::make_shared<Value>(dream);
  if (const auto* seen = std::get_if<Vector>(&real); seen && !seen->mean.empty()) {
    auto& vector = std::get<Vector>(*both);
    vector.mean = seen->mean;
    vector.deviation = seen->deviation;
    return both;
  }
  if (const auto* seen = std::get_if<Categorical>(&real); seen && !seen->posterior.empty()) {
    std::get<Categorical>(*both).posterior = seen->posterior;
    return both;
  }
  return nullptr;
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
  // The speed that was chosen is kept as a multiple of what is natural; one chosen before any world is taken as it is.
  const auto natural = fresh.env_->spaces().natural_rate;
  if (steps_per_second_ < 0) steps_per_second_ = natural;
  else if (env_) steps_per_second_ *= natural / env_->spaces().natural_rate;
  system_ = std::move(fresh.system_);
  env_ = std::move(fresh.env_);
  rng_ = std::move(fresh.rng_);
  title_ = std::move(title);
  drive_ = {};
  held_.clear();
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
  // Short episodes leave less to watch: a tenth of the time limit, and a quarter of an episode that ends too soon.
  auto watched = spaces.max_episode_steps > 0 ? std::min<std::int64_t>(warm_up, spaces.max_episode_steps / 10) : warm_up;
  env_->reset(seed);
  for (std::int64_t step = 0;; ++step) {
    const auto observation = look();
    start.image = image_;
    start.carry = model.observe(start.carry, start.action.to(system_->device), observation, rng_);
    if (step >= watched) break;
    start.action = system_->behaviour->decide(model, start.carry, false, rng_).to(torch::kCPU, torch::kFloat32).contiguous();
    if (env_->step({start.action.data_ptr<float>(), static_cast<std::size_t>(axes)}).done()) {
      watched = step / 4;
      start.carry = model.initial(1);
      start.action = torch::zeros({1, axes});
      env_->reset(seed);
      step = -1;
    }
  }
  start.env = env_->save_state();
  return start;
}

/// What the environment shows now; its picture goes into image_, for the window.
Observation Player::look() {
  const auto& spaces = env_->spaces();
  Observation seen;
  if (spaces.image_bytes() > 0) {
    image_ = torch::empty({1, spaces.image_height, spaces.image_width, spaces.image_channels}, torch::kUInt8);
    env_->observe_image({image_.data_ptr<std::uint8_t>(), spaces.image_bytes()});
    seen.image = image_.to(system_->device);
  }
  if (!spaces.vector_names.empty()) {
    seen.vector = torch::empty({1, static_cast<std::int64_t>(spaces.vector_names.size())});
    env_->observe_vector({seen.vector.data_ptr<float>(), spaces.vector_names.size()});
    seen.vector = seen.vector.to(system_->device);
  }
  return seen;
}

void Player::begin_at(const SequenceBatch& piece) {
  if (!system_) throw Error("no model is loaded to dream with");
  torch::NoGradGuard no_grad;
  auto& model = *system_->model;
  Start start;
  start.seed = start_ ? start_->seed : 1;
  start.carry = model.initial(1);
  for (std::int64_t t = 0; t < piece.steps(); ++t) {
    const auto part = [&](const torch::Tensor& x) { return x.defined() ? x[t].to(system_->device) : x; };
    if (piece.first[t].item<float>() > 0) start.carry = model.initial(1);
    start.carry = model.observe(start.carry, part(piece.action), {part(piece.image), part(piece.vector)}, rng_);
  }
  start.action = piece.action[piece.steps() - 1].clone();
  start.image = piece.image.defined() ? piece.image[piece.steps() - 1].clone() : piece.image;
  begin(start);
}

void Player::begin(const Start& start) {
  if (!start.env.empty()) env_->load_state(start.env);
  drawn_ = real_ = start.carry;
  dream_ = with_held(drawn_);
  action_ = start.action;
  image_ = start.image;
  recorded_ = start.env.empty();
  real_over_ = recorded_;
  step_ = 0;
  dream_reward_ = real_reward_ = 0;
  done_probability_ = 0;
  start_ = start;
  dream_over_ = false;
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
  if (!system_) return;
  drawn_ = system_->model->edit(drawn_, probe, index, value);
  dream_ = with_held(drawn_);
  changed_ = true;
}

void Player::hold(const HeldLatent& what, bool on) {
  torch::NoGradGuard no_grad;
  if (!std::isfinite(what.value)) throw Error(what.probe + ": the value is not a finite number");
  if (!system_) return;
  if (on) system_->model->edit(drawn_, what.probe, what.index, what.value);  // throws where there is nothing to hold
  std::erase_if(held_, [&](const HeldLatent& h) { return h.probe == what.probe && h.index == what.index; });
  if (on) held_.push_back(what);
  dream_ = with_held(drawn_);
  changed_ = true;
}

Carry Player::with_held(Carry carry) const {
  for (const auto& h : held_) carry = system_->model->edit(carry, h.probe, h.index, h.value);
  return carry;
}

void Player::randomise(const std::string& probe) {
  torch::NoGradGuard no_grad;
  if (!system_) return;
  drawn_ = system_->model->randomise(drawn_, probe, rng_);
  dream_ = with_held(drawn_);
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
  if (human_pilot_) return torch::tensor(space.idle).view({1, axes});
  return system_->behaviour->decide(*system_->model, dream_, false, rng_).to(torch::kCPU, torch::kFloat32).contiguous();
}

void Player::step(double now) {
  torch::NoGradGuard no_grad;
  if (dream_over_) return begin(make_start(start_->seed + 1));
  // A pause of the machine is not caught up with: the clock starts anew.
  next_due_ = steps_per_second_ > 0 ? std::max(next_due_, now - 0.1) + 1 / static_cast<double>(steps_per_second_) : now;
  input_ms_ = drive_.pressed_at > 0 ? (now - drive_.pressed_at) * 1e3 : 0;
  answered_ = drive_.pressed_at;
  drive_.pressed_at = 0;

  const double model_began = now_seconds();
  action_ = choose_action();
  drawn_ = system_->model->imagine(dream_, action_.to(system_->device), options(), rng_);
  dream_ = with_held(drawn_);
  const auto outcome = system_->model->outcome(dream_);
  has_reward_ = outcome.reward.defined();
  if (has_reward_) dream_reward_ += outcome.reward.item<double>();
  if (outcome.done.defined()) done_probability_ = outcome.done.item<float>();
  dream_over_ = done_probability_ > 0.5f;
  if (dream_over_ && steps_per_second_ > 0) next_due_ += time_to_see_the_end;
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
  real_ = system_->model->observe(real_, action_.to(system_->device), look(), rng_);
}

std::shared_ptr<const DreamView> Player::view() {
  torch::NoGradGuard no_grad;
  auto view = std::make_shared<DreamView>();
  changed_ = false;
  view->version = ++version_;
  view->playing = playing_;
  view->twin = twin_;
  view->recorded = twin_ && recorded_;
  view->held = held_;
  view->human_pilot = human_pilot_;
  view->tau_mixture = tau_mixture_;
  view->tau_sigma = tau_sigma_;
  view->steps_per_second = std::max(steps_per_second_, 0.0f);
  if (!system_) return view;

  const double decode_began = now_seconds();
  const auto dreamt = picture_of(dream_);
  decode_ms_ = milliseconds_since(decode_began);
  add_frames(*view, dreamt);
  add_probes(*view);
  view->probe_names = system_->model->probe_names();
  for (auto& name : system_->behaviour->probe_names()) view->probe_names.push_back(std::move(name));
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

/// The model's picture of a carry, float [C, H, W] on the CPU; undefined where the model paints none.
torch::Tensor Player::picture_of(const Carry& carry) const {
  const auto frame = system_->model->predict(carry).frame;
  return frame.defined() ? frame[0].to(torch::kCPU) : frame;
}

void Player::add_frames(DreamView& view, const torch::Tensor& dreamt) const {
  const auto add = [&](const char* name, const std::string& caption, double error, std::shared_ptr<const Image> image) {
    view.frames.push_back({name, caption, error, std::move(image)});
  };
  const auto mse = [](const torch::Tensor& a, const torch::Tensor& b) { return (a - b).square().mean().item<double>(); };
  const auto since = dream_over_ ? "the dream ended after " + steps(step_) : steps(step_) + " since the last real frame";
  if (!twin_) {
    add("dream", since, -1, dreamt.defined() ? shared_image(dreamt) : nullptr);
    for (const char* name : {"real", "reconstruction", "difference"}) {
      add(name, "the real world stands still; switch it on to compare", -1, nullptr);
    }
    return;
  }
  const auto real_caption = recorded_ ? "the recorded frame where this dream began" : real_over_ ? "the real episode is over" : "same actions, same start";
  if (!dreamt.defined()) {
    add("dream", "this model paints no pictures", -1, nullptr);
    add("real", real_caption, -1, image_.defined() ? shared_image(image_[0]) : nullptr);
    return;
  }
  const auto real = unit_frame(image_), seen = picture_of(real_);
  // A recorded frame stands still: there is nothing to hold later steps against.
  const double dream_error = recorded_ && step_ > 0 ? -1 : mse(dreamt, real);
  add("dream", since, dream_error, shared_image(dreamt));
  add("real", real_caption, -1, shared_image(image_[0]));
  add("reconstruction", "the model's picture of the real frame", mse(seen, real), shared_image(seen));
  add("difference", "|dream − real|, mean of the channels; pale from 0.4 on", dream_error,
      std::make_shared<const Image>(magnitude_image((dreamt - real).abs().mean(0), full_difference)));
}

void Player::add_probes(DreamView& view) {
  ProbeSink sink(watched_);
  system_->model->report(dream_, sink);
  // A stream of its own, so that watching changes nothing.
  system_->behaviour->report(*system_->model, dream_, sink, make_generator(system_->device, version_));
  view.probes = sink.take();
  if (!twin_) return;
  // What the model makes of the real frame stands beside the dream.
  ProbeSink real_sink(watched_);
  system_->model->report(real_, real_sink);
  for (auto& real : real_sink.take()) {
    const auto same = std::find_if(view.probes.begin(), view.probes.end(), [&](const Probe& p) { return p.name == real.name; });
    if (same == view.probes.end()) {
      view.probes.push_back(std::move(real));  // only a model that sees can say this: a KL
      continue;
    }
    if (auto both = beside(*same->value, *real.value)) same->value = std::move(both);
  }
}

}  // namespace dream
