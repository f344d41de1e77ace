#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/data/sequences.h"
#include "core/engine/actor_thread.h"
#include "core/engine/dreamer/dreamer.h"
#include "core/engine/dreamer/train_ratio.h"
#include "core/lab/open_loop.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t kept_starts = 64;       // states that a run keeps to begin dreams from
constexpr double exploding_kl = 1000;          // nats; healthy models stay below a hundred
constexpr std::int64_t dream_context = 32;     // frames that are watched before a dream begins in the replay
constexpr double reading_seconds = 0.1;        // of one step while the replay is read
constexpr std::int64_t open_loop_context = 5;  // frames that the open-loop picture sees
constexpr std::int64_t open_loop_steps = 50;   // that it then imagines
constexpr std::int64_t open_loop_lanes = 3;
constexpr std::int64_t open_loop_updates = 20;  // for which it keeps its sequences, so that they can be seen to improve

/// Collect as many steps as the train ratio asks for, then one update of world model and behaviour.
class Learning : public Phase {
 public:
  explicit Learning(std::shared_ptr<DreamerParts> parts)
      : Phase("learn", "Learn: collect, world model, behaviour", "replayed frames/s"),
        parts_(std::move(parts)),
        draws_(parts_->rng("replay")),
        generator_(make_generator(parts_->system->device, parts_->rng("learn").next64())),
        world_(parts_->model->parameters(), parts_->options.world_optimiser) {
    if (auto* ac = parts_->actor_critic.get()) {
      actor_ = std::make_unique<Optimiser>(ac->actor_parameters(), parts_->options.actor_optimiser);
      critic_ = std::make_unique<Optimiser>(ac->critic_parameters(), parts_->options.critic_optimiser);
    }
  }

  void begin() override {
    if (experience_ || actor_thread_ || sources_) return;
    const auto& train = parts_->options.train;
    if (train.datasets.empty() && train.prefill >= train.steps) {
      throw Error("train.steps = " + std::to_string(train.steps) +
                  " leaves no step to learn with after train.prefill = " + std::to_string(train.prefill) +
                  " random ones; raise the first or lower the other");
    }
    if (train.replay_context) {
      torch::NoGradGuard no_grad;
      initial_ = parts_->model->initial(1);
    }
    parts_->replay = Replay(static_cast<std::size_t>(train.budget_gb * 1e9),
                            train.replay_context ? static_cast<std::size_t>(rows_of(initial_, initial_).size(1)) : 0);
    sources_ = std::make_unique<DatasetSources>(folders_of(train.datasets), parts_->system->make_env()->spaces(),
                                                parts_->system->environment);
    own_read_ = 0;
    if (resumed_.tensors.contains("learn.experience/counters") && std::filesystem::exists(own_folder())) {
      own_ = std::make_unique<Dataset>(own_folder());
    }
  }

  double step() override {
    follow_settings();
    if (sources_) {
      for (const double began = now_seconds(); read_more();) {
        if (now_seconds() - began > reading_seconds) return 0;
      }
      sources_.reset();
      own_.reset();
      begin_experience();
    }
    return actor_thread_ ? step_async() : step_sync();
  }

  /// Steps that are made are owed their updates: those of given datasets all at once.
  double progress() const override {
    const auto& train = parts_->options.train;
    const auto made = std::min(1.0, static_cast<double>(steps_) / static_cast<double>(train.steps));
    if (train.datasets.empty() || train.actor == "async") return made;
    const auto owed = ratio_.owed(static_cast<double>(train.steps - train.prefill), batch_frames());
    return std::min(made, owed > 0 ? static_cast<double>(parts_->updates) / owed : 1);
  }

  std::string detail() const override {
    if (sources_) {
      return "reading episodes: " + std::to_string(parts_->replay.episodes()) + " of " +
             std::to_string(sources_->episodes() + static_cast<std::size_t>(own_count()));
    }
    auto text = std::to_string(steps_) + " steps, " + std::to_string(episodes_) + " episodes, " +
                std::to_string(parts_->updates) + " updates";
    if (actor_thread_)
      text += ", the actor's weights are " + std::to_string(parts_->updates - acting_with_) + " updates old";
    return text;
  }

  std::vector<Frame> frames() override;
  std::vector<std::string> warnings() const override { return warnings_; }
  std::vector<std::string> probe_names() const override;
  void report(ProbeSink& sink) override;
  std::int64_t replay_frames() const override { return parts_->replay.frames(); }
  SequenceBatch replay_piece(double place) const override {
    const auto& replay = parts_->replay;
    const auto last = static_cast<std::int64_t>(std::clamp(place, 0.0, 1.0) * static_cast<double>(replay.frames() - 1));
    const auto begin = std::max<std::int64_t>(0, last - dream_context + 1);
    return sequences_at(replay, {begin}, last - begin + 1);
  }
  void save(Checkpoint& into) const override;
  void load(const Checkpoint& from) override;
  void end() override {
    // What the checkpoint holds is what begin() goes on from; a run that is stopped while it reads still has that.
    if (experience_ || actor_thread_) {
      resumed_ = {};
      save_experience(resumed_);
      save_replay(resumed_);
    }
    experience_.reset();
    actor_thread_.reset();
    sources_.reset();
    own_.reset();
    parts_->replay.clear();
    batch_ = sheet_ = {};
  }

 private:
  Metrics& metrics() const { return parts_->system->metrics; }

  std::filesystem::path own_folder() const { return parts_->system->directory / "data" / "own"; }

  std::int64_t own_count() const {
    if (!own_) return 0;
    const auto there = static_cast<std::int64_t>(own_->episodes());
    return parts_->options.train.actor == "async"
               ? there
               : std::min(there, Experience::finished_in(resumed_, "learn.experience/"));
  }

  /// One more episode: of the given datasets, then of those that this run had collected when it was saved; an actor of
  /// its own may have gone on.
  bool read_more() {
    if (sources_->read_into(parts_->replay)) return true;
    if (!own_) return false;
    if (own_read_ == 0) count_given();
    if (own_read_ >= own_count()) return false;
    parts_->replay.add(own_->read(static_cast<std::size_t>(own_read_++)));
    return true;
  }

  /// What was given is not new.
  void count_given() {
    given_ = parts_->replay.steps();
    seen_ = given_frames_ = parts_->replay.dropped() + parts_->replay.frames();
  }

  void begin_experience() {
    const auto& train = parts_->options.train;
    if (own_read_ == 0) count_given();
    steps_ = std::max(steps_, given_);
    load_replay();
    const bool async = train.actor == "async";
    const Experience::Options options{
        own_folder(),         train.lanes, std::max<std::int64_t>(0, train.prefill - given_),
        train.replay_context, async,       parts_->rng("collect")};
    if (async) {
      actor_thread_ =
          std::make_unique<ActorThread>(parts_->twin(), options, resumed_, "learn.experience/", train.steps - given_);
      hand_over();
    } else {
      experience_ = std::make_unique<Experience>(options, *parts_->system,
                                                 [this](Episode e) { parts_->replay.add(std::move(e)); });
      if (resumed_.tensors.contains("learn.experience/counters")) experience_->load(resumed_, "learn.experience/");
    }
    resumed_ = {};
  }

  bool update_due() const {
    const auto& train = parts_->options.train;
    if (parts_->replay.steps() < train.length || steps_ < train.prefill) return false;
    if (actor_thread_) return true;  // the learner trains without pause
    return ratio_.due(parts_->updates, static_cast<double>(steps_ - train.prefill), batch_frames());
  }

  double batch_frames() const {
    return static_cast<double>(parts_->options.train.batch * parts_->options.train.length);
  }

  /// Live settings reach the parts that use them. A changed train ratio counts from here on.
  void follow_settings() {
    const auto& options = parts_->options;
    parts_->system->follow_settings();
    world_.options() = options.world_optimiser;
    if (actor_) actor_->options() = options.actor_optimiser, critic_->options() = options.critic_optimiser;
    ratio_.set(options.train.train_ratio, parts_->updates, static_cast<double>(steps_ - options.train.prefill));
    if (actor_thread_) actor_thread_->stop_after(options.train.steps - given_);
  }

  SequenceBatch next_batch();
  double update();
  double step_sync();
  double step_async();
  void note(std::int64_t at, double reward, std::int64_t length) {
    metrics().add("learn/return", at, reward);
    metrics().add("learn/episode_length", at, static_cast<double>(length));
  }
  void hand_over() {
    auto weights = std::make_shared<Checkpoint>();
    parts_->system->store_weights(*weights);
    // 0 is what the actor begins with.
    actor_thread_->put_weights(std::move(weights), parts_->system->config.fields(), parts_->updates + 1);
    handed_over_ = parts_->updates;
  }
  void save_experience(Checkpoint& into) const {
    if (experience_) experience_->save(into, "learn.experience/");
    if (actor_thread_) actor_thread_->save(into, "learn.experience/");
  }

  void save_replay(Checkpoint& into) const;
  void load_replay();

  std::shared_ptr<DreamerParts> parts_;
  Rng draws_;
  at::Generator generator_;
  Optimiser world_;
  std::unique_ptr<Optimiser> actor_, critic_;
  std::unique_ptr<Experience> experience_;
  Checkpoint resumed_;  // of the experience, until begin() takes it up
  std::unique_ptr<ActorThread> actor_thread_;
  std::unique_ptr<DatasetSources> sources_;  // while they are read
  std::unique_ptr<Dataset> own_;             // of a resumed run, likewise
  std::int64_t own_read_ = 0, given_ = 0;    // episodes of own_; steps of the datasets
  std::int64_t steps_ = 0, episodes_ = 0, acting_with_ = 0, handed_over_ = 0;
  TrainRatio ratio_;
  std::int64_t seen_ = 0,
               given_frames_ = 0;     // that have been in the online queue, and that were given: of all ever added
  std::vector<std::int64_t> begins_;  // of the batch
  Carry initial_;                     // with a replay context: what it holds
  SequenceBatch batch_, sheet_;       // the last one, for probes; what the open-loop picture shows
  std::int64_t sheet_since_ = 0;
  std::vector<std::string> warnings_;
};

/// Some steps at a time until an update is due, so that pausing is prompt while the replay fills.
double Learning::step_sync() {
  const auto& train = parts_->options.train;
  std::int64_t collected = 0;
  while (!update_due() && steps_ < train.steps && collected < 256) {
    for (const auto& done : experience_->step()) note(given_ + experience_->steps(), done.reward, done.steps);
    steps_ = given_ + experience_->steps();
    collected += train.lanes;
  }
  episodes_ = experience_->episodes();
  return update_due() ? update() : 0;
}

double Learning::step_async() {
  const auto& train = parts_->options.train;
  auto news = actor_thread_->take();
  news.steps += given_;
  for (auto& episode : news.episodes) {
    note(news.steps, std::accumulate(episode.rewards.begin(), episode.rewards.end(), 0.0),
         static_cast<std::int64_t>(episode.length()));
    parts_->replay.add(std::move(episode));
    ++episodes_;
  }
  steps_ = news.steps;
  acting_with_ = std::max<std::int64_t>(0, news.weights - 1);
  if (!update_due()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the replay fills
    return 0;
  }
  const auto replayed = update();
  if (parts_->updates - handed_over_ >= train.weights_every) hand_over();
  return replayed;
}

/// What no batch has held yet first, then at random.
SequenceBatch Learning::next_batch() {
  const auto& train = parts_->options.train;
  const auto& replay = parts_->replay;
  begins_.clear();
  if (train.online_queue) begins_ = new_begins(replay, train.length, train.batch, seen_);
  const auto drawn = draw_begins(replay, train.batch - static_cast<std::int64_t>(begins_.size()), draws_);
  begins_.insert(begins_.end(), drawn.begin(), drawn.end());
  auto batch = sequences_at(replay, begins_, train.length).to(parts_->system->device);
  if (train.replay_context) batch.before = carry_of(states_before(replay, begins_), initial_);
  return batch;
}

/// One batch; returns its frames.
double Learning::update() {
  const auto& train = parts_->options.train;
  batch_ = next_batch();
  auto world = parts_->model->loss(batch_, generator_);
  if (train.replay_context) {
    keep_states(parts_->replay, begins_, rows_of(world.states, initial_).view({train.length, train.batch, -1}));
  }
  const auto number = parts_->updates + 1;
  // Every term is checked before a step is taken: a bad one never reaches the weights.
  for (const auto& [name, term] : world.terms) metrics().add("world/" + name, number, term.item<double>());
  auto total = world.total;
  if (auto* actor_critic = parts_->actor_critic.get()) {
    const auto alive = (1 - batch_.terminated).flatten();
    auto loss = actor_critic->learn(*parts_->model, world.states, alive,
                                    {world.features, batch_.reward, batch_.terminated, batch_.last}, generator_);
    for (const auto& [name, term] : loss.terms) metrics().add("behaviour/" + name, number, term.item<double>());
    total = total + loss.actor + loss.critic;
    if (loss.replay_critic.defined()) total = total + loss.replay_critic;
  }
  total.backward();
  metrics().add("world/gradient", number, world_.step());
  if (actor_) {
    metrics().add("behaviour/actor_gradient", number, actor_->step());
    metrics().add("behaviour/critic_gradient", number, critic_->step());
    parts_->actor_critic->update_target();
  }
  ++parts_->updates;
  if (parts_->updates % 50 == 1) {
    warnings_ = parts_->model->latent_warnings();
    if (const double kl = metrics().last("world/kl"); kl > exploding_kl) {
      warnings_.push_back("the KL between posterior and prior explodes (" + std::to_string(std::llround(kl)) +
                          " nats): lower the learning rate or raise β_dyn");
    }
    // Nothing comes after an episode's last state.
    const auto going_on = (1 - batch_.last).flatten().nonzero().flatten();
    const auto every = std::max<std::int64_t>(1, going_on.size(0) / kept_starts);
    const auto chosen = going_on.slice(0, 0, every * kept_starts, every);
    if (chosen.size(0) > 0) {
      for (auto& [name, tensor] : world.states) parts_->system->starts[name] = tensor.index_select(0, chosen);
    }
  }
  return static_cast<double>(train.batch * train.length);
}

std::vector<Frame> Learning::frames() {
  const auto& replay = parts_->replay;
  if (!batch_.image.defined() || replay.frames() == 0) return {};
  if (!sheet_.reward.defined() || parts_->updates - sheet_since_ >= open_loop_updates) {
    // Longer than what is trained on, and of one episode where that lasts; chosen without the run's own chance.
    Rng chance(static_cast<std::uint64_t>(parts_->updates));
    std::vector<std::int64_t> begins;
    for (std::int64_t lane = 0; lane < open_loop_lanes; ++lane) {
      const auto any = static_cast<std::int64_t>(chance.integers(static_cast<std::uint64_t>(replay.frames())));
      begins.push_back(whole_piece(replay, any, open_loop_context + open_loop_steps));
    }
    sheet_ = sequences_at(replay, begins, open_loop_context + open_loop_steps).to(parts_->system->device);
    sheet_since_ = parts_->updates;
  }
  return open_loop_frames(*parts_->model, sheet_, open_loop_context, make_generator(parts_->system->device, 1));
}

std::vector<std::string> Learning::probe_names() const {
  auto names = parts_->model->batch_probe_names();
  for (const auto* name : {"predicted/reward", "predicted/continue"}) names.emplace_back(name);
  if (parts_->actor_critic) names.emplace_back("predicted/value");
  return names;
}

void Learning::report(ProbeSink& sink) {
  if (!batch_.reward.defined()) return;
  torch::NoGradGuard no_grad;
  parts_->model->report_batch(sink);
  Valued valued;
  if (auto* ac = parts_->actor_critic.get()) {
    valued = {[ac](const torch::Tensor& features) { return ac->value(features); }, parts_->options.behaviour.discount,
              parts_->options.behaviour.lambda};
  }
  report_predicted(*parts_->model, batch_, open_loop_context, valued, sink, make_generator(parts_->system->device, 1));
}

void Learning::save(Checkpoint& into) const {
  into.tensors["learn.counters"] = torch::tensor({parts_->updates, ratio_.paid, steps_, episodes_}, torch::kInt64);
  into.tensors["learn.ratio"] = torch::tensor({ratio_.paid_steps, ratio_.ratio}, torch::kFloat64);
  const auto& s = draws_.state();
  const auto word = [](std::uint64_t x) { return static_cast<std::int64_t>(x); };
  into.tensors["learn.draws"] =
      torch::tensor({word(s.state_high), word(s.state_low), word(s.increment_high), word(s.increment_low), word(s.seed),
                     word(s.key), word(s.has_half), word(s.half)},
                    torch::kInt64);
  store_generator(into, "learn.rng", generator_);
  world_.save(into, "learn.world/");
  if (actor_) actor_->save(into, "learn.actor/"), critic_->save(into, "learn.critic/");
  if (experience_ || actor_thread_) {
    save_experience(into);
    save_replay(into);
  } else {
    for (const auto& [name, tensor] : resumed_.tensors) into.tensors[name] = tensor;
  }
}

/// Frames are counted from the first that this run collected, so that more episodes on the disk (of an async actor that
/// went on), fewer in memory or other given ones (of another budget) do not shift what is known of the others.
void Learning::save_replay(Checkpoint& into) const {
  const auto& replay = parts_->replay;
  into.tensors["learn.replay/counters"] =
      torch::tensor({seen_ - given_frames_, replay.dropped() - given_frames_}, torch::kInt64);
  if (replay.state_size() > 0 && replay.frames() > 0)
    into.tensors["learn.replay/states"] = states_at(replay, {0}, replay.frames()).squeeze(1);
}

void Learning::load_replay() {
  auto& replay = parts_->replay;
  const auto here = replay.dropped() - given_frames_, there = here + replay.frames();  // frames that are in memory
  if (!resumed_.tensors.contains("learn.replay/counters")) {  // of before there was a queue: nothing is new
    if (resumed_.tensors.contains("learn.experience/counters")) seen_ = there + given_frames_;
    return;
  }
  const auto counters = resumed_.get("learn.replay/counters", {2}).to(torch::kInt64).contiguous();
  seen_ = std::clamp<std::int64_t>(counters[0].item<std::int64_t>(), 0, there) + given_frames_;
  if (replay.state_size() == 0 || !resumed_.tensors.contains("learn.replay/states")) return;
  const auto states = resumed_.exact("learn.replay/states", {-1, static_cast<std::int64_t>(replay.state_size())});
  // Those of given episodes only where the same ones are in memory: then both sides begin at the same frame.
  const auto first = counters[1].item<std::int64_t>();
  const auto begin = first == here ? here : std::max({first, here, std::int64_t{0}});
  const auto end = std::min(there, states.size(0) + std::min(first, there));
  if (begin < end) {
    keep_states(replay, {begin - here}, states.slice(0, begin - first, end - first).to(torch::kBFloat16).unsqueeze(1));
  }
}

void Learning::load(const Checkpoint& from) {
  const auto counters = from.get("learn.counters", {4}).to(torch::kInt64).contiguous();
  const auto ratio = from.exact("learn.ratio", {2}).to(torch::kFloat64).contiguous();
  const auto draws = from.get("learn.draws", {8}).to(torch::kInt64).contiguous();
  world_.load(from, "learn.world/");
  if (actor_) actor_->load(from, "learn.actor/"), critic_->load(from, "learn.critic/");
  for (auto* optimiser : {&world_, actor_.get(), critic_.get()}) {
    if (optimiser) optimiser->clear();  // gradients of a step that failed
  }
  load_generator(from, "learn.rng", generator_);
  const auto* c = counters.data_ptr<std::int64_t>();
  parts_->updates = c[0], steps_ = c[2], episodes_ = c[3];
  ratio_ = {ratio.data_ptr<double>()[1], c[1], ratio.data_ptr<double>()[0]};
  const auto* d = draws.data_ptr<std::int64_t>();
  const auto word = [&](int i) { return static_cast<std::uint64_t>(d[i]); };
  draws_ = Rng(Rng::State{word(0), word(1), word(2), word(3), word(4), word(5), static_cast<std::uint32_t>(word(6)),
                          static_cast<std::uint32_t>(word(7))});
  experience_.reset();
  actor_thread_.reset();
  sources_.reset();
  own_.reset();
  resumed_ = {};
  resumed_.origin = from.origin;
  for (const auto& [name, tensor] : from.tensors) {
    if (name.starts_with("learn.experience/") || name.starts_with("learn.replay/")) resumed_.tensors[name] = tensor;
  }
}

}  // namespace

std::shared_ptr<Phase> learn_phase(std::shared_ptr<DreamerParts> parts) {
  return std::make_shared<Learning>(std::move(parts));
}

}  // namespace dream
