#include "core/models/diffusion_schedule.h"

#include <cmath>
#include <numbers>
#include <string>

#include "api/error.h"
#include "core/nn/torch.h"

namespace dream {
namespace {

constexpr double schedule_most_beta = 0.999;
constexpr double schedule_cosine_offset = 0.008, schedule_sigmoid_reach = 3;

/// [...] with dimensions behind it, of the type of `like`, to be multiplied with it.
torch::Tensor schedule_wide(const torch::Tensor& factor, const torch::Tensor& like) {
  auto shape = factor.sizes().vec();
  shape.resize(static_cast<std::size_t>(like.dim()), 1);
  return factor.to(like.scalar_type()).view(shape);
}

}  // namespace

torch::Tensor betas_of(BetaSchedule schedule, std::int64_t levels) {
  const double scale = 1000.0 / static_cast<double>(levels);
  if (schedule == BetaSchedule::linear) return torch::linspace(scale * 1e-4, scale * 0.02, levels, torch::kFloat64).clamp_max(schedule_most_beta);
  const auto t = torch::linspace(0, static_cast<double>(levels), levels + 1, torch::kFloat64) / static_cast<double>(levels);
  torch::Tensor kept;
  if (schedule == BetaSchedule::cosine) {
    kept = ((t + schedule_cosine_offset) / (1 + schedule_cosine_offset) * std::numbers::pi / 2).cos().square();
  } else {
    kept = (schedule_sigmoid_reach * (1 - 2 * t)).sigmoid() - 1 / (1 + std::exp(schedule_sigmoid_reach));
  }
  kept = kept / kept[0];
  return (1 - kept.slice(0, 1) / kept.slice(0, 0, levels)).clamp(0, schedule_most_beta);
}

DiffusionSchedule::DiffusionSchedule(const DiffusionScheduleOptions& options) : options_(options) {
  const auto kept = (1 - betas_of(options.betas, options.levels)).cumprod(0);
  kept_ = torch::cat({torch::ones({1}, kept.options()), kept});
}

torch::Tensor DiffusionSchedule::kept(const torch::Tensor& levels) const {
  return kept_.to(levels.device()).index_select(0, (levels + 1).flatten()).view(levels.sizes());
}

torch::Tensor DiffusionSchedule::ratio(const torch::Tensor& levels) const {
  const auto of = kept(levels);
  return of / (1 - of);
}

torch::Tensor DiffusionSchedule::noised(const torch::Tensor& clean, const torch::Tensor& levels, const torch::Tensor& noise) const {
  return faded(clean, levels) + schedule_wide((1 - kept(levels)).sqrt(), clean) * noise;
}

torch::Tensor DiffusionSchedule::faded(const torch::Tensor& clean, const torch::Tensor& levels) const {
  return schedule_wide(kept(levels).sqrt(), clean) * clean;
}

torch::Tensor DiffusionSchedule::target(const torch::Tensor& clean, const torch::Tensor& levels, const torch::Tensor& noise) const {
  if (options_.tells == DenoiserTells::noise) return noise;
  if (options_.tells == DenoiserTells::frame) return clean;
  const auto of = kept(levels);
  return schedule_wide(of.sqrt(), clean) * noise - schedule_wide((1 - of).sqrt(), clean) * clean;
}

DiffusionSchedule::Told DiffusionSchedule::told(const torch::Tensor& z, const torch::Tensor& levels, const torch::Tensor& output) const {
  const auto of = kept(levels);
  const auto whole = schedule_wide((1 / of).sqrt(), z), noisy = schedule_wide((1 / of - 1).sqrt(), z);  // x = whole · z − noisy · ε
  if (options_.tells == DenoiserTells::noise) {
    const auto noise = output.clamp(-options_.most_noise, options_.most_noise);
    return {whole * z - noisy * noise, noise};
  }
  auto clean = output;
  if (options_.tells == DenoiserTells::velocity)
    clean = schedule_wide(of.sqrt(), z) * z - schedule_wide((1 - of).sqrt(), z) * output;
  return {clean, (whole * z - clean) / noisy};
}

torch::Tensor DiffusionSchedule::weights(const torch::Tensor& levels) const {
  if (options_.weights == NoiseWeights::even) return torch::ones_like(levels, torch::kFloat32);
  const auto snr = ratio(levels), clipped = snr.clamp_max(options_.snr_clip);
  auto known = clipped / options_.snr_clip, all = snr / options_.snr_clip;  // by itself, clipped and not
  if (options_.weights == NoiseWeights::fused) {
    std::vector<torch::Tensor> before = {torch::zeros_like(known.select(1, 0))};
    for (std::int64_t t = 0; t + 1 < levels.size(1); ++t) {
      const auto now = known.select(1, t);
      before.push_back(t == 0 ? now : options_.snr_decay * before.back() + (1 - options_.snr_decay) * now);
    }
    const auto untold = 1 - options_.snr_decay * torch::stack(before, 1);
    known = 1 - untold * (1 - known), all = 1 - untold * (1 - all);
  }
  const auto weight = options_.tells == DenoiserTells::noise   ? known / all
                      : options_.tells == DenoiserTells::frame ? known * options_.snr_clip
                                                               : known * options_.snr_clip / (all * options_.snr_clip + 1);
  return weight.to(torch::kFloat32);
}

torch::Tensor DiffusionSchedule::levels_of(std::int64_t steps) const {
  if (steps < 1 || steps > options_.levels)
    throw Error(std::to_string(steps) + " steps of sampling do not fit " + std::to_string(options_.levels) + " levels of noise");
  return torch::linspace(-1, static_cast<double>(options_.levels - 1), steps + 1).to(torch::kInt64);
}

torch::Tensor DiffusionSchedule::step(const torch::Tensor& z, const Told& told, const torch::Tensor& from, const torch::Tensor& to,
                                      double chance, at::Generator rng) const {
  const auto of = kept(from), after = kept(to);
  const auto deviation = chance * ((1 - of / after) * (1 - after) / (1 - of).clamp_min(1e-20)).clamp_min(0).sqrt();
  auto next = schedule_wide(after.sqrt(), z) * told.clean +
              schedule_wide((1 - after - deviation.square()).clamp_min(0).sqrt(), z) * told.noise;
  if (chance > 0) next = next + schedule_wide(deviation, z) * noise(z.sizes(), z.options(), std::move(rng));
  return torch::where(schedule_wide((from != to).to(torch::kFloat32), z) > 0, next, z);
}

torch::Tensor DiffusionSchedule::noise(torch::IntArrayRef shape, const torch::TensorOptions& like, at::Generator rng) const {
  return torch::randn(shape, std::move(rng), like.requires_grad(false)).clamp(-options_.most_noise, options_.most_noise);
}

double lag_of(NoiseOrder order, std::int64_t steps, double uncertainty) {
  return order == NoiseOrder::frame_by_frame ? static_cast<double>(steps) : order == NoiseOrder::pyramid ? uncertainty : 0;
}

std::int64_t steps_until(std::int64_t frame, std::int64_t steps, double lag) {
  return steps + static_cast<std::int64_t>(static_cast<double>(frame) * lag);
}

torch::Tensor noise_matrix(std::int64_t steps, std::int64_t horizon, double lag) {
  const auto rows = steps_until(horizon - 1, steps, lag) + 1;
  const auto begins = (torch::arange(horizon, torch::kFloat64) * lag).floor().to(torch::kInt64);
  return (steps + begins.unsqueeze(0) - torch::arange(rows, torch::kInt64).unsqueeze(1)).clamp(0, steps);
}

}  // namespace dream
