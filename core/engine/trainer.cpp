#include "core/engine/trainer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/data/dataset_sources.h"
#include "core/engine/run_file.h"
#include "core/engine/weight_history.h"

namespace dream {
namespace {

constexpr const char* checkpoint_name = "checkpoint.safetensors";
constexpr double save_every = 20;     // times as long as saving takes: a large replay's state must not eat the time
constexpr double pace_window = 3;     // seconds over which a rate is taken
constexpr double longest_pause = 10;  // a step takes well under a second: after so many, the process was stopped

std::string fixed_text(const std::string& key) {
  return key + " is fixed once a run has begun; start a new run to have another";
}

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

Trainer::Trainer(std::unique_ptr<System> system, Options options)
    : system_(std::move(system)), options_(std::move(options)) {
  choose(options_.only);
}

Trainer::Trainer(std::unique_ptr<System> system, Options options, bool resume)
    : Trainer(std::move(system), std::move(options)) {
  std::error_code failure;
  if (std::filesystem::exists(file(), failure)) {
    if (!resume) {
      throw Error(system_->directory.string() +
                  " holds a run already; go on with it (--resume) or choose another folder");
    }
    reload();
    return;
  }
  refuse_unreadable(system_->config);  // before there is a run
  make_folder(system_->directory);
  lock_ = std::make_unique<FolderLock>(system_->directory);
  if (std::filesystem::exists(file(), failure))
    throw Error("another program has begun a run in " + system_->directory.string() + " just now");
  save();
}

std::unique_ptr<Trainer> Trainer::open(const std::filesystem::path& directory, const Options& options,
                                       const std::string& device) {
  const auto file = directory / checkpoint_name;
  const auto mark = mark_of(file);  // before it is read: what replaces it meanwhile is seen as new
  const auto checkpoint = load_run(file);
  return naming(checkpoint.origin, [&] {
    auto spec = spec_of(checkpoint, device);
    spec.directory = directory;
    auto trainer = std::unique_ptr<Trainer>(new Trainer(make_system(spec), options));
    trainer->load(checkpoint, mark);
    return trainer;
  });
}

std::filesystem::path Trainer::file() const {
  return system_->directory / checkpoint_name;
}

void Trainer::take() {
  if (lock_) return;
  auto lock = std::make_unique<FolderLock>(system_->directory);
  if (stale_ || mark_of(file()) != mark_) reload();
  lock_ = std::move(lock);
  if (!notice_.empty()) save();  // from here on it is a run like any other
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
  take();
  auto* due = find_due();
  if (due && !system_->metrics.writes_events()) system_->metrics.write_events_to(system_->directory);
  if (due != current_ && current_ != nullptr) {
    leave();
    save();
  }
  if (!due) return false;
  try {
    failed_ = nullptr;
    if (due != current_) enter(due);
    changed_ = true;
    units_ = due->step();
    measure(units_);
  } catch (...) {
    fail(due);
    throw;
  }
  const double wait = options_.checkpoint_seconds;
  if (now_seconds() - saved_at_ >= (wait > 0 ? std::max(wait, save_every * saving_took_) : 0)) save();
  return true;
}

void Trainer::measure(double units) {
  const double now = now_seconds(), progress = current_->progress();
  const bool stood_still = now - std::exchange(pace_.last, now) > longest_pause;
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
  take();
  const double began = now_seconds();
  auto checkpoint = copy_weights();
  try {
    require_finite(checkpoint);
  } catch (...) {
    fail(current_ ? current_ : find_due());
    throw;
  }
  system_->metrics.save(checkpoint);
  std::string& progress = checkpoint.metadata[run_progress_key];
  for (const auto& phase : system_->phases) {
    phase->save(checkpoint);
    progress += phase->name() + ' ' + std::to_string(phase->progress()) + ' ' + phase->detail() + '\n';
  }
  for (const auto& [name, text] : system_->facts) checkpoint.metadata[fact_prefix + name] = text;
  checkpoint.save(file());
  mark_ = mark_of(file());
  changed_ = false;
  keep_history();
  saved_at_ = now_seconds();
  saving_took_ = saved_at_ - began;
}

void Trainer::load(const Checkpoint& from) {
  if (from.text("recipe") != system_->recipe || from.text("environment") != system_->environment) {
    throw Error(from.origin + " is a run of " + from.text("recipe") + " on " + from.text("environment") + ", not of " +
                system_->recipe + " on " + system_->environment);
  }
  const bool begun = !holds_weights_alone(from);  // otherwise only what shapes the weights is decided
  if (begun) refuse_changes(from);
  system_->load_weights(from);
  notice_.clear();
  if (!begun) {
    system_->metrics.clear("");
    notice_ = system_->directory.string() +
              " holds weights alone, as an export does: training begins from them, with counters and curves at zero";
  } else {
    system_->metrics.load(from);
    for (const auto& phase : system_->phases) phase->load(from);
  }
  load_facts(from, *system_);
  saved_at_ = now_seconds();
}

/// What is in memory is not trusted any more; the file is whole.
void Trainer::fail(Phase* phase) {
  changed_ = false;
  close();
  failed_ = phase;
}

void Trainer::reload() {
  leave();
  const auto mark = mark_of(file());  // as in open()
  const auto checkpoint = load_run(file());
  naming(checkpoint.origin, [&] { load(checkpoint, mark); });
}

void Trainer::load(const Checkpoint& from, const FileMark& mark) {
  stale_ = true;  // until all of it is read
  load(from);
  mark_ = mark;
  failed_ = nullptr;
  changed_ = stale_ = false;
}

void Trainer::close() {
  if (lock_ && changed_) save();
  leave();
  system_->metrics.stop_events();
  stale_ = stale_ || lock_;
  lock_.reset();
}

void Trainer::set(const std::string& key, const FieldValue& value) {
  const auto fields = system_->config.fields();
  const auto field = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.key == key; });
  if (field != fields.end() && field->fixed) throw Error(fixed_text(key));
  take();
  system_->config.set(key, value);
  changed_ = true;
  if (field->live || !current_) return;
  save();
  reload();
}

/// The settings that this run was begun with, held against those of now.
void Trainer::refuse_changes(const Checkpoint& from) const {
  for (const auto& [key, was] : system_->config.differences(from.text("config"), from.origin + ", field 'config'")) {
    for (const auto& field : system_->config.fields()) {
      if (field.key == key && field.fixed) throw Error(fixed_text(key) + ": it was begun with " + was);
    }
  }
}

double Trainer::saved_seconds_ago() const {
  if (mark_.changed == 0) return -1;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::max(0.0, std::chrono::duration<double>(now).count() - static_cast<double>(mark_.changed) * 1e-9);
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
      if (running) view.rate = pace_.rate, view.eta_seconds = pace_.eta;
    }
    views.push_back(std::move(view));
  }
  return views;
}

Checkpoint Trainer::copy_weights() const {
  Checkpoint copy;
  system_->store_weights(copy);
  copy.origin = system_->directory.string();
  copy.metadata["recipe"] = system_->recipe;
  copy.metadata["environment"] = system_->environment;
  copy.metadata["config"] = system_->config.to_toml();
  copy.metadata[run_format_key] = std::to_string(run_format);
  return copy;
}

void Trainer::keep_history() const {
  double progress = 0;
  for (const auto& phase : system_->phases) progress += phase->progress() / static_cast<double>(system_->phases.size());
  try {
    keep_past(history_of(system_->directory), progress, options_.history_bytes, [this] { return copy_weights(); });
  } catch (const Error&) {
    // The checkpoint is written; that there is no room to look back ends no training.
  }
}

}  // namespace dream
