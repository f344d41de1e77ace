#include "core/models/viewing_decoder.h"

#include <algorithm>

#include "api/error.h"
#include "core/nn/picture.h"

namespace dream {
namespace {

CoderOptions viewing_coder(const Spaces& spaces, std::int64_t depth) {
  if (spaces.image_height != 64 || spaces.image_width != 64)
    throw Error("pictures for people are painted with 64 x 64 pixels, and this world shows " +
                std::to_string(spaces.image_width) + " x " + std::to_string(spaces.image_height));
  CoderOptions options;
  options.kind = Coder::same;
  options.depth = depth;
  options.channels = spaces.image_channels;
  options.style = {Act::silu, Norm::layer, 1e-3, true, Init::average};
  return options;
}

OptimiserOptions viewing_optimiser(const ViewingOptions& options) {
  OptimiserOptions adam;
  adam.kind = OptimiserKind::adam;
  adam.learning_rate = options.learning_rate, adam.eps = 1e-8;
  adam.clip_norm = 100, adam.adaptive_clip = 0, adam.warm_up = 0;
  return adam;
}

}  // namespace

void ViewingOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "on", on,
             {.help = "A decoder beside the model learns to paint its states, for people; the model learns nothing "
                      "from it"});
  config.add(prefix + "depth", depth,
             {.help = "Channels of its convolutions are multiples of this", .low = 1, .high = 256});
  config.add(prefix + "pictures", pictures, {.help = "Frames of a batch that it learns from", .low = 1, .high = 4096});
  config.add(prefix + "every", every, {.help = "Updates of the model between two of its own", .low = 1, .high = 10000});
  config.add(prefix + "learning_rate", learning_rate,
             {.help = "Step size of its Adam", .low = 1e-6, .high = 1, .logarithmic = true});
}

ViewingDecoderImpl::ViewingDecoderImpl(std::int64_t features, const Spaces& spaces, std::int64_t depth)
    : decoder_(register_module("decoder", ImageDecoder(features, 0, viewing_coder(spaces, depth)))) {}

torch::Tensor ViewingDecoderImpl::decode(const torch::Tensor& features) {
  return decoder_(features, features.slice(1, 0, 0));  // there is no second part
}

torch::Tensor ViewingDecoderImpl::forward(const torch::Tensor& features) {
  return torch::sigmoid(decode(features).to(torch::kFloat32));
}

torch::Tensor ViewingDecoderImpl::loss(const torch::Tensor& features, const torch::Tensor& image) {
  const auto numbers = static_cast<double>(image[0].numel());
  return mean_where_given(picture_error(decode(features.detach()), image, true), image) / numbers;
}

ViewingTrainer::ViewingTrainer(ViewingDecoder decoder, const ViewingOptions& options)
    : decoder_(std::move(decoder)), options_(options), optimiser_(decoder_->parameters(), viewing_optimiser(options)) {}

double ViewingTrainer::learn(const torch::Tensor& features, const torch::Tensor& image) {
  const auto every = std::max<std::int64_t>(1, features.size(0) / options_.pictures);
  const auto few = [&](const torch::Tensor& x) { return x.slice(0, 0, every * options_.pictures, every); };
  const auto loss = decoder_->loss(few(features), few(image));
  loss.backward();
  optimiser_.step();
  return loss.item<double>();
}

void ViewingTrainer::load(const Checkpoint& from, const std::string& prefix) {
  optimiser_.load(from, prefix);
  optimiser_.clear();
}

}  // namespace dream
