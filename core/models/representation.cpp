#include "core/models/representation.h"

namespace dream {
namespace {

constexpr std::int64_t embedded_at_once = 64;  // pictures

}  // namespace

torch::Tensor Representation::embed_pictures(const torch::Tensor& pictures) {
  std::vector<torch::Tensor> parts;
  for (const auto& few : pictures.split(embedded_at_once))
    parts.push_back(embed(few.unsqueeze(1).expand({-1, frames(), -1, -1, -1})));
  return torch::cat(parts);
}

std::vector<torch::Tensor> SelfSupervised::learned(bool matrices) const {
  std::vector<torch::Tensor> found;
  for (const auto& each : named_parameters()) {
    const auto& name = each.key();
    if (name.starts_with("slow_") || name.starts_with("viewer") || name.starts_with("vae")) continue;
    if ((each.value().dim() > 1) == matrices) found.push_back(each.value());
  }
  return found;
}

std::vector<torch::Tensor> SelfSupervised::viewing_weights() const {
  std::vector<torch::Tensor> found;
  for (const auto& each : named_parameters())
    if (each.key().starts_with("viewer")) found.push_back(each.value());
  return found;
}

void SelfSupervised::add_rival(bool on, std::int64_t side, std::int64_t channels) {
  if (on && side == 64 && channels == 3) vae_ = register_module("vae", Vae(width()));
}

}  // namespace dream
