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

bool same(const torch::Tensor& a, const torch::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || torch::equal(a, b));
}

/// Whether both are one instant, as the same actions, knobs and chance made them.
bool alike(const Instant& a, const Instant& b) {
  return a.step == b.step && a.env == b.env && same(a.action, b.action) && same(a.chance, b.chance) &&
         std::ranges::equal(a.drawn, b.drawn,
                            [](const auto& x, const auto& y) { return x.first == y.first && same(x.second, y.second); });
}

double milliseconds_since(double then) {
  return (now_seconds() - then) * 1e3;
}

/// Gradient steps, by the longest curve that counts them; -1 where there is none.
std::int64_t updates_of(const Metrics& metrics) {
  double most = -1;
  for (const auto& curve : metrics.views(nullptr)) {
    if ((curve.x_unit == "update" || curve.x_unit == "step") && !curve.x.empty()) most = std::max(most, curve.x.back());
  }
  return static_cast<std::int64_t>(most);
}

}  // namespace

void Player::load(std::shared_ptr<System> system, std::string title) {
  torch::NoGradGuard no_grad;
  Player fresh;  // a failure below leaves the dream under way as it was
  fresh.system_ = std::move(system);
  fresh.env_ = fresh.system_->make_env();
  fresh.rng_ = make_generator(fresh.system_->device, 1);
  fresh.knob_values_ = knob_values_;
  const auto seed = now_.start ? now_.start->seed : 1;
  Start start;
  if (can_go_on_in(fresh)) {
    start = fresh.go_on(seed, env_->save_state(), now_.history);
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
  updates_ = updates_of(system_->metrics);
  env_ = std::move(fresh.env_);
  rng_ = std::move(fresh.rng_);
  title_ = std::move(title);
  honest_ = {};
  keep_fitting_knobs();
  drive_ = {};
  held_.clear();
  timeline_.clear();
  begin(start);
}

void Player::take_weights(const Checkpoint& weights, std::string title) {
  torch::NoGradGuard no_grad;
  system_->load_weights(weights);
  title_ = std::move(title);
  updates_ = -1;
  ++weights_;
  now_.start->stale = true;
  if (now_.step == 0 && playing_) begin(seen_anew());  // not begun yet: from what these weights see
  changed_ = true;
}

/// Whether another system can take over in the real world as it stands now: it must see the same, at the same pace, as
/// repeated actions make another world of the frames that were watched.
bool Player::can_go_on_in(const Player& other) const {
  if (!system_ || !twin_ || now_.recorded || now_.strange || now_.real_over || !other.stage().shares_actions() ||
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
  Start start = *now_.start;
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
  start.seed = now_.start ? now_.start->seed : 1;
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
  now_ = {};
  pill_ = false;
  now_.start = std::make_shared<Start>(start);
  now_.drawn = now_.real = start.carry;
  now_.dream = now_.anchor = with_held(now_.drawn);
  now_.memory = start.memory;
  now_.last_reward = torch::zeros({1}).to(system_->device);
  now_.history = start.watched;
  now_.action = now_.history.back().action;
  now_.image = now_.history.back().seen.image;
  now_.recorded = start.env.empty();
  now_.strange = !stage().shares_actions();
  now_.real_over = now_.recorded || now_.strange;
  next_due_ = now_seconds();
  remember();
}

/// The present becomes an instant of the timeline; one that is there already is lived again.
void Player::remember() {
  if (!now_.recorded) now_.env = env_->save_state();
  now_.chance = rng_.get_state();
  now_.weights = weights_;
  now_.error = -1;
  changed_ = true;
  if (now_.step == 0) return timeline_.push(now_, true);
  const auto next = timeline_.next();
  const bool lived = next != Timeline::none && alike(timeline_.at(next), now_);
  lived ? static_cast<void>(timeline_.go(next)) : timeline_.push(now_, false);
}

/// A hand changed the present.
void Player::replace_present() {
  now_.dream = with_held(now_.drawn);
  now_.chance = rng_.get_state();
  now_.error = -1;
  timeline_.replace(now_);
  changed_ = true;
}

void Player::go_to(Timeline::Id instant) {
  torch::NoGradGuard no_grad;
  if (!timeline_.go(instant)) throw Error("that moment of the dream is no longer kept: newer ones took its place");
  playing_ = pill_ = false;
  now_ = timeline_.now();
  if (!now_.env.empty()) env_->load_state(now_.env);
  rng_.set_state(now_.chance);
  if (now_.weights != weights_) now_.start->stale = true;
  if (system_->model) now_.dream = with_held(now_.drawn);
  changed_ = true;
}

void Player::control(DreamControl::Do what) {
  torch::NoGradGuard no_grad;
  switch (what) {
    case DreamControl::Do::play:
      if (now_.start && now_.start->stale && now_.step == 0) begin(seen_anew());
      playing_ = true;
      next_due_ = now_seconds();
      break;
    case DreamControl::Do::pause:
      playing_ = false;
      break;
    case DreamControl::Do::step:
      playing_ = false;
      if (now_.start && now_.start->stale && now_.step == 0) begin(seen_anew());
      if (system_) step(now_seconds());
      break;
    case DreamControl::Do::restart:
      if (now_.start) begin(seen_anew());
      break;
    case DreamControl::Do::back:
      playing_ = false;
      if (!timeline_.empty() && timeline_.before() != Timeline::none) go_to(timeline_.before());
      break;
    case DreamControl::Do::new_start:
      if (system_) begin(next_start(now_.start->seed + 1));
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
  if (system_->model) return {system_->model.get(), carry, {}, now_.last_reward, knob_values_};
  const auto there = [&](const torch::Tensor& x) { return x.defined() ? x.to(system_->device) : x; };
  const auto& now = now_.history.back().seen;
  return {nullptr, {}, {there(now.image), there(now.vector)}, now_.last_reward, knob_values_};
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
  if (on && now_.start) begin(seen_anew());
  changed_ = true;
}

void Player::set_anchor(int every) {
  if (every < 0) throw Error("the dream is re-anchored every so many steps, not " + std::to_string(every));
  anchor_every_ = every;
  changed_ = true;
}

void Player::take_pill() {
  needs_model();
  if (!twin_ || now_.recorded || now_.strange)
    throw Error("no real world goes with this dream, so there is no real frame to see; show it, or begin in one");
  if (now_.real_over) throw Error("the real episode is over: there is no real frame to see; begin anew");
  pill_ = true;
}

void Player::edit(const std::string& probe, int index, float value) {
  torch::NoGradGuard no_grad;
  if (!std::isfinite(value)) throw Error(probe + ": the value is not a finite number");
  if (!system_) return;
  now_.drawn = needs_model().edit(now_.drawn, probe, index, value);
  replace_present();
}

void Player::hold(const HeldLatent& what, bool on) {
  torch::NoGradGuard no_grad;
  if (!std::isfinite(what.value)) throw Error(what.probe + ": the value is not a finite number");
  if (!system_) return;
  if (on) needs_model().edit(now_.drawn, what.probe, what.index, what.value);  // throws where there is nothing to hold
  std::erase_if(held_, [&](const HeldLatent& h) { return h.probe == what.probe && h.index == what.index; });
  if (on) held_.push_back(what);
  replace_present();
}

Carry Player::with_held(Carry carry) const {
  for (const auto& h : held_) carry = system_->model->edit(carry, h.probe, h.index, h.value);
  return carry;
}

void Player::randomise(const std::string& probe) {
  torch::NoGradGuard no_grad;
  if (!system_) return;
  now_.drawn = needs_model().randomise(now_.drawn, probe, rng_);
  replace_present();
}

double Player::until_due(double now) const {
  if (!system_ || !playing_) return std::numeric_limits<double>::infinity();
  return steps_per_second_ <= 0 ? 0 : std::max(0.0, next_due_ - now);
}

torch::Tensor Player::choose_action() {
  if (drive_.engaged) return torch::tensor(drive_.action).view({1, static_cast<std::int64_t>(drive_.action.size())});
  if (human_pilot_ || !system_->behaviour) return stage().idle();
  auto decision = system_->behaviour->decide(seen(now_.dream), now_.memory, Mode::judge, rng_);
  now_.memory = std::move(decision.memory);
  return decision.action.to(torch::kCPU, torch::kFloat32).contiguous();
}

void Player::step(double now) {
  torch::NoGradGuard no_grad;
  if (now_.dream_over) return begin(next_start(now_.start->seed + 1));
  // A pause of the machine is not caught up with: the clock starts anew.
  next_due_ = steps_per_second_ > 0 ? std::max(next_due_, now - 0.1) + 1 / static_cast<double>(steps_per_second_) : now;
  input_ms_ = drive_.pressed_at > 0 ? (now - drive_.pressed_at) * 1e3 : 0;
  answered_ = drive_.pressed_at;
  drive_.pressed_at = 0;

  const double model_began = now_seconds();
  now_.action = choose_action();
  const Carry before = now_.dream;
  if (system_->model)
    now_.drawn = system_->model->imagine(before, now_.action.to(system_->device), knob_values_, rng_);
  model_ms_ = milliseconds_since(model_began);
  ++now_.step;
  const bool real_steps = (twin_ || !system_->model) && !now_.real_over;
  if (real_steps) step_real();
  if (system_->model) {
    const bool due = anchor_every_ > 0 && now_.step - now_.anchored >= anchor_every_;
    if (real_steps && (pill_ || due)) {
      now_.drawn = pill_ ? stage().see(before, now_.history.back()) : now_.real;
      now_.anchored = now_.step;
    }
    pill_ = false;
    judge();
    if (now_.anchored == now_.step) {
      now_.anchor = now_.dream;
      now_.stood = torch::Tensor();
      now_.honest = -1;
    }
  }
  if (!system_->model) now_.dream_over = now_.real_over;  // the next episode begins
  if (now_.dream_over && steps_per_second_ > 0) next_due_ += time_to_see_the_end;
  ++rate_steps_;
  if (now - rate_since_ >= 1) {
    rate_ = rate_since_ > 0 ? static_cast<double>(rate_steps_) / (now - rate_since_) : 0;
    rate_since_ = now;
    rate_steps_ = 0;
  }
  remember();
}

/// What the model says of the state that the dream is in now.
void Player::judge() {
  auto& model = *system_->model;
  now_.dream = with_held(now_.drawn);
  const auto outcome = model.outcome(now_.dream);
  now_.has_reward = outcome.reward.defined();
  now_.has_done = outcome.done.defined();
  if (now_.has_reward) {
    now_.last_reward = model.reward_from_target(outcome.reward);
    now_.dream_reward += now_.last_reward.item<double>();
  }
  if (now_.has_done) now_.done_probability = outcome.done.item<float>();
  now_.dream_over = now_.done_probability > 0.5f;
}

void Player::step_real() {
  const auto result = env_->step({now_.action.data_ptr<float>(), static_cast<std::size_t>(now_.action.size(1))});
  now_.real_reward += static_cast<double>(result.reward);
  now_.real_over = result.done();
  if (now_.real_over) now_.real_ended = now_.step;
  if (!system_->model) now_.last_reward = torch::tensor({result.reward}).to(system_->device);
  const auto here = stage();
  now_.history.push_back({here.look(), now_.action, false});
  if (now_.history.size() > static_cast<std::size_t>(most_watched) + 1) now_.history.pop_front();
  now_.image = now_.history.back().seen.image;
  now_.real = here.see(now_.real, now_.history.back());
}

}  // namespace dream
