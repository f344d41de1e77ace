// The hand-written kernels against the same in ATen's own operations, at sizes that fill no vector register evenly.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "api/error.h"
#include "core/models/mdn_rnn.h"
#include "core/nn/fast_math.h"
#include "core/nn/lstm.h"
#include "core/nn/mixture_kernel.h"
#include "core/nn/precision.h"
#include "tests/support/hashed.h"

namespace dream {
namespace kernels_test {

using test::hashed_float;
using test::relative_error;

TEST(FastMath, IsExactToSinglePrecision) {
  double worst_exp = 0, worst_sigmoid = 0, worst_tanh = 0;
  for (int i = -400000; i <= 400000; ++i) {
    const float x = static_cast<float>(i) * 2.17e-4f;  // -86.8 … 86.8
    const double exact = std::exp(static_cast<double>(x));
    worst_exp = std::max(worst_exp, std::abs(fast_exp(x) - exact) / exact);
    worst_sigmoid = std::max(worst_sigmoid, std::abs(fast_sigmoid(x) - 1 / (1 + std::exp(-static_cast<double>(x)))));
    worst_tanh = std::max(worst_tanh, std::abs(fast_tanh(x) - std::tanh(static_cast<double>(x))));
  }
  EXPECT_LT(worst_exp, 2e-7);
  EXPECT_LT(worst_sigmoid, 2e-7);
  EXPECT_LT(worst_tanh, 3e-7);
}

TEST(FastMath, SaturatesAndPassesNanOn) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(fast_exp(0), 1);
  EXPECT_LT(fast_exp(-inf), 1e-37f);
  EXPECT_TRUE(std::isfinite(fast_exp(inf)));
  EXPECT_EQ(fast_tanh(inf), 1);
  EXPECT_EQ(fast_tanh(-inf), -1);
  EXPECT_EQ(fast_sigmoid(inf), 1);
  EXPECT_LT(fast_sigmoid(-inf), 1e-37f);
  EXPECT_TRUE(std::isnan(fast_exp(NAN)));
  EXPECT_TRUE(std::isnan(fast_tanh(NAN)));
  EXPECT_TRUE(std::isnan(fast_sigmoid(NAN)));
}

/// The recurrence in ATen's operations, recorded step by step: h of every step [T, B, H].
torch::Tensor plain_lstm(const torch::Tensor& inputs, const torch::Tensor& kernel, const torch::Tensor& bias,
                         torch::Tensor h, torch::Tensor c) {
  std::vector<torch::Tensor> outs;
  for (std::int64_t t = 0; t < inputs.size(0); ++t) {
    const auto gates = torch::addmm(bias, torch::cat({inputs[t], h}, 1), kernel).chunk(4, 1);
    c = torch::sigmoid(gates[2] + 1) * c + torch::sigmoid(gates[0]) * torch::tanh(gates[1]);
    h = torch::sigmoid(gates[3]) * torch::tanh(c);
    outs.push_back(h);
  }
  return torch::stack(outs);
}

struct LstmCase {
  std::int64_t steps, batch, inputs, hidden;
};

class LstmTest : public ::testing::TestWithParam<LstmCase> {};

TEST_P(LstmTest, ScanEqualsStepByStepAutograd) {
  torch::set_num_threads(1);
  const auto [steps, batch, inputs, hidden] = GetParam();
  Lstm lstm(inputs, hidden);
  test::fill_hashed(*lstm, 10);
  const auto kernel = lstm->named_parameters()["kernel"], bias = lstm->named_parameters()["bias"];
  const auto x = hashed_float(1, {steps, batch, inputs}, 2).requires_grad_();
  const LstmState state{hashed_float(2, {batch, hidden}, 0.8), hashed_float(3, {batch, hidden}, 1.5)};
  const auto weights = hashed_float(4, {steps, batch, hidden}, 1);  // every output counts differently

  const auto ours = lstm->scan(x, state);
  (ours * weights).sum().backward();
  const auto kernel_gradient = kernel.grad().clone(), bias_gradient = bias.grad().clone(),
             x_gradient = x.grad().clone();
  for (auto& leaf : {kernel, bias, x}) leaf.grad().zero_();

  const auto plain = plain_lstm(x, kernel, bias, state.h, state.c);
  (plain * weights).sum().backward();
  EXPECT_LT(relative_error(ours, plain), 2e-6);
  EXPECT_LT(relative_error(kernel_gradient, kernel.grad()), 1e-5);
  EXPECT_LT(relative_error(bias_gradient, bias.grad()), 1e-5);
  EXPECT_LT(relative_error(x_gradient, x.grad()), 1e-5);

  torch::NoGradGuard no_grad;
  auto stepped = state;
  for (std::int64_t t = 0; t < steps; ++t) {
    stepped = lstm->step(x[t], stepped);
    EXPECT_LT(relative_error(stepped.h, plain[t]), 2e-6) << "step " << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, LstmTest,
                         ::testing::Values(LstmCase{7, 3, 5, 13}, LstmCase{1, 1, 1, 1}, LstmCase{4, 17, 35, 31},
                                           LstmCase{12, 33, 4, 48}));

TEST(Lstm, BackwardTwiceGivesTheSame) {
  Lstm lstm(3, 7);
  const auto x = hashed_float(1, {5, 2, 3}, 1);
  const auto total = lstm->scan(x, lstm->initial(2)).square().sum();
  total.backward({}, /*retain_graph=*/true);
  const auto once = lstm->parameters()[0].grad().clone();
  total.backward();
  EXPECT_TRUE(torch::allclose(lstm->parameters()[0].grad(), 2 * once));
}

// Sheet, check 10: zero weights and input: f = σ(1) = 0.7311 keeps that share of the cell; i = o = 0.5.
TEST(Lstm, ForgetBiasIsAddedAndNotStored) {
  torch::NoGradGuard no_grad;
  Lstm lstm(2, 3);
  for (auto& parameter : lstm->parameters()) parameter.zero_();
  const auto next = lstm->step(torch::zeros({1, 2}), {torch::zeros({1, 3}), torch::ones({1, 3})});
  EXPECT_NEAR(next.c[0][0].item<double>(), 0.7310586, 1e-6);
  EXPECT_NEAR(next.h[0][0].item<double>(), 0.5 * std::tanh(0.7310586), 1e-6);
}

TEST(Lstm, RefusesAnotherShapeInWords) {
  Lstm lstm(2, 3);
  EXPECT_THROW(lstm->step(torch::zeros({1, 4}), lstm->initial(1)), Error);
  EXPECT_THROW(lstm->scan(torch::zeros({5, 2, 2}), lstm->initial(3)), Error);
}

struct MixtureCase {
  std::int64_t count, mixtures;
};

class MixtureTest : public ::testing::TestWithParam<MixtureCase> {};

TEST_P(MixtureTest, LossAndGradientEqualAutograd) {
  const auto [count, mixtures] = GetParam();
  const auto outputs = hashed_float(1, {count, 3, mixtures}, 3).requires_grad_();
  const auto values = hashed_float(2, {count}, 4);
  const auto nll =
      mixture_nll(values, torch::log_softmax(outputs.select(1, 0), -1), outputs.select(1, 1), outputs.select(1, 2))
          .sum();
  nll.backward();
  auto gradient = torch::full_like(outputs, -77).detach();
  const double sum = mixture_nll_gradient(count, mixtures, outputs.data_ptr<float>(), values.data_ptr<float>(),
                                          gradient.data_ptr<float>());
  EXPECT_NEAR(sum, nll.item<double>(), 1e-5 * std::abs(nll.item<double>()) + 1e-5);
  EXPECT_LT(relative_error(gradient, outputs.grad()), 1e-5);

  auto in_place = outputs.detach().clone();
  mixture_nll_gradient(count, mixtures, in_place.data_ptr<float>(), values.data_ptr<float>(),
                       in_place.data_ptr<float>());
  EXPECT_TRUE(torch::equal(in_place, gradient));
}

INSTANTIATE_TEST_SUITE_P(Sizes, MixtureTest,
                         ::testing::Values(MixtureCase{1, 1}, MixtureCase{15, 5}, MixtureCase{16, 5},
                                           MixtureCase{17, 5}, MixtureCase{50, 3}, MixtureCase{33, most_mixtures}));

TEST(Mixture, NanReachesTheLoss) {
  auto outputs = torch::zeros({20, 15});
  outputs[18][2] = NAN;
  const auto values = torch::zeros({20});
  auto gradient = torch::empty_like(outputs);
  EXPECT_TRUE(std::isnan(
      mixture_nll_gradient(20, 5, outputs.data_ptr<float>(), values.data_ptr<float>(), gradient.data_ptr<float>())));
}

TEST(Autocast, EndsWithItsScope) {
  const auto a = hashed_float(1, {8, 8}, 1), b = hashed_float(2, {8, 8}, 1);
  {
    Autocast on(true, torch::kCPU);
    EXPECT_EQ(torch::mm(a, b).scalar_type(), torch::kBFloat16);
    Autocast nested_off(false, torch::kCPU);
  }
  EXPECT_EQ(torch::mm(a, b).scalar_type(), torch::kFloat32);
  Autocast off(false, torch::kCPU);
  EXPECT_EQ(torch::mm(a, b).scalar_type(), torch::kFloat32);
}

}  // namespace kernels_test
}  // namespace dream
