#include "core/nn/two_hot.h"

#include <cmath>

#include "api/error.h"
#include "tests/data/temp_folder.h"
#include "tests/models/dreamer_golden.h"

namespace dream {
namespace two_hot_test {

using test::Golden;

const TwoHot symlog_bins(TwoHot::Kind::symlog, 255, torch::kCPU), symexp_bins(TwoHot::Kind::symexp, 255, torch::kCPU);

TEST(TwoHot, AsDreamerV3Of2023) {
  Golden golden("v3_23_math");
  const auto x = golden("in/values"), logits = golden("in/twohot_logits").expand({19, 255});
  golden.close("symlog", symlog(x), golden("out/symlog"));
  golden.close("symexp", symexp(golden("in/symlogs")), golden("out/symexp"));
  golden.close("bins", symlog_bins.bins(), golden("out/buckets"));
  golden.close("target", symlog_bins.target(x), golden("out/twohot_target"));
  golden.close("loss", symlog_bins.loss(logits, x), -golden("out/twohot_log_prob"));
  golden.close("mean", symlog_bins.mean(logits[0]), golden("out/twohot_mode")[0]);
}

TEST(TwoHot, AsDreamerV3Of2024) {
  Golden golden("v3_24_math");
  const auto x = golden("in/values"), logits = golden("in/twohot_logits").expand({19, 255});
  golden.close("symlog", symlog(x), golden("out/symlog"));
  golden.close("bins", symexp_bins.bins(), golden("out/bins"));
  golden.close("target", symexp_bins.target(x), golden("out/twohot_target"));
  golden.close("loss", symexp_bins.loss(logits, x), golden("out/twohot_loss"));
  // Terms of up to 4.9e8 cancel in float32: in float64 the mean is what both are near.
  const auto exact = (torch::softmax(logits[0].to(torch::kFloat64), -1) * symexp_bins.bins()).sum().item<double>();
  EXPECT_NEAR(symexp_bins.mean(logits[0]).item<double>() / exact, 1, 1e-3);
  EXPECT_NEAR(golden.number("out/twohot_pred") / exact, 1, 1e-3);
}

TEST(TwoHot, KnownNumbers) {
  const auto at = [](double x) { return symlog(torch::tensor(x, torch::kFloat64)).item<double>(); };
  EXPECT_NEAR(at(1), 0.693147, 1e-6);
  EXPECT_NEAR(at(-10), -2.397895, 1e-6);
  EXPECT_NEAR(at(1000), 6.908755, 1e-6);
  const auto& bins = symexp_bins.bins();
  const double centre[] = {-0.603904, -0.370205, -0.170558, 0, 0.170558, 0.370205, 0.603904};
  for (int i = 0; i < 7; ++i) EXPECT_NEAR(bins[124 + i].item<double>(), centre[i], 1e-6);
  EXPECT_NEAR(bins[254].item<double>(), 4.8517e8, 1e4);
  const auto target = symexp_bins.target(torch::tensor({0.1f}))[0];
  EXPECT_NEAR(target[127].item<double>(), 0.41369, 1e-5);
  EXPECT_NEAR(target[128].item<double>(), 0.58631, 1e-5);
  // Between the same two bins, but by their distance in symlog space: the kinds must not be mixed.
  EXPECT_NEAR(symlog_bins.target(torch::tensor({0.1f}))[0][127].item<double>(), 1 - std::log1p(0.1) / (20.0 / 127),
              1e-5);
}

TEST(TwoHot, EveryTargetIsADistributionWhoseMeanIsTheNumber) {
  const auto x = torch::tensor({0.0f, 1e-6f, -0.3f, 7.0f, -123.0f, 4e4f, -3e8f});
  for (const auto& kind : {symlog_bins, symexp_bins}) {
    const auto target = kind.target(x);
    EXPECT_LT((target.sum(-1) - 1).abs().max().item<double>(), 1e-6);
    EXPECT_LE((target > 0).sum(-1).max().item<std::int64_t>(), 2);
    const auto mean = kind.mean(torch::log(target.clamp_min(1e-30)));
    EXPECT_LT(((mean - x) / x.abs().clamp_min(1e-3)).abs().max().item<double>(), 1e-3);
  }
  // Beyond the last bin all lies on it; numbers on a bin lie on it alone.
  const auto far = symexp_bins.target(torch::tensor({1e12f, -1e12f}));
  EXPECT_EQ(far[0][254].item<float>(), 1);
  EXPECT_EQ(far[1][0].item<float>(), 1);
  EXPECT_TRUE(torch::equal(symexp_bins.target(symexp_bins.bins()), torch::eye(255)));
}

TEST(TwoHot, AHeadOfZerosSaysExactlyNothing) {
  const auto zeros = torch::zeros({4, 255});
  for (const auto& kind : {symlog_bins, symexp_bins}) {
    EXPECT_EQ(kind.mean(zeros).abs().max().item<float>(), 0);
    const auto loss = kind.loss(zeros, torch::tensor({0.0f, 5.0f, -1e6f, 1e20f}));
    EXPECT_LT((loss - std::log(255.0)).abs().max().item<double>(), 1e-5);  // 5.541264, whatever the target
  }
}

TEST(TwoHot, TheGradientIsSoftmaxMinusTarget) {
  const auto logits = test::hashed_float(3, {5, 255}, 2).requires_grad_();
  const auto x = torch::tensor({0.3f, -2.0f, 100.0f, 0.0f, 1e30f});
  symexp_bins.loss(logits, x).sum().backward();
  EXPECT_LT((logits.grad() - (torch::softmax(logits, -1) - symexp_bins.target(x))).abs().max().item<double>(), 1e-6);
}

TEST(TwoHot, BinsMustBeOdd) {
  const auto message = test::message_of<Error>([] { TwoHot(TwoHot::Kind::symexp, 254, torch::kCPU); });
  EXPECT_NE(message.find("odd"), std::string::npos);
  EXPECT_NE(message.find("254"), std::string::npos);
}

}  // namespace two_hot_test
}  // namespace dream
