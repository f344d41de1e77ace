// Weights and gradients of our modules by the names that the authors have for them (core/engine/brought/their_parts.h).
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "core/engine/brought/their_parts.h"
#include "tests/support/hashed_golden.h"

namespace dream::test {

using PartsOf = std::function<TheirParts(const std::string& ours)>;

/// What of a tensor of ours is each of theirs.
template <typename Visit>
void each_part(const torch::Tensor& ours, const TheirParts& parts, const Visit& visit) {
  std::int64_t row = 0;
  for (const auto& part : parts) {
    const auto rows = part.rows > 0 ? part.rows : ours.size(0) / static_cast<std::int64_t>(parts.size());
    visit(part.name, ours.slice(0, row, row + rows));
    row += rows;
  }
  EXPECT_TRUE(parts.empty() || row == ours.size(0));
}

/// Every parameter and buffer becomes what the hash of the authors' name says.
inline void fill_parts(torch::nn::Module& module, const PartsOf& parts_of) {
  torch::NoGradGuard no_grad;
  const auto fill = [&](const std::string& name, const torch::Tensor& ours) { each_part(ours, parts_of(name), [](const std::string& theirs, const torch::Tensor& part) { HashedGolden::fill(part, theirs); }); };
  for (auto& p : module.named_parameters()) fill(p.key(), p.value());
  for (auto& b : module.named_buffers()) fill(b.key(), b.value());
}

/// Norms of the gradients of every parameter, one of theirs after the other; a small one as exactly as `least` of the largest.
inline void close_part_gradients(const HashedGolden& golden, torch::nn::Module& module, const PartsOf& parts_of, double tolerance = 1e-4, double least = 1e-3) {
  double largest = 0;
  for (const bool compares : {false, true}) {
    for (auto& p : module.named_parameters()) {
      const auto parts = parts_of(p.key());
      if (parts.empty()) continue;
      ASSERT_TRUE(p.value().grad().defined()) << p.key();
      each_part(p.value().grad(), parts, [&](const std::string& theirs, const torch::Tensor& part) {
        if (compares) golden.close_gradient(theirs, part, least * largest, tolerance);
        largest = std::max(largest, golden.number("gradnorm/" + theirs));
      });
    }
  }
  EXPECT_GT(largest, 0);
}

}  // namespace dream::test
