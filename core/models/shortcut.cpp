#include "core/models/shortcut.h"

#include <bit>
#include <string>

#include "api/error.h"

namespace dream {
namespace {

/// [B, T] with dimensions behind it, to be multiplied with `like`.
torch::Tensor shortcut_beside(torch::Tensor level, const torch::Tensor& like) {
  while (level.dim() < like.dim()) level = level.unsqueeze(-1);
  return level;
}

torch::Tensor shortcut_mean(const torch::Tensor& x) { return x.flatten(2).mean(2); }

}  // namespace

std::int64_t shortcut_exponent(std::int64_t steps) {
  if (steps < 1 || !std::has_single_bit(static_cast<std::uint64_t>(steps)))
    throw Error("a frame is made in a power of two of steps, not in " + std::to_string(steps));
  return std::countr_zero(static_cast<std::uint64_t>(steps));
}

ShortcutDraw draw_shortcut(const torch::Tensor& clean, std::int64_t finest, std::int64_t longer, at::Generator rng) {
  const auto batch = clean.size(0), frames = clean.size(1), exponent = shortcut_exponent(finest);
  const auto whole = clean.options().dtype(torch::kInt64);
  auto step = torch::full({batch, frames}, exponent, whole);
  if (longer > 0 && exponent > 0) step.slice(0, batch - longer).copy_(torch::randint(exponent, {longer, frames}, rng, whole));
  const auto coarse = torch::full_like(step, finest).bitwise_right_shift(step);  // a step of each, in finest ones
  const auto which = (torch::rand({batch, frames}, rng, clean.options()) * torch::ones_like(step).bitwise_left_shift(step)).floor().to(torch::kInt64);
  const auto level = which * coarse;
  return {step, level, torch::randn(clean.sizes(), rng, clean.options())};
}

ShortcutLoss shortcut_loss(const ShortcutDenoiser& denoiser, const torch::Tensor& clean, const ShortcutDraw& draw, std::int64_t finest,
                           std::int64_t longer) {
  const auto rows = clean.size(0), flow_rows = rows - longer;
  const auto tau = draw.level.to(clean.scalar_type()) / static_cast<double>(finest);  // [B, T]
  const auto noisy = (1 - shortcut_beside(tau, clean)) * draw.noise + shortcut_beside(tau, clean) * clean;
  const auto weight = 0.9 * tau + 0.1;
  const auto told = denoiser(noisy, draw.level, draw.step, 0);

  ShortcutLoss loss;
  const auto flow = shortcut_mean((told - clean).slice(0, 0, flow_rows).square());
  loss.flow = flow_rows > 0 ? flow.mean() : torch::zeros({}, clean.options());
  loss.bootstrap = torch::zeros({}, clean.options());
  loss.total = (flow * weight.slice(0, 0, flow_rows)).mean(1).sum() / static_cast<double>(rows);
  if (longer == 0) return loss;

  const auto from = noisy.slice(0, flow_rows), left = shortcut_beside(1 - tau.slice(0, flow_rows), clean);
  const auto exponent = draw.step.slice(0, flow_rows) + 1;
  const auto half = torch::full_like(exponent, finest).bitwise_right_shift(exponent);  // in finest steps
  torch::Tensor target;
  {
    torch::NoGradGuard no_grad;
    const auto level = draw.level.slice(0, flow_rows), middle = level + half;
    const auto length = shortcut_beside(half.to(clean.scalar_type()) / static_cast<double>(finest), clean);
    const auto first = (denoiser(from, level, exponent, flow_rows) - from) / left;
    const auto between = from + first * length;
    const auto second = (denoiser(between, middle, exponent, flow_rows) - between) / (left - length);
    target = (first + second) / 2;
  }
  const auto missed = shortcut_mean((told.slice(0, flow_rows) - from - left * target).square());
  loss.bootstrap = missed.mean();
  loss.total = loss.total + (missed * weight.slice(0, flow_rows)).mean(1).sum() / static_cast<double>(rows);
  return loss;
}

torch::Tensor shortcut_step(const torch::Tensor& noisy, const torch::Tensor& clean, std::int64_t at, std::int64_t steps) {
  return noisy + (clean - noisy) / static_cast<double>(steps - at);  // d / (1 − τ) = 1 / (steps − at)
}

}  // namespace dream
