#include "core/engine/genie/genie_parts.h"

#include <algorithm>

#include "api/error.h"
#include "core/engine/interleaved.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/stream_place.h"
#include "core/models/gauges.h"

namespace dream {
namespace {

constexpr std::size_t unseen_every = 10;   // episodes, of which the last is held out
constexpr std::size_t most_held_out = 64;  // of more than fit
constexpr double held_out_share = 0.1;     // of the memory, which they may take

}  // namespace

void GenieStageOptions::fields(Config& config, const std::string& prefix, const std::string& of) {
  config.add(prefix + "updates", updates, {.help = "Updates of " + of, .low = 1, .high = 1e9});
  config.add(prefix + "batch", batch, {.help = "Pieces of a batch", .low = 1, .high = 4096});
  optimiser_fields(config, prefix, optimiser, of);
}

void GenieFamilyOptions::train_fields(Config& config) {
  train.datasets.fields(config, "train.",
                        "Dataset folders, separated by ':', whose pictures it learns from, videos among them; empty: it collects its "
                        "own. The actions in them are never shown to it, and may be missing");
  config.add("train.budget_gb", train.budget_gb,
             {.help = "Memory that they may take", .unit = "GB", .low = 0.01, .high = 1e4, .title = "memory budget"});
  config.add("train.measure_every", train.measure_every,
             {.help = "Updates between two looks at unseen pieces", .low = 1, .high = 1e9});
  config.add("train.measured", train.measured, {.help = "Unseen pieces that are looked at", .low = 2, .high = 4096});
  config.add("train.bfloat16", train.bfloat16,
             {.help = "bf16 matrix products where the processor has them; weights stay float32"});
}

void begin_genie(System& system, const RunSpec& spec, GenieParts& parts) {
  begin_system(system, spec, parts.options.seed);
  parts.system = &system;
}

void complete_genie(System& system, const std::shared_ptr<GenieParts>& parts, std::string title,
                    std::vector<Metrics::Spec> curves, const std::vector<std::shared_ptr<Phase>>& stages) {
  system.title = std::move(title);
  parts->model->to(system.device);
  parts->model->eval();
  system.model = parts->model;
  system.metrics = Metrics(std::move(curves));
  system.parts = parts;
  system.memory_bytes = [p = parts.get()] { return p->bytes(); };
  system.budget_bytes = [p = parts.get()] { return p->options.train.budget_gb * 1e9; };
  if (parts->options.train.datasets.empty())
    system.phases.push_back(walk_phase(system, parts->options.collect, parts->own_folder(), parts->rng("collect"),
                                       [p = parts.get()] { p->unload(); }));
  system.phases.insert(system.phases.end(), stages.begin(), stages.end());
}

bool GenieParts::load_more() {
  if (complete_) return false;
  if (stream_) {
    if (stream_->fill(replay_)) return true;
    share_out();
    complete_ = true;
    return false;
  }
  if (!sources_) {
    const auto& given = options.train.datasets;
    replay_ = Replay(static_cast<std::size_t>(options.train.budget_gb * 1e9));
    if (given.empty() && !std::filesystem::exists(own_folder()))
      throw Error("there are no episodes to learn from; run the phase 'collect' first");
    const auto folders = given.empty() ? std::vector{own_folder()} : folders_of(given.folders);
    acted_ = true;
    const auto fitting = fit_to(system->make_env()->spaces(), system->environment, {.pictures = true, .vectors = false, .actions = false});
    const auto heeded = [&](const DatasetInfo& info) {
      auto fit = fitting(info);
      acted_ = acted_ && fit.acted;
      return fit;
    };
    sources_ = std::make_unique<DatasetSources>(folders, heeded, given.damage());
  }
  if (sources_->read_into(replay_)) return true;
  if (!sources_->all_read()) {
    stream();
    return true;
  }
  sources_.reset();
  share_out();
  complete_ = true;
  return false;
}

std::string GenieParts::loading() const {
  const bool noted = sources_ && !sources_->notes().empty();
  return "reading episodes: " + std::to_string(replay_.episodes()) + (noted ? "; " + sources_->notes().back() : "");
}

/// Of more episodes than fit, some of the first are held out, and the others come and go.
void GenieParts::stream() {
  const auto budget = replay_.budget();
  replay_.clear();
  held_out_ = Replay(budget);
  std::vector<std::size_t> others;
  bool room = true;
  for (std::size_t i = 0; i < sources_->episodes(); ++i) {
    if (i % unseen_every == 1 && room && held_out_.episodes() < most_held_out) {
      auto episode = sources_->read(i);
      if (!episode) continue;
      room = held_out_.episodes() == 0 ||
             static_cast<double>(held_out_.bytes() + held_out_.bytes_of(*episode)) <= held_out_share * static_cast<double>(budget);
      if (room && long_enough(*episode)) {
        held_out_.add(std::move(*episode));
        continue;
      }
    }
    others.push_back(i);
  }
  replay_ = Replay(budget - held_out_.bytes());
  sources_->keep(others);
  stream_ = std::make_unique<EpisodeStream>(std::move(sources_), rng("episodes"), place_);
}

void GenieParts::learned(double frames) {
  if (!stream_) return;
  stream_->learned(replay_, frames);
  share_out();
}

std::vector<std::string> GenieParts::notes() const { return stream_ ? stream_->notes() : std::vector<std::string>(); }

void GenieParts::save_place(Checkpoint& into) const {
  store_place(into, "data.stream", stream_ && complete_ ? stream_->place() : place_);
}

void GenieParts::load_place(const Checkpoint& from) {
  unload();
  place_ = place_in(from, "data.stream");
}

void GenieParts::unload() {
  if (stream_ && complete_) place_ = stream_->place();  // it goes on from there
  stream_.reset();
  replay_.clear(), held_out_.clear();
  sources_.reset();
  seen_.clear(), unseen_.clear();
  complete_ = false;
}

void GenieParts::share_out() {
  seen_.clear(), unseen_.clear();
  for (std::size_t i = 0, counted = 0; i < replay_.episodes(); ++i) {
    if (!long_enough(replay_.episode(i))) continue;
    // The second already, so that two are enough.
    (!stream_ && counted++ % unseen_every == 1 ? unseen_ : seen_).push_back(i);
  }
  if (stream_)
    for (std::size_t i = 0; i < held_out_.episodes(); ++i) unseen_.push_back(i);
  if (unseen_.empty() || seen_.empty())
    throw Error("of " + std::to_string(replay_.episodes()) + " episodes fewer than two are of " +
                std::to_string(piece) + " frames or more");
}

GenieParts::Pieces GenieParts::draw(bool unseen, std::int64_t count, std::int64_t frames, at::Generator rng) const {
  const auto& episodes = unseen ? unseen_ : seen_;
  const auto& replay = unseen && stream_ ? held_out_ : replay_;
  std::vector<std::int64_t> ends;  // the running count of their pieces
  for (const auto i : episodes)
    ends.push_back(static_cast<std::int64_t>(replay.episode(i).length()) + 2 - frames +
                   (ends.empty() ? 0 : ends.back()));
  const auto& like = replay.episode(episodes.front());
  const auto bytes = like.frame_bytes(), axes = static_cast<std::size_t>(like.action_size);
  auto pictures = torch::empty({count, frames, like.height, like.width, like.channels}, torch::kUInt8);
  auto actions = torch::empty({count, frames - 1, like.action_size});
  const auto which =
      torch::randint(ends.back(), {count}, std::move(rng), torch::TensorOptions(torch::kInt64).device(system->device))
          .to(torch::kCPU);
  for (std::int64_t lane = 0; lane < count; ++lane) {
    const auto which_piece = which.data_ptr<std::int64_t>()[lane];
    const auto at = static_cast<std::size_t>(std::ranges::upper_bound(ends, which_piece) - ends.begin());
    const auto& episode = replay.episode(episodes[at]);
    const auto first = static_cast<std::size_t>(which_piece - (at == 0 ? 0 : ends[at - 1])),
               length = static_cast<std::size_t>(frames);
    std::copy_n(episode.frames.data() + first * bytes, length * bytes,
                pictures.select(0, lane).data_ptr<std::uint8_t>());
    std::copy_n(episode.actions.data() + first * axes, (length - 1) * axes, actions.select(0, lane).data_ptr<float>());
  }
  return {pictures_of(pictures.to(system->device)), actions};
}

}  // namespace dream
