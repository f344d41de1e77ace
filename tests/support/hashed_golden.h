// Results of the authors' code for weights and inputs that both sides make from a hash of their names, so that a file holds
// results alone (tests/golden/make_diamond.py).
#pragma once
#include <gtest/gtest.h>
#include "core/nn/torch.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/npy.h"
#include "core/nn/parameter_count.h"
#include "tests/support/hashed.h"

namespace dream::test {

/// FNV-1a of a name.
inline std::uint32_t stream_of(const std::string& name) {
  std::uint32_t value = 2166136261u;
  for (const auto c : name) value = (value ^ static_cast<std::uint8_t>(c)) * 16777619u;
  return value;
}
inline torch::Tensor hashed_by_name(const std::string& name, std::vector<std::int64_t> shape) {
  return hashed(stream_of(name), std::move(shape)).to(torch::kFloat32);
}
/// Of 256 levels, in [-1, 1].
inline torch::Tensor hashed_pictures(const std::string& name, std::vector<std::int64_t> shape) {
  return ((hashed_by_name(name, std::move(shape)) + 1) * 127.5f).round() / 127.5f - 1;
}

class HashedGolden {
 public:
  /// The reference's name of a parameter of ours; "" for one that has none there.
  using Theirs = std::function<std::string(const std::string& ours)>;

  explicit HashedGolden(const std::string& file) : file_(read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/" + file)) {}

  torch::Tensor operator()(const std::string& name) const {
    const auto& array = file_.at(name);
    auto values = array.to_floats();
    return torch::tensor(values).view(std::vector<std::int64_t>(array.shape.begin(), array.shape.end()));
  }
  double number(const std::string& name) const { return (*this)(name).item<double>(); }

  static void fill(torch::nn::Module& module, const Theirs& theirs) {
    torch::NoGradGuard no_grad;
    for (auto& p : module.named_parameters()) fill(p.value(), theirs(p.key()));
    for (auto& b : module.named_buffers()) fill(b.value(), theirs(b.key()));
  }
  /// One of them, of the reference's name.
  static void fill(torch::Tensor p, const std::string& name) {
    torch::NoGradGuard no_grad;
    if (name.empty()) return;
    const auto unit = hashed_by_name(name, p.sizes().vec());
    if (p.dim() == 1) {
      p.copy_(name.ends_with("weight") ? 1 + 0.2 * unit : 0.2 * unit);
    } else {
      p.copy_(unit * std::sqrt(3.0 / (static_cast<double>(p.numel()) / static_cast<double>(p.size(0)))));
    }
  }
  /// Relative to the largest number expected.
  void close(const std::string& what, const torch::Tensor& ours, double tolerance = 1e-4) const {
    const auto expected = (*this)(what);
    ASSERT_EQ(ours.sizes(), expected.sizes()) << what;
    const double size = std::max(expected.abs().max().item<double>(), 1e-8);
    EXPECT_LT((ours - expected).abs().max().item<double>() / size, tolerance) << what;
  }
  /// Norms of the gradients of every parameter.
  void close_gradients(torch::nn::Module& module, const Theirs& theirs, double tolerance = 1e-4) const {
    double largest = 0;
    std::vector<std::pair<std::string, torch::Tensor>> all;
    for (auto& p : module.named_parameters()) {
      if (theirs(p.key()).empty()) continue;
      ASSERT_TRUE(p.value().grad().defined()) << p.key();
      all.emplace_back(theirs(p.key()), p.value().grad());
      largest = std::max(largest, number("gradnorm/" + all.back().first));
    }
    for (const auto& [name, gradient] : all) close_gradient(name, gradient, 1e-3 * largest, tolerance);
  }
  void close_gradient(const std::string& name, const torch::Tensor& gradient, double least, double tolerance = 1e-4) const {
    const double wanted = number("gradnorm/" + name);
    EXPECT_NEAR(gradient.norm().item<double>(), wanted, tolerance * std::max(wanted, least)) << name;
  }

 private:
  Npz file_;
};

using dream::parameter_count;

}  // namespace dream::test
