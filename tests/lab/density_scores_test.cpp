// Scores of densities against closed forms, and statistics of pairs whose answers are known.
#include "core/lab/density_scores.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/lab/pairs.h"

namespace dream {
namespace density_scores_test {

torch::Tensor number(double x) {
  return torch::full({1, 1}, x, torch::kFloat64);
}

TEST(DensityScores, CrpsOfAGaussian) {
  const auto standard = gaussian(number(0), number(1));
  EXPECT_NEAR(crps_of(standard, number(0)).item<double>(), 0.233695, 1e-6);
  EXPECT_NEAR(crps_of(standard, number(1)).item<double>(), 0.602441, 1e-6);
  // Of draws from itself: 1/√π on average.
  const auto draws = torch::randn({200000, 1}, at::make_generator<at::CPUGeneratorImpl>(1), torch::kFloat64);
  EXPECT_NEAR(crps_of(gaussian(torch::zeros_like(draws), torch::ones_like(draws)), draws).mean().item<double>(),
              0.564190, 3e-3);
  // It scales with its unit.
  EXPECT_NEAR(crps_of(gaussian(number(3), number(10)), number(13)).item<double>(), 6.02441, 1e-5);
}

TEST(DensityScores, OfAMixture) {
  const auto half = torch::full({1, 1, 2}, std::log(0.5), torch::kFloat64);
  const Density two{
      half, torch::tensor({-1.0, 1.0}, torch::kFloat64).view({1, 1, 2}), torch::zeros({1, 1, 2}, torch::kFloat64), {}};
  EXPECT_NEAR(crps_of(two, number(0)).item<double>(), 0.359409, 1e-6);
  EXPECT_NEAR(pit_of(two, number(0)).item<double>(), 0.5, 1e-12);
  EXPECT_NEAR(nll_of(two, number(0)).item<double>(), 0.5 * std::log(2 * 3.14159265358979) + 0.5, 1e-9);
  EXPECT_NEAR(expected_of(two).item<double>(), 0, 1e-12);
}

TEST(DensityScores, OfClasses) {
  const Density density{{}, {}, {}, torch::tensor({0.25, 0.75, 0.5, 0.5}).view({1, 2, 2}).log()};
  const auto came = torch::tensor({0.0, 1.0, 1.0, 0.0}).view({1, 4});
  const auto nll = nll_of(density, came);
  EXPECT_NEAR(nll[0][0].item<double>(), -std::log(0.75), 1e-6);
  EXPECT_NEAR(nll[0][1].item<double>(), -std::log(0.5), 1e-6);
  EXPECT_NEAR(expected_of(density)[0][1].item<double>(), 0.75, 1e-6);
}

TEST(Pairs, SizeBiasAndWhatIsExplained) {
  Pairs exact, half, off;
  for (std::size_t i = 0; i < 60; ++i) {
    const double y = std::sin(static_cast<double>(i));
    exact.add(y, y, i / 10), half.add(y / 2, y, i / 10), off.add(y + 1, y, i / 10);
  }
  EXPECT_NEAR(r2_of(exact).value, 1, 1e-12);
  EXPECT_NEAR(slope_of(half).value, 2, 1e-12);
  EXPECT_NEAR(slope_of(off).value, 1, 1e-12);
  EXPECT_NEAR(bias_of(off).value, 1, 1e-12);
  EXPECT_NEAR(bias_of(off).low, 1, 1e-12);
  EXPECT_NEAR(rank_correlation(half).value, 1, 1e-12);
  EXPECT_LT(r2_of(off).value, 0);
}

TEST(Pairs, WhatDoesNotVaryCannotBeExplained) {
  Pairs constant, few;
  for (std::size_t i = 0; i < 60; ++i) constant.add(static_cast<double>(i), 0.1, i / 10);
  for (std::size_t i = 0; i < 5; ++i) few.add(static_cast<double>(i), static_cast<double>(i), i);
  EXPECT_TRUE(std::isnan(r2_of(constant).value));
  EXPECT_TRUE(std::isnan(rank_correlation(constant).value));
  EXPECT_TRUE(std::isnan(slope_of(few).value));
}

TEST(Pairs, BinsHoldEquallyManyAndNeverPartWhatIsAlike) {
  Pairs pairs;
  for (int i = 0; i < 100; ++i) pairs.add(i < 50 ? 0 : i, i, 0);
  const auto made = binned(pairs, 10);
  ASSERT_EQ(made.count.front(), 50);
  EXPECT_EQ(made.predicted.front(), 0);
  EXPECT_EQ(made.came.front(), 24.5);
  EXPECT_EQ(made.worst.front(), 49u);
  double all = 0;
  for (const double count : made.count) all += count;
  EXPECT_EQ(all, 100);
}

}  // namespace density_scores_test
}  // namespace dream
