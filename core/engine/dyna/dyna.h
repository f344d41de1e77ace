#pragma once
#include <memory>

#include "core/engine/dyna/tabular_dyna.h"
#include "core/engine/interleaved.h"

namespace dream {

/// What the phases of a tabular Dyna run share.
struct DynaParts : InterleavedParts {
  std::int64_t seed_setting = 0;
  DynaOptions options;
  InterleavedOptions collecting;
  std::shared_ptr<TableModel> model;
  std::shared_ptr<TablePolicy> policy;
};

/// `parts` must have their model and policy, and outlive it.
std::unique_ptr<Learner> dyna_learner(DynaParts& parts);

std::unique_ptr<System> make_dyna_q(const RunSpec& spec);
std::unique_ptr<System> make_dyna_q_plus(const RunSpec& spec);
std::unique_ptr<System> make_dyna_neural(const RunSpec& spec);

}  // namespace dream
