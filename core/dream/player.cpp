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
  fresh.knob_values_ = knob_values_;
  const auto seed = start_ ? start_->seed : 1;
  Start start;
  if (can_go_on_in(fresh)) {
    start = fresh.go_on(seed, env_->save_state(), history_);
  } else {
    if (fresh.system_->model) fresh.source_ = source_;
    try {
      start = fresh.next_start(seed);
    } catch (const Error&) {
      if (fresh.source_->name().empty()) throw;
      fresh.source_ = start_in_environment();  // the clip was another model's
      start = fresh.next_start(seed);
    }
    source_ = fresh.source_;
  }
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
  if (!system_ || !twin_ || recorded_ || strange_ || real_over_ || !other.stage().shares_actions() ||
      system_->environment != other.system_->environment)
    return false;
  const auto &mine = env_->spaces(), &its = other.env_->spaces();
  return mine.image_height == its.image_height && mine.image_width == its.image_width &&
         mine.image_channels == its.image_channels && mine.vector_names == its.vector_names &&
         mine.natural_rate == its.natural_rate;
}

Start Player::go_on(std::uint64_t seed, std::vector<std::byte> env, const std::deque<Moment>& watched) {
  env_->load_state(env);
  Start start;
  start.seed = seed;
  start.env = std::move(env);
  start.watched = watched;
  stage().see_all(start);
  return start;
}

/// The start of this dream as the present weights see it.
Start Player::seen_anew() {
  Start start = *start_;
  if (start.stale) stage().see_all(start);
  return start;
}

void Player::start_from(std::shared_ptr<StartSource> source) {
  if (!system_) throw Error("no model is loaded to dream with; open a run first");
  if (!system_->model && !source->name().empty())
    throw Error(source->name() + ": this system has no model to dream on from there");
  torch::NoGradGuard no_grad;
  const auto start = source->next(1, stage());
  source_ = std::move(source);
  begin(start);
}

void Player::begin_at(const SequenceBatch& piece) {
  needs_model();
  torch::NoGradGuard no_grad;
  Start start;
  start.seed = start_ ? start_->seed : 1;
  for (std::int64_t t = 0; t < piece.steps(); ++t) {
    const auto part = [&](const torch::Tensor& x) { return x.defined() ? x[t].clone() : x; };
    start.watched.push_back(
        {{part(piece.image), part(piece.vector)}, part(piece.action), piece.first[t].item<float>() > 0});
  }
  stage().see_all(start);
  begin(start);
}

void Player::begin(const Start& start) {
  if (!start.env.empty()) env_->load_state(start.env);
  drawn_ = real_ = start.carry;
  dream_ = with_held(drawn_);
  memory_ = start.memory;
  last_reward_ = torch::zeros({1}).to(system_->device);
  history_ = start.watched;
  action_ = history_.back().action;
  image_ = history_.back().seen.image;
  recorded_ = start.env.empty();
  strange_ = !stage().shares_actions();
  real_over_ = recorded_ || strange_;
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
      if (system_) begin(next_start(start_->seed + 1));
      break;
  }
  changed_ = true;
}

void Player::drive(const Drive& drive) {
  if (const auto wanted = system_ ? stage().actions().size() : 0;
      system_ && drive.engaged && drive.action.size() != wanted) {
    throw Error("the action has " + std::to_string(drive.action.size()) + " values; " + system_->environment +
                " takes " + std::to_string(wanted));
  }
  drive_ = drive;
}

std::vector<Knob> Player::knobs() const {
  std::vector<Knob> all;
  if (system_->model) all = system_->model->knobs();
  if (!system_->behaviour) return all;
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

/// What the behaviour decides by: the dream, or the real world where there is no model.
Seen Player::seen(const Carry& carry) const {
  if (system_->model) return {system_->model.get(), carry, {}, last_reward_, knob_values_};
  const auto there = [&](const torch::Tensor& x) { return x.defined() ? x.to(system_->device) : x; };
  const auto& now = history_.back().seen;
  return {nullptr, {}, {there(now.image), there(now.vector)}, last_reward_, knob_values_};
}

WorldModel& Player::needs_model() const {
  if (!system_) throw Error("no model is loaded to dream with");
  if (!system_->model) throw Error("this system has no model: it acts in the real world alone");
  return *system_->model;
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
  drawn_ = needs_model().edit(drawn_, probe, index, value);
  dream_ = with_held(drawn_);
  changed_ = true;
}

void Player::hold(const HeldLatent& what, bool on) {
  torch::NoGradGuard no_grad;
  if (!std::isfinite(what.value)) throw Error(what.probe + ": the value is not a finite number");
  if (!system_) return;
  if (on) needs_model().edit(drawn_, what.probe, what.index, what.value);  // throws where there is nothing to hold
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
  drawn_ = needs_model().randomise(drawn_, probe, rng_);
  dream_ = with_held(drawn_);
  changed_ = true;
}

double Player::until_due(double now) const {
  if (!system_ || !playing_) return std::numeric_limits<double>::infinity();
  return steps_per_second_ <= 0 ? 0 : std::max(0.0, next_due_ - now);
}

torch::Tensor Player::choose_action() {
  if (drive_.engaged) return torch::tensor(drive_.action).view({1, static_cast<std::int64_t>(drive_.action.size())});
  if (human_pilot_ || !system_->behaviour) return stage().idle();
  auto decision = system_->behaviour->decide(seen(dream_), memory_, Mode::judge, rng_);
  memory_ = std::move(decision.memory);
  return decision.action.to(torch::kCPU, torch::kFloat32).contiguous();
}

void Player::step(double now) {
  torch::NoGradGuard no_grad;
  if (dream_over_) return begin(next_start(start_->seed + 1));
  // A pause of the machine is not caught up with: the clock starts anew.
  next_due_ = steps_per_second_ > 0 ? std::max(next_due_, now - 0.1) + 1 / static_cast<double>(steps_per_second_) : now;
  input_ms_ = drive_.pressed_at > 0 ? (now - drive_.pressed_at) * 1e3 : 0;
  answered_ = drive_.pressed_at;
  drive_.pressed_at = 0;

  const double model_began = now_seconds();
  action_ = choose_action();
  if (system_->model) imagine();
  model_ms_ = milliseconds_since(model_began);
  if ((twin_ || !system_->model) && !real_over_) step_real();
  if (!system_->model) dream_over_ = real_over_;  // the next episode begins
  if (dream_over_ && steps_per_second_ > 0) next_due_ += time_to_see_the_end;
  ++step_;
  ++rate_steps_;
  if (now - rate_since_ >= 1) {
    rate_ = rate_since_ > 0 ? static_cast<double>(rate_steps_) / (now - rate_since_) : 0;
    rate_since_ = now;
    rate_steps_ = 0;
  }
  changed_ = true;
}

void Player::imagine() {
  auto& model = *system_->model;
  drawn_ = model.imagine(dream_, action_.to(system_->device), knob_values_, rng_);
  dream_ = with_held(drawn_);
  const auto outcome = model.outcome(dream_);
  has_reward_ = outcome.reward.defined();
  has_done_ = outcome.done.defined();
  if (has_reward_) {
    last_reward_ = model.reward_from_target(outcome.reward);
    dream_reward_ += last_reward_.item<double>();
  }
  if (has_done_) done_probability_ = outcome.done.item<float>();
  dream_over_ = done_probability_ > 0.5f;
}

void Player::step_real() {
  const auto result = env_->step({action_.data_ptr<float>(), static_cast<std::size_t>(action_.size(1))});
  real_reward_ += static_cast<double>(result.reward);
  real_over_ = result.done();
  if (!system_->model) last_reward_ = torch::tensor({result.reward}).to(system_->device);
  const auto here = stage();
  history_.push_back({here.look(), action_, false});
  if (history_.size() > static_cast<std::size_t>(most_watched) + 1) history_.pop_front();
  image_ = history_.back().seen.image;
  real_ = here.see(real_, history_.back());
}

}  // namespace dream
