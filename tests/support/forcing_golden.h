#pragma once
#include <gtest/gtest.h>
#include <torch/types.h>

#include <string>
#include <vector>

#include "core/base/npy.h"

namespace dream::test {

/// What tests/golden/make_diffusion_forcing.py has written under this name.
class ForcingGolden {
 public:
  explicit ForcingGolden(const std::string& name) : file_(read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/diffusion_forcing/" + name)) {}
  torch::Tensor operator()(const std::string& name) const {
    const auto& array = file_.at(name);
    const std::vector<std::int64_t> shape(array.shape.begin(), array.shape.end());
    const auto type = array.type == NpyType::i8 ? torch::kInt64 : torch::kFloat32;
    EXPECT_TRUE(array.type == NpyType::i8 || array.type == NpyType::f4) << name;
    return torch::from_blob(const_cast<std::byte*>(array.bytes.data()), shape, type).clone();
  }

 private:
  Npz file_;
};

/// The largest difference, of 1 where the numbers are larger.
inline double apart(const torch::Tensor& ours, const torch::Tensor& theirs) {
  const auto a = ours.detach().to(torch::kFloat64), b = theirs.to(torch::kFloat64);
  EXPECT_EQ(a.sizes(), b.sizes());
  return ((a - b).abs() / b.abs().clamp_min(1)).max().item<double>();
}

}  // namespace dream::test
