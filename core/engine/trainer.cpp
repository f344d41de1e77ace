#include "core/engine/trainer.h"

#include <algorithm>
#include <utility>

#include "api/error.h"
#include "api/platform_time.h"

namespace dream {
namespace {

constexpr const char* checkpoint_name = "checkpoint.safetensors";
constexpr const char* fact_prefix = "fact/";
constexpr double save_every = 20;  // times as long as saving takes: a large replay's state must not eat the time
constexpr double pace_window = 3;  // seconds over which a rate is taken
constexpr double still = 10;       // a step takes well under a second: after so many, the process was stopped

/// Weights that are not finite must not replace a checkpoint whose are.
void require_finite(const Checkpoint& weights) {
  for (const auto& [name, tensor] : weights.tensors) {
    if (tensor.is_floating_point() && !tensor.isfinite().all().item<bool>()) {
      throw Error(name +
                  " holds a value that is not finite. The last checkpoint is whole: resume from it with a smaller "
                  "learning rate");
    }
  }
}

}  // namespace

Trainer::Trainer(std::unique_ptr<System> system, Options options, bool resume)
    : system_(std::move(system)), options_(std::move(options)) {
  choose(options_.only);
  std::error_code failure;
  std::filesystem::create_directories(system_->directory, failure);
  if (failure) throw Error(system_->directory.string() + " cannot be created: " + failure.message());
  const auto path = system_->directory / checkpoint_name;
  if (std::filesystem::exists(path)) {
    if (!resume) {
      throw Error(system_->directory.string() +
                  " holds a run already; go on with it (--resume) or choose another folder");
    }
    load(Checkpoint::load(path));
  } else {
    save();
  }
  system_->metrics.write_events_to(system_->directory);
}

void Trainer::choose(const std::string& phase) {
  const auto& phases = system_->phases;
  if (!phase.empty() && std::none_of(phases.begin(), phases.end(), [&](const auto& p) { return p->name() == phase; })) {
    std::string known;
    for (const auto& p : phases) known += (known.empty() ? "" : ", ") + p->name();
    throw Error("the recipe " + system_->recipe + " has no phase '" + phase + "'; its phases are " + known);
  }
  options_.only = phase;
}

Phase* Trainer::find_due() const {
  for (const auto& phase : system_->phases) {
    if (!options_.only.empty() && phase->name() != options_.only) continue;
    if (phase->progress() < 1) return phase.get();
  }
  return nullptr;
}

void Trainer::enter(Phase* phase) {
  phase->begin();
  current_ = phase;
  const double now = now_seconds();
  pace_ = {now, now, phase->progress(), 0, 0, -1};
}

void Trainer::leave() {
  if (current_) current_->end();
  current_ = nullptr;
}

bool Trainer::advance() {
  auto* due = find_due();
  if (due != current_) {
    const bool finished = current_ != nullptr;
    leave();
    if (finished) save();
    if (due) enter(due);
  }
  if (!due) return false;
  try {
    failed_ = nullptr;
    units_ = due->step();
    measure(units_);
    const double wait = options_.checkpoint_seconds;
    if (now_seconds() - saved_at_ >= (wait > 0 ? std::max(wait, save_every * saving_took_) : 0)) save();
  } catch (...) {
    failed_ = due;
    leave();
    throw;
  }
  return true;
}

void Trainer::measure(double units) {
  const double now = now_seconds(), progress = current_->progress();
  const bool stood_still = now - std::exchange(pace_.last, now) > still;
  if ((units == 0 && pace_.units == 0) ||
      stood_still) {  // the pace has not begun: reading, or collecting its first data
    pace_.since = now;
    pace_.progress = progress;
    pace_.units = 0;
    return;
  }
  pace_.units += units;
  const double elapsed = now - pace_.since;
  if (elapsed < pace_window) return;
  const double rate = pace_.units / elapsed, speed = (progress - pace_.progress) / elapsed;
  pace_.rate = pace_.rate > 0 ? 0.7 * pace_.rate + 0.3 * rate : rate;
  if (speed > 0) {
    const double eta = (1 - progress) / speed;
    pace_.eta = pace_.eta >= 0 ? 0.8 * (pace_.eta - elapsed) + 0.2 * eta : eta;
  }
  pace_.since = now;
  pace_.progress = progress;
  pace_.units = 0;
}

void Trainer::save() {
  const double began = now_seconds();
  Checkpoint checkpoint;
  system_->store_weights(checkpoint);
  require_finite(checkpoint);
  system_->metrics.save(checkpoint);
  for (const auto& phase : system_->phases) phase->save(checkpoint);
  checkpoint.metadata["recipe"] = system_->recipe;
  checkpoint.metadata["environment"] = system_->environment;
  checkpoint.metadata["config"] = system_->config.to_toml();
  for (const auto& [name, text] : system_->facts) checkpoint.metadata[fact_prefix + name] = text;
  checkpoint.save(system_->directory / checkpoint_name);
  saved_at_ = now_seconds();
  saving_took_ = saved_at_ - began;
}

void Trainer::load(const Checkpoint& from) {
  if (from.text("recipe") != system_->recipe || from.text("environment") != system_->environment) {
    throw Error(from.origin + " is a run of " + from.text("recipe") + " on " + from.text("environment") + ", not of " +
                system_->recipe + " on " + system_->environment);
  }
  system_->load_weights(from);
  system_->metrics.load(from);
  for (const auto& phase : system_->phases) phase->load(from);
  for (const auto& [key, text] : from.metadata) {
    if (key.starts_with(fact_prefix)) system_->facts[key.substr(std::string(fact_prefix).size())] = text;
  }
  saved_at_ = now_seconds();
}

void Trainer::reload() {
  leave();
  failed_ = nullptr;
  load(Checkpoint::load(system_->directory / checkpoint_name));
}

void Trainer::close() {
  if (failed_) return;  // what is in memory is not trusted; the file is whole
  save();
  leave();
}

void Trainer::set(const std::string& key, const FieldValue& value) {
  for (const auto& field : system_->config.fields()) {
    if (field.key == key && !field.live) {
      throw Error(key + " is fixed once a run has begun; start a new run to change it");
    }
  }
  system_->config.set(key, value);
}

double Trainer::saved_seconds_ago() const {
  return saved_at_ < 0 ? -1 : now_seconds() - saved_at_;
}

std::vector<PhaseView> Trainer::phases(bool running) const {
  std::vector<PhaseView> views;
  for (const auto& phase : system_->phases) {
    PhaseView view;
    view.name = phase->name();
    view.title = phase->title();
    view.progress = phase->progress();
    view.rate_unit = phase->rate_unit();
    view.detail = phase->detail();
    using State = PhaseView::State;
    view.state = view.progress >= 1 ? State::done : view.progress > 0 ? State::paused : State::waiting;
    if (phase.get() == failed_) view.state = State::failed;
    if (phase.get() == current_ && view.progress < 1) {
      view.state = running ? State::running : State::paused;
      view.rate = pace_.rate;
      view.eta_seconds = pace_.eta;
    }
    views.push_back(std::move(view));
  }
  return views;
}

std::shared_ptr<const Checkpoint> Trainer::weights() const {
  auto copy = std::make_shared<Checkpoint>();
  system_->store_weights(*copy);
  copy->origin = system_->directory.string();
  copy->metadata["recipe"] = system_->recipe;
  copy->metadata["environment"] = system_->environment;
  copy->metadata["config"] = system_->config.to_toml();
  return copy;
}

}  // namespace dream
