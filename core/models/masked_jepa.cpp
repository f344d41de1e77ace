#include "core/models/masked_jepa.h"

#include <algorithm>

#include "api/error.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

constexpr LayerStyle jepa_viewer_style{Act::silu, Norm::layer, 1e-5, true, Init::fan_in};
constexpr std::int64_t viewer_units_per_depth = 16;

/// The masks of one picture of a batch.
Masks masks_of(const Masks& all, std::int64_t picture) {
  Masks made{all.context.slice(0, picture, picture + 1), {}};
  for (const auto& each : all.targets) made.targets.push_back(each.slice(0, picture, picture + 1));
  return made;
}

Masks masks_on(const Masks& masks, const torch::Device& device) {
  Masks made{masks.context.to(device), {}};
  for (const auto& each : masks.targets) made.targets.push_back(each.to(device));
  return made;
}

torch::Tensor without_scale(const torch::Tensor& tokens) {
  return torch::layer_norm(tokens, {tokens.size(-1)}, {}, {}, 1e-5, false);
}

}  // namespace

void MaskedJepaOptions::fields(Config& config) {
  encoder.fields(config, "encoder.");
  config.add("predictor.width", predictor_width,
             {.help = "Numbers of a token in the predictor", .low = 4, .high = 4096});
  config.add("predictor.layers", predictor_layers, {.help = "Blocks of the predictor", .low = 1, .high = 64});
  config.add("predictor.heads", predictor_heads, {.help = "Heads of its attention", .low = 1, .high = 64});
  target_field(config, "learn.target", target);
  const auto share = [&](const std::string& name, double& value, const char* help) {
    config.add("masks." + name, value, {.help = help, .low = 0.01, .high = 1, .live = true});
  };
  if (clips()) {
    config.add("masks.short_blocks", short_range.blocks,
               {.help = "Short range: blocks that are hidden", .low = 1, .high = 64, .live = true});
    share("short_share", short_range.share, "Short range: share of a frame that one covers, through all time");
    config.add("masks.long_blocks", long_range.blocks,
               {.help = "Long range: blocks that are hidden", .low = 1, .high = 64, .live = true});
    share("long_share", long_range.share, "Long range: share of a frame that one covers, through all time");
  } else {
    config.add("masks.targets", masks.targets,
               {.help = "Blocks that are predicted", .low = 1, .high = 64, .live = true});
    share("target_least", masks.target_least, "Least share of the picture that such a block covers");
    share("target_most", masks.target_most, "Greatest share of the picture that such a block covers");
    share("context_least", masks.context_least, "Least share that the context covers, before targets are taken out");
    share("context_most", masks.context_most, "Greatest share that the context covers");
    config.add("masks.least", masks.least,
               {.help = "A block or a context has more patches than this", .low = 0, .high = 4096, .live = true});
    config.add(
        "masks.edges", masks.edges,
        {.help = "Blocks reach the picture's last row and column; in the published code they do not", .live = true});
  }
  view.fields(config, "view.");
}

MaskedJepa::MaskedJepa(const MaskedJepaOptions& options, const Spaces& spaces, bool rival)
    : options_(options), shape_(options.encoder.shape(spaces)) {
  const auto& e = options.encoder;
  encoder_ = register_module("encoder", Vit(shape_, e.width, e.layers, e.heads));
  slow_encoder_ = register_module("slow_encoder", Vit(shape_, e.width, e.layers, e.heads));
  follow(1);
  for (auto p : slow_encoder_->parameters()) p.requires_grad_(false);
  predictor_ =
      register_module("predictor", VitPredictor(shape_, e.width, options.predictor_width, options.predictor_layers,
                                                options.predictor_heads, options.clips() ? 2 : 1));
  if (options.view.on)
    viewer_ = register_module(
        "viewer", Mlp(e.width, 2, viewer_units_per_depth * options.view.depth, jepa_viewer_style, shape_.numbers()));
  add_rival(rival, shape_.side, shape_.channels);
}

torch::Tensor MaskedJepa::embed(const torch::Tensor& clips) {
  return slow_encoder_(slow_encoder_->pieces(clips)).mean(1);
}

torch::Tensor MaskedJepa::targets_of(const torch::Tensor& pieces) {
  const torch::AutoGradMode gradient(torch::GradMode::is_enabled() && options_.target == TargetFrom::gradient);
  return without_scale(options_.target == TargetFrom::ema ? slow_encoder_(pieces) : encoder_(pieces));
}

std::vector<Masks> MaskedJepa::masks(std::int64_t batch, Rng chance) const {
  if (!options_.clips()) return {block_masks(options_.masks, shape_.rows(), shape_.rows(), batch, chance)};
  return {tube_masks(options_.short_range, shape_.times(), shape_.rows(), shape_.rows(), batch, chance),
          tube_masks(options_.long_range, shape_.times(), shape_.rows(), shape_.rows(), batch, chance)};
}

SelfSupervised::Loss MaskedJepa::loss(const torch::Tensor& clips, at::Generator rng) {
  return loss_under(clips, masks(clips.size(0), drawn_stream(rng)));
}

SelfSupervised::Loss MaskedJepa::loss_under(const torch::Tensor& clips, const std::vector<Masks>& masks) {
  const auto pieces = encoder_->pieces(clips);
  const auto told = targets_of(pieces);
  Loss made;
  for (std::size_t way = 0; way < masks.size(); ++way) {
    const auto here = masks_on(masks[way], clips.device());
    const auto predicted =
        predictor_(encoder_(pieces, here.context), here.context, here.targets, static_cast<std::int64_t>(way));
    std::vector<torch::Tensor> wanted;
    for (const auto& places : here.targets) wanted.push_back(at_places(told, places));
    const auto missed = predicted - torch::cat(wanted);
    const auto error = options_.clips() ? missed.abs().mean() : torch::smooth_l1_loss(predicted, torch::cat(wanted));
    made.total = made.total.defined() ? made.total + error : error;
    if (options_.clips()) made.terms.emplace_back(way == 0 ? "short_range" : "long_range", error.detach());
  }
  made.total = made.total / static_cast<double>(masks.size());
  torch::NoGradGuard no_grad;
  made.terms.emplace(made.terms.begin(), "prediction", made.total.detach());
  made.terms.emplace_back("target_spread", told.std(0).mean());
  made.terms.emplace_back(
      "context", torch::tensor(static_cast<double>(masks[0].context.size(1)) / static_cast<double>(shape_.places())));
  const auto few = std::min(options_.view.pictures, clips.size(0));
  last_ = {clips.slice(0, 0, 1).clone(), pieces.slice(0, 0, few), told.detach().slice(0, 0, few),
           masks_of(masks[0], 0)};
  return made;
}

std::vector<SelfSupervised::Curve> MaskedJepa::curves() const {
  std::vector<Curve> made = {
      {"prediction", options_.clips() ? "Prediction of hidden tokens: L1" : "Prediction of hidden tokens: smooth L1",
       ""}};
  if (options_.clips()) {
    made.push_back({"short_range", "Of many small blocks: L1", ""});
    made.push_back({"long_range", "Of two large blocks: L1", ""});
  }
  made.push_back({"target_spread", "Spread of a target over pictures: 0 is a point", ""});
  made.push_back({"context", "Share of the patches that the encoder sees", ""});
  return made;
}

torch::Tensor MaskedJepa::viewing_loss() {
  return viewer_ && last_.told.defined() ? error_of_pieces(viewer_(last_.told), last_.pieces) : torch::Tensor{};
}

}  // namespace dream
