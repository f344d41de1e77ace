#include "core/dream/player.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/nn/generator.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double time_to_see_the_end = 1;  // seconds from a dream's end to the next one

double milliseconds_since(double then) {
  return (now_seconds() - then) * 1e3;
}

}  // namespace

void Player::load(std::shared_ptr<System> system, std::string title) {
  torch::NoGradGuard no_grad;
  Player fresh;  // a failure below leaves the dream under way as it was
  fresh.system_ = std::move(system);
  fresh.env_ = fresh.system_->make_env();
  fresh.rng_ = make_generator(fresh.system_->device, 1);
  const auto seed = start_ ? start_->seed : 1;
  const auto start = can_go_on_in(fresh) ? fresh.go_on(seed, env_->save_state(), history_) : fresh.make_start(seed);
  // The speed that was chosen is kept as a multiple of what is natural; one chosen before any world is taken as it is.
  const auto natural = fresh.env_->spaces().natural_rate;
  if (steps_per_second_ < 0)
    steps_per_second_ = natural;
  else if (env_)
    steps_per_second_ *= natural / env_->spaces().natural_rate;
  system_ = std::move(fresh.system_);
  env_ = std::move(fresh.env_);
  rng_ = std::move(fresh.rng_);
  title_ = std::move(title);
  keep_fitting_knobs();
  drive_ = {};
  held_.clear();
  begin(start);
}

void Player::take_weights(const Checkpoint& weights, std::string title) {
  torch::NoGradGuard no_grad;
  system_->load_weights(weights);
  title_ = std::move(title);
  start_->stale = true;
  if (step_ == 0 && playing_) begin(seen_anew());  // not begun yet: from what these weights see
  changed_ = true;
}

/// Whether another system can take over in the real world as it stands now: it must see the same, at the same pace, as
/// repeated actions make another world of the frames that were watched.
bool Player::can_go_on_in(const Player& other) const {
  if (!system_ || !twin_ || recorded_ || real_over_ || system_->environment != other.system_->environment) return false;
  const auto &mine = env_->spaces(), &its = other.env_->spaces();
  return mine.image_height == its.image_height && mine.image_width == its.image_width &&
         mine.image_channels == its.image_channels && mine.vector_names == its.vector_names &&
         mine.natural_rate == its.natural_rate;
}

Player::Start Player::go_on(std::uint64_t seed, std::vector<std::byte> env, const std::deque<Moment>& watched) {
  env_->load_state(env);
  Start start;
  start.seed = seed;
  start.env = std::move(env);
  start.watched = watched;
  start.carry = watch(watched);
  start.memory = system_->behaviour->initial(1);
  return start;
}

/// The start of this dream as the present weights see it.
Player::Start Player::seen_anew() {
  Start start = *start_;
  if (start.stale) {
    start.carry = watch(start.watched);
    start.memory = system_->behaviour->initial(1);  // what other weights remembered means nothing to these
  }
  start.stale = false;
  return start;
}

Carry Player::see(const Carry& carry, const Moment& moment) {
  const auto there = [&](const torch::Tensor& x) { return x.defined() ? x.to(system_->device) : x; };
  const auto& before = moment.first ? system_->model->initial(1) : carry;
  return system_->model->observe(before, there(moment.action), {there(moment.seen.image), there(moment.seen.vector)},
                                 rng_);
}

Carry Player::watch(const std::deque<Moment>& moments) {
  auto carry = system_->model->initial(1);
  for (const auto& moment : moments) carry = see(carry, moment);
  return carry;
}

Player::Start Player::make_start(std::uint64_t seed) {
  auto& model = *system_->model;
  const auto& spaces = env_->spaces();
  const auto axes = static_cast<std::int64_t>(spaces.action.size());
  Start start;
  start.seed = seed;
  start.carry = model.initial(1);
  start.memory = system_->behaviour->initial(1);
  auto action = torch::zeros({1, axes});
  // Short episodes leave less to watch: a tenth of the time limit, and a quarter of an episode that ends too soon. Where
  // that is next to nothing the first frame has to do: all else is dreamed.
  auto watched =
      spaces.max_episode_steps > 0 ? std::min<std::int64_t>(warm_up, spaces.max_episode_steps / 10) : warm_up;
  if (watched < 4) watched = 0;
  float reward = 0;
  env_->reset(seed);
  for (std::int64_t step = 0;; ++step) {
    start.watched.push_back({look(), action, step == 0});
    start.carry = see(start.carry, start.watched.back());
    if (step >= watched) break;
    const Seen now{&model, start.carry, start.watched.back().seen, torch::tensor({reward}), knob_values_};
    auto decision = system_->behaviour->decide(now, start.memory, Mode::judge, rng_);
    start.memory = std::move(decision.memory);
    action = decision.action.to(torch::kCPU, torch::kFloat32).contiguous();
    const auto result = env_->step({action.data_ptr<float>(), static_cast<std::size_t>(axes)});
    reward = result.reward;
    if (result.done()) {
      watched = step / 4;
      reward = 0;
      start.carry = model.initial(1);
      start.memory = system_->behaviour->initial(1);
      start.watched.clear();
      action = torch::zeros({1, axes});
      env_->reset(seed);
      step = -1;
    }
  }
  start.env = env_->save_state();
  return start;
}

/// What the environment shows now, on the CPU.
Observation Player::look() {
  const auto& spaces = env_->spaces();
  Observation seen;
  if (spaces.image_bytes() > 0) {
    seen.image = torch::empty({1, spaces.image_height, spaces.image_width, spaces.image_channels}, torch::kUInt8);
    env_->observe_image({seen.image.data_ptr<std::uint8_t>(), spaces.image_bytes()});
  }
  if (!spaces.vector_names.empty()) {
    seen.vector = torch::empty({1, static_cast<std::int64_t>(spaces.vector_names.size())});
    env_->observe_vector({seen.vector.data_ptr<float>(), spaces.vector_names.size()});
  }
  return seen;
}

void Player::begin_at(const SequenceBatch& piece) {
  if (!system_) throw Error("no model is loaded to dream with");
  torch::NoGradGuard no_grad;
  Start start;
  start.seed = start_ ? start_->seed : 1;
  for (std::int64_t t = 0; t < piece.steps(); ++t) {
    const auto part = [&](const torch::Tensor& x) { return x.defined() ? x[t].clone() : x; };
    start.watched.push_back(
        {{part(piece.image), part(piece.vector)}, part(piece.action), piece.first[t].item<float>() > 0});
  }
  start.carry = watch(start.watched);
  start.memory = system_->behaviour->initial(1);
  begin(start);
}

void Player::begin(const Start& start) {
  if (!start.env.empty()) env_->load_state(start.env);
  drawn_ = real_ = start.carry;
  dream_ = with_held(drawn_);
  memory_ = start.memory;
  last_reward_ = torch::zeros({1});
  history_ = start.watched;
  action_ = history_.back().action;
  image_ = history_.back().seen.image;
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
      if (start_ && start_->stale && step_ == 0) begin(seen_anew());
      playing_ = true;
      next_due_ = now_seconds();
      break;
    case DreamControl::Do::pause:
      playing_ = false;
      break;
    case DreamControl::Do::step:
      playing_ = false;
      if (start_ && start_->stale && step_ == 0) begin(seen_anew());
      if (system_) step(now_seconds());
      break;
    case DreamControl::Do::restart:
      if (start_) begin(seen_anew());
      break;
    case DreamControl::Do::new_start:
      if (system_) begin(make_start(start_->seed + 1));
      break;
  }
  changed_ = true;
}

void Player::drive(const Drive& drive) {
  if (system_ && drive.engaged && drive.action.size() != env_->spaces().action.size()) {
    throw Error("the action has " + std::to_string(drive.action.size()) + " values; " + system_->environment +
                " takes " + std::to_string(env_->spaces().action.size()));
  }
  drive_ = drive;
}

std::vector<Knob> Player::knobs() const {
  auto all = system_->model->knobs();
  for (auto& knob : system_->behaviour->knobs()) all.push_back(std::move(knob));
  return all;
}

void Player::set_knob(const std::string& name, double value) {
  if (!system_) throw Error("no model is loaded, so there is no '" + name + "' to set; open a run first");
  const auto all = knobs();
  const auto knob = std::ranges::find(all, name, &Knob::name);
  if (knob == all.end()) throw Error("neither the model nor its behaviour has a knob '" + name + "'");
  if (!(value >= knob->minimum && value <= knob->maximum)) {
    std::ostringstream text;
    text << knob->title << " is a number from " << knob->minimum << " to " << knob->maximum << ", not " << value;
    throw Error(text.str());
  }
  knob_values_[name] = knob->whole ? std::round(value) : value;
  changed_ = true;
}

/// A value that another system's knob of the same name cannot take is forgotten.
void Player::keep_fitting_knobs() {
  for (const auto& knob : knobs()) {
    const auto set = knob_values_.find(knob.name);
    if (set != knob_values_.end() && !(set->second >= knob.minimum && set->second <= knob.maximum))
      knob_values_.erase(set);
  }
}

/// What the behaviour decides by in the dream.
Seen Player::seen(const Carry& carry) const {
  return {system_->model.get(), carry, {}, last_reward_, knob_values_};
}

void Player::set_twin(bool on) {
  if (twin_ == on) return;
  twin_ = on;
  // The real world stood still meanwhile; from the common start both agree again.
  if (on && start_) begin(seen_anew());
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
  auto decision = system_->behaviour->decide(seen(dream_), memory_, Mode::judge, rng_);
  memory_ = std::move(decision.memory);
  return decision.action.to(torch::kCPU, torch::kFloat32).contiguous();
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
  drawn_ = system_->model->imagine(dream_, action_.to(system_->device), knob_values_, rng_);
  dream_ = with_held(drawn_);
  const auto outcome = system_->model->outcome(dream_);
  has_reward_ = outcome.reward.defined();
  has_done_ = outcome.done.defined();
  if (has_reward_) {
    last_reward_ = system_->model->real_reward(outcome.reward);
    dream_reward_ += last_reward_.item<double>();
  }
  if (has_done_) done_probability_ = outcome.done.item<float>();
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
  history_.push_back({look(), action_, false});
  if (history_.size() > static_cast<std::size_t>(warm_up) + 1) history_.pop_front();
  image_ = history_.back().seen.image;
  real_ = see(real_, history_.back());
}

}  // namespace dream
