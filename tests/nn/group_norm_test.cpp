// The fused group norm against ATen's operations: values, and the slopes of everything that takes one.
#include <gtest/gtest.h>

#include "core/nn/generator.h"
#include "core/nn/group_norm.h"

namespace dream {
namespace group_norm_test {

constexpr double eps = 1e-6;

struct Case {
  std::int64_t pictures, channels, height, width, groups, bends;  // bends: rows of scale and shift
  bool silu;
};

torch::Tensor plain(const torch::Tensor& x, const Case& each, const torch::Tensor& scale, const torch::Tensor& shift) {
  const auto grouped = x.view({each.pictures, each.groups, -1});
  const auto mean = grouped.mean(-1, true), variance = grouped.var(-1, false, true);
  const auto y = ((grouped - mean) / (variance + eps).sqrt()).view_as(x) * scale.unsqueeze(-1).unsqueeze(-1) + shift.unsqueeze(-1).unsqueeze(-1);
  return each.silu ? y * torch::sigmoid(y) : y;
}

TEST(GroupNormTest, ValuesAndSlopesAreThoseOfTheFormula) {
  torch::set_num_threads(1);
  for (const auto& each : {Case{3, 32, 7, 5, 8, 3, true}, Case{2, 16, 16, 16, 1, 1, true}, Case{1, 64, 9, 9, 8, 1, false},
                           Case{2, 32, 33, 3, 4, 2, false}, Case{2, 24, 6, 6, 8, 2, true}}) {
    const auto rng = make_generator(torch::kCPU, static_cast<std::uint64_t>(each.channels + each.height));
    const auto like = torch::TensorOptions().dtype(torch::kFloat64);
    const auto drawn = [&](at::IntArrayRef shape) { return torch::randn(shape, rng, like); };
    const auto x = drawn({each.pictures, each.channels, each.height, each.width}) * 2 + 0.5;
    const auto scale = 1 + 0.3 * drawn({each.bends, each.channels}), shift = drawn({each.bends, each.channels});
    const auto slope = drawn(x.sizes());
    const auto with = [&](auto type, const auto& norm) {
      std::vector<torch::Tensor> all;
      for (const auto& t : {x, scale, shift}) all.push_back(t.to(type).clone().requires_grad_());
      const auto y = norm(all);
      (y * slope.to(type)).sum().backward();
      std::vector<torch::Tensor> found{y.detach()};
      for (const auto& t : all) found.push_back(t.grad());
      return found;
    };
    const auto wanted = with(torch::kFloat64, [&](const auto& t) { return plain(t[0], each, t[1], t[2]); });
    const auto made = with(torch::kFloat32, [&](const auto& t) { return group_norm(t[0], each.groups, eps, t[1], t[2], each.silu); });
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto difference = (made[i].to(torch::kFloat64) - wanted[i]).abs().max().item<double>();
      EXPECT_LT(difference, 2e-5 * std::max(1.0, wanted[i].abs().max().item<double>())) << each.channels << " channels, result " << i;
    }
    torch::NoGradGuard no_grad;
    const auto quiet = group_norm(x.to(torch::kFloat32), each.groups, eps, scale.to(torch::kFloat32), shift.to(torch::kFloat32), each.silu);
    EXPECT_LT((quiet.to(torch::kFloat64) - wanted[0]).abs().max().item<double>(), 2e-5) << each.channels << " channels, without gradients";
  }
}

}  // namespace group_norm_test
}  // namespace dream
