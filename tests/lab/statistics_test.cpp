// The laboratory's arithmetic against closed forms.
#include "core/lab/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/models/belief.h"

namespace dream {
namespace statistics_test {

at::Generator seeded(std::uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

TEST(Statistics, PsnrAndSsimAsInTheirPapers) {
  EXPECT_DOUBLE_EQ(psnr(0.01), 20);
  EXPECT_TRUE(std::isinf(psnr(0)));
  const auto grey = [](double v) { return torch::full({2, 3, 20, 24}, v); };
  EXPECT_NEAR(ssim(grey(0.5), grey(0.6))[1].item<double>(), 0.983609, 1e-6);
  const auto noise = torch::rand({2, 3, 20, 24}, seeded(1));
  EXPECT_NEAR(ssim(noise, noise)[0].item<double>(), 1, 1e-12);
  EXPECT_TRUE(std::isnan(ssim(torch::zeros({1, 3, 8, 8}), torch::zeros({1, 3, 8, 8}))[0].item<double>()));
}

TEST(Statistics, CalibratedProbabilitiesHaveNoCalibrationError) {
  std::vector<double> p(1000, 0.9), y(1000, 1);
  for (std::size_t i = 0; i < 100; ++i) y[i] = 0;
  const auto made = reliability(p, y);
  EXPECT_NEAR(made.ece, 0, 1e-12);
  EXPECT_NEAR(made.brier, 0.09, 1e-12);
  EXPECT_NEAR(made.base_brier, 0.09, 1e-12);
  EXPECT_NEAR(reliability(std::vector<double>(1000, 0.4), y).ece, 0.5, 1e-12);
}

TEST(Statistics, RanksCorrelateWithThemselves) {
  std::vector<double> x, square, back;
  for (int i = 0; i < 40; ++i) x.push_back(i), square.push_back(i * i), back.push_back(-i);
  EXPECT_DOUBLE_EQ(spearman(x, square), 1);
  EXPECT_DOUBLE_EQ(spearman(x, back), -1);
  EXPECT_TRUE(std::isnan(spearman(x, std::vector<double>(40, 3)))) << "what does not vary cannot be ranked";
}

TEST(Statistics, AReadOutFindsWhatIsThereAndNothingElse) {
  const auto x = torch::randn({400, 6}, seeded(2), torch::kFloat64);
  const auto linear = torch::matmul(x, torch::randn({6, 2}, seeded(3), torch::kFloat64));
  const auto y = torch::cat(
      {linear, torch::randn({400, 1}, seeded(4), torch::kFloat64), torch::full({400, 1}, 2.0, torch::kFloat64)}, 1);
  std::vector<char> held(400, 0);
  for (std::size_t i = 200; i < 400; ++i) held[i] = 1;
  const auto r2 = ridge_r2(x, y, held);
  EXPECT_GT(r2[0], 0.9999);
  EXPECT_GT(r2[1], 0.9999);
  EXPECT_LT(r2[2], 0.05);
  EXPECT_TRUE(std::isnan(r2[3])) << "a target that does not vary cannot be explained";
  EXPECT_TRUE(std::isnan(ridge_r2(x.slice(0, 0, 20), y.slice(0, 0, 20), std::vector<char>(20, 0))[0]));
}

TEST(Statistics, DirectionsThatAreUsed) {
  const auto white = torch::randn({4000, 8}, seeded(5), torch::kFloat64);
  EXPECT_NEAR(participation_ratio(white), 8 / (1 + 8.0 / 4000), 0.05);
  const auto line = torch::matmul(torch::randn({100, 1}, seeded(6), torch::kFloat64),
                                  torch::randn({1, 8}, seeded(7), torch::kFloat64));
  EXPECT_NEAR(participation_ratio(line), 1, 1e-9);
  EXPECT_NEAR(participation_ratio(torch::cat({line, torch::zeros({100, 200}, torch::kFloat64)}, 1)), 1, 1e-9)
      << "also with more columns than rows";
  const auto made = principal_components(line, 2);
  EXPECT_NEAR(made.share[0], 1, 1e-9);
  const auto back = torch::matmul(made.coordinates, made.directions.t()) + made.mean;
  EXPECT_LT((back - line).abs().max().item<double>(), 1e-9);
}

TEST(Statistics, IntervalsHoldTheMean) {
  std::vector<double> values;
  for (int i = 0; i < 50; ++i) values.push_back(i % 10);
  const auto made = bootstrap_mean(values);
  EXPECT_DOUBLE_EQ(made.value, 4.5);
  const double half = 1.96 * std::sqrt(8.25 / 50);
  EXPECT_NEAR(made.low, 4.5 - half, 0.15);
  EXPECT_NEAR(made.high, 4.5 + half, 0.15);
  EXPECT_TRUE(std::isnan(bootstrap_mean({1, 2}).low)) << "two episodes tell no interval";
  EXPECT_TRUE(std::isnan(bootstrap_ratio({1, 1, 1}, {0, 0, 0}).value));
}

Density gaussian(double mean, double deviation) {
  return {torch::zeros({1, 1, 1}, torch::kFloat64),
          torch::full({1, 1, 1}, mean, torch::kFloat64),
          torch::full({1, 1, 1}, std::log(deviation), torch::kFloat64),
          {}};
}

TEST(Belief, KlOfGaussiansMixturesAndClasses) {
  const auto kl = [](const Density& q, const Density& p) { return kl_of(q, p).item<double>(); };
  EXPECT_NEAR(kl(gaussian(0, 1), gaussian(0, 1)), 0, 1e-12);
  EXPECT_NEAR(kl(gaussian(1, 1), gaussian(0, 2)), std::log(2.0) + (1.0 + 1.0) / 8 - 0.5, 1e-12);
  // A mixture of twice the same Gaussian is that Gaussian.
  const Density twice{torch::full({1, 1, 2}, std::log(0.5), torch::kFloat64),
                      torch::zeros({1, 1, 2}, torch::kFloat64),
                      torch::full({1, 1, 2}, std::log(2.0), torch::kFloat64),
                      {}};
  EXPECT_NEAR(kl(gaussian(1, 1), twice), kl(gaussian(1, 1), gaussian(0, 2)), 1e-9);
  const auto classes = [](std::vector<double> p) {
    return Density{{}, {}, {}, torch::tensor(p, torch::kFloat64).log().view({1, 1, -1})};
  };
  EXPECT_NEAR(kl(classes({1, 0}), classes({0.5, 0.5})), std::log(2.0), 1e-12);
  EXPECT_NEAR(entropy_of(classes({0.5, 0.5, 0, 0})).item<double>(), std::log(2.0), 1e-12);
  EXPECT_NEAR(spread_of(twice).item<double>(), 2, 1e-12);
  EXPECT_NEAR(entropy_of(gaussian(3, 2)).item<double>(), 0.5 * std::log(2 * M_PI * M_E * 4), 1e-12);
  EXPECT_THROW(kl_of(classes({1, 0}), gaussian(0, 1)), Error);
  EXPECT_THROW(kl_of(twice, gaussian(0, 1)), Error);
  EXPECT_FALSE(kl_of({}, gaussian(0, 1)).defined());
}

}  // namespace statistics_test
}  // namespace dream
