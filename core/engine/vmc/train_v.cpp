#include <cstring>

#include "api/error.h"
#include "core/engine/lanes.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

/// Adam over shuffled frames, every frame once an epoch, the incomplete last batch dropped (vae_train.py).
class VTraining : public Phase {
 public:
  explicit VTraining(std::shared_ptr<VmcParts> parts)
      : Phase("v", "V: variational autoencoder", "frames/s"),
        parts_(std::move(parts)),
        rng_(make_generator(parts_->system->device, parts_->rng("v").next64())),
        adam_(std::make_unique<torch::optim::Adam>(parts_->model->v()->parameters(), parts_->options.v.learning_rate)) {
  }

  double step() override {
    if (parts_->load_more()) return 0;
    const auto& options = parts_->options.v;
    const auto frames = parts_->replay.frames();
    if (frames < options.batch) {
      throw Error("v.batch = " + std::to_string(options.batch) + " is more than the " + std::to_string(frames) +
                  " frames that were collected");
    }
    if (order_epoch_ != epoch_ || order_.size(0) != frames) {
      auto shuffle =
          make_generator(torch::kCPU, parts_->rng("v.order").fork(static_cast<std::uint64_t>(epoch_)).next64());
      order_ = torch::randperm(frames, shuffle, torch::kInt64);
      order_epoch_ = epoch_;
    }
    const auto batch = gather(order_.slice(0, position_, position_ + options.batch));
    static_cast<torch::optim::AdamOptions&>(adam_->param_groups()[0].options()).lr(options.learning_rate);
    adam_->zero_grad();
    auto loss = parts_->model->v()->loss(batch.to(parts_->system->device), rng_);
    // The losses are checked before the step is taken: a bad one never reaches the weights.
    parts_->system->metrics.add("v/reconstruction", steps_ + 1, loss.reconstruction.item<double>());
    parts_->system->metrics.add("v/kl", steps_ + 1, loss.kl.item<double>());
    loss.total.backward();
    adam_->step();

    ++steps_;
    position_ += options.batch;
    batches_per_epoch_ = frames / options.batch;
    if (position_ + options.batch > frames) position_ = 0, ++epoch_;
    real_ = batch[0];
    decoded_ = loss.decoded[0].detach();
    return static_cast<double>(options.batch);
  }

  double progress() const override {
    const auto& options = parts_->options.v;
    const auto within = batches_per_epoch_ > 0
                            ? static_cast<double>(position_) / static_cast<double>(batches_per_epoch_ * options.batch)
                            : 0;
    return std::min(1.0, (static_cast<double>(epoch_) + within) / static_cast<double>(options.epochs));
  }

  std::string detail() const override {
    if (order_epoch_ < 0) return parts_->loading();
    return "epoch " + std::to_string(std::min(epoch_ + 1, parts_->options.v.epochs)) + " of " +
           std::to_string(parts_->options.v.epochs);
  }

  std::vector<Frame> frames() override {
    if (!real_.defined()) return {};
    const auto truth = real_.permute({2, 0, 1}).to(torch::kFloat32).div(255);
    const auto made = decoded_.to(torch::kCPU, torch::kFloat32);
    return {{"real", "from the batch", -1, std::make_shared<const Image>(image_from(real_))},
            {"reconstruction", "V of the same frame", (truth - made).square().mean().item<double>(),
             std::make_shared<const Image>(image_from(made))}};
  }

  void save(Checkpoint& into) const override {
    store_optimizer(into, "v.adam", *adam_);
    store_generator(into, "v.rng", rng_);
    into.tensors["v.counters"] = torch::tensor({steps_, epoch_, position_, batches_per_epoch_}, torch::kInt64);
  }

  void load(const Checkpoint& from) override {
    const auto counters = from.get("v.counters", {4}).to(torch::kInt64).contiguous();
    load_optimizer(from, "v.adam", *adam_);
    load_generator(from, "v.rng", rng_);
    const auto* c = counters.data_ptr<std::int64_t>();
    steps_ = c[0];
    epoch_ = c[1];
    position_ = c[2];
    batches_per_epoch_ = c[3];
  }

  void end() override {
    parts_->unload();
    order_epoch_ = -1;
  }

 private:
  torch::Tensor gather(const torch::Tensor& which) const {
    const auto& first = parts_->replay.episode(0);
    auto batch = torch::empty({which.size(0), first.height, first.width, first.channels}, torch::kUInt8);
    auto* to = batch.data_ptr<std::uint8_t>();
    const auto* index = which.data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < which.size(0); ++i) {
      const auto place = parts_->replay.place(index[i]);
      const auto& episode = parts_->replay.episode(place.episode);
      const auto bytes = episode.frame_bytes();
      std::memcpy(to + static_cast<std::size_t>(i) * bytes, episode.frames.data() + place.time * bytes, bytes);
    }
    return batch;
  }

  std::shared_ptr<VmcParts> parts_;
  at::Generator rng_;
  std::unique_ptr<torch::optim::Adam> adam_;
  torch::Tensor order_ = torch::empty({0}, torch::kInt64);
  std::int64_t order_epoch_ = -1;
  std::int64_t steps_ = 0, epoch_ = 0, position_ = 0, batches_per_epoch_ = 0;
  torch::Tensor real_, decoded_;
};

}  // namespace

std::shared_ptr<Phase> v_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<VTraining>(std::move(parts));
}

}  // namespace dream
