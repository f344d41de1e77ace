#include <algorithm>
#include <cstring>

#include "api/error.h"
#include "core/engine/lanes.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t encode_chunk = 500;  // frames per step while V encodes the data
constexpr std::int64_t start_states = 256;  // kept for dreams without an environment
constexpr std::int64_t warm_up = 60;        // steps that M sees before a start state

/// Encodes every frame once, keeps (μ, log σ²) in half precision, and trains M by teacher forcing on sequences whose z
/// are drawn anew for every batch (rnn_train.py).
class MTraining : public Phase {
 public:
  explicit MTraining(std::shared_ptr<VmcParts> parts)
      : Phase("m", "M: MDN-LSTM", "transitions/s"),
        parts_(std::move(parts)),
        rng_(make_generator(torch::kCPU, parts_->rng("m").next64())),
        adam_(std::make_unique<torch::optim::Adam>(parts_->model->m()->parameters(), parts_->options.m.learning_rate)) {
  }

  double step() override {
    if (parts_->load_more()) return 0;
    if (encoded_ < parts_->replay.frames()) {
      encode();
      return 0;
    }
    if (sequences_.empty()) index();
    const auto& options = parts_->options.m;
    auto batch = draw(options.batch, options.sequence);
    static_cast<torch::optim::AdamOptions&>(adam_->param_groups()[0].options()).lr(options.learning_rate);
    adam_->zero_grad();
    auto loss = parts_->model->m()->loss(batch.z, batch.actions, batch.rewards, batch.dones);
    auto& metrics = parts_->system->metrics;  // checked before the step is taken
    metrics.add("m/nll", steps_ + 1, loss.nll.item<double>());
    if (loss.reward.defined()) {
      metrics.add("m/reward", steps_ + 1, loss.reward.item<double>());
      metrics.add("m/done", steps_ + 1, loss.done.item<double>());
    }
    loss.total.backward();
    torch::nn::utils::clip_grad_value_(parts_->model->m()->parameters(), options.gradient_clip);
    adam_->step();
    ++steps_;
    if (steps_ >= options.steps) keep_starts();
    return static_cast<double>(options.batch * options.sequence);
  }

  double progress() const override {
    return std::min(1.0, static_cast<double>(steps_) / static_cast<double>(parts_->options.m.steps));
  }

  std::string detail() const override {
    if (mean_.size(0) == 0) return parts_->loading();
    if (encoded_ < mean_.size(0))
      return "V encodes frame " + std::to_string(encoded_) + " of " + std::to_string(mean_.size(0));
    return "step " + std::to_string(steps_) + " of " + std::to_string(parts_->options.m.steps);
  }

  /// A real frame of the data, and what M made of the moment before it.
  std::vector<Frame> frames() override {
    if (sequences_.empty()) return {};
    torch::NoGradGuard no_grad;
    const auto& place = sequences_[static_cast<std::size_t>(steps_) % sequences_.size()];
    const auto& episode = parts_->replay.episode(place.episode);
    // `first` is the last possible first frame of a sequence: no more than a sequence lies behind it.
    const auto length = std::min(warm_up, parts_->options.m.sequence);
    // Its own random stream: watching changes nothing of the training.
    auto watch_rng = make_generator(torch::kCPU, static_cast<std::uint64_t>(steps_));
    auto batch = collate({{place.episode, place.first}}, length, watch_rng);
    auto state = parts_->model->m()->initial(1);
    for (std::int64_t t = 0; t < length; ++t) state = parts_->model->m()->step(batch.z[t], batch.actions[t], state);
    auto view_rng = make_generator(parts_->system->device, static_cast<std::uint64_t>(steps_));
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

  void save(Checkpoint& into) const override {
    store_optimizer(into, "m.adam", *adam_);
    store_generator(into, "m.rng", rng_);
    into.tensors["m.counters"] = torch::tensor({steps_}, torch::kInt64);
  }

  void load(const Checkpoint& from) override {
    const auto counters = from.get("m.counters", {1}).to(torch::kInt64);
    load_optimizer(from, "m.adam", *adam_);
    load_generator(from, "m.rng", rng_);
    steps_ = counters.item<std::int64_t>();
  }

  void end() override {
    parts_->unload();
    mean_ = log_variance_ = torch::empty({0, 0}, torch::kHalf);
    encoded_ = 0;
    sequences_.clear();
  }

 private:
  struct Sequence {
    std::size_t episode;
    std::size_t first;  // the last possible first frame of a sequence in this episode, or a frame of it
  };
  struct Batch {
    torch::Tensor z, actions, rewards, dones;  // [T+1, B, z], [T, B, A], [T, B], [T, B]
  };

  void encode() {
    torch::NoGradGuard no_grad;
    const auto frames = parts_->replay.frames();
    if (mean_.size(0) != frames) {
      mean_ = torch::empty({frames, parts_->options.v.latent_size}, torch::kHalf);
      log_variance_ = torch::empty_like(mean_);
      encoded_ = 0;
    }
    const auto place = parts_->replay.place(encoded_);
    const auto& episode = parts_->replay.episode(place.episode);
    const auto count =
        std::min<std::int64_t>(encode_chunk, static_cast<std::int64_t>(episode.length() + 1 - place.time));
    const auto pixels =
        torch::from_blob(const_cast<std::uint8_t*>(episode.frames.data()) + place.time * episode.frame_bytes(),
                         {count, episode.height, episode.width, episode.channels}, torch::kUInt8);
    const auto posterior = parts_->model->v()->encode(pixels.to(parts_->system->device));
    mean_.slice(0, encoded_, encoded_ + count).copy_(posterior.mean);
    log_variance_.slice(0, encoded_, encoded_ + count).copy_(posterior.log_variance);
    encoded_ += count;
  }

  /// Which episodes are long enough, and where the first frame of each lies among all frames.
  void index() {
    offsets_.clear();
    std::int64_t offset = 0;
    const auto needed = static_cast<std::size_t>(parts_->options.m.sequence);
    for (std::size_t i = 0; i < parts_->replay.episodes(); ++i) {
      offsets_.push_back(offset);
      const auto length = parts_->replay.episode(i).length();
      offset += static_cast<std::int64_t>(length) + 1;
      if (length >= needed) sequences_.push_back({i, length - needed});
    }
    if (sequences_.empty()) {
      throw Error("no collected episode has m.sequence = " + std::to_string(needed) +
                  " steps; lower it or collect longer ones");
    }
  }

  std::int64_t random(std::int64_t n) { return torch::randint(n, {1}, rng_, torch::kInt64).item<std::int64_t>(); }

  Batch draw(std::int64_t count, std::int64_t length) {
    std::vector<Sequence> chosen;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto& candidate =
          sequences_[static_cast<std::size_t>(random(static_cast<std::int64_t>(sequences_.size())))];
      chosen.push_back(
          {candidate.episode, static_cast<std::size_t>(random(static_cast<std::int64_t>(candidate.first) + 1))});
    }
    return collate(chosen, length, rng_);
  }

  Batch collate(const std::vector<Sequence>& chosen, std::int64_t length, at::Generator rng) {
    const auto count = static_cast<std::int64_t>(chosen.size());
    const auto actions_per_step = parts_->model->m()->options().action_size;
    auto which = torch::empty({length + 1, count}, torch::kInt64);
    auto actions = torch::empty({length, count, actions_per_step});
    auto rewards = torch::empty({length, count}), dones = torch::empty({length, count});
    for (std::int64_t b = 0; b < count; ++b) {
      const auto& sequence = chosen[static_cast<std::size_t>(b)];
      const auto& episode = parts_->replay.episode(sequence.episode);
      const auto offset = offsets_[sequence.episode] + static_cast<std::int64_t>(sequence.first);
      for (std::int64_t t = 0; t <= length; ++t) which.data_ptr<std::int64_t>()[t * count + b] = offset + t;
      for (std::int64_t t = 0; t < length; ++t) {
        const auto at = sequence.first + static_cast<std::size_t>(t);
        std::memcpy(actions.data_ptr<float>() + (t * count + b) * actions_per_step,
                    episode.actions.data() + at * static_cast<std::size_t>(actions_per_step),
                    static_cast<std::size_t>(actions_per_step) * sizeof(float));
        rewards.data_ptr<float>()[t * count + b] = episode.rewards[at];
        dones.data_ptr<float>()[t * count + b] = episode.terminated[at];
      }
    }
    const auto flat = which.flatten();
    const auto z_size = parts_->options.v.latent_size;
    const auto mean = mean_.index_select(0, flat).to(torch::kFloat32);
    const auto deviation = log_variance_.index_select(0, flat).to(torch::kFloat32).mul(0.5).exp();
    const auto z = mean + deviation * torch::randn(mean.sizes(), rng, mean.options());
    const auto device = parts_->system->device;
    return {z.view({length + 1, count, z_size}).to(device), actions.to(device), rewards.to(device), dones.to(device)};
  }

  void keep_starts() {
    torch::NoGradGuard no_grad;
    const auto length = std::min(warm_up, parts_->options.m.sequence);
    auto batch = draw(start_states, length);
    auto carry = parts_->model->initial(start_states);
    LstmState state{carry["h"], carry["c"]};
    for (std::int64_t t = 0; t < length; ++t) state = parts_->model->m()->step(batch.z[t], batch.actions[t], state);
    carry["z"] = batch.z[length];
    carry["h"] = state.h;
    carry["c"] = state.c;
    carry["started"] = torch::ones_like(carry["started"]);
    parts_->system->starts = carry;
  }

  std::shared_ptr<VmcParts> parts_;
  at::Generator rng_;
  std::unique_ptr<torch::optim::Adam> adam_;
  torch::Tensor mean_ = torch::empty({0, 0}, torch::kHalf), log_variance_ = mean_;  // [frames, z]
  std::int64_t encoded_ = 0, steps_ = 0;
  std::vector<Sequence> sequences_;
  std::vector<std::int64_t> offsets_;
};

}  // namespace

std::shared_ptr<Phase> m_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<MTraining>(std::move(parts));
}

}  // namespace dream
