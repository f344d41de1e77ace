#include "core/models/genie2.h"

#include "core/models/gauges.h"
#include "core/nn/generator.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

const Knob denoising_steps{
    .name = "denoising_steps",
    .symbol = "N",
    .title = "Steps of a frame",
    .help =
        "In how many steps a frame is made from noise. One gives the mean of all that may come, more "
        "decide. More are slower.",
    .minimum = 1,
    .maximum = 16,
    .default_value = 4,
    .whole = true};
const Knob guidance{
    .name = "guidance",
    .symbol = "w",
    .title = "Guidance",
    .help =
        "How much the action counts: 0 as if none were known, 1 as learned, more than that exaggerates what "
        "it changes. Anything but 1 takes twice as long.",
    .minimum = 0,
    .maximum = 4,
    .default_value = 1};
const Knob distrust{
    .name = "distrust",
    .symbol = "k",
    .title = "Distrust of its own frames",
    .help =
        "Noise on what it has imagined when it looks back: it then takes less of it for granted, and what it "
        "got wrong piles up more slowly. What it has seen stays clean.",
    .minimum = 0,
    .maximum = 0.9,
    .default_value = 0.1};
const Knob tau_noise{.name = "tau_noise",
                     .symbol = "τ",
                     .title = "τ of the noise",
                     .help = "Scales the noise that a frame begins with: near 0 always nearly the same frame.",
                     .minimum = 0,
                     .maximum = 2,
                     .default_value = 1,
                     .group = temperature};
constexpr std::uint64_t surprise_seed = 7;  // the noise that tells nothing

}  // namespace

void Genie2Options::fields(Config& config) {
  config.add("world.frames", frames,
             {.help = "Frames that it looks back at, the new one among them", .low = 2, .high = 64});
  config.add("autoencoder.patch", autoencoder.patch,
             {.help = "Side of a latent's patch", .unit = "pixels", .low = 2, .high = 64});
  network_fields(config, "autoencoder.", autoencoder, "Blocks of each half");
  config.add("autoencoder.numbers", autoencoder.numbers,
             {.help = "Numbers of a patch's latent", .low = 1, .high = 256});
  config.add(
      "autoencoder.noise", autoencoder.noise,
      {.help = "Deviation of the noise on a latent before it is painted, while this learns", .low = 0, .high = 1});
  latent_action_fields(config, actions);
  network_fields(config, "dynamics.", dynamics);
  config.add(
      "dynamics.action_dropout", dynamics.action_dropout,
      {.help = "Share of frames whose action is kept from the dynamics, so that guidance knows what is without it",
       .low = 0,
       .high = 0.9});
}

Genie2Model::Genie2Model(const Genie2Options& options, const Spaces& spaces)
    : LatentActionModel(options.frames, spaces), options_(options) {
  autoencoder_ = register_module("autoencoder", FrameAutoencoder(options.autoencoder, shape_));
  find_actions(options.actions);
  dynamics_ = register_module("dynamics", FrameDiffusion(options.dynamics, options.frames, autoencoder_->places(),
                                                         autoencoder_->numbers(), latent_actions_->code_width()));
}

Carry Genie2Model::initial(std::int64_t batch) {
  auto carry = blank(batch);
  const auto like = carry.at("filled").options();
  carry["latent"] = torch::zeros({batch, autoencoder_->places(), autoencoder_->numbers()}, like);
  for (const auto* name : {"keys", "values"})
    carry[name] = torch::zeros(dynamics_->cache_shape(batch, options_.frames), like);
  return carry;
}

Carry Genie2Model::remembered(const Carry& carry, const Window& window, const torch::Tensor& latent,
                              const torch::Tensor& picture, const torch::Tensor& code, double level,
                              at::Generator rng) {
  const auto past = cache(carry).last(options_.frames - 1);
  const auto levels = torch::full({latent.size(0)}, level, latent.options());
  const auto shown =
      level > 0 ? noised(latent, torch::randn(latent.sizes(), std::move(rng), latent.options()), levels) : latent;
  FrameDiffusionImpl::Cache own;
  dynamics_->next(shown, levels, {latent_actions_->values(code), window.at > 0, past, window.at}, &own);
  const auto all = past.with(own);
  auto next = with_next(window, picture, code);
  next["latent"] = latent;
  next["keys"] = all.keys, next["values"] = all.values;
  return next;
}

Carry Genie2Model::observe(const Carry& carry, const torch::Tensor&, const Observation& observation,
                           at::Generator rng) {
  const auto window = open(carry);
  const auto picture = pictures_of(observation.image);
  const auto latent = autoencoder_->latents(picture);
  auto next = remembered(carry, window, latent, picture, code_before(window, picture), 0, std::move(rng));
  next["frame"] = autoencoder_->pictures(latent);
  return next;
}

Carry Genie2Model::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs,
                           at::Generator rng) {
  const auto window = open(carry);
  const auto code = codes_of(action);
  const auto past = cache(carry).last(options_.frames - 1);
  // Before anything was seen no action led anywhere.
  const auto drawn = dynamics_->sample({latent_actions_->values(code), window.at > 0, past, window.at},
                                       {static_cast<std::int64_t>(value_of(knobs, denoising_steps)),
                                        value_of(knobs, guidance), value_of(knobs, tau_noise)},
                                       rng);
  const auto latent = autoencoder_->within(drawn.latents);
  auto next = remembered(carry, window, latent, autoencoder_->pictures(latent), code, value_of(knobs, distrust),
                         std::move(rng));
  next["denoising"] = drawn.steps;
  if (drawn.heard.defined()) next["heard"] = drawn.heard;
  return next;
}

std::vector<Knob> Genie2Model::knobs() const {
  return {denoising_steps, guidance, distrust, tau_noise};
}

torch::Tensor Genie2Model::surprise(const Carry& seen) {
  const auto latent = seen.at("latent");
  const auto at = (seen.at("filled").squeeze(1).to(torch::kInt64) - 1).clamp_min(0);
  const auto code = newest(seen.at("actions").to(torch::kInt64), seen);
  const auto past = cache(seen).first(options_.frames - 1);
  const auto noise =
      torch::randn(latent.sizes().slice(1), make_generator(latent.device(), surprise_seed), latent.options());
  const auto expected = dynamics_->next(noise.expand_as(latent), torch::ones({latent.size(0)}, latent.options()),
                                        {latent_actions_->values(code), at > 0, past, at});
  return 0.5 * (latent - expected).square().flatten(1).sum(1);
}

std::vector<std::string> Genie2Model::probe_names() const {
  return {"denoising/steps", "denoising/heard", "latent/z", "actions/use", "actions/motion"};
}

void Genie2Model::report(const Carry& carry, ProbeSink& sink) {
  if (carry.contains("denoising") && sink.wants("denoising/steps")) {
    const auto film =
        autoencoder_->pictures(carry.at("denoising")[0]).to(torch::kCPU, torch::kFloat32);  // [steps, C, H, W]
    sink.put("denoising/steps", "From noise to a frame",
             "What it took the frame for after each step, from the first on the left to the last: x̂ of its level k",
             image_from(torch::cat(film.unbind(0), 2)));
  }
  if (carry.contains("heard") && sink.wants("denoising/heard")) {
    const auto heard = carry.at("heard")[0];
    auto map = heatmap_from(heard, static_cast<int>(autoencoder_->places() / autoencoder_->rows()), 0,
                            std::max(0.1f, heard.max().item<float>()), false);
    map.picture = std::make_shared<const Image>(image_from(carry.at("frame")[0].to(torch::kCPU, torch::kFloat32)));
    sink.put("denoising/heard", "Where the action counts",
             "|x̂ with the action − x̂ without it|, root mean square of each patch", std::move(map));
  }
  if (sink.wants("latent/z"))
    sink.put("latent/z", "Latent z", "Of each patch in the order of reading its numbers, standardised",
             heatmap_from(carry.at("latent")[0], static_cast<int>(autoencoder_->numbers()), -3, 3, true));
  report_codes(sink);
}

}  // namespace dream
