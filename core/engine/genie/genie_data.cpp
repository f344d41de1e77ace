#include <algorithm>

#include "api/error.h"
#include "core/engine/collector.h"
#include "core/engine/counters.h"
#include "core/engine/genie/genie_recipe.h"
#include "core/models/gauges.h"

namespace dream {
namespace {

constexpr std::size_t unseen_every = 10;  // episodes, of which the last is held out

/// Episodes of random actions. The dataset itself is the checkpoint: a resumed collection goes on where its file ends.
class GenieCollection : public Phase {
 public:
  explicit GenieCollection(std::shared_ptr<GenieParts> parts)
      : Phase("collect", "Collect: random actions", "steps/s"), parts_(std::move(parts)) {}

  void begin() override {
    parts_->unload();
    const auto& options = parts_->options.collect;
    Collector::Options collect{parts_->own_folder(), options.episodes, options.max_steps,
                               std::min(options.lanes, options.episodes), parts_->rng("collect")};
    collect.hold = options.hold;
    collector_ = std::make_unique<Collector>(std::move(collect), parts_->system->environment, parts_->system->make_env,
                                             nullptr, "random");
    written_ = collector_->written();
  }
  double step() override {
    const double steps = collector_->written() < parts_->options.collect.episodes ? collector_->step() : 0;
    written_ = collector_->written();
    return steps;
  }
  double progress() const override {
    return std::min(1.0, static_cast<double>(written_) / static_cast<double>(parts_->options.collect.episodes));
  }
  std::string detail() const override {
    return "episode " + std::to_string(written_) + " of " + std::to_string(parts_->options.collect.episodes);
  }
  std::vector<Frame> frames() override {
    if (!collector_) return {};
    return {{"real", "random actions, lane 1", -1, std::make_shared<const Image>(collector_->picture())}};
  }
  void save(Checkpoint& into) const override {
    into.tensors["collect.counters"] = torch::tensor({written_}, torch::kInt64);
  }
  void load(const Checkpoint& from) override {
    written_ = counters_of(from, "collect.counters", {"written episodes"})[0];
  }
  void end() override { collector_.reset(); }

 private:
  std::shared_ptr<GenieParts> parts_;
  std::unique_ptr<Collector> collector_;
  std::int64_t written_ = 0;
};

}  // namespace

std::shared_ptr<Phase> genie_collect_phase(std::shared_ptr<GenieParts> parts) {
  return std::make_shared<GenieCollection>(std::move(parts));
}

bool GenieParts::load_more() {
  if (complete_) return false;
  if (!sources_) {
    const auto& given = options.train.datasets;
    replay_ = Replay(static_cast<std::size_t>(options.train.budget_gb * 1e9));
    if (given.empty() && !std::filesystem::exists(own_folder()))
      throw Error("there are no episodes to learn from; run the phase 'collect' first");
    const auto folders = given.empty() ? std::vector{own_folder()} : folders_of(given);
    sources_ =
        std::make_unique<DatasetSources>(folders, other_shapes(system->make_env()->spaces(), system->environment));
  }
  if (sources_->read_into(replay_)) return true;
  sources_.reset();
  share_out();
  complete_ = true;
  return false;
}

std::string GenieParts::loading() const {
  return "reading episodes: " + std::to_string(replay_.episodes());
}

void GenieParts::unload() {
  replay_.clear();
  sources_.reset();
  seen_ = unseen_ = {};
  complete_ = false;
}

void GenieParts::share_out() {
  seen_ = unseen_ = {};
  for (std::size_t i = 0, long_enough = 0; i < replay_.episodes(); ++i) {
    const auto pieces = static_cast<std::int64_t>(replay_.episode(i).length()) + 2 - options.world.frames;
    if (pieces < 1) continue;
    // The second already, so that two are enough.
    auto& share = long_enough++ % unseen_every == 1 ? unseen_ : seen_;
    share.episodes.push_back(i);
    share.ends.push_back(pieces + (share.ends.empty() ? 0 : share.ends.back()));
  }
  if (unseen_.episodes.empty())
    throw Error("of " + std::to_string(replay_.episodes()) + " episodes fewer than two are of " +
                std::to_string(options.world.frames) + " frames or more");
}

GenieParts::Pieces GenieParts::draw(bool unseen, std::int64_t count, at::Generator rng) const {
  const auto& share = unseen ? unseen_ : seen_;
  const auto frames = options.world.frames;
  const auto& like = replay_.episode(share.episodes.front());
  const auto bytes = like.frame_bytes(), axes = static_cast<std::size_t>(like.action_size);
  auto pictures = torch::empty({count, frames, like.height, like.width, like.channels}, torch::kUInt8);
  auto actions = torch::empty({count, frames - 1, like.action_size});
  const auto which = torch::randint(share.ends.back(), {count}, std::move(rng),
                                    torch::TensorOptions(torch::kInt64).device(system->device))
                         .to(torch::kCPU);
  for (std::int64_t lane = 0; lane < count; ++lane) {
    const auto piece = which.data_ptr<std::int64_t>()[lane];
    const auto at = static_cast<std::size_t>(std::ranges::upper_bound(share.ends, piece) - share.ends.begin());
    const auto& episode = replay_.episode(share.episodes[at]);
    const auto first = static_cast<std::size_t>(piece - (at == 0 ? 0 : share.ends[at - 1])),
               length = static_cast<std::size_t>(frames);
    std::copy_n(episode.frames.data() + first * bytes, length * bytes,
                pictures.select(0, lane).data_ptr<std::uint8_t>());
    std::copy_n(episode.actions.data() + first * axes, (length - 1) * axes, actions.select(0, lane).data_ptr<float>());
  }
  return {pictures_of(pictures.to(system->device)), actions};
}

}  // namespace dream
