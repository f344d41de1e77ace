#pragma once
#include "api/spaces.h"
#include "core/base/choice.h"
#include "core/config/config.h"
#include "core/nn/vit.h"

namespace dream {

/// The encoder that all image pre-training here has, so that what differs is how it learns. Small enough for two cores.
struct EncoderOptions {
  std::int64_t patch = 8, width = 96, layers = 4, heads = 4;
  std::int64_t frames = 1, tubelet = 1;  // of a clip; of a token

  void fields(Config& config, const std::string& prefix);
  /// Throws dream::Error for a world whose pictures are not square.
  VitShape shape(const Spaces& spaces) const;
};

/// Where what is to be predicted comes from.
enum class TargetFrom {
  ema,            // a slow copy of the encoder, as published
  stop_gradient,  // the encoder itself, which does not learn from being predicted
  gradient,       // the encoder itself, which may learn to be easy to predict: it collapses
};
constexpr auto choice_names(TargetFrom) {
  return names_of_choice("ema", "stop_gradient", "gradient");
}
void target_field(Config& config, const std::string& key, TargetFrom& target);

}  // namespace dream
