#include "core/models/world_model.h"

namespace dream {

Carry select_lane(const Carry& carry, std::int64_t lane) {
  Carry one;
  for (const auto& [name, tensor] : carry) one[name] = tensor.slice(0, lane, lane + 1);
  return one;
}

Carry where_fresh(const torch::Tensor& fresh, const Carry& initial, const Carry& carry) {
  Carry mixed;
  for (const auto& [name, start] : initial) {
    std::vector<std::int64_t> shape(static_cast<std::size_t>(start.dim()), 1);
    shape[0] = start.size(0);
    mixed[name] = torch::where(fresh.view(shape), start, carry.at(name));
  }
  return mixed;
}

torch::Tensor rows_of(const Carry& carry, const Carry& initial) {
  std::vector<torch::Tensor> parts;
  for (const auto& [name, like] : initial) parts.push_back(carry.at(name).detach().flatten(1).to(torch::kBFloat16));
  return torch::cat(parts, 1).to(torch::kCPU);
}

Carry carry_of(const torch::Tensor& rows, const Carry& initial) {
  Carry carry;
  std::int64_t at = 0;
  for (const auto& [name, like] : initial) {
    auto sizes = like.sizes().vec();
    sizes[0] = rows.size(0);
    const auto width = like[0].numel();
    carry[name] = rows.slice(1, at, at + width).to(like.device(), like.scalar_type()).view(sizes);
    at += width;
  }
  return carry;
}

}  // namespace dream
