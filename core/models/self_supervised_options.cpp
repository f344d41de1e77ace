#include "core/models/self_supervised_options.h"

#include "api/error.h"

namespace dream {

void EncoderOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "patch", patch, {.help = "Side of a patch", .unit = "pixels", .low = 1, .high = 64});
  config.add(prefix + "width", width, {.help = "Numbers of a token, and of an embedding", .low = 4, .high = 4096});
  config.add(prefix + "layers", layers, {.help = "Blocks of the encoder", .low = 1, .high = 64});
  config.add(prefix + "heads", heads, {.help = "Heads of its attention", .low = 1, .high = 64});
  if (frames == 1) return;
  config.add(prefix + "frames", frames, {.help = "Frames of a clip", .low = 2, .high = 64});
  config.add(prefix + "tubelet", tubelet, {.help = "Frames of a token", .low = 1, .high = 16});
}

VitShape EncoderOptions::shape(const Spaces& spaces) const {
  if (spaces.image_height != spaces.image_width)
    throw Error("its patches are of square pictures, and this world's are " + std::to_string(spaces.image_width) +
                " x " + std::to_string(spaces.image_height));
  return {spaces.image_width, spaces.image_channels, frames, patch, tubelet};
}

void target_field(Config& config, const std::string& key, TargetFrom& target) {
  config.add(
      key, target,
      {.help = "What is predicted: ema, what a slow copy of the encoder says; stop_gradient, what the encoder itself "
               "says; gradient, the same, and it may learn to be easy to predict, which is how it collapses",
       .live = true,
       .title = "target"});
}

}  // namespace dream
