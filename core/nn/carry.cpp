#include "core/nn/carry.h"

#include "api/error.h"

namespace dream {

Carry select_lane(const Carry& carry, std::int64_t lane) {
  Carry one;
  for (const auto& [name, tensor] : carry) one[name] = tensor.slice(0, lane, lane + 1);
  return one;
}

Carry repeated(const Carry& carry, std::int64_t count) {
  Carry all;
  for (const auto& [name, tensor] : carry)
    all[name] = torch::cat(std::vector<torch::Tensor>(static_cast<std::size_t>(count), tensor));
  return all;
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

Carry begun_anew(std::int64_t lane, const Carry& initial, const Carry& carry) {
  if (initial.empty()) return {};
  const auto& like = initial.begin()->second;
  auto fresh = torch::zeros({like.size(0)}, torch::kBool);
  fresh[lane] = true;
  return where_fresh(fresh.to(like.device()), initial, carry);
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

Carry part_of(const Carry& carry, const std::string& prefix) {
  Carry part;
  for (auto it = carry.lower_bound(prefix); it != carry.end() && it->first.starts_with(prefix); ++it)
    part[it->first.substr(prefix.size())] = it->second;
  return part;
}

void put_part(Carry& into, const std::string& prefix, const Carry& part) {
  for (const auto& [name, tensor] : part) into[prefix + name] = tensor;
}

void store_carry(Checkpoint& into, const std::string& prefix, const Carry& carry, const Carry& needed) {
  for (const auto& [name, tensor] : needed) into.tensors[prefix + name] = carry.at(name);
}

torch::Tensor finite_tensor(const Checkpoint& from, const std::string& name, torch::IntArrayRef shape) {
  auto tensor = from.get(name, shape);
  if (!tensor.isfinite().all().item<bool>())
    throw Error(from.origin + ": '" + name + "' holds a number that is not finite");
  return tensor;
}

Carry load_carry(const Checkpoint& from, const std::string& prefix, const Carry& like) {
  Carry carry;
  for (const auto& [name, tensor] : like) {
    carry[name] = finite_tensor(from, prefix + name, tensor.sizes()).to(tensor.device());
  }
  return carry;
}

}  // namespace dream
