// What the window sees of a player: pictures, probes and figures of one moment.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/models/representation.h"
#include "core/nn/generator.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double unseen_error = 1e-4;       // mean squared, a hundredth of what a pixel can be: nobody sees it
constexpr std::int64_t judged_from = 3;     // steps: what is blurred a little misses more than hardly anything that has moved
constexpr float full_difference = 0.4f;  // per channel value, drawn in the brightest colour

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
  if (const auto* seen = std::get_if<Tokens>(&real)) {
    std::get<Tokens>(*both).seen = seen->codes;
    return both;
  }
  return nullptr;
}

const Frame* frame_of(const DreamView& view, const char* name) {
  const auto frame = std::ranges::find(view.frames, name, &Frame::name);
  return frame == view.frames.end() ? nullptr : &*frame;
}

double mse(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).square().mean().item<double>();
}

std::shared_ptr<const Image> difference_image(const torch::Tensor& a, const torch::Tensor& b) {
  return std::make_shared<const Image>(magnitude_image((a - b).abs().mean(0), full_difference));
}

std::string steps(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " step" : " steps");
}

}  // namespace

std::shared_ptr<const DreamView> Player::view() {
  torch::NoGradGuard no_grad;
  auto view = std::make_shared<DreamView>();
  changed_ = false;
  view->version = ++version_;
  view->playing = playing_;
  view->twin = twin_;
  view->recorded = twin_ && (now_.recorded || now_.strange);
  view->held = held_;
  view->human_pilot = human_pilot_;
  view->steps_per_second = std::max(steps_per_second_, 0.0f);
  if (!system_) return view;

  const double decode_began = now_seconds();
  const auto dreamt = picture_of(now_.ahead.empty() ? now_.dream : now_.ahead.back());
  decode_ms_ = (now_seconds() - decode_began) * 1e3;
  add_frames(*view, dreamt);
  if (const auto* shown = frame_of(*view, system_->model ? "dream" : "real")) timeline_.note(shown->image);
  add_comparison(*view, dreamt);
  if (explained_.second >= 0) add_explanation(*view);
  view->has_model = system_->model != nullptr;
  view->has_behaviour = system_->who_drives() != nullptr;
  view->source = source_->name();
  if (view->has_model) view->probe_names = system_->model->probe_names();
  if (system_->encoder) view->probe_names = system_->encoder->probe_names();
  if (view->has_behaviour) {
    for (auto& name : system_->who_drives()->probe_names()) view->probe_names.push_back(std::move(name));
  }
  add_probes(*view);
  const auto all = knobs();
  for (const auto& knob : all) {
    const auto other = std::ranges::find(all, knob.when.knob, &Knob::name);
    if (other == all.end() || value_of(knob_values_, *other) == knob.when.value)
      view->knobs.push_back({knob, value_of(knob_values_, knob)});
  }
  add_honesty(*view);
  view->timeline = timeline_.view();
  view->ready = true;
  view->hands_on = drive_.engaged;
  view->step = now_.step;
  view->dreamt = dreamt_;
  view->coupling = coupling_;
  view->coupling_steps = coupling_steps_;
  view->following = static_cast<std::int64_t>(script_.size());
  view->compared_with = timeline_.has(compared_with_) ? compared_with_ : Timeline::none;
  view->earlier_weights = earlier_weights_;
  if (fan_) view->fan = fan_->view();
  view->measured_rate = playing_ ? static_cast<float>(rate_) : 0;
  view->action = floats(now_.action);
  view->dream_reward = now_.dream_reward;
  view->real_reward = now_.real_reward;
  view->has_reward = now_.has_reward;
  view->dream_cost = now_.dream_cost;
  view->real_cost = now_.real_cost;
  view->has_cost = now_.has_cost;
  if (const auto& spaces = env_->spaces(); spaces.costs) view->cost_limit = static_cast<double>(spaces.cost_limit);
  view->has_done = now_.has_done;
  view->done_probability = now_.done_probability;
  view->input_ms = input_ms_;
  view->model_ms = model_ms_;
  view->decode_ms = decode_ms_;
  view->pressed_at = answered_;
  view->natural_rate = env_->spaces().natural_rate;
  if (const auto* away = env_->away()) view->away = away->why;
  view->environment = system_->environment, view->worlds = system_->worlds;
  view->world = system_->environment + " · " + system_->title;
  view->run_title = title_;
  view->run = system_->directory.empty() ? title_ : system_->directory.string();
  view->spaces = env_->spaces();
  view->spaces.action = stage().actions();
  view->ended = end_in_words();
  view->updates = updates_;
  view->parameters = parameters_;
  return view;
}

/// Why the dream or the real episode ended with this step.
std::string Player::end_in_words() const {
  char chance[16];
  std::snprintf(chance, sizeof chance, "%.2f", static_cast<double>(now_.done_probability));
  if (now_.dream_over && system_->model)
    return "The dream ended after " + steps(now_.step) + ": the model's P(end) is " + chance + ", above 0.5.";
  if (now_.dream_over) return "The episode ended after " + steps(now_.step) + ".";
  if (now_.real_over && now_.real_ended == now_.step && !now_.recorded && !now_.strange && now_.step > 0)
    return "The real episode ended at step " + std::to_string(now_.step) + "; the dream goes on alone.";
  return "";
}

DreamView Player::glance() {
  torch::NoGradGuard no_grad;
  DreamView view;
  if (!system_) return view;
  changed_ = false;
  const auto dreamt = picture_of(now_.dream);
  const bool real = now_.image.defined();
  if (dreamt.defined()) {
    const double error = real && twin_ && !now_.real_over ? mse(dreamt, unit_frame(now_.image)) : -1;
    view.frames.push_back({"dream", "", error, shared_image(dreamt)});
  }
  if (real) view.frames.push_back({"real", "", -1, shared_image(now_.image[0])});
  add_honesty(view);
  view.step = now_.step;
  return view;
}

/// Of the picture that is shown, and of the frame that the dream stood on last.
void Player::add_honesty(DreamView& view) {
  const auto* dream = frame_of(view, "dream");
  const double error = dream ? dream->error : -1;
  if (error < 0 || !now_.stood.defined()) return;
  const auto since = now_.step - now_.anchored;
  if (const auto& seen = timeline_.now(); seen.error >= 0) {  // somebody has looked before, perhaps as it was lived the first time
    now_.honest = seen.honest, now_.missed = seen.missed, now_.still_missed = seen.still_missed;
  } else if (since > 0) {
    const double still = mse(unit_frame(now_.stood), unit_frame(now_.image));
    constexpr double kept = 0.8;  // of what was summed before: the last five steps or so
    now_.missed = kept * now_.missed + error, now_.still_missed = kept * now_.still_missed + still;
    honest_.add(since, error, still);
    if (now_.honest < 0 && since >= judged_from && now_.missed > now_.still_missed + unseen_error / (1 - kept)) now_.honest = since;
  }
  timeline_.note(error, now_);
  auto& clock = view.honesty;
  clock = honest_.clock();
  clock.known = true;
  clock.over = now_.honest >= 0;
  clock.now = clock.over ? now_.honest : since;
}

void Player::Honesty::add(std::int64_t since, double error, double still) {
  constexpr std::size_t longest = 1000;
  const auto k = static_cast<std::size_t>(since - 1);
  if (k >= longest) return;
  if (k >= steps.size()) steps.resize(k + 1);
  ++steps[k].count, steps[k].dream += error, steps[k].still += still;
}

HonestyClock Player::Honesty::clock() const {
  HonestyClock clock;
  for (std::size_t k = 0; k < steps.size() && !clock.crossed; ++k) {
    const auto& at = steps[k];
    if (at.count == 0) continue;
    clock.stretches = std::max(clock.stretches, at.count);
    clock.usual = static_cast<std::int64_t>(k + 1);
    clock.crossed = clock.usual >= judged_from && at.dream > at.still + unseen_error * static_cast<double>(at.count);
  }
  return clock;
}

/// The model's picture of a carry, float [C, H, W] on the CPU; undefined where the model paints none.
torch::Tensor Player::picture_of(const Carry& carry) const {
  if (!system_->model) return {};
  const auto frame = system_->model->predict(carry).frame;
  return frame.defined() ? frame[0].to(torch::kCPU) : frame;
}

void Player::add_frames(DreamView& view, const torch::Tensor& dreamt) const {
  const auto add = [&](const char* name, const std::string& caption, double error, std::shared_ptr<const Image> image) {
    view.frames.push_back({name, caption, error, std::move(image)});
  };
  if (const auto& goal = now_.history.back().seen.goal; system_->model && goal.defined())
    add("goal", now_.goal.defined() ? "your picture, to be reached" : "what is to be reached; click where it shall be", -1,
        shared_image(goal[0]));
  const bool leads = !now_.ahead.empty();  // reality does
  const auto since = system_->encoder    ? "this system has learned to see, and dreams nothing: drive the real world, and look at what it sees"
                     : !system_->model   ? "this system has no model: it acts in the real world alone"
                     : !dreamt.defined() ? "this model paints no pictures"
                     : now_.dream_over   ? "the dream ended after " + steps(now_.step)
                     : leads             ? steps(coupling_steps_) + " ahead of reality"
                                         : steps(now_.step - now_.anchored) + " since the last real frame";
  if (!twin_ && system_->model) {
    add("dream", since, -1, dreamt.defined() ? shared_image(dreamt) : nullptr);
    for (const char* name : {"real", "reconstruction", "difference"}) {
      add(name, "the real world stands still; switch it on to compare", -1, nullptr);
    }
    return;
  }
  const std::string real_caption = env_->away()     ? "a recorded frame: its world is not on this machine"
                            : now_.recorded    ? "the recorded frame where this dream began"
                            : now_.strange   ? "where this dream began; the real world does not know the model's actions"
                            : now_.real_over ? "reality ended at step " + std::to_string(now_.real_ended)
                            : system_->model ? "same actions, same start"
                                             : "the real world";
  if (!dreamt.defined()) {
    add("dream", since, -1, nullptr);
    add("real", real_caption, -1, now_.image.defined() ? shared_image(now_.image[0]) : nullptr);
    return;
  }
  const auto real = unit_frame(now_.image), seen = picture_of(now_.real);
  // A recorded frame stands still: there is nothing to hold later steps against.
  const bool past = now_.real_over && now_.step > std::max<std::int64_t>(now_.real_ended, 0);
  const bool arrived = leads && now_.ahead.size() > static_cast<std::size_t>(coupling_steps_);
  const double dream_error = past || leads ? -1 : mse(dreamt, real);
  add("dream", since, dream_error, shared_image(dreamt));
  add("real", real_caption, -1, shared_image(now_.image[0]));
  add("reconstruction", "the model's picture of the real frame", mse(seen, real), shared_image(seen));
  if (past) {
    add("difference", now_.real_ended >= 0 ? real_caption : "nothing real goes with this step", -1, nullptr);
  } else if (leads && !arrived) {
    add("difference", "what was dreamt for now is on its way", -1, nullptr);
  } else if (leads) {
    const auto foretold = picture_of(now_.ahead.front());
    add("difference", "|what was dreamt " + steps(coupling_steps_) + " ago for now − real|", mse(foretold, real),
        difference_image(foretold, real));
  } else {
    add("difference", "|dream − real|, mean of the channels; pale from 0.4 on", dream_error,
        difference_image(dreamt, real));
  }
  for (auto& frame : view.frames) frame.past = past && frame.name != "dream";
}

/// An element at −2 … 2 where its values are numbers; a class as it is when it is drawn.
void Player::add_explanation(DreamView& view) const {
  const auto& [probe, index] = explained_;
  view.explained = {probe, index, {}};
  auto& model = *system_->model;
  const auto chosen = [&](float value) { return model.edit(now_.drawn, probe, index, static_cast<double>(value)); };
  const auto low = chosen(-2), high = chosen(2);
  const bool same = std::ranges::all_of(low, [&](const auto& part) { return torch::equal(part.second, high.at(part.first)); });
  for (const float value : same ? std::vector<float>{1} : std::vector<float>{-2, -1, 0, 1, 2}) {
    const auto picture = picture_of(chosen(value));
    if (picture.defined()) view.explained.pictures.push_back({value, shared_image(picture)});
  }
}

/// The other line's picture of the step that the dream is at.
void Player::add_comparison(DreamView& view, const torch::Tensor& dreamt) const {
  if (!timeline_.has(compared_with_) || !dreamt.defined()) return;
  const auto path = timeline_.path(compared_with_, now_.step - 1);
  if (path.empty() || timeline_.at(path.front()).step != now_.step) {
    view.frames.push_back({"branch", path.empty() ? "that branch has ended" : "no longer kept", -1, nullptr});
    return;
  }
  const auto there = picture_of(timeline_.at(path.front()).dream);
  const auto error = mse(dreamt, there);
  view.frames.push_back({"branch", "the other branch at this step", -1, shared_image(there)});
  view.frames.push_back({"branch difference", "|dream − the other branch|", error, difference_image(dreamt, there)});
}

/// The last real frames, as many as the encoder looks at: uint8 [1, T, H, W, C]; what came before the first stood still.
torch::Tensor Player::seen_clip() const {
  std::vector<torch::Tensor> frames;
  const auto wanted = static_cast<std::size_t>(system_->encoder->frames());
  for (auto moment = now_.history.rbegin(); moment != now_.history.rend() && frames.size() < wanted; ++moment)
    frames.insert(frames.begin(), moment->seen.image);
  while (frames.size() < wanted) frames.insert(frames.begin(), frames.front());
  return torch::stack(frames, 1).to(system_->device);
}

/// What the dream showed so many steps ago, or without a model the world; before it began, what was seen then. Null: not kept.
std::shared_ptr<const Image> Player::picture_ago(std::int64_t steps) const {
  auto id = timeline_.present();
  for (; id != Timeline::none && steps > 0 && timeline_.at(id).step > 0; --steps) id = timeline_.before(id);
  if (id == Timeline::none) return nullptr;
  const auto& then = timeline_.at(id);
  if (steps == 0) {
    if (then.picture) return then.picture;
    const auto shown = system_->model ? picture_of(then.dream) : then.image.defined() ? unit_frame(then.image) : torch::Tensor();
    return shown.defined() ? shared_image(shown) : nullptr;
  }
  const auto& watched = then.start->watched;  // its last is where the dream began
  const auto at = static_cast<std::int64_t>(watched.size()) - 1 - steps;
  if (at < 0 || !watched[static_cast<std::size_t>(at)].seen.image.defined()) return nullptr;
  return shared_image(watched[static_cast<std::size_t>(at)].seen.image[0]);
}

void Player::add_probes(DreamView& view) {
  ProbeSink sink(watched_);
  if (system_->model) system_->model->report(now_.dream, sink);
  if (system_->encoder) system_->encoder->report(seen_clip(), sink);
  // A stream of its own, so that watching changes nothing.
  if (system_->who_drives())
    system_->who_drives()->report(seen(now_.dream), now_.memory, sink, make_generator(system_->device, version_));
  view.probes = sink.take();
  for (auto& probe : view.probes) {
    const auto* attention = std::get_if<Attention>(probe.value.get());
    if (!attention || attention->key_ages.empty()) continue;
    auto shown = *attention;
    std::map<int, std::shared_ptr<const Image>> of_age = {{-1, nullptr}};
    for (const int age : shown.key_ages) {
      if (!of_age.contains(age)) of_age[age] = picture_ago(age);
      shown.key_pictures.push_back(of_age.at(age));
    }
    probe.value = std::make_shared<const Value>(std::move(shown));
  }
  if (!twin_ || !system_->model) return;
  // What the model makes of the real frame stands beside the dream.
  ProbeSink real_sink(watched_);
  system_->model->report(now_.real, real_sink);
  for (auto& real : real_sink.take()) {
    const auto same =
        std::find_if(view.probes.begin(), view.probes.end(), [&](const Probe& p) { return p.name == real.name; });
    if (same == view.probes.end()) {
      view.probes.push_back(std::move(real));  // only a model that sees can say this: a KL
      continue;
    }
    if (auto both = beside(*same->value, *real.value)) same->value = std::move(both);
  }
  // In the model's own order again.
  const auto order = [&](const Probe& p) {
    return std::find(view.probe_names.begin(), view.probe_names.end(), p.name) - view.probe_names.begin();
  };
  std::ranges::stable_sort(view.probes, {}, order);
}

}  // namespace dream
