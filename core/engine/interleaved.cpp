#include "core/engine/interleaved.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/engine/actor_thread.h"
#include "core/engine/counters.h"
#include "core/engine/elastic.h"
#include "core/engine/gauge_watch.h"
#include "core/engine/train_ratio.h"

namespace dream {
namespace {

constexpr std::int64_t dream_context = 32;     // frames that are watched before a dream begins in the replay
constexpr double reading_seconds = 0.1;        // of one step while the replay is read
constexpr std::int64_t steps_at_a_time = 256;  // that are collected in one step: pausing stays prompt
const std::string experience_prefix = "learn.experience/", replay_prefix = "learn.replay/",
                  elastic_prefix = "learn.elastic/";

class Interleaved : public Phase {
 public:
  Interleaved(std::shared_ptr<InterleavedParts> parts, std::string title)
      : Phase("learn", std::move(title), "replayed frames/s"),
        parts_(std::move(parts)),
        generator_(make_generator(parts_->system->device, parts_->rng("learn").next64())) {}

  void begin() override {
    if (experience_ || actor_thread_ || feed().reading()) return;
    const auto& train = options();
    if (train.datasets.empty() && train.prefill >= train.steps) {
      throw Error("train.steps = " + std::to_string(train.steps) +
                  " leaves no step to learn with after train.prefill = " + std::to_string(train.prefill) +
                  " random ones; raise the first or lower the other");
    }
    Feed::Options options{.datasets = train.datasets, .budget_gb = train.budget_gb, .online_queue = train.online_queue,
                          .replay_context = train.replay_context, .lanes = train.lanes, .keep_found = async(),
                          .needs = parts_->learner->needs(), .fitting = parts_->learner->fitting()};
    if (!async()) options.streams_from = train.steps;  // where nothing is collected beside them
    feed().open(options,
                own_folder(), Experience::counters_in(resumed_, experience_prefix).ended, goes_on() || async());
  }

  double step() override {
    follow_settings();
    if (feed().reading()) {
      for (const double began = now_seconds(); feed().read_more();) {
        if (now_seconds() - began > reading_seconds) return 0;
      }
      begin_experience();
    }
    const auto replayed = actor_thread_ ? step_async() : step_sync();
    if (replayed == 0) require_work();
    return replayed;
  }

  /// Steps that are made ask for their updates: those of given datasets all at once. Without an update nothing is done.
  double progress() const override {
    const auto& train = options();
    const auto most = parts_->updates > 0 ? 1.0 : 0.999;
    const auto made = std::min(most, static_cast<double>(steps_) / static_cast<double>(train.steps));
    if (train.datasets.empty() || async()) return made;
    const auto updates = ratio_.updates_for(static_cast<double>(train.steps - train.prefill), batch_frames());
    return updates > 0 ? std::min(made, static_cast<double>(parts_->updates) / updates) : made;
  }

  std::string detail() const override {
    if (feed().reading()) return feed().detail();
    auto text = std::to_string(steps_) + " steps, " + std::to_string(episodes_) + " episodes, " +
                std::to_string(parts_->updates) + " updates";
    if (const auto broken = faults().count; broken > 0) text += ", " + std::to_string(broken) + " broken off by the world";
    if (actor_thread_)
      text += ", the actor's weights are " + std::to_string(parts_->updates - acting_with_) + " updates old";
    return text;
  }

  std::vector<Frame> frames() override { return parts_->learner->frames(feed()); }
  std::vector<std::string> warnings() const override {
    auto all = parts_->learner->warnings();
    all.insert(all.end(), feed().notes().begin(), feed().notes().end());
    if (auto told = faults().told(); !told.empty()) all.push_back(std::move(told));
    if (gauges_)
      for (auto& warning : gauges_->warnings()) all.push_back(std::move(warning));
    return all;
  }
  std::vector<std::string> probe_names() const override { return parts_->learner->probe_names(); }
  void report(ProbeSink& sink) override { parts_->learner->report(sink); }
  std::int64_t replay_frames() const override { return feed().replay().frames(); }
  SequenceBatch replay_piece(double recency) const override { return feed().piece(recency, dream_context); }
  void save(Checkpoint& into) const override;
  void load(const Checkpoint& from) override;
  void end() override {
    // What the checkpoint holds is what begin() goes on from; a run that is stopped while it reads still has that.
    if (experience_ || actor_thread_) {
      resumed_ = {};
      resumed_.origin = parts_->system->directory.string();
      try {
        save_experience(resumed_);
      } catch (const Error& error) {  // a world has failed amid a step, which whoever stepped is told: the file is gone on from
        resumed_.tensors.clear();
        lost_ = error.what();
      }
    }
    experience_.reset();
    actor_thread_.reset();
    feed().close();
    gauges_.reset();
    parts_->learner->rest();
  }

 private:
  const InterleavedOptions& options() const { return *parts_->train; }
  Feed& feed() const { return *parts_->feed; }
  bool async() const { return options().actor == Actor::async; }
  bool goes_on() const { return resumed_.tensors.contains(experience_prefix + "counters"); }
  double batch_frames() const { return parts_->learner->frames_per_update(); }
  std::filesystem::path own_folder() const { return parts_->system->directory / "data" / "own"; }

  const EnvLanes::Faults& faults() const { return experience_ ? experience_->lanes().envs().faults() : faults_; }
  void begin_experience();
  bool update_due() const;
  double update();
  double step_sync();
  double step_async();
  void require_work() const;

  /// Live settings reach the parts that use them. A changed train ratio counts from here on.
  void follow_settings() {
    const auto& train = options();
    parts_->system->follow_settings();
    parts_->learner->follow_settings();
    ratio_.set(train.train_ratio, parts_->updates, static_cast<double>(steps_ - train.prefill), batch_frames());
    if (actor_thread_) actor_thread_->stop_after(train.steps - feed().given_steps());
  }

  void note(std::int64_t at, double reward, std::int64_t length, double cost) {
    auto& metrics = parts_->system->metrics;
    metrics.add("learn/return", at, reward);
    metrics.add("learn/episode_length", at, static_cast<double>(length));
    if (metrics.declares("learn/cost")) metrics.add("learn/cost", at, cost);
  }

  void hand_over() {
    auto weights = std::make_shared<Checkpoint>();
    parts_->system->store_weights(*weights);
    // 0 is what the actor begins with.
    actor_thread_->put_weights(std::move(weights), parts_->system->config.fields(), parts_->updates + 1);
    handed_over_ = parts_->updates;
  }

  void save_experience(Checkpoint& into) const {
    if (experience_) experience_->save(into, experience_prefix);
    if (actor_thread_) actor_thread_->save(into, experience_prefix);
    feed().save(into, replay_prefix);
  }

  std::shared_ptr<InterleavedParts> parts_;
  at::Generator generator_;
  TrainRatio ratio_;
  std::unique_ptr<Experience> experience_;
  std::unique_ptr<ActorThread> actor_thread_;
  std::unique_ptr<GaugeWatch> gauges_;
  Elastic elastic_;
  Checkpoint resumed_;   // of experience and replay, until the replay has been read
  std::string lost_;     // why what was lived cannot be saved; empty = it can
  bool loaded_ = false;  // from a checkpoint
  EnvLanes::Faults faults_;  // of the actor's worlds
  std::int64_t steps_ = 0, episodes_ = 0, acting_with_ = 0, handed_over_ = 0;
};

void Interleaved::begin_experience() {
  const auto& train = options();
  const auto given = feed().given_steps();
  feed().check(resumed_, replay_prefix);
  const Experience::Options collect{own_folder(),         train.lanes, std::max<std::int64_t>(0, train.prefill - given),
                                    train.replay_context, async(),     parts_->rng("collect")};
  if (async()) {
    auto begun = Experience::counters_in(resumed_, experience_prefix);
    // What its actor had written that no checkpoint knows of counts as well.
    begun.ended = feed().own_episodes(), begun.steps = std::max(begun.steps, feed().own_steps());
    steps_ = given + begun.steps;
    actor_thread_ = std::make_unique<ActorThread>(parts_->make_actor_system(), collect, begun, train.steps - given);
    hand_over();
  } else {
    if (!goes_on() && steps_ > given) {
      throw Error(resumed_.origin + " has no tensor '" + experience_prefix + "counters', and " +
                  std::to_string(steps_) + " steps were made");
    }
    auto experience = std::make_unique<Experience>(collect, *parts_->system, [this](const Episode& piece) {
      feed().replay().extend(piece);
      parts_->learner->lived(piece, experience_ == nullptr);  // load() tells what came before
    });
    if (goes_on()) {
      experience->load(resumed_, experience_prefix, feed().own_ended_steps());
    } else {
      experience->begin_anew(loaded_);
    }
    steps_ = given + experience->steps();
    experience_ = std::move(experience);
  }
  feed().load(resumed_, replay_prefix);
  resumed_ = {};
  if (train.gauges) gauges_ = std::make_unique<GaugeWatch>(*parts_->system);
}

bool Interleaved::update_due() const {
  const auto& train = options();
  if (feed().replay().steps() < parts_->learner->least_steps() || steps_ < train.prefill) return false;
  if (actor_thread_) return true;  // the learner trains without pause
  return ratio_.due(parts_->updates, static_cast<double>(steps_ - train.prefill), batch_frames());
}

/// All steps were made and nothing came of them.
void Interleaved::require_work() const {
  const auto& train = options();
  if (parts_->updates > 0 || steps_ < train.steps || update_due()) return;
  const auto steps = std::to_string(steps_) + " steps were made and nothing was learned from them: ";
  if (!async() && train.train_ratio <= 0) throw Error(steps + "train.train_ratio = 0 asks for no update; raise it");
  const bool waits = steps_ < train.prefill, few = feed().replay().steps() < parts_->learner->least_steps();
  std::string why = waits ? "train.prefill asks for " + std::to_string(train.prefill) + " before the first update" : "";
  if (few || !waits)
    why += (waits ? ", and " : "") + ("the replay holds " + std::to_string(feed().replay().steps()) + " of them, and a batch takes at least " +
                                      std::to_string(parts_->learner->least_steps()) + " (by " + parts_->learner->least_steps_by() + ")");
  throw Error(steps + why + "; raise train.steps or lower " + (waits ? "train.prefill" : "") + (waits && few ? " and " : "") +
              (few || !waits ? parts_->learner->least_steps_by() : ""));
}

/// One update; returns the frames that it replayed.
double Interleaved::update() {
  parts_->learner->update(feed(), parts_->updates + 1, generator_);
  ++parts_->updates;
  feed().learned(batch_frames());
  elastic_.after_update(*parts_->system, options().elastic, options().elastic_memory);
  if (gauges_) gauges_->after(parts_->updates, batch_frames(), progress());
  return batch_frames();
}

/// Some steps at a time until an update is due.
double Interleaved::step_sync() {
  const auto given = feed().given_steps();
  for (std::int64_t collected = 0; !update_due() && steps_ < options().steps && collected < steps_at_a_time;
       collected += options().lanes) {
    for (const auto& done : experience_->step()) note(given + experience_->steps(), done.reward, done.steps, done.cost);
    steps_ = given + experience_->steps();
  }
  episodes_ = experience_->episodes();
  return update_due() ? update() : 0;
}

double Interleaved::step_async() {
  const auto news = actor_thread_->take();
  auto& replay = feed().replay();
  steps_ = feed().given_steps() + news.steps;
  for (const auto& piece : news.pieces) {
    replay.extend(piece);
    parts_->learner->lived(piece, false);
    if (!piece.ended()) continue;
    const auto& episode = replay.episode(replay.episodes() - 1);
    note(steps_, std::accumulate(episode.rewards.begin(), episode.rewards.end(), 0.0),
         static_cast<std::int64_t>(episode.length()), episode.cost());
    ++episodes_;
  }
  acting_with_ = std::max<std::int64_t>(0, news.weights - 1);
  faults_ = news.faults;
  if (!update_due()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the replay fills
    return 0;
  }
  const auto replayed = update();
  if (parts_->updates - handed_over_ >= options().weights_every) hand_over();
  return replayed;
}

void Interleaved::save(Checkpoint& into) const {
  if (!lost_.empty()) throw Error(lost_);
  into.tensors["learn.counters"] =
      torch::tensor({parts_->updates, ratio_.updates_before, steps_, episodes_}, torch::kInt64);
  into.tensors["learn.ratio"] = torch::tensor({ratio_.steps_before, ratio_.ratio}, torch::kFloat64);
  feed().save_draws(into, "learn.draws");
  store_generator(into, "learn.rng", generator_);
  parts_->learner->save(into, "learn.");
  elastic_.save(into, elastic_prefix);
  if (experience_ || actor_thread_) {
    save_experience(into);
  } else {
    for (const auto& [name, tensor] : resumed_.tensors) into.tensors[name] = tensor;
  }
}

void Interleaved::load(const Checkpoint& from) {
  const auto counters = counters_of(from, "learn.counters",
                                    {"updates", "updates before the train ratio changed", "steps", "ended episodes"});
  const auto ratio = from.exact("learn.ratio", {2}).to(torch::kFloat64).contiguous();
  const auto steps_before = ratio.data_ptr<double>()[0];
  if (!ratio.isfinite().all().item<bool>() || counters[1] > counters[0] || steps_before < 0 ||
      steps_before > static_cast<double>(counters[2])) {
    throw Error(from.origin + ": 'learn.ratio' does not fit the updates and steps in 'learn.counters'");
  }
  const auto lived = Experience::counters_in(from, experience_prefix);
  if (!async() && (counters[2] < lived.steps || (options().datasets.empty() && counters[2] > lived.steps))) {
    throw Error(from.origin + ": 'learn.counters' counts " + std::to_string(counters[2]) + " steps, and '" +
                experience_prefix + "counters' " + std::to_string(lived.steps));
  }
  feed().close();  // first, as an open stream's place would take that of the checkpoint
  parts_->learner->load(from, "learn.");
  elastic_.load(from, elastic_prefix, *parts_->system);
  feed().load_draws(from, "learn.draws");
  load_generator(from, "learn.rng", generator_);
  parts_->updates = counters[0], steps_ = counters[2], episodes_ = counters[3];
  ratio_ = {ratio.data_ptr<double>()[1], counters[1], steps_before};
  experience_.reset();
  actor_thread_.reset();
  gauges_.reset();
  loaded_ = true;
  resumed_ = {};
  resumed_.origin = from.origin;
  lost_.clear();
  for (const auto& [name, tensor] : from.tensors) {
    if (name.starts_with(experience_prefix) || name.starts_with(replay_prefix)) resumed_.tensors[name] = tensor;
  }
}

}  // namespace

std::shared_ptr<Phase> interleaved_phase(std::shared_ptr<InterleavedParts> parts, std::string title) {
  return std::make_shared<Interleaved>(std::move(parts), std::move(title));
}

}  // namespace dream
