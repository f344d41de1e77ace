#include "core/engine/lecun/short_term_memory.h"

#include <algorithm>

#include "api/error.h"

namespace dream {

void ShortTermMemory::write(const Carry& rows) {
  if (!rows_.empty() && rows_.begin()->second[0].sizes() != rows.begin()->second[0].sizes()) rows_.clear(), next_ = 0;
  const auto count = rows.begin()->second.size(0), free = room_ - size();
  const auto added = std::min(count, free);
  for (const auto& [name, tensor] : rows) {
    auto& kept = rows_[name];
    const auto more = tensor.slice(0, 0, added).detach();
    if (added > 0) kept = kept.defined() ? torch::cat({kept, more}) : more.clone();
  }
  for (std::int64_t i = added; i < count; ++i, next_ = (next_ + 1) % room_)
    for (const auto& [name, tensor] : rows) rows_.at(name)[next_].copy_(tensor[i].detach());
}

Carry ShortTermMemory::draw(std::int64_t count, at::Generator rng) const {
  const auto chosen = torch::randint(0, size(), {count}, rng, torch::kInt64);
  Carry rows;
  for (const auto& [name, tensor] : rows_) rows[name] = tensor.index_select(0, chosen);
  return rows;
}

torch::Tensor ShortTermMemory::to_come(const torch::Tensor& costs, const torch::Tensor& end, double discount) {
  std::vector<torch::Tensor> sums(static_cast<std::size_t>(costs.size(1)));
  auto later = end;
  for (auto t = costs.size(1); t-- > 0;) {
    later = costs.select(1, t) + discount * later;
    sums[static_cast<std::size_t>(t)] = later;
  }
  return torch::stack(sums, 1);
}

void ShortTermMemory::save(Checkpoint& into, const std::string& prefix) const {
  for (const auto& [name, tensor] : rows_) into.tensors[prefix + name] = tensor;
  into.tensors[prefix + "next"] = torch::tensor({next_}, torch::kInt64);
}

void ShortTermMemory::load(const Checkpoint& from, const std::string& prefix) {
  Carry rows;
  for (const char* name : {"features", "actions", "costs"}) {
    if (!from.tensors.contains(prefix + name)) continue;  // nothing was written yet
    rows[name] = finite_tensor(from, prefix + name, {-1, -1, -1}).clone();
    if (rows.at(name).size(0) != rows.begin()->second.size(0) || rows.at(name).size(0) > room_)
      throw Error(from.origin + ": '" + prefix + name + "' holds " + std::to_string(rows.at(name).size(0)) +
                  " plans, and as many as beside it, " + std::to_string(room_) + " at most, were expected");
  }
  const auto next = from.exact(prefix + "next", {1}).item<std::int64_t>();
  if (next < 0 || next >= room_ || (!rows.empty() && rows.size() != 3))
    throw Error(from.origin + ": '" + prefix + "' is no short-term memory of " + std::to_string(room_) + " plans");
  rows_ = std::move(rows), next_ = next;
}

}  // namespace dream
