#include "core/nn/quantiser.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/nn/generator.h"

namespace dream {
namespace quantiser_test {

Quantiser vq(std::int64_t codes = 8, std::int64_t width = 4) {
  torch::manual_seed(3);
  return Quantiser(QuantiserOptions{.kind = Quantisation::vq, .codes = codes, .width = width});
}

TEST(Quantiser, TheNearestCodeOfACodeIsItself) {
  for (auto quantiser : {vq(), Quantiser(QuantiserOptions{}), Quantiser(QuantiserOptions{.levels = 5, .numbers = 3})}) {
    const auto all = torch::arange(quantiser->codes());
    const auto codes = quantiser->lookup(all);
    EXPECT_EQ(codes.size(1), quantiser->width());
    // fsq rounds what tanh has bounded, so what is asked for is where that lands.
    const bool learned = !quantiser->parameters().empty();
    if (learned) {
      EXPECT_TRUE(torch::equal(quantiser(codes).index, all));
      EXPECT_LT((quantiser(codes).value - codes).abs().max().item<double>(), 1e-6);
    } else {
      const auto made = quantiser(4 * torch::randn({500, quantiser->width()}));
      EXPECT_LT((quantiser->lookup(made.index) - made.value).abs().max().item<double>(), 1e-6)
          << "index and value are the same code";
    }
  }
}

TEST(Quantiser, EveryCodeOfFsqCanBeReached) {
  Quantiser quantiser(QuantiserOptions{});
  EXPECT_EQ(quantiser->codes(), 256);
  const auto made = quantiser(torch::randn({20000, 4}, make_generator(torch::kCPU, 1)));
  EXPECT_EQ(std::get<0>(torch::_unique2(made.index)).size(0), 256);
  EXPECT_EQ(quantiser(torch::zeros({1, 4})).value.abs().max().item<float>(), 0) << "zero stays where it is";
}

TEST(Quantiser, TheGradientGoesStraightThrough) {
  auto quantiser = vq();
  auto x = torch::randn({5, 4});
  x = (x / x.norm(2, -1, true)).requires_grad_(true);
  const auto wish = torch::randn({5, 4});
  (quantiser(x).value * wish).sum().backward();
  // What is left of it where x may only turn.
  const auto along = (wish * x).sum(-1, true) * x;
  EXPECT_LT((x.grad() - (wish - along)).abs().max().item<double>(), 1e-5);
}

TEST(Quantiser, TheTwoPullsAreEqualWhereCommitmentIsOne) {
  torch::manual_seed(3);
  Quantiser one(QuantiserOptions{.kind = Quantisation::vq, .codes = 8, .width = 4, .commitment = 1});
  Quantiser none(QuantiserOptions{.kind = Quantisation::vq, .codes = 8, .width = 4, .commitment = 0});
  none->parameters()[0].set_data(one->parameters()[0].detach().clone());
  const auto x = torch::randn({7, 4});
  EXPECT_NEAR(one(x).loss.item<double>(), 2 * none(x).loss.item<double>(), 1e-6);
}

TEST(Quantiser, AnIdleCodeIsPutWhereSomethingIs) {
  auto quantiser = vq();
  const auto x = torch::randn({1, 4}).expand({6, 4});
  std::int64_t revived = 0;
  for (int i = 0; i < 4; ++i) revived += quantiser->revive(x, quantiser(x).index, 3);
  EXPECT_EQ(revived, 7) << "all but the one in use, once";
  const auto codes = quantiser->lookup(torch::arange(8)), wanted = x[0] / x[0].norm();
  EXPECT_EQ(((codes - wanted).abs().amax(1) < 1e-5).sum().item<std::int64_t>(), 7);
}

TEST(Quantiser, SpreadsItsCodesOverWhatThereIs) {
  auto quantiser = vq(4, 4);
  const auto corners = torch::cat({torch::eye(4), torch::eye(4) + 0.01, torch::eye(4)});
  quantiser->spread(corners);
  EXPECT_EQ(std::get<0>(torch::_unique2(quantiser(corners).index)).size(0), 4) << "one for each corner";
}

TEST(Perplexity, CountsWhatIsUsedEvenly) {
  EXPECT_NEAR(perplexity(torch::tensor({0, 1, 2, 3, 0, 1, 2, 3}, torch::kInt64), 8), 4, 1e-9);
  EXPECT_NEAR(perplexity(torch::zeros({9}, torch::kInt64), 8), 1, 1e-9);
}

}  // namespace quantiser_test
}  // namespace dream
