#pragma once
#include <memory>

#include "core/base/choice.h"
#include "core/behaviours/dreamer4_agent.h"
#include "core/engine/feed.h"
#include "core/engine/genie/genie_parts.h"
#include "core/engine/system.h"
#include "core/engine/walks.h"
#include "core/models/dreamer4.h"

namespace dream {

/// tiny: small worlds on two cores. port: what nicklashansen/dreamer4 learns with, for 30 tasks on 8 GPUs. published: the
/// constants that are told of the paper's 0.4 + 1.6 billion weights, second-hand and not verified; its widths are not, and
/// ours come near these sums.
enum class Dreamer4Size { tiny, port, published };
constexpr auto choice_names(Dreamer4Size) {
  return names_of_choice("tiny", "port", "published");
}

/// Dreamer 4 (Hafner et al. 2025) from given episodes, or from random ones of its own: a tokenizer, the dynamics of its
/// latents, an agent token with heads that do and expect as the data did, and a policy that learns in imagination alone.
struct Dreamer4RunOptions {
  Dreamer4Size size = Dreamer4Size::tiny;
  std::int64_t seed = 0;
  Dreamer4Options world;
  Dreamer4AgentOptions behaviour;  // ahead, units, layers and bins are the model's
  WalkOptions collect;
  GenieStageOptions tokenizer, dynamics, agent, imagination;
  struct Learn {
    std::int64_t short_piece = 8, long_piece = 16, long_every = 4;  // frames; every so many updates a batch is of long ones
    std::int64_t bootstrap_after = 1000;  // updates of the dynamics before long steps are learned from two of half their length
    double bootstrap_share = 0.25;        // of rows that learn them, from then on
    double reward_weight = 0.3, clone_weight = 0.3;  // of the heads' losses; that of the dynamics is 1
    std::int64_t horizon = 16, steps = 4;  // imagined frames of a start; shortcut steps of each
  } learn;
  struct Train {
    GivenDatasets datasets;
    double budget_gb = 2;
    std::int64_t measure_every = 100, measured = 16;  // updates; pieces
    bool bfloat16 = true;
    std::int64_t evaluate_episodes = 100;
  } train;

  void fields(Config& config);
};

/// What chooses the defaults: the constants of a size.
void set_size(Dreamer4RunOptions& options);

/// What the phases of one run share.
struct Dreamer4Parts {
  System* system = nullptr;  // owns this
  Dreamer4RunOptions options;
  std::shared_ptr<Dreamer4Model> model;
  std::shared_ptr<Dreamer4Agent> agent;
  std::unique_ptr<Feed> feed;

  std::filesystem::path own_folder() const { return system->directory / "data" / "random"; }
  Rng rng(std::string_view name) const { return Rng(static_cast<std::uint64_t>(options.seed)).fork(name); }
};

/// tokenizer, dynamics, agent, imagination: one after the other.
std::vector<std::shared_ptr<Phase>> dreamer4_stages(const std::shared_ptr<Dreamer4Parts>& parts);
std::vector<Metrics::Spec> dreamer4_curves();

std::unique_ptr<System> make_dreamer4(const RunSpec& spec);

}  // namespace dream
