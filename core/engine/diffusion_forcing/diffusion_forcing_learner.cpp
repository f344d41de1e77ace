#include <algorithm>

#include "api/error.h"
#include "core/data/sequences.h"
#include "core/engine/diffusion_forcing/diffusion_forcing_recipe.h"
#include "core/models/open_loop.h"
#include "core/models/rollout.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

constexpr int forcing_tries = 1000;                 // for a piece within one episode
constexpr std::int64_t forcing_look_every = 200;    // updates
constexpr std::int64_t forcing_sheet_updates = 200;  // for which it keeps the pieces that it shows
constexpr std::int64_t forcing_shown_lanes = 3, forcing_shown_frames = 24;

class ForcingLearner : public Learner {
 public:
  explicit ForcingLearner(ForcingParts& parts) : parts_(parts), optimiser_(parts.model->parameters(), parts.options.optimiser) {}

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    number_ = number;
    auto& metrics = parts_.system->metrics;
    const auto batch = draw(feed, parts_.options.train.batch, parts_.options.world.frames, rng);
    const auto loss = parts_.model->loss(batch, rng);
    metrics.add("world/total", number, loss.total.item<double>());
    for (const auto& [name, term] : loss.terms) metrics.add("world/" + name, number, term.item<double>());
    loss.total.backward();
    metrics.add("world/gradient", number, optimiser_.step());
    if (number % forcing_look_every == 0 || number == 1) look(batch, number);
  }

  double frames_per_update() const override {
    return static_cast<double>(parts_.options.train.batch * parts_.options.world.frames);
  }
  std::int64_t least_steps() const override { return parts_.options.world.frames; }
  Needs needs() const override { return {true, false}; }

  std::vector<Metrics::Spec> curves() const override {
    return {{"world/total", "Loss", "", "update"},
            {"world/denoising", "Denoising: error of what is told, as it is weighed", "", "update"},
            {"world/plain", "Denoising: error of what is told, all levels alike", "", "update"},
            {"world/reward", "Reward: error, by what is left of the frame", "MSE", "update"},
            {"world/done", "End: cross-entropy, by what is left of the frame", "nats", "update"},
            {"world/gradient", "Gradient norm", "", "update"},
            {"dream/psnr", "A frame dreamt after those of the batch", "dB", "update"},
            {"dream/copy", "The same: the last frame again", "dB", "update"}};
  }

  void follow_settings() override {
    optimiser_.options() = parts_.options.optimiser;
    parts_.model->live_options().outcome = parts_.options.world.outcome;
  }
  void save(Checkpoint& into, const std::string& prefix) const override { optimiser_.save(into, prefix + "world/"); }
  void load(const Checkpoint& from, const std::string& prefix) override { optimiser_.load(from, prefix + "world/"); }
  void rest() override { sheet_ = {}; }

  std::vector<Frame> frames(const Feed& feed) override {
    if (feed.replay().frames() == 0) return {};
    if (!sheet_.reward.defined() || number_ - sheet_since_ >= forcing_sheet_updates) {
      sheet_ = feed.sheet(forcing_shown_lanes, forcing_shown_frames, Rng(static_cast<std::uint64_t>(number_)));
      sheet_since_ = number_;
    }
    torch::NoGradGuard no_grad;
    return open_loop_frames(*parts_.model, sheet_, std::max<std::int64_t>(1, parts_.options.world.frames / 2), make_generator(parts_.system->device, 1));
  }

 private:
  /// Pieces that lie within an episode each, all as likely.
  SequenceBatch draw(const Feed& feed, std::int64_t lanes, std::int64_t frames, at::Generator rng) const {
    const auto& replay = feed.replay();
    auto chance = drawn_stream(rng);
    std::vector<std::int64_t> begins;
    for (int tries = 0; static_cast<std::int64_t>(begins.size()) < lanes; ++tries) {
      if (tries >= forcing_tries)
        throw Error("hardly an episode lasts for a piece of " + std::to_string(frames) + " frames: world.frames must be less");
      const auto at = static_cast<std::int64_t>(chance.integers(static_cast<std::uint64_t>(replay.whole_frames())));
      const auto position = replay.position(at);
      if (static_cast<std::int64_t>(position.time) + frames > static_cast<std::int64_t>(replay.episode(position.episode).length()) + 1)
        continue;
      begins.push_back(at), tries = 0;
    }
    return feed.at(begins, frames);
  }

  /// How near the batch's last frame comes that is dreamt after the others, and where dreams can begin.
  void look(const SequenceBatch& batch, std::int64_t number) {
    torch::NoGradGuard no_grad;
    auto& model = *parts_.model;
    auto rng = make_generator(parts_.system->device, static_cast<std::uint64_t>(number));
    const auto last = batch.steps() - 1;
    const auto seen = watch(model, batch, last, rng);
    const auto dreamt = model.predict(model.imagine(seen, batch.action[last], {}, rng)).frame;
    const auto picture = [&](std::int64_t t) { return batch.image[t].permute({0, 3, 1, 2}).to(torch::kFloat32) / 255; };
    const auto decibels = [&](const torch::Tensor& shown) {
      return -10 * (shown - picture(last)).square().mean().clamp_min(1e-10).log10().item<double>();
    };
    parts_.system->metrics.add("dream/psnr", number, decibels(dreamt));
    parts_.system->metrics.add("dream/copy", number, decibels(picture(last - 1)));
    const auto kept = std::min(kept_starts, batch.lanes());
    parts_.system->starts.clear();
    for (const auto& [name, tensor] : model.initial(1)) parts_.system->starts[name] = seen.at(name).slice(0, 0, kept).clone();
  }

  ForcingParts& parts_;
  Optimiser optimiser_;
  SequenceBatch sheet_;
  std::int64_t number_ = 0, sheet_since_ = 0;
};

}  // namespace

std::unique_ptr<Learner> forcing_learner(ForcingParts& parts) {
  return std::make_unique<ForcingLearner>(parts);
}

}  // namespace dream
