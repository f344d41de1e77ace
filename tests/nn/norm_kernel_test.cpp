// The fused norm and activation against ATen's own operations, forward and backward, at sizes that do and do not fill
// whole vectors.
#include <gtest/gtest.h>

#include "core/nn/norm.h"
#include "tests/support/hashed.h"

namespace dream {
namespace norm_kernel_test {

using test::hashed_float;
using test::relative_error;

struct Case {
  std::int64_t rows, size;
  bool centred;
  NormAct act;
};

torch::Tensor plain_act(const torch::Tensor& x, NormAct act) {
  switch (act) {
    case NormAct::relu:
      return torch::relu(x);
    case NormAct::elu:
      return torch::elu(x);
    case NormAct::silu:
      return torch::silu(x);
    case NormAct::tanh:
      return torch::tanh(x);
    case NormAct::mish:
      return torch::mish(x);
    default:
      return x;
  }
}

class NormKernel : public ::testing::TestWithParam<Case> {};

TEST_P(NormKernel, EqualsAten) {
  const auto c = GetParam();
  const double eps = 1e-3;
  const auto x = hashed_float(1, {c.rows, c.size}, 1) * 3 + 0.5, weight = hashed_float(2, {c.rows, c.size}, 1);
  const auto scale = hashed_float(3, {c.size}, 1) + 1, shift = hashed_float(4, {c.size}, 1);
  const auto run = [&](bool fused) {
    std::vector<torch::Tensor> leaves = {x.clone().requires_grad_(true), scale.clone().requires_grad_(true)};
    if (c.centred) leaves.push_back(shift.clone().requires_grad_(true));
    torch::Tensor y;
    if (fused) {
      y = norm_act(leaves[0], leaves[1], c.centred ? leaves[2] : torch::Tensor(),
                   {.eps = static_cast<float>(eps), .centred = c.centred, .act = c.act});
    } else if (c.centred) {
      y = plain_act(torch::layer_norm(leaves[0], {c.size}, leaves[1], leaves[2], eps), c.act);
    } else {
      y = plain_act(leaves[0] * torch::rsqrt(leaves[0].square().mean(-1, true) + eps) * leaves[1], c.act);
    }
    (y * weight).sum().backward();
    std::vector<torch::Tensor> results = {y.detach()};
    for (const auto& leaf : leaves) results.push_back(leaf.grad());
    return results;
  };
  const auto fused = run(true), plain = run(false);
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_LT(relative_error(fused[i], plain[i]), 2e-5) << i;

  // In bf16 the same numbers, rounded once on the way in and once on the way out.
  torch::NoGradGuard no_grad;
  const auto narrow = x.to(torch::kBFloat16);
  const NormShape shape = {.eps = static_cast<float>(eps), .centred = c.centred, .act = c.act};
  const auto shifts = c.centred ? shift : torch::Tensor();
  const auto rounded = norm_act(narrow, scale, shifts, shape);
  EXPECT_EQ(rounded.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(rounded.equal(norm_act(narrow.to(torch::kFloat32), scale, shifts, shape).to(torch::kBFloat16)));
}

INSTANTIATE_TEST_SUITE_P(Shapes, NormKernel,
                         ::testing::Values(Case{1, 2, false, NormAct::silu}, Case{7, 8, false, NormAct::silu},
                                           Case{11, 3, true, NormAct::silu}, Case{5, 12, true, NormAct::silu},
                                           Case{3, 16, true, NormAct::elu}, Case{4000, 48, false, NormAct::silu},
                                           Case{9, 50, true, NormAct::tanh}, Case{300, 512, true, NormAct::silu},
                                           Case{2, 33, false, NormAct::relu}, Case{6, 64, true, NormAct::none},
                                           Case{40, 37, true, NormAct::mish}, Case{8, 4100, true, NormAct::mish}));

/// Mish where it is straight, where it is nearly 0, and between.
TEST(NormKernel, MishIsATensMish) {
  const auto shift = torch::cat({torch::linspace(-120, 120, 4001), torch::linspace(-6, 6, 4001)});
  const auto x = torch::randn({1, shift.numel()}).requires_grad_(), scale = torch::zeros({shift.numel()});
  auto mine = shift.clone().requires_grad_(), atens = shift.clone().requires_grad_();
  const auto y = norm_act(x, scale, mine, {.eps = 1e-5f, .centred = true, .act = NormAct::mish}).flatten();
  const auto expected = torch::mish(atens);
  EXPECT_TRUE(torch::allclose(y, expected, 1e-5, 1e-6));
  const auto weights = torch::linspace(-1, 2, shift.numel());
  (y * weights).sum().backward();
  (expected * weights).sum().backward();
  EXPECT_TRUE(torch::allclose(mine.grad(), atens.grad(), 1e-5, 1e-6));
}

/// An ensemble's norms, each of its own scale and shift, are those of its members one by one.
TEST(NormKernel, OfAnEnsembleIsItsMembers) {
  constexpr std::int64_t members = 3, rows = 700, size = 19;
  const NormShape shape{.eps = 1e-5f, .centred = true, .act = NormAct::mish};
  const auto run = [&](bool together) {
    std::vector<torch::Tensor> leaves = {hashed_float(1, {members, rows, size}, 2), hashed_float(2, {members, 1, size}, 1),
                                         hashed_float(3, {members, 1, size}, 1)};
    for (auto& leaf : leaves) leaf.requires_grad_();
    std::vector<torch::Tensor> each;
    for (std::int64_t i = 0; i < members; ++i) each.push_back(norm_act(leaves[0][i], leaves[1][i][0], leaves[2][i][0], shape));
    const auto y = together ? norm_act(leaves[0], leaves[1], leaves[2], shape) : torch::stack(each);
    (y * hashed_float(4, {members, rows, size}, 1)).sum().backward();
    std::vector<torch::Tensor> results = {y.detach()};
    for (const auto& leaf : leaves) results.push_back(leaf.grad());
    return results;
  };
  const auto together = run(true), apart = run(false);
  for (std::size_t i = 0; i < apart.size(); ++i) EXPECT_LT(relative_error(together[i], apart[i]), 1e-5) << i;
}

TEST(NormKernel, GradientInBf16FollowsFloat32) {
  const auto x = hashed_float(1, {200, 24}, 1), weight = hashed_float(2, {200, 24}, 1);
  const auto gradient = [&](at::ScalarType type) {
    auto scale = (hashed_float(3, {24}, 1) + 1).requires_grad_(true);
    auto leaf = x.to(type).requires_grad_(true);
    (norm_act(leaf, scale, {}, {.act = NormAct::silu}).to(torch::kFloat32) * weight).sum().backward();
    return std::pair(leaf.grad().to(torch::kFloat32), scale.grad());
  };
  const auto narrow = gradient(torch::kBFloat16), wide = gradient(torch::kFloat32);
  EXPECT_LT(relative_error(narrow.first, wide.first), 2e-2);
  EXPECT_LT(relative_error(narrow.second, wide.second), 2e-2);
}

}  // namespace norm_kernel_test
}  // namespace dream
