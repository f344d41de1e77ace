// BYOL and VICReg: losses by closed forms and against facebookresearch/vicreg (golden file by tests/golden/make_ijepa.py),
// views, and what keeps them from collapsing.
#include "core/models/two_views.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/npy.h"
#include "core/env/two_room.h"
#include "core/nn/generator.h"
#include "core/nn/optimiser.h"

namespace dream {
namespace two_views_test {

torch::Tensor tensor_of(const Npz& file, const std::string& name) {
  const auto& array = file.at(name);
  return torch::tensor(array.to_floats()).view(std::vector<std::int64_t>(array.shape.begin(), array.shape.end()));
}

TEST(VicReg, IsTheOfficialLoss) {
  const auto golden = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/ijepa/vicreg.npz");
  const auto of = [&](const char* name) { return tensor_of(golden, name); };
  const auto lost = vic_reg(of("x"), of("y"));
  EXPECT_NEAR(lost.invariance.item<double>(), of("invariance").item<double>(), 1e-5);
  EXPECT_NEAR(lost.variance.item<double>(), of("variance").item<double>(), 1e-5);
  EXPECT_NEAR(lost.covariance.item<double>(), of("covariance").item<double>(), 1e-4);
  EXPECT_NEAR(lost.total({}).item<double>(), of("total").item<double>(), 1e-4);
}

TEST(VicReg, OfAPointAndOfWhiteNoise) {
  const auto point = torch::full({64, 16}, 0.7);
  const auto same = vic_reg(point, point);
  EXPECT_NEAR(25 * same.invariance.item<double>(), 0, 1e-6);
  EXPECT_NEAR(25 * same.variance.item<double>(), 24.75, 1e-4);
  EXPECT_NEAR(same.covariance.item<double>(), 0, 1e-6);
  auto rng = make_generator(torch::kCPU, 1);
  const auto white = vic_reg(torch::randn({20000, 16}, rng), torch::randn({20000, 16}, rng));
  EXPECT_NEAR(25 * white.invariance.item<double>(), 50, 0.5);
  EXPECT_NEAR(25 * white.variance.item<double>(), 0, 0.2);
}

TEST(Byol, CountsAnglesFromNoneToOpposite) {
  const auto x = torch::tensor({{1.0f, 0.0f}, {2.0f, 0.0f}, {0.0f, 3.0f}});
  const auto y = torch::tensor({{0.0f, 5.0f}, {7.0f, 0.0f}, {0.0f, -0.1f}});
  const auto apart = byol_distance(x, y);
  EXPECT_NEAR(apart[0].item<double>(), 2, 1e-6) << "orthogonal";
  EXPECT_NEAR(apart[1].item<double>(), 0, 1e-6) << "equal";
  EXPECT_NEAR(apart[2].item<double>(), 4, 1e-6) << "opposite";
}

torch::Tensor walked(std::int64_t pictures) {
  auto images = torch::empty({pictures, 1, 64, 64, 3}, torch::kUInt8);
  TwoRoom env;
  for (std::int64_t i = 0; i < pictures; ++i) {
    env.reset(static_cast<std::uint64_t>(i));
    env.observe_image({images[i].data_ptr<std::uint8_t>(), 64 * 64 * 3});
  }
  return images;
}

TEST(Views, OfNothingArePicturesAndOthersDiffer) {
  const auto pictures = walked(4).select(1, 0);
  const ViewOptions none{.crop_least = 1, .jitter = 0, .grey = 0, .blur = 0, .cut = 0};
  const auto same = view_of(pictures, none, make_generator(torch::kCPU, 1));
  EXPECT_LT((same - pictures.permute({0, 3, 1, 2}).to(torch::kFloat32) / 255).abs().max().item<double>(), 1e-5);
  auto rng = make_generator(torch::kCPU, 1);
  const auto one = view_of(pictures, {}, rng), other = view_of(pictures, {}, rng);
  EXPECT_EQ(one.sizes(), same.sizes());
  EXPECT_GE(one.min().item<double>(), 0);
  EXPECT_LE(one.max().item<double>(), 1);
  EXPECT_GT((one - other).abs().mean().item<double>(), 0.01);
  const auto again = view_of(pictures, {}, make_generator(torch::kCPU, 1));
  EXPECT_TRUE(torch::equal(one, again));
}

/// A square of a quarter of the side is painted over: a sixteenth of the picture.
TEST(Views, CoverASquare) {
  auto rng = make_generator(torch::kCPU, 1);
  const auto noise = torch::randint(0, 256, {3, 64, 64, 3}, rng, torch::kUInt8);
  const auto covered = view_of(noise, {.crop_least = 1, .jitter = 0, .grey = 0, .blur = 0, .cut = 0.25}, rng);
  const auto changed = (covered - noise.permute({0, 3, 1, 2}).to(torch::kFloat32) / 255).abs().amax(1) > 1e-4;
  for (std::int64_t i = 0; i < 3; ++i) EXPECT_EQ(changed[i].sum().item<std::int64_t>(), 256);
}

TwoViewsOptions tiny_views(TwoViewsKind kind) {
  TwoViewsOptions options;
  options.kind = kind;
  options.encoder = {.patch = 16, .width = 24, .layers = 1, .heads = 2};
  options.units = 32, options.out = 16, options.view.depth = 2;
  options.views.crop_least = 0.8;
  return options;
}

struct Learned {
  double first = 0, last = 0, spread = 0;
};

Learned learned(const TwoViewsOptions& options, std::int64_t updates) {
  torch::set_num_threads(1);
  torch::manual_seed(1);
  TwoViews model(options, TwoRoom().spaces(), false);
  Optimiser matrices(
      model.learned(true),
      {.kind = OptimiserKind::adam, .learning_rate = 2e-3, .eps = 1e-8, .adaptive_clip = 0, .warm_up = 0});
  Optimiser others(model.learned(false), matrices.options());
  const auto batch = walked(32);
  auto rng = make_generator(torch::kCPU, 1);
  Learned made;
  for (std::int64_t i = 0; i < updates; ++i) {
    const auto loss = model.loss(batch, rng);
    made.last = loss.total.item<double>();
    made.spread = loss.terms.back().second.item<double>();
    if (i == 0) made.first = made.last;
    loss.total.backward();
    matrices.step(), others.step();
    model.follow(0.05);
  }
  return made;
}

TEST(TwoViews, VicRegCollapsesWithoutItsVariance) {
  auto options = tiny_views(TwoViewsKind::vicreg);
  const auto kept = learned(options, 150);
  EXPECT_LT(kept.last, kept.first);
  EXPECT_GT(kept.spread, 0.3);
  options.weights = {.invariance = 25, .variance = 0, .covariance = 0};
  const auto alone = learned(options, 150);
  EXPECT_LT(alone.last, 0.05 * alone.first);
}

TEST(TwoViews, ByolCollapsesWithoutPredictorAndSlowCopy) {
  auto options = tiny_views(TwoViewsKind::byol);
  const auto kept = learned(options, 150);
  EXPECT_LT(kept.last, kept.first);
  options.predictor = false, options.target = TargetFrom::gradient;
  const auto open = learned(options, 150);
  EXPECT_LT(open.last, 0.1);
  EXPECT_LT(open.spread, 0.5 * kept.spread) << open.spread << ", " << kept.spread;
}

TEST(TwoViews, TheSlowCopyTakesNoGradientAndFollows) {
  torch::manual_seed(1);
  TwoViews model(tiny_views(TwoViewsKind::byol), TwoRoom().spaces(), false);
  model.loss(walked(8), make_generator(torch::kCPU, 1)).total.backward();
  for (const auto& each : model.named_parameters()) {
    const bool slow = each.key().starts_with("slow_"), learns = each.key().starts_with("predictor");
    EXPECT_TRUE(!slow || !each.value().grad().defined()) << each.key();
    EXPECT_TRUE(!learns || each.value().grad().defined()) << each.key();
  }
  const auto parameters = model.named_parameters();
  torch::NoGradGuard no_grad;
  parameters["encoder.token.bias"].add_(1);
  model.follow(0.25);
  EXPECT_NEAR((parameters["slow_encoder.token.bias"] - 0.25).abs().max().item<double>(), 0, 1e-6);
}

}  // namespace two_views_test
}  // namespace dream
