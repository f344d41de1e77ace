#pragma once
#include <string>

#include "core/config/config.h"
#include "core/nn/optimiser.h"

namespace dream {

/// The settings of an optimiser of `whose` weights, each key after `prefix`.
void optimiser_fields(Config& config, const std::string& prefix, OptimiserOptions& options, const std::string& whose);

}  // namespace dream
