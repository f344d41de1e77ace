#include "core/lab/objects.h"

#include <algorithm>

namespace dream {
namespace {

constexpr std::int64_t neighbourhood = 9;

}  // namespace

torch::Tensor local_median(const torch::Tensor& picture) {
  const auto h = picture.size(1), w = picture.size(2);
  const auto window = std::min({neighbourhood, h / 2 * 2 - 1, w / 2 * 2 - 1});
  if (window < 3) return picture.clone();
  const auto around =
      torch::replication_pad2d(picture.unsqueeze(0), {window / 2, window / 2, window / 2, window / 2})[0];
  const auto all = around.unfold(1, window, 1).unfold(2, window, 1).flatten(3);  // [C, H, W, window²]
  return std::get<0>(all.median(-1));
}

Background::Background(const torch::Tensor& pictures) {
  const auto all = pictures.to(torch::kCPU, torch::kFloat32);
  median_ = std::get<0>(all.median(0));
  const auto n = all.size(0), looked = std::min<std::int64_t>(n, 12);
  double fixed = 0, local = 0;
  for (std::int64_t i = 0; i < looked; ++i) {
    const auto picture = all[i * n / looked];
    fixed += (picture - median_).abs().mean().item<double>();
    local += (picture - local_median(picture)).abs().mean().item<double>();
  }
  local_ = local < fixed;
}

torch::Tensor Background::of(const torch::Tensor& picture) const {
  return local_ ? local_median(picture) : median_;
}

torch::Tensor foreground_of(const torch::Tensor& picture, const torch::Tensor& background) {
  return ((picture - background).abs().amax(0) > Background::stands_out);
}

std::vector<SeenObject> objects_of(const torch::Tensor& picture, const torch::Tensor& background,
                                   const torch::Tensor& made) {
  const auto channels = picture.size(0), h = picture.size(1), w = picture.size(2);
  const auto mask = foreground_of(picture, background).contiguous();
  const auto energy = (picture - background).square().sum(0).to(torch::kFloat32).contiguous();
  const auto missed = (made - picture).square().sum(0).to(torch::kFloat32).contiguous();
  const auto colours = picture.to(torch::kFloat32).contiguous();
  std::vector<char> todo(mask.data_ptr<bool>(), mask.data_ptr<bool>() + h * w);
  std::vector<SeenObject> objects;
  std::vector<std::int64_t> open;
  for (std::int64_t begin = 0; begin < h * w; ++begin) {
    if (!todo[static_cast<std::size_t>(begin)]) continue;
    SeenObject object;
    std::vector<double> colour(static_cast<std::size_t>(channels), 0);
    open = {begin}, todo[static_cast<std::size_t>(begin)] = 0;
    while (!open.empty()) {
      const auto pixel = open.back();
      open.pop_back();
      ++object.area;
      object.energy += energy.data_ptr<float>()[pixel], object.missed += missed.data_ptr<float>()[pixel];
      for (std::int64_t c = 0; c < channels; ++c)
        colour[static_cast<std::size_t>(c)] += colours.data_ptr<float>()[c * h * w + pixel];
      const auto y = pixel / w, x = pixel % w;
      for (auto ny = std::max<std::int64_t>(0, y - 1); ny <= std::min(h - 1, y + 1); ++ny)
        for (auto nx = std::max<std::int64_t>(0, x - 1); nx <= std::min(w - 1, x + 1); ++nx)
          if (auto& there = todo[static_cast<std::size_t>(ny * w + nx)]; there) there = 0, open.push_back(ny * w + nx);
    }
    for (const double sum : colour)
      object.colour =
          object.colour * 4 + std::clamp(static_cast<int>(sum / static_cast<double>(object.area) * 4), 0, 3);
    objects.push_back(object);
  }
  return objects;
}

}  // namespace dream
