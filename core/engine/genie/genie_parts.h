#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/data/dataset_sources.h"
#include "core/data/episode_stream.h"
#include "core/data/replay.h"
#include "core/engine/system.h"
#include "core/engine/walks.h"
#include "core/models/latent_action_model.h"
#include "core/nn/optimiser.h"

namespace dream {

/// One network's training: so many updates from batches of so many pieces; the learning rate falls along a cosine to a
/// tenth.
struct GenieStageOptions {
  std::int64_t updates = 2000, batch = 16;
  OptimiserOptions optimiser{.kind = OptimiserKind::adam,
                             .learning_rate = 1e-3,
                             .eps = 1e-8,
                             .clip_norm = 1,
                             .adaptive_clip = 0,
                             .warm_up = 100};

  void fields(Config& config, const std::string& prefix, const std::string& of);
};

/// What every recipe has that finds its controls in videos.
struct GenieFamilyOptions {
  std::int64_t seed = 0;
  WalkOptions collect;
  GenieStageOptions actions, dynamics;
  struct Train {
    GivenDatasets datasets;
    double budget_gb = 2;
    std::int64_t measure_every = 100, measured = 64;  // updates; unseen pieces
    bool bfloat16 = true;
  } train;

  void train_fields(Config& config);
};

/// What the phases of one run share. A recipe derives from it and adds its own.
struct GenieParts {
  /// Both are the recipe's, as they are now: some are live.
  GenieParts(const GenieFamilyOptions& options, const LatentActionOptions& latent) : options(options), latent(latent) {}
  virtual ~GenieParts() = default;

  const GenieFamilyOptions& options;
  const LatentActionOptions& latent;
  System* system = nullptr;  // owns this
  std::shared_ptr<LatentActionModel> model;
  std::int64_t piece = 0;  // frames of the longest pieces that are asked for

  struct Pieces {
    torch::Tensor pictures;  // [B, T, C, H, W] in [0, 1], on the device
    torch::Tensor actions;   // float [B, T − 1, A]: what was done, which no network ever sees
  };
  /// Reads one more episode; false once all are there. Throws dream::Error where there is none that is long enough.
  bool load_more();
  std::string loading() const;
  std::vector<std::string> notes() const;  // of episodes that do not all fit, in words
  bool acted() const { return acted_; }  // what was done in the episodes is known: videos may not say
  void unload();
  /// So many frames were learned from: of episodes that do not all fit others may come now.
  void learned(double frames);
  void save_place(Checkpoint& into) const;
  void load_place(const Checkpoint& from);
  /// Pieces of so many frames, each as likely as any other; of every tenth episode, which no network learns from, or of
  /// the others.
  Pieces draw(bool unseen, std::int64_t count, std::int64_t frames, at::Generator rng) const;
  std::filesystem::path own_folder() const { return system->directory / "data" / "random"; }
  Rng rng(std::string_view name) const { return Rng(static_cast<std::uint64_t>(options.seed)).fork(name); }
  double bytes() const { return static_cast<double>(replay_.bytes() + held_out_.bytes()); }

 private:
  void share_out();
  void stream();
  bool long_enough(const Episode& episode) const { return static_cast<std::int64_t>(episode.length()) + 1 >= piece; }
  Replay replay_{0};
  std::unique_ptr<DatasetSources> sources_;  // while they are read
  std::unique_ptr<EpisodeStream> stream_;    // where they do not all fit; then what nothing learns from lies apart
  StreamPlace place_;                        // that a checkpoint knew
  Replay held_out_{0};
  std::vector<std::size_t> seen_, unseen_;   // episodes
  bool complete_ = false, acted_ = true;
};

/// For recipes, once parts have their system's settings: the world and the device; then, with the model, curves, memory
/// and phases, the first of which collects where no episodes were given.
void begin_genie(System& system, const RunSpec& spec, GenieParts& parts);
void complete_genie(System& system, const std::shared_ptr<GenieParts>& parts, std::string title,
                    std::vector<Metrics::Spec> curves, const std::vector<std::shared_ptr<Phase>>& stages);

}  // namespace dream
