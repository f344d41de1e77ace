#pragma once
#include <gtest/gtest.h>
#include "core/nn/torch.h"

#include <string>
#include <vector>

#include "core/base/npy.h"
#include "core/nn/generator.h"
#include "tests/support/hashed.h"

namespace dream::test {

inline at::Generator seeded(std::uint64_t seed) {
  return make_generator(torch::kCPU, seed);
}

inline std::int64_t count(const torch::nn::Module& module) {
  std::int64_t sum = 0;
  for (const auto& parameter : module.parameters()) sum += parameter.numel();
  return sum;
}

/// What PyTorch says; made by tests/golden/make_vmc.py.
inline torch::Tensor golden(const std::string& name) {
  static const Npz npz = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/vmc/vmc.npz");
  const auto& array = npz.at(name);
  std::vector<std::int64_t> shape(array.shape.begin(), array.shape.end());
  return torch::tensor(array.to_floats()).view(shape);
}

constexpr double tolerance = 1e-4;  // of golden values, relative to the largest; float32 here, float64 there

inline torch::Tensor golden_frames() {
  auto frames = torch::empty({3, 64, 64, 3}, torch::kUInt8);
  const auto bits = hash32(1, static_cast<std::size_t>(frames.numel()));
  auto* to = frames.data_ptr<std::uint8_t>();
  for (const auto x : bits) *to++ = static_cast<std::uint8_t>(x >> 24);
  return frames;
}

class ModelTest : public ::testing::Test {
 protected:
  ModelTest() {
    torch::set_num_threads(1);
    torch::manual_seed(1);
  }
};

}  // namespace dream::test
