#include "api/error.h"
#include "core/engine/counters.h"
#include "core/engine/stream_place.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "core/nn/generator.h"
#include "core/nn/kernel_path.h"
#include "core/nn/optimiser.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr int v_updates_on_card = 50;  // per step

/// Adam over shuffled frames, every frame once an epoch, the incomplete last batch dropped (vae_train.py).
class VTraining : public Phase {
 public:
  explicit VTraining(std::shared_ptr<VmcParts> parts)
      : Phase("v", "V: variational autoencoder", "frames/s"),
        parts_(std::move(parts)),
        rng_(make_generator(parts_->system->device, parts_->rng("v").next64())),
        adam_(parts_->model->v()->parameters(),
              {.kind = OptimiserKind::adam, .eps = 1e-8, .adaptive_clip = 0, .warm_up = 0, .measure = false}) {}

  double step() override {
    if (parts_->load_more()) return 0;
    const auto& options = parts_->options.v;
    const auto frames = parts_->frames_in_all();
    if (frames < options.batch) {
      throw Error("v.batch = " + std::to_string(options.batch) + " is more than the " + std::to_string(frames) +
                  " frames that were collected");
    }
    if (order_epoch_ < 0) foresee_m();
    double done = 0;
    for (int update = 0; update < (on_card() ? v_updates_on_card : 1) && progress() < 1; ++update) {
      learn(frames);
      done += static_cast<double>(options.batch);
    }
    if (on_card()) check_losses();
    return done;
  }

  double progress() const override {
    const auto& options = parts_->options.v;
    const auto within = batches_per_epoch_ > 0
                            ? static_cast<double>(position_) / static_cast<double>(batches_per_epoch_ * options.batch)
                            : 0;
    return std::min(1.0, (static_cast<double>(epoch_) + within) / static_cast<double>(options.epochs));
  }

  std::string detail() const override {
    if (order_epoch_ < 0 && parts_->replay.episodes() > 0) return parts_->loading();
    return "epoch " + std::to_string(std::min(epoch_ + 1, parts_->options.v.epochs)) + " of " +
           std::to_string(parts_->options.v.epochs);
  }

  std::vector<std::string> warnings() const override {
    auto all = parts_->notes();
    if (too_short_ > 0)
      all.push_back("the longest episode has " + std::to_string(too_short_) + " steps, and m.sequence = " +
                    std::to_string(parts_->options.m.sequence) + ": M will have nothing to learn from; lower it or collect longer ones");
    return all;
  }

  std::vector<Frame> frames() override {
    if (!real_.defined()) return {};
    const auto truth = real_.to(torch::kCPU).permute({2, 0, 1}).to(torch::kFloat32).div(255);
    const auto made = decoded_.to(torch::kCPU, torch::kFloat32);
    return {{"real", "from the batch", -1, std::make_shared<const Image>(image_from(real_))},
            {"reconstruction", "V of the same frame", (truth - made).square().mean().item<double>(),
             std::make_shared<const Image>(image_from(made))}};
  }

  void save(Checkpoint& into) const override {
    adam_.save(into, "v.adam/");
    store_generator(into, "v.rng", rng_);
    into.tensors["v.counters"] = torch::tensor({steps_, epoch_, position_, batches_per_epoch_}, torch::kInt64);
    store_place(into, "v.stream", parts_->place());
  }

  void load(const Checkpoint& from) override {
    const auto c = counters_of(from, "v.counters", {"updates", "epochs", "frames of the epoch", "batches an epoch"});
    adam_.load(from, "v.adam/");
    adam_.clear();  // gradients of a step that failed
    load_generator(from, "v.rng", rng_);
    parts_->go_on_from(place_in(from, "v.stream"));
    steps_ = c[0];
    epoch_ = c[1];
    position_ = c[2];
    batches_per_epoch_ = c[3];
  }

  void end() override {
    if (progress() < 1) parts_->unload();  // otherwise M is next, on the same frames
    order_epoch_ = -1;
    losses_.clear();
  }

 private:
  /// Said before V has taken its time, not after.
  void foresee_m() {
    std::size_t longest = 0;
    for (std::size_t i = 0; i < parts_->replay.episodes(); ++i) longest = std::max(longest, parts_->replay.episode(i).length());
    const bool enough = parts_->streams() || longest >= static_cast<std::size_t>(parts_->options.m.sequence);
    too_short_ = enough ? 0 : static_cast<std::int64_t>(longest);
  }

  bool on_card() const { return !on_processor(parts_->system->device); }

  /// The frames of the next batch, int64 [batch]: in the order of this epoch, or, of episodes that do not all fit, any of those
  /// that are there, so that an epoch draws each once on average.
  torch::Tensor next_frames(std::int64_t frames) {
    const auto batch = parts_->options.v.batch;
    const auto chance = [&](std::int64_t number) {
      return make_generator(torch::kCPU, parts_->rng("v.order").fork(static_cast<std::uint64_t>(number)).next64());
    };
    const bool begins = order_epoch_ != epoch_ || order_.size(0) != frames;
    order_epoch_ = epoch_;
    if (parts_->streams()) return torch::randint(parts_->replay.frames(), {batch}, chance(steps_), torch::kInt64);
    if (begins) order_ = torch::randperm(frames, chance(epoch_), torch::kInt64).to(parts_->frames.index_device());
    return order_.slice(0, position_, position_ + batch);
  }

  void learn(std::int64_t frames) {
    const auto& options = parts_->options.v;
    const auto batch = parts_->frames.gather(parts_->replay, next_frames(frames));
    adam_.options().learning_rate = options.learning_rate;
    auto loss = parts_->model->v()->loss(batch, rng_);
    if (losses_.empty()) losses_from_ = steps_ + 1;
    losses_.push_back(torch::stack({loss.reconstruction, loss.kl}).detach());
    if (!on_card()) check_losses();
    loss.total.backward();
    adam_.step();
    parts_->learned(static_cast<double>(options.batch));

    ++steps_;
    position_ += options.batch;
    batches_per_epoch_ = frames / options.batch;
    if (position_ + options.batch > frames) position_ = 0, ++epoch_;
    real_ = batch[0];
    decoded_ = loss.decoded[0].detach();
  }

  /// A bad loss is found before the step is taken that it would spoil. On a graphics card asking for one would stop the
  /// card, so several are asked for together: there the weights may be spoilt, and the checkpoint is whole.
  void check_losses() {
    const auto values = torch::stack(losses_).to(torch::kCPU, torch::kFloat64);
    losses_.clear();
    const auto* value = values.data_ptr<double>();
    auto step = losses_from_;
    for (std::int64_t i = 0; i < values.size(0); ++i, ++step) {
      parts_->system->metrics.add("v/reconstruction", step, *value++);
      parts_->system->metrics.add("v/kl", step, *value++);
    }
  }

  std::shared_ptr<VmcParts> parts_;
  at::Generator rng_;
  Optimiser adam_;
  torch::Tensor order_ = torch::empty({0}, torch::kInt64);
  std::int64_t order_epoch_ = -1;
  std::int64_t steps_ = 0, epoch_ = 0, position_ = 0, batches_per_epoch_ = 0;
  std::int64_t too_short_ = 0;  // steps of the longest episode, where M cannot learn from any
  std::vector<torch::Tensor> losses_;  // of the updates from number losses_from_ on that nobody has looked at
  std::int64_t losses_from_ = 0;
  torch::Tensor real_, decoded_;
};

}  // namespace

std::shared_ptr<Phase> v_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<VTraining>(std::move(parts));
}

}  // namespace dream
