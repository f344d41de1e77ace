#include "core/dream/player.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/behaviours/knobs.h"
#include "core/engine/weight_history.h"
#include "core/nn/generator.h"
#include "core/nn/parameter_count.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr int most_ahead = 50;             // steps that a dream may run ahead of reality

bool same(const torch::Tensor& a, const torch::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || torch::equal(a, b));
}

/// Whether both are one instant, as the same actions, knobs and chance made them.
bool alike(const Instant& a, const Instant& b) {
  return a.step == b.step && a.env == b.env && same(a.action, b.action) && same(a.chance, b.chance) &&
         std::ranges::equal(a.drawn, b.drawn,
                            [](const auto& x, const auto& y) { return x.first == y.first && same(x.second, y.second); });
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
  fresh.keep_fitting_knobs();
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
  fan_.reset();
  keeper_.reset();
  system_ = std::move(fresh.system_);
  updates_ = updates_of(system_->metrics);
  parameters_ = system_->model ? parameter_count(*system_->model) : 0;
  earlier_weights_ = static_cast<std::int64_t>(past_weights(system_->history).size());
  env_ = std::move(fresh.env_);
  rng_ = std::move(fresh.rng_);
  title_ = std::move(title);
  honest_ = {};
  knob_values_ = std::move(fresh.knob_values_);
  drive_ = {};
  held_.clear();
  explained_.second = -1;
  timeline_.clear();
  begin(start);
}

void Player::rename(const std::filesystem::path& directory) {
  system_->directory = directory;
  system_->history = history_of(directory);
  title_ = directory.string();
  changed_ = true;
}

void Player::take_weights(const Checkpoint& weights, std::string title) {
  torch::NoGradGuard no_grad;
  system_->load_weights(weights);
  title_ = std::move(title);
  updates_ = -1;
  earlier_weights_ = static_cast<std::int64_t>(past_weights(system_->history).size());
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
  pill_ = anchor_next_ = false;
  painted_ = torch::Tensor();
  fan_.reset();
  script_.clear();
  compared_with_ = Timeline::none;
  now_.start = std::make_shared<Start>(start);
  now_.drawn = now_.real = start.carry;
  now_.dream = with_held(now_.drawn);
  now_.memory = start.memory;
  now_.last_reward = torch::zeros({1}).to(system_->device);
  now_.history = start.watched;
  now_.action = now_.history.back().action;
  now_.image = now_.stood = now_.history.back().seen.image;
  now_.recorded = start.env.empty();
  now_.strange = !stage().shares_actions();
  now_.real_over = now_.recorded || now_.strange;
  if (keeper_ && !now_.real_over) keeper_->begin(start.seed, now_.history.back().seen);
  next_due_ = now_seconds();
  remember();
}

void Player::keep_episodes(EpisodeKeeper::Sink sink) {
  keeper_.reset();
  if (!sink) return;
  if (!system_ || now_.recorded || now_.strange) throw Error("no real world goes with this dream, so there is nothing to keep as data");
  keeper_ = std::make_unique<EpisodeKeeper>(env_->spaces(), std::move(sink));
  if (!now_.real_over) keeper_->begin(now_.start->seed, now_.history.back().seen);
}

/// The present becomes an instant of the timeline; one that is there already is lived again.
void Player::remember() {
  if (!now_.recorded) now_.env = env_->save_state();
  now_.chance = rng_.get_state();
  now_.weights = weights_;
  now_.error = -1;
  now_.picture.reset();
  now_.touched = false;
  now_.knobs = knob_values_;
  now_.coupling = coupling_, now_.coupling_steps = coupling_steps_;
  now_.held = held_;
  changed_ = true;
  if (now_.step == 0 || timeline_.empty()) return timeline_.push(now_, true);
  const auto next = timeline_.next();
  const bool lived = next != Timeline::none && alike(timeline_.at(next), now_);
  lived ? static_cast<void>(timeline_.go(next)) : timeline_.push(now_, false);
}

/// A hand changed the present.
void Player::replace_present() {
  close_fan();
  now_.dream = with_held(now_.drawn);
  now_.chance = rng_.get_state();
  now_.error = -1;
  now_.picture.reset();
  now_.touched = true;
  now_.held = held_;
  timeline_.note(nullptr);
  timeline_.replace(now_);
  changed_ = true;
}

void Player::go_to(Timeline::Id instant) {
  torch::NoGradGuard no_grad;
  if (!timeline_.go(instant)) throw Error("that moment of the dream is not kept: there was none such, or newer ones took its place");
  close_fan();
  script_.clear();
  playing_ = pill_ = false;
  const auto before = now_.start;
  now_ = timeline_.now();
  if (keeper_) keeper_->back_to(now_.step, now_.start != before);
  if (!now_.env.empty()) env_->load_state(now_.env);
  rng_.set_state(now_.chance);
  if (now_.weights != weights_) now_.start->stale = true;
  if (system_->model) now_.dream = with_held(now_.drawn);
  changed_ = true;
}

void Player::control(DreamControl::Do what) {
  torch::NoGradGuard no_grad;
  if (what == DreamControl::Do::back || what == DreamControl::Do::restart || what == DreamControl::Do::new_start)
    close_fan();
  switch (what) {
    case DreamControl::Do::play:
      if (now_.start && now_.start->stale && now_.step == 0) begin(seen_anew());
      if (!playing_) rate_ = rate_since_ = 0, rate_steps_ = 0;  // a pause is no slowness
      playing_ = true;
      next_due_ = now_seconds();
      break;
    case DreamControl::Do::pause:
      playing_ = played_before_fan_ = false;  // who pauses a fan wants the dream to stand when it is closed
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

void Player::start_at(std::uint64_t seed, std::optional<std::uint64_t> chance) {
  torch::NoGradGuard no_grad;
  if (!system_) return;
  if (chance) rng_ = make_generator(system_->device, *chance);
  begin(next_start(seed));
}

void Player::drive(const Drive& drive) {
  if (const auto wanted = system_ ? stage().actions().size() : 0;
      system_ && drive.engaged && drive.action.size() != wanted) {
    throw Error("the action has " + std::to_string(drive.action.size()) + " values; " + system_->environment +
                " takes " + std::to_string(wanted));
  }
  drive_ = drive;
  // A hand does not wait for the world's clock: the step that is due next comes at once. The clock goes on as it did, and
  // is never more than one step behind it, so that hands do not make the world faster.
  hurried_ = drive.pressed_at > 0 && steps_per_second_ > 0 &&
             next_due_ - drive.pressed_at <= 1 / static_cast<double>(steps_per_second_);
}

std::vector<Knob> Player::knobs() const {
  return knobs_of(system_->model.get(), system_->who_drives().get());
}

void Player::set_knob(const std::string& name, double value) {
  if (!system_) throw Error("no model is loaded, so there is no '" + name + "' to set; open a run first");
  knob_values_[name] = checked_knob(knobs(), name, value);
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
  return {nullptr, {}, now_.history.back().seen.to(system_->device), now_.last_reward, knob_values_};
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

void Player::set_coupling(Coupling how, int steps) {
  const auto refuse = [&](const char* what) { throw Error(what + std::to_string(steps)); };
  if (how == Coupling::anchored && steps < 1) refuse("the dream is re-anchored every so many steps, at least 1, not ");
  if (how == Coupling::reality_leads && (steps < 1 || steps > most_ahead))
    refuse("the dream runs 1 to 50 steps ahead of reality, not ");
  const bool counts = how == Coupling::anchored || how == Coupling::reality_leads;
  coupling_ = how;
  coupling_steps_ = counts ? steps : 0;
  now_.ahead.clear();
  changed_ = true;
}

void Player::take_pill() {
  needs_model();
  if (!twin_ || now_.recorded || now_.strange)
    throw Error("no real world goes with this dream, so there is no real frame to see; show it, or begin in one");
  if (now_.real_over) throw Error("the real episode is over: there is no real frame to see; begin anew");
  pill_ = true;
}

void Player::see_picture(const Image& picture, bool first) {
  needs_model();
  const auto& spaces = env_->spaces();
  if (picture.width != spaces.image_width || picture.height != spaces.image_height ||
      picture.channels != spaces.image_channels)
    throw Error("the picture has " + std::to_string(picture.width) + " x " + std::to_string(picture.height) + " x " +
                std::to_string(picture.channels) + " values; this world's have " + std::to_string(spaces.image_width) +
                " x " + std::to_string(spaces.image_height) + " x " + std::to_string(spaces.image_channels));
  if (!spaces.vector_names.empty() && !now_.history.back().seen.image.defined())
    throw Error("this model sees vectors, not pictures");
  painted_ = torch::tensor(picture.pixels, torch::kUInt8)
                 .view({1, spaces.image_height, spaces.image_width, spaces.image_channels});
  painted_first_ = first;
  close_fan();
  if (!playing_) step(now_seconds());
}

void Player::set_goal(const SetGoal& goal) {
  torch::NoGradGuard no_grad;
  auto& model = needs_model();
  if (!env_->spaces().goals) throw Error("nothing is to be reached in this world");
  if (!goal.path.empty()) {
    now_.goal = picture_from_file(goal.path, env_->spaces());
  } else {
    if (!env_->goal_at(goal.x, goal.y)) throw Error("nobody can stand there, so it is no goal: choose a place that is free");
    now_.goal = torch::Tensor();
    if (!now_.env.empty()) now_.env = env_->save_state();
  }
  const auto picture = (now_.goal.defined() ? now_.goal : stage().look().goal).to(system_->device);
  if (!now_.history.empty()) now_.history.back().seen.goal = picture.to(torch::kCPU);
  for (auto* carry : {&now_.drawn, &now_.dream, &now_.real})
    if (!carry->empty()) *carry = model.aimed(*carry, picture);
  if (system_->who_drives()) now_.memory = system_->who_drives()->initial(1);  // a plan led elsewhere
  close_fan();
  replace_present();
}

void Player::explain(const std::string& probe, int index) {
  if (index >= 0 && system_) needs_model().edit(now_.drawn, probe, index, 0);  // throws where there is no such element
  explained_ = {probe, index};
  changed_ = true;
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

/// A dream that holds still shows them too.
void Player::watch(std::set<std::string> names) {
  changed_ = changed_ || names != watched_;
  watched_ = std::move(names);
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

}  // namespace dream
