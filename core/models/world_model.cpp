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

}  // namespace dream
