#include "core/models/latent_action_model.h"

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {

namespace {

constexpr std::int64_t most_keys = 8;
constexpr double hardly_used = 0.02;  // share of what was inferred

}  // namespace

LatentActionModel::LatentActionModel(std::int64_t frames, const Spaces& spaces)
    : shape_{frames, spaces.image_channels, spaces.image_height, spaces.image_width} {}

void LatentActionModel::find_actions(const LatentActionOptions& options) {
  latent_actions_ = register_module("latent_actions", LatentActions(options, shape_));
  if (latent_actions_->codes() > most_keys)
    throw Error("actions.levels and actions.numbers make " + std::to_string(latent_actions_->codes()) +
                " actions, and there are keys for 8");
  code_use_ = register_buffer("code_use", torch::zeros({latent_actions_->codes()}));
  code_motion_ = register_buffer("code_motion", torch::zeros({latent_actions_->codes()}));
}

Carry LatentActionModel::blank(std::int64_t batch) {
  const auto like = torch::TensorOptions().dtype(torch::kFloat32).device(code_use_.device());
  return {{"actions", torch::zeros({batch, shape_.frames}, like)},
          {"pictures", torch::zeros({batch, shape_.frames, shape_.channels, shape_.height, shape_.width}, like)},
          {"frame", torch::zeros({batch, shape_.channels, shape_.height, shape_.width}, like)},
          {"filled", torch::zeros({batch, 1}, like)}};
}

LatentActionModel::Window LatentActionModel::open(const Carry& carry) const {
  const auto filled = carry.at("filled").squeeze(1).to(torch::kInt64);
  const auto full = filled >= shape_.frames;
  return {made_room(carry.at("actions"), full).to(torch::kInt64), made_room(carry.at("pictures"), full),
          filled.clamp_max(shape_.frames - 1), full};
}

torch::Tensor LatentActionModel::code_before(const Window& window, const torch::Tensor& picture) {
  const auto codes = latent_actions_->codes_of(placed(window.pictures, picture, window.at));
  return torch::cat({torch::zeros_like(codes.slice(1, 0, 1)), codes}, 1).gather(1, window.at.unsqueeze(1)).squeeze(1);
}

Carry LatentActionModel::with_next(const Window& window, const torch::Tensor& picture,
                                   const torch::Tensor& code) const {
  return {{"actions", placed(window.actions, code, window.at).to(torch::kFloat32)},
          {"pictures", placed(window.pictures, picture, window.at)},
          {"frame", picture},
          {"filled", (window.at + 1).unsqueeze(1).to(torch::kFloat32)}};
}

torch::Tensor LatentActionModel::codes_of(const torch::Tensor& actions) const {
  return actions.select(1, 0).round().to(torch::kInt64).clamp(0, latent_actions_->codes() - 1);
}

torch::Tensor LatentActionModel::action_values(const torch::Tensor& actions) const {
  const auto values = latent_actions_->values(actions);
  return torch::cat({torch::zeros_like(values.slice(1, 0, 1)), values.slice(1, 1)}, 1);
}

torch::Tensor LatentActionModel::newest(const torch::Tensor& window, const Carry& carry) {
  const auto at = (carry.at("filled").squeeze(1).to(torch::kInt64) - 1).clamp_min(0);
  return window.index({torch::arange(window.size(0), at.options()), at});
}

torch::Tensor LatentActionModel::placed(const torch::Tensor& window, const torch::Tensor& entry,
                                        const torch::Tensor& at) {
  auto here = torch::arange(window.size(1), at.options()).unsqueeze(0) == at.unsqueeze(1);
  for (auto i = window.dim(); i > 2; --i) here = here.unsqueeze(-1);
  return torch::where(here, entry.unsqueeze(1).to(window.scalar_type()), window);
}

torch::Tensor LatentActionModel::made_room(const torch::Tensor& window, torch::Tensor full) {
  for (auto i = window.dim(); i > 1; --i) full = full.unsqueeze(-1);
  return torch::where(full, window.roll(-1, 1), window);
}

ActionSpace LatentActionModel::actions(const Spaces&) const {
  ActionSpace space;
  const auto codes = latent_actions_->codes();
  space.axes = {"code"};
  space.low = {0};
  space.high = {static_cast<float>(codes - 1)};
  for (std::int64_t i = 0; i < codes; ++i) {
    const auto key = std::to_string(i + 1);
    space.choices.push_back("code " + key);
    space.keys.push_back({key, 0, static_cast<float>(i), "code " + key});
  }
  const auto motion = code_motion_.masked_fill(code_use_ < hardly_used, 1e9);
  space.idle = {static_cast<float>(motion.argmin().item<std::int64_t>())};
  return space;
}

void LatentActionModel::know_codes(const torch::Tensor& use, const torch::Tensor& motion) {
  torch::NoGradGuard no_grad;
  code_use_.copy_(use), code_motion_.copy_(motion);
}

void LatentActionModel::report_codes(ProbeSink& sink) const {
  const auto bars = [](const torch::Tensor& values) {
    Vector made{floats(values), {}, {}, {}};
    for (std::size_t i = 1; i <= made.values.size(); ++i) made.labels.push_back("code " + std::to_string(i));
    return made;
  };
  if (sink.wants("actions/use"))
    sink.put("actions/use", "Use of the codes", "How often each was inferred from unseen pieces", bars(code_use_));
  if (sink.wants("actions/motion"))
    sink.put("actions/motion", "Change by code", "Mean |x' − x| of the pixels where each code was inferred",
             bars(code_motion_));
}

Carry LatentActionModel::edit(const Carry&, const std::string& probe, std::int64_t, double) {
  throw Error("'" + probe + "' cannot be edited; this model has no editable probe");
}

Carry LatentActionModel::randomise(const Carry&, const std::string& probe, at::Generator) {
  throw Error("'" + probe + "' cannot be randomised; this model has no editable probe");
}

// -- settings ---------------------------------------------------------------------------------------------------------

void quantiser_fields(Config& config, const std::string& prefix, QuantiserOptions& options, std::int64_t most) {
  config.add(prefix + "quantiser", options.kind,
             {.help = "vq: the nearest of learned vectors; fsq: numbers rounded to levels"});
  config.add(prefix + "codes", options.codes, {.help = "vq: codes", .low = 2, .high = static_cast<double>(most)});
  config.add(prefix + "code_width", options.width, {.help = "vq: numbers of a code", .low = 1, .high = 1024});
  config.add(prefix + "levels", options.levels, {.help = "fsq: levels of a number", .low = 2, .high = 64});
  config.add(prefix + "numbers", options.numbers, {.help = "fsq: numbers of a code", .low = 1, .high = 16});
  config.add(prefix + "commitment", options.commitment,
             {.help = "vq: weight of the pull on the encoder", .low = 0, .high = 100});
}

void latent_action_fields(Config& config, LatentActionOptions& options) {
  config.add("actions.patch", options.patch, {.help = "Side of a patch", .unit = "pixels", .low = 2, .high = 64});
  network_fields(config, "actions.", options);
  quantiser_fields(config, "actions.", options.codes, most_keys);
  config.add("actions.balance", options.balance,
             {.help = "vq: weight of the loss that asks for all codes to be in use; 0: none",
              .low = 0,
              .high = 10,
              .live = true});
  config.add("actions.unrounded", options.unrounded,
             {.help = "Updates before anything is rounded to a code", .low = 0, .high = 1e9});
  config.add("actions.patience", options.patience,
             {.help = "vq: batches after which an idle code is put where something is", .low = 1, .high = 1e9});
}

}  // namespace dream
