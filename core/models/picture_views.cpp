#include "core/models/picture_views.h"

#include <cmath>

namespace dream {
namespace {

constexpr double most_stretched = 4.0 / 3;  // height over width of a crop, and the other way round
constexpr double jitter_chance = 0.8;

}  // namespace

void ViewOptions::fields(Config& config, const std::string& prefix) {
  const auto share = [&](const char* name, double& value, double low, const char* help) {
    config.add(prefix + name, value, {.help = help, .low = low, .high = 1, .live = true});
  };
  share("crop_least", crop_least, 0.05, "Least share of the picture that a crop keeps; 1 = no crop");
  share("jitter", jitter, 0, "Share by which brightness and contrast change at most");
  share("grey", grey, 0, "Chance that colours go");
  share("blur", blur, 0, "Chance of a blur");
  share("cut", cut, 0, "Side of a square that is painted over, as a share of the picture's; 0 = none");
}

torch::Tensor view_of(const torch::Tensor& pictures, const ViewOptions& options, at::Generator rng) {
  torch::NoGradGuard no_grad;
  auto x = pictures.permute({0, 3, 1, 2}).to(torch::kFloat32) / 255;
  const auto n = x.size(0), height = x.size(2), width = x.size(3);
  const auto chance = [&] { return torch::rand({n, 1, 1, 1}, rng, x.options()); };
  const auto where = [&](double share, const torch::Tensor& yes) { return torch::where(chance() < share, yes, x); };

  // Inception's crop (Szegedy et al. 2015), without mirroring.
  const auto area = options.crop_least + (1 - options.crop_least) * chance().flatten();
  const auto stretched = torch::exp((2 * chance().flatten() - 1) * std::log(most_stretched));
  const auto tall = (area * stretched).sqrt().clamp_max(1), wide = (area / stretched).sqrt().clamp_max(1);
  const auto down = (1 - tall) * (2 * chance().flatten() - 1), right = (1 - wide) * (2 * chance().flatten() - 1);
  const auto nothing = torch::zeros_like(area);
  const auto theta = torch::stack({torch::stack({wide, nothing, right}, 1), torch::stack({nothing, tall, down}, 1)}, 1);
  const auto grid = torch::affine_grid_generator(theta, x.sizes(), false);
  if (options.crop_least < 1) x = torch::grid_sampler(x, grid, /*bilinear*/ 0, /*border*/ 1, false);

  const auto factor = [&] { return 1 + options.jitter * (2 * chance() - 1); };
  const auto brighter = x * factor();
  const auto middle = brighter.mean({1, 2, 3}, true);
  x = where(jitter_chance, middle + (brighter - middle) * factor()).clamp(0, 1);
  if (x.size(1) == 3) x = where(options.grey, x.mean(1, true).expand_as(x));
  const auto soft = torch::avg_pool2d(torch::avg_pool2d(x, {3, 3}, {1, 1}, {1, 1}, false, false), {3, 3}, {1, 1},
                                      {1, 1}, false, false);
  x = where(options.blur, torch::lerp(x, soft, chance()));
  const auto side = static_cast<std::int64_t>(std::lround(options.cut * static_cast<double>(height)));
  if (side == 0) return x;
  const auto inside = [&](std::int64_t length, torch::IntArrayRef along) {
    const auto begin = (chance() * static_cast<double>(length - side + 1)).floor();
    const auto at = torch::arange(length, x.options()).view(along);
    return (at >= begin) & (at < begin + side);
  };
  const auto covered = inside(height, {1, 1, height, 1}) & inside(width, {1, 1, 1, width});
  return torch::where(covered, x.mean({2, 3}, true), x);
}

}  // namespace dream
