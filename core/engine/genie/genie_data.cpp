#include <algorithm>

#include "api/error.h"
#include "core/engine/genie/genie_recipe.h"
#include "core/engine/walks.h"
#include "core/models/gauges.h"

namespace dream {
namespace {

constexpr std::size_t unseen_every = 10;  // episodes, of which the last is held out

}  // namespace

std::shared_ptr<Phase> genie_collect_phase(std::shared_ptr<GenieParts> parts) {
  auto& all = *parts;
  return walk_phase(*all.system, all.options.collect, all.own_folder(), all.rng("collect"), [parts] { parts->unload(); });
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
