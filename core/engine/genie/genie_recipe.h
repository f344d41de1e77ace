#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/data/dataset_sources.h"
#include "core/data/replay.h"
#include "core/engine/system.h"
#include "core/engine/walks.h"
#include "core/models/genie.h"
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
};

/// Genie in small: hundreds of thousands of parameters for 10.7 billion. As the paper's, the tokenizer comes first;
/// latent actions and dynamics follow one after the other, where the paper has them at once: neither learns from the
/// other there either.
struct GenieRecipeOptions {
  std::int64_t seed = 0;
  GenieOptions world;
  WalkOptions collect;
  GenieStageOptions tokenizer, actions, dynamics;
  struct Train {
    std::string datasets;
    double budget_gb = 2;
    std::int64_t measure_every = 100, measured = 64;  // updates; unseen pieces
    bool bfloat16 = true;
  } train;

  void fields(Config& config);
};

/// What the phases of one run share.
struct GenieParts {
  GenieRecipeOptions options;
  System* system = nullptr;  // owns this
  std::shared_ptr<GenieModel> model;

  /// Pieces of as many frames as the model looks back at.
  struct Pieces {
    torch::Tensor pictures;  // [B, T, C, H, W] in [0, 1], on the device
    torch::Tensor actions;   // float [B, T − 1, A]: what was done, which no network ever sees
  };
  /// Reads one more episode; false once all are there. Throws dream::Error where there is none that is long enough.
  bool load_more();
  std::string loading() const;
  void unload();
  /// Each piece as likely as any other; of every tenth episode, which no network learns from, or of the others.
  Pieces draw(bool unseen, std::int64_t count, at::Generator rng) const;
  std::filesystem::path own_folder() const { return system->directory / "data" / "random"; }
  Rng rng(std::string_view name) const { return Rng(static_cast<std::uint64_t>(options.seed)).fork(name); }
  double bytes() const { return static_cast<double>(replay_.bytes()); }

 private:
  struct Share {  // of the episodes: which, and the running count of their pieces
    std::vector<std::size_t> episodes;
    std::vector<std::int64_t> ends;
  };
  void share_out();
  Replay replay_{0};
  std::unique_ptr<DatasetSources> sources_;  // while they are read
  Share seen_, unseen_;
  bool complete_ = false;
};

std::shared_ptr<Phase> genie_collect_phase(std::shared_ptr<GenieParts> parts);
std::shared_ptr<Phase> genie_tokenizer_phase(std::shared_ptr<GenieParts> parts);
std::shared_ptr<Phase> genie_actions_phase(std::shared_ptr<GenieParts> parts);
std::shared_ptr<Phase> genie_dynamics_phase(std::shared_ptr<GenieParts> parts);
std::vector<Metrics::Spec> genie_curves();

std::unique_ptr<System> make_genie(const RunSpec& spec);

}  // namespace dream
