#include <cmath>

#include "core/engine/diamond/diamond_recipe.h"
#include "core/engine/gauge_watch.h"
#include "core/nn/generator.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t upsampler_look_every = 200;                    // updates
constexpr std::int64_t upsampler_unseen = 4, upsampler_unseen_steps = 20;  // episodes that nobody learns from, and how far into them

double upsampler_decibels(const torch::Tensor& a, const torch::Tensor& b) {  // of pictures in [-1, 1]
  return -10 * std::log10(std::max(((a - b) / 2).square().mean().item<double>(), 1e-10));
}

/// Learns to make small pictures large, and measures now and then how much better than bicubic interpolation does.
class DiamondUpsamplerLearner : public Learner {
 public:
  explicit DiamondUpsamplerLearner(DiamondParts& parts)
      : parts_(parts), optimiser_(parts.model->upsampler()->parameters(), parts.options.upsampler) {}

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    auto& metrics = parts_.system->metrics;
    const auto batch = feed.draw_anywhere(parts_.options.upsample.batch, 2);
    const auto pictures = Diamond::pictures_of(batch.image);
    // An episode's first picture is always seen, and never made.
    const auto loss = parts_.model->upsampler()->loss(pictures[1], pictures[0], 1 - batch.first[1], std::move(rng));
    metrics.add("upsampler/loss", number, loss.item<double>());
    loss.backward();
    metrics.add("upsampler/gradient", number, optimiser_.step());
    if (number % upsampler_look_every != 1 && number != parts_.options.upsample.updates) return;
    const auto seen = look();
    metrics.add("upsampler/psnr", number, upsampler_decibels(seen.made, seen.real));
    metrics.add("upsampler/bicubic", number, upsampler_decibels(seen.bicubic, seen.real));
  }
  double frames_per_update() const override { return static_cast<double>(parts_.options.upsample.batch); }
  std::int64_t least_steps() const override { return 2; }
  Needs needs() const override { return {true, false, false}; }

  std::vector<Metrics::Spec> curves() const override {
    return {{"upsampler/loss", "Upsampler: error of what is left to say", "MSE", "update"},
            {"upsampler/gradient", "Upsampler: norm of the gradients", "", "update"},
            {"upsampler/psnr", "Unseen pictures made large", "dB", "update"},
            {"upsampler/bicubic", "The same by bicubic interpolation", "dB", "update"}};
  }
  void follow_settings() override { optimiser_.options() = parts_.options.upsampler; }
  void save(Checkpoint& into, const std::string& prefix) const override { optimiser_.save(into, prefix + "upsampler/"); }
  void load(const Checkpoint& from, const std::string& prefix) override { optimiser_.load(from, prefix + "upsampler/"); }
  void rest() override { unseen_ = torch::Tensor(); }

  std::vector<Frame> frames(const Feed&) override {
    const auto seen = look();
    const auto frame = [&](const char* name, const std::string& caption, const torch::Tensor& picture) {
      const auto of = [](const torch::Tensor& x) { return (x[0] + 1) / 2; };
      const auto error = (of(picture) - of(seen.real)).square().mean().item<double>();
      return Frame{name, caption, error, std::make_shared<const Image>(image_from(of(picture).to(torch::kCPU)))};
    };
    const auto decibels = [&](const torch::Tensor& picture) {
      const auto tenths = std::llround(10 * upsampler_decibels(picture[0], seen.real[0]));
      return std::to_string(tenths / 10) + "." + std::to_string(std::abs(tenths % 10)) + " dB";
    };
    std::vector<Frame> all{frame("real", "an unseen picture", seen.real),
                           frame("bicubic", "the small one, " + decibels(seen.bicubic), seen.bicubic),
                           frame("reconstruction", "made large, " + decibels(seen.made), seen.made)};
    all[0].error = -1;
    return all;
  }

 private:
  struct Look {
    torch::Tensor real, bicubic, made;  // [N, C, H, W] in [-1, 1]
  };
  Look look() {
    torch::NoGradGuard no_grad;
    auto& upsampler = parts_.model->upsampler();
    if (!unseen_.defined()) {
      const auto lived = drive_unseen(*parts_.system, upsampler_unseen, upsampler_unseen_steps).batch.image;
      unseen_ = Diamond::pictures_of(lived.slice(0, std::max<std::int64_t>(0, lived.size(0) - 2)));
    }
    const auto real = unseen_[-1], small = small_pictures(real, upsampler->options().factor);
    const auto sampled = upsampler->sample(small, unseen_[0], upsampler->options().sampler.steps, 1, make_generator(real.device(), 1));
    return {real, upsampler->enlarged(small).clamp(-1, 1), sampled.x};
  }

  DiamondParts& parts_;
  Optimiser optimiser_;
  torch::Tensor unseen_;  // two pictures of each episode, one after the other [2, N, C, H, W]
};

}  // namespace

std::unique_ptr<Learner> diamond_upsampler_learner(DiamondParts& parts) {
  return std::make_unique<DiamondUpsamplerLearner>(parts);
}

}  // namespace dream
