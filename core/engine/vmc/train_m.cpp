#include <algorithm>
#include <cmath>
#include <future>
#include <numeric>
#include <optional>
#include <utility>

#include "api/error.h"
#include "core/engine/counters.h"
#include "core/engine/gauge_watch.h"
#include "core/engine/vmc/episode_batches.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "core/nn/generator.h"
#include "core/nn/kernel_path.h"
#include "core/nn/optimiser.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t encode_chunk = 500;  // frames per step while V encodes the data
constexpr std::int64_t encode_chunk_on_card = 8000;
constexpr int m_updates_on_card = 5;        // per step
constexpr std::int64_t start_states = 256;  // kept for dreams without an environment
constexpr std::int64_t warm_up = 60;        // steps that M sees before a start state

/// Encodes every frame once, keeps (μ, log σ²) in half precision, and trains M by teacher forcing on sequences whose z
/// are drawn anew for every batch (rnn_train.py); with m.restarts on whole episodes. The published Doom code cuts all of them, one
/// after the other, into pieces of 500 and hands M's state from piece to piece; here none is cut.
class MTraining : public Phase {
 public:
  explicit MTraining(std::shared_ptr<VmcParts> parts)
      : Phase("m", "M: MDN-LSTM", "transitions/s"),
        parts_(std::move(parts)),
        rng_(make_generator(torch::kCPU, parts_->rng("m").next64())),
        noise_(own_noise() ? make_generator(parts_->system->device, parts_->rng("m.noise").next64()) : rng_),
        adam_(parts_->model->m()->parameters(),
              {.kind = OptimiserKind::adam, .eps = 1e-8, .adaptive_clip = 0, .warm_up = 0, .measure = false}) {}

  double step() override {
    if (parts_->load_more()) return 0;
    if (parts_->streams() ? encode_next() : encode()) return 0;
    if (sequences_.empty()) index();
    const auto& options = parts_->options.m;
    double done = 0;
    for (int update = 0; update < (on_card() ? m_updates_on_card : 1) && steps_ < options.steps; ++update) {
      done += learn();
    }
    if (on_card()) check_losses();
    if (gauges_) gauges_->after(steps_, static_cast<double>(options.batch * options.sequence), progress());
    if (steps_ >= options.steps) keep_starts();
    return done;
  }

  double progress() const override {
    return std::min(1.0, static_cast<double>(steps_) / static_cast<double>(parts_->options.m.steps));
  }

  std::string detail() const override {
    if (all_ && mean_.size(0) == 0)
      return "V encodes episode " + std::to_string(encoded_) + " of " + std::to_string(all_->episodes());
    if (mean_.size(0) == 0 && parts_->replay.episodes() > 0) return parts_->loading();
    if (!all_ && encoded_ < mean_.size(0))
      return "V encodes frame " + std::to_string(encoded_) + " of " + std::to_string(mean_.size(0));
    return "step " + std::to_string(steps_) + " of " + std::to_string(parts_->options.m.steps);
  }

  /// A real frame of the data, and what M made of the moment before it.
  std::vector<Frame> frames() override {
    if (sequences_.empty()) return {};
    torch::NoGradGuard no_grad;
    const auto& place = sequences_[static_cast<std::size_t>(steps_) % sequences_.size()];
    const auto& episode = episode_of(place.episode);
    // `first` is the last possible first frame of a sequence: no more than a sequence lies behind it.
    const auto length = std::min(warm_up, whole() ? lengths_[place.episode] - 1 : parts_->options.m.sequence);
    // Its own random stream: watching changes nothing of the training.
    auto view_rng = make_generator(parts_->system->device, static_cast<std::uint64_t>(steps_));
    auto batch = collate({offsets_[place.episode] + static_cast<std::int64_t>(place.first)}, length, view_rng);
    const auto state = followed_through(batch, length);
    const auto drawn = MdnRnnImpl::sample(parts_->model->m()->output(state.h), 1, 1, view_rng);
    const auto made = parts_->model->v()->decode(drawn.z)[0].to(torch::kCPU);
    const auto bytes = static_cast<std::int64_t>(episode.frame_bytes());
    const auto at = static_cast<std::int64_t>(place.first) + length;
    const auto real = torch::from_blob(const_cast<std::uint8_t*>(episode.frames.data()) + at * bytes,
                                       {episode.height, episode.width, episode.channels}, torch::kUInt8);
    const auto truth = real.permute({2, 0, 1}).to(torch::kFloat32).div(255);
    return {{"real", "from the data", -1, std::make_shared<const Image>(image_from(real))},
            {"dream", "M's guess one step ahead, decoded", (truth - made).square().mean().item<double>(),
             std::make_shared<const Image>(image_from(made))}};
  }

  std::vector<std::string> warnings() const override {
    auto all = gauges_ ? gauges_->warnings() : std::vector<std::string>();
    return all;
  }

  void save(Checkpoint& into) const override {
    adam_.save(into, "m.adam/");
    store_generator(into, "m.rng", rng_);
    if (own_noise()) store_generator(into, "m.noise", noise_);
    into.tensors["m.counters"] = torch::tensor({steps_}, torch::kInt64);
    const auto place = batches_.empty() ? place_ : batches_.place();
    if (whole()) into.tensors["m.place"] = torch::tensor({place.epoch, place.batch}, torch::kInt64);
  }

  void load(const Checkpoint& from) override {
    const auto updates = counters_of(from, "m.counters", {"updates"})[0];
    if (whole()) {
      const auto place = counters_of(from, "m.place", {"epochs", "batches"});
      place_ = {place[0], place[1]}, batches_ = {};
    }
    adam_.load(from, "m.adam/");
    adam_.clear();  // gradients of a step that failed
    load_generator(from, "m.rng", rng_);
    if (own_noise() && from.tensors.contains("m.noise")) load_generator(from, "m.noise", noise_);
    steps_ = updates;
  }

  void end() override {
    parts_->unload();
    mean_ = log_variance_ = torch::empty({0, 0}, torch::kHalf);
    actions_ = rewards_ = dones_ = torch::Tensor();
    encoded_ = 0;
    if (ahead_.valid()) ahead_.wait();
    all_.reset(), shown_.reset();
    means_.clear(), log_variances_.clear(), followed_ = {}, numbers_.clear();
    sequences_.clear();
    if (!batches_.empty()) place_ = batches_.place();
    batches_ = {}, lengths_.clear();
    losses_.clear();
    gauges_.reset();
  }

 private:
  struct Sequence {
    std::size_t episode;
    std::size_t first;  // the last possible first frame of a sequence in this episode, or a frame of it
  };
  struct Batch {
    torch::Tensor z, actions, rewards, dones;  // [T+1, B, z], [T, B, A], [T, B], [T, B]
  };

  bool whole() const { return parts_->options.m.restarts; }
  bool own_noise() const { return !parts_->system->device.is_cpu(); }
  bool on_card() const { return !on_processor(parts_->system->device); }

  /// What followed each frame of some episodes; nothing the last ones.
  struct Followed {
    std::vector<float> actions, rewards, dones;
    std::vector<std::size_t> lengths;
    void add(const Episode& episode) {
      actions.insert(actions.end(), episode.actions.begin(), episode.actions.end());
      actions.resize(actions.size() + static_cast<std::size_t>(episode.action_size));
      rewards.insert(rewards.end(), episode.rewards.begin(), episode.rewards.end());
      dones.insert(dones.end(), episode.terminated.begin(), episode.terminated.end());
      rewards.push_back(0), dones.push_back(0);
      lengths.push_back(episode.length());
    }
  };

  /// An episode that M learns from; of those that do not all fit it is read again.
  const Episode& episode_of(std::size_t index) {
    if (!all_) return parts_->replay.episode(index);
    shown_ = all_->read(numbers_.at(index));
    if (!shown_) throw Error("an episode that could be read before cannot any more");
    return *shown_;
  }

  /// One more of episodes that do not all fit: what M learns from takes a hundredth of their room. False once all are encoded.
  bool encode_next() {
    if (mean_.size(0) > 0) return false;
    torch::NoGradGuard no_grad;
    if (!all_) {
      all_ = parts_->sources();
      parts_->replay.clear();
    }
    const auto count = static_cast<std::int64_t>(all_->episodes());
    const auto read = [this](std::int64_t number) { return all_->read(static_cast<std::size_t>(number)); };
    const auto episode = ahead_.valid() ? ahead_.get() : read(encoded_);
    const auto number = encoded_++;
    if (encoded_ < count) ahead_ = std::async(std::launch::async, read, encoded_);
    if (episode) {
      const auto frames = torch::from_blob(const_cast<std::uint8_t*>(episode->frames.data()),
                                           {static_cast<std::int64_t>(episode->length()) + 1, episode->height, episode->width, episode->channels}, torch::kUInt8);
      for (const auto& some : frames.split(on_card() ? encode_chunk_on_card : encode_chunk)) {
        const auto posterior = parts_->model->v()->encode(some.to(parts_->system->device));
        means_.push_back(posterior.mean.to(torch::kHalf)), log_variances_.push_back(posterior.log_variance.to(torch::kHalf));
      }
      followed_.add(*episode);
      numbers_.push_back(static_cast<std::size_t>(number));
    }
    if (encoded_ < count) return true;
    if (means_.empty()) throw Error("of " + std::to_string(count) + " episodes not one can be read");
    mean_ = torch::cat(means_), log_variance_ = torch::cat(log_variances_);
    means_.clear(), log_variances_.clear();
    return true;
  }

  /// Some more frames of the replay. False once all are encoded.
  bool encode() {
    torch::NoGradGuard no_grad;
    const auto& replay = parts_->replay;
    const auto frames = replay.frames();
    if (encoded_ >= frames) return false;
    if (mean_.size(0) != frames) {
      mean_ = torch::empty({frames, parts_->options.v.latent_size},
                           torch::TensorOptions(torch::kHalf).device(parts_->system->device));
      log_variance_ = torch::empty_like(mean_);
      encoded_ = 0;
    }
    const auto count = parts_->frames.run(replay, encoded_, on_card() ? encode_chunk_on_card : encode_chunk);
    const auto posterior = parts_->model->v()->encode(parts_->frames.slice(replay, encoded_, count));
    mean_.slice(0, encoded_, encoded_ + count).copy_(posterior.mean);
    log_variance_.slice(0, encoded_, encoded_ + count).copy_(posterior.log_variance);
    encoded_ += count;
    return true;
  }

  /// Which episodes are long enough, where the first frame of each lies among all frames, and what followed each frame.
  void index() {
    for (std::size_t i = 0; !all_ && i < parts_->replay.episodes(); ++i) followed_.add(parts_->replay.episode(i));
    const auto followed = std::exchange(followed_, {});
    const auto frames = static_cast<std::int64_t>(followed.rewards.size());
    actions_ = torch::tensor(followed.actions).view({frames, -1});
    rewards_ = torch::tensor(followed.rewards), dones_ = torch::tensor(followed.dones);
    offsets_.clear(), lengths_.clear();
    std::int64_t offset = 0;
    const auto needed = whole() ? std::size_t{2} : static_cast<std::size_t>(parts_->options.m.sequence);
    for (std::size_t i = 0; i < followed.lengths.size(); ++i) {
      const auto length = followed.lengths[i];
      offsets_.push_back(offset);
      offset += static_cast<std::int64_t>(length) + 1;
      lengths_.push_back(static_cast<std::int64_t>(length));
      if (length >= needed) sequences_.push_back({i, whole() ? 0 : length - needed});
    }
    if (whole() && !sequences_.empty()) {
      std::vector<std::int64_t> lengths;
      for (const auto& sequence : sequences_) lengths.push_back(lengths_[sequence.episode]);
      batches_ = EpisodeBatches(std::move(lengths), parts_->rng("m.batches"), place_);
    } else if (sequences_.empty()) {
      throw Error("no collected episode has m.sequence = " + std::to_string(needed) +
                  " steps; lower it or collect longer ones");
    }
    for (auto* tensor : {&actions_, &rewards_, &dones_}) *tensor = tensor->to(parts_->system->device);
    if (parts_->options.m.gauges) gauges_ = std::make_unique<GaugeWatch>(*parts_->system);
  }

  /// An update; returns the transitions that it learned from.
  double learn() {
    const auto& options = parts_->options.m;
    // rnn.py: the step size never falls below this (published: 1e-5).
    const double least = std::min(1e-5, options.learning_rate);
    adam_.options().learning_rate = least + (options.learning_rate - least) * std::pow(options.decay, static_cast<double>(steps_));
    adam_.options().clip_value = options.gradient_clip;
    double learned = static_cast<double>(options.batch * options.sequence);
    MdnRnnImpl::Loss loss;
    if (whole()) {
      const auto& chosen = batches_.next(options.batch * options.sequence);
      std::vector<std::int64_t> first, lengths;
      for (const auto index : chosen) {
        const auto episode = sequences_[index].episode;
        first.push_back(offsets_[episode]), lengths.push_back(lengths_[episode]);
      }
      learned = static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0}));
      const auto batch = collate(first, std::ranges::max(lengths), noise_);
      loss = parts_->model->m()->episodes_loss(batch.z, batch.actions, batch.dones, torch::tensor(lengths).to(parts_->system->device));
    } else {
      const auto batch = draw(options.batch, options.sequence);
      loss = parts_->model->m()->loss(batch.z, batch.actions, batch.rewards, batch.dones);
    }
    std::vector<torch::Tensor> values;
    for (const auto& value : {loss.nll, loss.reward, loss.done})
      if (value.defined()) values.push_back(value.detach());
    if (losses_.empty()) losses_from_ = steps_ + 1;
    losses_.push_back(torch::stack(values));
    if (!on_card()) check_losses();
    loss.total.backward();
    adam_.step();
    ++steps_;
    return learned;
  }

  /// M's state after `length` steps of sequences from h = 0.
  LstmState followed_through(const Batch& batch, std::int64_t length) {
    auto& m = parts_->model->m();
    auto state = m->initial(batch.z.size(1));
    for (std::int64_t t = 0; t < length; ++t)
      state = m->step(batch.z[t], batch.actions[t], state, torch::full({batch.z.size(1), 1}, t == 0 ? 1.0 : 0.0, batch.z.options()));
    return state;
  }

  /// Before the step is taken that a bad loss would spoil; on a graphics card, which asking stops, after several (V).
  void check_losses() {
    const auto values = torch::stack(losses_).to(torch::kCPU, torch::kFloat64);
    losses_.clear();
    const auto* value = values.data_ptr<double>();
    auto step = losses_from_;
    for (std::int64_t i = 0; i < values.size(0); ++i, ++step) {
      for (const char* name : {"m/nll", "m/reward", "m/done"}) {
        if (name == std::string("m/reward") ? parts_->options.m.heads : name == std::string("m/nll") || parts_->options.dream_pays())
          parts_->system->metrics.add(name, step, *value++);
      }
    }
  }

  std::int64_t random(std::int64_t n) { return torch::randint(n, {1}, rng_, torch::kInt64).item<std::int64_t>(); }

  Batch draw(std::int64_t count, std::int64_t length) {
    std::vector<std::int64_t> chosen;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto& candidate =
          sequences_[static_cast<std::size_t>(random(static_cast<std::int64_t>(sequences_.size())))];
      chosen.push_back(offsets_[candidate.episode] + random(static_cast<std::int64_t>(candidate.first) + 1));
    }
    return collate(chosen, length, noise_);
  }

  /// The sequences that begin at the frames `chosen`. What is longer than an episode goes on in the next one, or stands still at the
  /// last frame of all.
  Batch collate(const std::vector<std::int64_t>& chosen, std::int64_t length, at::Generator rng) {
    const auto device = parts_->system->device;
    const auto count = static_cast<std::int64_t>(chosen.size());
    const auto first = torch::tensor(chosen, torch::kInt64).to(device);
    const auto times = torch::arange(length + 1, torch::TensorOptions(torch::kInt64).device(device));
    const auto which = (times.unsqueeze(1) + first).clamp_max(mean_.size(0) - 1);  // [T+1, B]
    const auto all = which.flatten(), acted = which.slice(0, 0, length).flatten();
    const auto mean = mean_.index_select(0, all).to(torch::kFloat32);
    const auto deviation = log_variance_.index_select(0, all).to(torch::kFloat32).mul(0.5).exp();
    const auto z = mean + deviation * torch::randn(mean.sizes(), rng, mean.options());
    return {z.view({length + 1, count, -1}), actions_.index_select(0, acted).view({length, count, actions_.size(1)}),
            rewards_.index_select(0, acted).view({length, count}), dones_.index_select(0, acted).view({length, count})};
  }

  void keep_starts() {
    torch::NoGradGuard no_grad;
    // Doom's dreams begin where an episode does.
    const auto length = whole() ? 0 : std::min(warm_up, parts_->options.m.sequence);
    auto batch = draw(start_states, length);
    auto carry = parts_->model->initial(start_states);
    const auto state = followed_through(batch, length);
    carry["z"] = batch.z[length];
    if (whole()) carry["first"] = torch::ones_like(carry["first"]);
    carry["h"] = state.h;
    carry["c"] = state.c;
    carry["started"] = torch::ones_like(carry["started"]);
    parts_->system->starts = carry;
  }

  std::shared_ptr<VmcParts> parts_;
  at::Generator rng_;    // which sequences
  at::Generator noise_;  // of z; on the processor the same stream
  Optimiser adam_;
  torch::Tensor mean_ = torch::empty({0, 0}, torch::kHalf), log_variance_ = mean_;  // [frames, z]
  torch::Tensor actions_, rewards_, dones_;  // [frames, A], [frames], [frames]: what followed each frame
  std::vector<torch::Tensor> losses_;        // of the updates from number losses_from_ on that nobody has looked at
  std::int64_t losses_from_ = 0;
  std::int64_t encoded_ = 0, steps_ = 0;  // frames of the replay, or episodes of all; updates
  std::unique_ptr<DatasetSources> all_;   // where they do not fit
  std::future<std::optional<Episode>> ahead_;  // the next of them
  std::optional<Episode> shown_;               // one of them
  std::vector<std::size_t> numbers_;           // of those that could be read
  std::vector<torch::Tensor> means_, log_variances_;
  Followed followed_;
  std::vector<Sequence> sequences_;
  std::vector<std::int64_t> offsets_, lengths_;  // of every episode
  EpisodeBatches batches_;                       // of sequences_, with m.restarts
  EpisodeBatches::Place place_;                  // where they go on
  std::unique_ptr<GaugeWatch> gauges_;
};

}  // namespace

std::shared_ptr<Phase> m_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<MTraining>(std::move(parts));
}

}  // namespace dream
