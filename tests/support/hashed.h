#pragma once
#include "core/nn/torch.h"

#include <cmath>
#include <cstdint>
#include <vector>

namespace dream::test {

/// Murmur3's finaliser over a counter; tests/golden/make_vmc.py has the same.
inline std::vector<std::uint32_t> hash32(std::uint32_t stream, std::size_t count) {
  std::vector<std::uint32_t> bits(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 2654435761u + stream * 97531u;
    x = (x ^ (x >> 16)) * 0x85EBCA6Bu;
    x = (x ^ (x >> 13)) * 0xC2B2AE35u;
    bits[i] = x ^ (x >> 16);
  }
  return bits;
}

/// Uniform in [-1, 1), a multiple of 2^-23, as float64.
inline torch::Tensor hashed(std::uint32_t stream, std::vector<std::int64_t> shape) {
  auto tensor = torch::empty(shape, torch::kFloat64);
  const auto bits = hash32(stream, static_cast<std::size_t>(tensor.numel()));
  auto* value = tensor.data_ptr<double>();
  for (const auto x : bits) *value++ = static_cast<double>(x >> 8) / (1 << 23) - 1;
  return tensor;
}

inline torch::Tensor hashed_float(std::uint32_t stream, std::vector<std::int64_t> shape, double scale) {
  return (hashed(stream, std::move(shape)) * scale).to(torch::kFloat32);
}

/// Fills every parameter, in the module's order, as make_vmc.py does.
inline void fill_hashed(torch::nn::Module& module, std::uint32_t first_stream) {
  torch::NoGradGuard no_grad;
  for (auto& parameter : module.parameters()) {
    const auto first = static_cast<double>(parameter.size(0)), all = static_cast<double>(parameter.numel());
    const double scale = parameter.dim() == 1 ? 0.1 : std::sqrt(3 / (all / first));
    parameter.copy_(hashed(first_stream++, parameter.sizes().vec()) * scale);
  }
}

/// The largest difference, relative to the largest value of `expected`.
inline double relative_error(const torch::Tensor& value, const torch::Tensor& expected) {
  const auto a = value.detach().to(torch::kFloat64), b = expected.detach().to(torch::kFloat64);
  if (a.sizes() != b.sizes()) return INFINITY;
  return (a - b).abs().max().item<double>() / (b.abs().max().item<double>() + 1e-30);
}

}  // namespace dream::test
