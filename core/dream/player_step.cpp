// How a player's dream goes on: step by step, along what was done before, and in several futures at once.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

constexpr double time_to_see_the_end = 1;  // seconds from a dream's end to the next one
constexpr std::size_t watched_again = 30;  // moments that other weights watch before they go on from here

double milliseconds_since(double then) {
  return (now_seconds() - then) * 1e3;
}

}  // namespace

double Player::until_due(double now) const {
  if (!system_ || !playing_) return std::numeric_limits<double>::infinity();
  return steps_per_second_ <= 0 || hurried_ ? 0 : std::max(0.0, next_due_ - now);
}

/// [1, A]: what they do now; undefined while they are off the wheel.
torch::Tensor Player::hands() const {
  if (!drive_.engaged) return {};
  return torch::tensor(drive_.action).view({1, static_cast<std::int64_t>(drive_.action.size())});
}

/// Whether the agent looks at the real world, not into the dream.
bool Player::by_the_real_frames() const {
  return (coupling_ == Coupling::drift || coupling_ == Coupling::reality_leads || coupling_ == Coupling::awake) && twin_ &&
         !now_.real_over;
}

torch::Tensor Player::choose_action() {
  if (drive_.engaged) script_.clear();
  const bool scripted = !script_.empty();
  const auto deed = scripted ? script_.front() : Deed();
  if (scripted) script_.pop_front();
  now_.decided = scripted ? deed.decided : !drive_.engaged && !human_pilot_ && system_->who_drives() != nullptr;
  torch::Tensor action = deed.action;
  if (now_.decided) {  // asked even where it is known what is done: its memory and the random stream go on as they did
    auto decision = system_->who_drives()->decide(seen(by_the_real_frames() ? now_.real : now_.dream), now_.memory,
                                               Mode::judge, rng_);
    now_.memory = std::move(decision.memory);
    if (!scripted) action = decision.action.to(torch::kCPU, torch::kFloat32).contiguous();
  }
  if (action.defined()) return action;
  return drive_.engaged ? hands() : stage().idle();
}

void Player::step(double now) {
  torch::NoGradGuard no_grad;
  if (now_.dream_over) return begin(next_start(now_.start->seed + 1));
  hurried_ = false;
  // A pause of the machine is not caught up with: the clock starts anew.
  next_due_ = steps_per_second_ > 0 ? std::max(next_due_, now - 0.1) + 1 / static_cast<double>(steps_per_second_) : now;
  input_ms_ = drive_.pressed_at > 0 ? (now - drive_.pressed_at) * 1e3 : 0;
  answered_ = drive_.pressed_at;
  drive_.pressed_at = 0;

  if (fan_) {
    fan_->step(hands());
    if (fan_->over()) playing_ = false;
    changed_ = true;
    return;
  }
  const bool scripted = !script_.empty();
  const double model_began = now_seconds();
  now_.action = choose_action();
  const Carry before = now_.dream;
  Carry drawn;
  if (system_->model) drawn = system_->model->imagine(before, now_.action.to(system_->device), knob_values_, rng_);
  model_ms_ = milliseconds_since(model_began);
  advance(before, std::move(drawn), true);
  ++dreamt_;
  if (scripted && script_.empty()) playing_ = false;  // it was followed to its end
  if (now_.dream_over && steps_per_second_ > 0) next_due_ += time_to_see_the_end;
  ++rate_steps_;
  if (now - rate_since_ >= 1) {
    if (rate_since_ > 0) rate_ = static_cast<double>(rate_steps_) / (now - rate_since_);
    rate_since_ = now;
    rate_steps_ = 0;
  }
}

/// A step more: under now_.action the model has drawn `drawn`.
void Player::advance(const Carry& before, Carry drawn, bool may_anchor) {
  now_.drawn = std::move(drawn);
  ++now_.step;
  const bool real_steps = (twin_ || !system_->model) && !now_.real_over;
  if (real_steps) step_real();
  if (system_->model) {
    const auto every = coupling_ == Coupling::anchored                                           ? coupling_steps_
                       : coupling_ == Coupling::reality_leads || coupling_ == Coupling::awake ? 1
                                                                                                 : 0;
    const bool due = std::exchange(anchor_next_, false) || (may_anchor && every > 0 && now_.step - now_.anchored >= every);
    now_.pilled = real_steps && pill_;
    if (real_steps && (pill_ || due)) {
      now_.drawn = pill_ ? stage().see(before, now_.history.back()) : now_.real;
      now_.anchored = now_.step;
    }
    const bool painted = painted_.defined();
    if (painted) {
      auto seen = now_.history.back().seen;
      seen.image = std::exchange(painted_, {});
      now_.drawn = stage().see(before, {seen, now_.action, painted_first_});
      now_.anchored = now_.step;
    }
    pill_ = false;
    judge();
    if (now_.anchored == now_.step) {
      now_.stood = now_.image;
      now_.missed = now_.still_missed = 0;
      now_.honest = -1;
    }
    look_ahead();
    remember();
    if (painted) now_.touched = true, timeline_.replace(now_);  // no action made it, so a bundle keeps it
    return;
  }
  now_.dream_over = now_.real_over;  // the next episode begins
  remember();
}

/// Coupling::reality_leads: the dream runs on from the real frame, by a chance of its own, so that nothing else changes.
void Player::look_ahead() {
  if (coupling_ != Coupling::reality_leads || !by_the_real_frames()) return now_.ahead.clear();
  auto rng = make_generator(system_->device, static_cast<std::uint64_t>(now_.step));
  Carry ahead = now_.dream, memory = now_.memory;
  torch::Tensor meant;  // who plans is thought to do what it planned, and to plan again when that is done
  for (int i = 0; i < coupling_steps_; ++i) {
    auto action = now_.action;  // hands are thought to stay where they are
    if (now_.decided && meant.defined()) {
      action = meant.select(1, 0);
      meant = meant.size(1) > 1 ? meant.slice(1, 1) : torch::Tensor{};
    } else if (now_.decided) {
      auto decision = system_->who_drives()->decide(seen(ahead), memory, Mode::judge, rng);
      memory = std::move(decision.memory);
      action = decision.action, meant = decision.next;
    }
    ahead = with_held(system_->model->imagine(ahead, action.to(system_->device), knob_values_, rng));
  }
  now_.ahead.push_back(std::move(ahead));
  while (now_.ahead.size() > static_cast<std::size_t>(coupling_steps_) + 1) now_.ahead.pop_front();
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
  now_.has_cost = outcome.cost.defined();
  if (now_.has_cost) now_.dream_cost += outcome.cost.item<double>();
  if (now_.has_done) now_.done_probability = outcome.done.item<float>();
  now_.dream_over = now_.done_probability > 0.5f;
}

void Player::step_real() {
  const auto result = env_->step({now_.action.data_ptr<float>(), static_cast<std::size_t>(now_.action.size(1))});
  now_.real_reward += static_cast<double>(result.reward);
  now_.real_cost += static_cast<double>(result.cost);
  now_.real_over = result.done();
  if (now_.real_over) now_.real_ended = now_.step;
  if (!system_->model) now_.last_reward = torch::tensor({result.reward}).to(system_->device);
  const auto here = stage();
  now_.history.push_back({here.look(), now_.action, false});
  if (keeper_) keeper_->add(now_.step, now_.action, result, now_.history.back().seen);
  if (now_.goal.defined()) now_.history.back().seen.goal = now_.goal;
  if (now_.history.size() > static_cast<std::size_t>(most_watched) + 1) now_.history.pop_front();
  now_.image = now_.history.back().seen.image;
  now_.real = here.see(now_.real, now_.history.back());
  if (!system_->model) return;
  const auto surprise = system_->model->surprise(now_.real);
  now_.surprise = surprise.defined() ? surprise.item<float>() : std::numeric_limits<float>::quiet_NaN();
}

void Player::follow(Timeline::Id instant) {
  const auto path = timeline_.path(instant, now_.step);
  if (path.empty() || timeline_.at(path.front()).step != now_.step + 1 || timeline_.at(instant).start != now_.start)
    throw Error("no actions lead from this step to the end of that branch: go back to where it begins");
  close_fan();
  script_.clear();
  for (const auto id : path) script_.push_back({timeline_.at(id).action, timeline_.at(id).decided});
  control(DreamControl::Do::play);
}

void Player::do_actions(const std::vector<std::vector<float>>& actions) {
  needs_model();
  const auto size = stage().actions().size();
  for (const auto& action : actions) {
    if (action.size() != size || !std::ranges::all_of(action, [](float x) { return std::isfinite(x); }))
      throw Error("an action of this world has " + std::to_string(size) + " finite values");
  }
  if (actions.empty()) return;
  close_fan();
  script_.clear();
  for (const auto& action : actions) script_.push_back({torch::tensor(action).unsqueeze(0), true});
  control(DreamControl::Do::play);
}

void Player::compare_with(Timeline::Id instant) {
  if (instant != Timeline::none && !timeline_.has(instant))
    throw Error("that branch is no longer kept: newer moments took its place");
  compared_with_ = instant;
  changed_ = true;
}

void Player::open_fan(FanOver over, const std::string& knob) {
  torch::NoGradGuard no_grad;
  if (over == FanOver::closed) return close_fan();
  needs_model();
  if (!fan_) played_before_fan_ = playing_;
  if (now_.dream_over) throw Error("the dream has ended, so nothing follows this moment: go back a step");
  const Hold held = [this](Carry carry) { return with_held(std::move(carry)); };
  if (over == FanOver::weights) {
    fan_ = fan_over_weights(stage(), lately(), now_.dream, now_.memory, now_.last_reward, now_.step, held);
    script_.clear();
    return control(DreamControl::Do::play);
  }
  const auto all = knobs();
  const auto chosen = std::ranges::find(all, knob, &Knob::name);
  if (over == FanOver::knob && chosen == all.end()) throw Error("this dream has no knob '" + knob + "' to fan out over");
  fan_ = fan_of_one_model(over, chosen == all.end() ? nullptr : &*chosen, stage(), now_.dream, now_.memory,
                          now_.last_reward, now_.step, held);
  script_.clear();
  control(DreamControl::Do::play);
}

/// The moments up to this one as other eyes can watch them: pictures, real where the dream stood on a real frame, else the
/// dream's own.
std::deque<Moment> Player::lately() const {
  if (!env_->spaces().vector_names.empty() && !now_.image.defined())
    throw Error("this model sees vectors, and no picture holds all of what other weights would need to see");
  std::deque<Moment> moments;
  auto id = timeline_.present();
  for (; id != Timeline::none && moments.size() < watched_again; id = timeline_.before(id)) {
    const auto& then = timeline_.at(id);
    if (then.step == 0) break;
    auto picture = then.image;
    if (then.anchored != then.step || !picture.defined()) {
      const auto frame = picture_of(then.dream);
      if (!frame.defined()) throw Error("this model paints no pictures for other weights to see");
      picture = (frame * 255).round().to(torch::kUInt8).permute({1, 2, 0}).unsqueeze(0).contiguous();
    }
    const auto& vector = then.history.empty() ? torch::Tensor() : then.history.back().seen.vector;
    moments.push_front({{picture, vector}, then.action, false});
  }
  if (id != Timeline::none && moments.size() < watched_again) {  // what was watched before the dream began
    const auto& watched = now_.start->watched;
    moments.insert(moments.begin(), watched.begin(), watched.end());
  }
  return moments;
}

void Player::close_fan() {
  if (!fan_) return;
  fan_.reset();
  playing_ = played_before_fan_;  // the dream is where it waited
  next_due_ = now_seconds();
  changed_ = true;
}

void Player::take_future(int which) {
  torch::NoGradGuard no_grad;
  if (!fan_) throw Error("no fan is open to take a future from");
  const auto path = fan_->path(which);
  close_fan();
  playing_ = false;  // to look at what was taken
  for (const auto& lived : path) {
    if (now_.dream_over) break;
    now_.action = lived.action;
    now_.decided = false;
    advance(now_.dream, lived.drawn, false);
    const auto seen = glance();  // it is held against reality as if somebody had watched
    if (!seen.frames.empty() && seen.frames.front().name == "dream") timeline_.note(seen.frames.front().image);
  }
  changed_ = true;
}

}  // namespace dream
