#include "core/models/diamond_upsampler.h"

#include "api/error.h"
#include "core/nn/kernel_path.h"
#include "core/nn/precision.h"

namespace dream {

void UpsamplerOptions::fields(Config& config, const std::string& prefix) {
  const auto size = [&](const char* name, std::int64_t& value, const char* help, double high) {
    config.add(prefix + name, value, {.help = help, .low = 1, .high = high});
  };
  size("upsampling", factor, "It dreams in pictures whose sides are so many times smaller than those that are shown, and a second "
       "diffusion model makes each of them large; 1 = neither", 16);
  size("upsampler_width", width, "Channels of the upsampler's first two levels; they double from there on", 1024);
  size("upsampler_levels", levels, "Levels of the upsampler; each halves the picture's sides", 6);
  size("upsampler_depth", depth, "Blocks of a level of the upsampler", 8);
  size("upsampler_condition", condition, "Numbers that tell the upsampler of noise", 4096);
  size("upsampling_steps", sampler.steps, "Steps in which a picture is made large, where no knob says otherwise", 20);
}

DenoiserOptions UpsamplerOptions::denoiser() const {
  UNetOptions unet{.condition = condition, .channels = {}, .depth = depth, .lowest_attends = true};
  for (std::int64_t i = 0; i < levels; ++i) unet.channels.push_back(i < 2 ? width : 2 * unet.channels.back());
  return {2, std::move(unet)};  // the picture before, and the small one
}

torch::Tensor small_pictures(const torch::Tensor& pictures, std::int64_t factor) {
  if (factor == 1) return pictures;
  const auto small = torch::avg_pool2d(pictures.flatten(0, -4), {factor, factor});
  auto shape = pictures.sizes().vec();
  shape[shape.size() - 2] /= factor, shape[shape.size() - 1] /= factor;
  return in_levels(small).view(shape);
}

DiamondUpsamplerImpl::DiamondUpsamplerImpl(const UpsamplerOptions& options, std::int64_t channels) : options_(options) {
  if (options.condition % 2 != 0)
    throw Error("the upsampler's condition has " + std::to_string(options.condition) + " numbers; a multiple of 2 was expected");
  denoiser_ = register_module("denoiser", Denoiser(options.denoiser(), channels, 0));
  narrow_ = Denoiser(options.denoiser(), channels, 0);
}

torch::Tensor DiamondUpsamplerImpl::enlarged(const torch::Tensor& small) const {
  return at::upsample_bicubic2d(small, {options_.factor * small.size(2), options_.factor * small.size(3)}, false);
}

torch::Tensor DiamondUpsamplerImpl::network_output(const torch::Tensor& noisy, const Conditioners& c, const torch::Tensor& before,
                                                   const torch::Tensor& large) {
  const auto condition = denoiser_->condition(c.noise, {});
  auto* net = &denoiser_;
  if (bfloat16_ && on_processor(noisy.device()) && !torch::GradMode::is_enabled() && !(planes_are_fast() && denoiser_->takes_planes(noisy))) {
    weights_.follow(*denoiser_, *narrow_);
    net = &narrow_;
  }
  return (*net)->forward(noisy * c.in, torch::cat({before, large}, 1) / options_.edm.sigma_data, condition);
}

torch::Tensor DiamondUpsamplerImpl::loss(const torch::Tensor& pictures, const torch::Tensor& before, const torch::Tensor& counts,
                                         at::Generator rng) {
  const auto sigma = draw_sigma(pictures.size(0), options_.edm, rng, pictures.options());
  const auto noisy = with_noise(pictures, sigma, options_.edm, rng);
  const auto c = conditioners(sigma, options_.edm);
  const auto large = enlarged(small_pictures(pictures, options_.factor));
  torch::Tensor output;
  {
    const Autocast autocast(bfloat16_, pictures.device());
    output = network_output(noisy, c, before, large);
  }
  const auto error = (output - edm_target(pictures, noisy, c)).square().flatten(1).mean(1);
  return (counts * error).sum() / counts.sum().clamp_min(1);
}

Sampled DiamondUpsamplerImpl::sample(const torch::Tensor& small, const torch::Tensor& before, std::int64_t steps, double tau,
                                     at::Generator rng) {
  auto sampler = options_.sampler;
  sampler.steps = steps;
  const auto large = enlarged(small);
  const auto noise = [&] { return tau * torch::randn(large.sizes(), rng, large.options()); };
  auto sampled = edm_sample(
      noise(), sampler,
      [&](const torch::Tensor& x, double sigma) {
        const auto c = conditioners(torch::full({x.size(0)}, sigma, x.options()), options_.edm);
        return edm_denoised(x, network_output(x, c, before, large), c);
      },
      noise);
  sampled.x = in_levels(sampled.x);
  return sampled;
}

}  // namespace dream
