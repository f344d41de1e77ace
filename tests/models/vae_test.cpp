// V. Figures: Ha & Schmidhuber 2018 and the code beside it (hardmaru/WorldModelsExperiments).
#include "core/models/vae.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/nn/checkpoint.h"
#include "core/nn/kernel_path.h"
#include "tests/models/model_test.h"

namespace dream {
namespace vae_test {

using test::count;
using test::golden;
using test::golden_frames;
using test::hashed_float;
using test::relative_error;
using test::seeded;
using test::tolerance;

torch::Tensor plain_frames(std::int64_t batch, int value) {
  return torch::full({batch, 64, 64, 3}, value, torch::kUInt8);
}

/// V whose encoder says (mean, log_variance) whatever it sees.
Vae blind_vae(float mean, float log_variance) {
  Vae v(32);
  torch::NoGradGuard no_grad;
  for (auto& item : v->named_parameters()) {
    if (item.key() == "mean.weight" || item.key() == "log_variance.weight") item.value().zero_();
    if (item.key() == "mean.bias") item.value().fill_(mean);
    if (item.key() == "log_variance.bias") item.value().fill_(log_variance);
  }
  return v;
}

using VaeTest = test::ModelTest;

TEST_F(VaeTest, HasThePublishedParametersAndShapes) {
  EXPECT_EQ(count(*Vae(32)), 4348547);
  EXPECT_EQ(count(*Vae(64)), 4446915);
  torch::NoGradGuard no_grad;
  Vae v(32);
  auto children = v->named_children();
  auto x = torch::zeros({1, 3, 64, 64});
  for (const auto& [name, size] : {std::pair{"conv1", 31}, {"conv2", 14}, {"conv3", 6}, {"conv4", 2}}) {
    x = std::dynamic_pointer_cast<torch::nn::Conv2dImpl>(children[name])->forward(x);
    EXPECT_EQ(x.size(2), size) << name;
  }
  EXPECT_EQ(x.numel(), 1024);
  x = x.reshape({1, 1024, 1, 1});
  for (const auto& [name, size] : {std::pair{"deconv1", 5}, {"deconv2", 13}, {"deconv3", 30}, {"deconv4", 64}}) {
    x = std::dynamic_pointer_cast<torch::nn::ConvTranspose2dImpl>(children[name])->forward(x);
    EXPECT_EQ(x.size(3), size) << name;
  }
}

// Sheet, check 3: at first x̂ is about 0.5, the KL about 0, which counts as the tolerance and moves no weight.
TEST_F(VaeTest, KlBelowTheToleranceCountsAsTheToleranceAndMovesNothing) {
  Vae v(32);
  const auto loss = v->loss(torch::cat({plain_frames(2, 0), plain_frames(2, 255)}), seeded(1));
  EXPECT_NEAR(loss.reconstruction.item<double>(), 3072, 300);
  EXPECT_LT(loss.kl.item<double>(), 16);
  EXPECT_NEAR((loss.total - loss.reconstruction).item<double>(), 16, 1e-3);
  (loss.total - loss.reconstruction).backward();
  for (const auto& item : v->named_parameters()) {
    if (!item.value().grad().defined()) continue;
    EXPECT_EQ(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
}

// Sheet, check 4.
TEST_F(VaeTest, KlInClosedForm) {
  torch::NoGradGuard no_grad;
  auto unit = blind_vae(1, 0)->loss(plain_frames(2, 0), seeded(1));
  EXPECT_NEAR(unit.kl.item<double>(), 16, 1e-5);
  auto wide = blind_vae(0, std::log(4.0f))->loss(plain_frames(2, 0), seeded(1));
  EXPECT_NEAR(wide.kl.item<double>(), 32 * 0.806853, 1e-3);
  EXPECT_NEAR((wide.total - wide.reconstruction).item<double>(), 32 * 0.806853, 1e-2);
}

TEST_F(VaeTest, TheToleranceIsPerSample) {
  torch::NoGradGuard no_grad;
  Vae v(32);
  for (auto& item : v->named_parameters()) {
    if (item.key() == "mean.weight") item.value().mul_(50);  // black frames: μ = 0; white ones: far away
  }
  const auto frames = torch::cat({plain_frames(1, 0), plain_frames(1, 255)});
  const auto posterior = v->encode(frames);
  const double white =
      0.5 * (posterior.mean[1].square() + posterior.log_variance[1].exp() - 1 - posterior.log_variance[1])
                .sum()
                .item<double>();
  ASSERT_GT(white, 40);
  const auto loss = v->loss(frames, seeded(1));
  EXPECT_NEAR((loss.total - loss.reconstruction).item<double>() / ((16 + white) / 2), 1, 1e-3);
}

TEST_F(VaeTest, SamplesSpreadAsThePosteriorSays) {
  torch::NoGradGuard no_grad;
  const VaeImpl::Posterior posterior{torch::full({4000, 8}, 3.0f), torch::full({4000, 8}, std::log(0.25f))};
  const auto z = posterior.sample(seeded(4));
  EXPECT_NEAR(z.mean().item<double>(), 3, 0.02);
  EXPECT_NEAR(z.std().item<double>(), 0.5, 0.02);
  EXPECT_TRUE(torch::equal(z, posterior.sample(seeded(4))));
  EXPECT_FALSE(torch::equal(z, posterior.sample(seeded(5))));
}

TEST_F(VaeTest, OverfitsOneBatch) {
  Vae v(32);
  // Four pictures of blocks.
  auto frames = torch::empty({4, 64, 64, 3}, torch::kUInt8);
  for (std::int64_t i = 0; i < 4; ++i) {
    const auto blocks = ((test::hashed(static_cast<std::uint32_t>(i), {4, 4, 3}) + 1) * 127).to(torch::kUInt8);
    frames[i] = blocks.repeat_interleave(16, 0).repeat_interleave(16, 1);
  }
  torch::optim::Adam adam(v->parameters(), 1e-3);
  auto rng = seeded(1);
  double first = 0, last = 0;
  for (int step = 0; step < 90; ++step) {
    adam.zero_grad();
    const auto loss = v->loss(frames, rng);
    loss.total.backward();
    adam.step();
    last = loss.reconstruction.item<double>();
    if (step == 0) first = last;
  }
  EXPECT_LT(last, 0.15 * first) << "from " << first;
}

// Without gradients the first two decoder layers are one matrix, which must follow the weights.
TEST_F(VaeTest, FoldedDecodingIsTheLayersAndFollowsTheirWeights) {
  Vae v(6), other(6);
  const auto z = hashed_float(1, {3, 6}, 2);
  const auto folded = [&] {
    torch::NoGradGuard no_grad;
    return v->decode(z);
  };
  EXPECT_LT(relative_error(folded(), v->decode(z)), 1e-5);
  const auto before = folded();
  {
    torch::NoGradGuard no_grad;
    v->named_parameters()["expand.bias"].add_(0.3);
  }
  EXPECT_LT(relative_error(folded(), v->decode(z)), 1e-5);
  EXPECT_GT((folded() - before).abs().max().item<double>(), 1e-4);
  Checkpoint weights;
  store_module(weights, "v", *other);
  load_module(weights, "v", *v);
  EXPECT_LT(relative_error(folded(), other->decode(z)), 1e-5) << "weights from a file";
  torch::optim::Adam adam(v->parameters(), 1e-2);
  v->decode(z).sum().backward();
  adam.step();
  EXPECT_LT(relative_error(folded(), v->decode(z)), 1e-5) << "weights from a training step";
  EXPECT_GT(relative_error(folded(), other->decode(z)), 1e-3);
}

TEST_F(VaeTest, HalfPrecisionStaysNearSinglePrecision) {
  torch::NoGradGuard no_grad;
  Vae v(32);
  test::fill_hashed(*v, 100);
  auto frames = torch::empty({16, 64, 64, 3}, torch::kUInt8);
  for (std::int64_t i = 0; i < 16; ++i) frames[i].fill_(i * 16);
  const auto exact = v->encode(frames);
  const auto decoded = v->decode(exact.mean);
  v->set_bfloat16(true);
  const auto near = v->encode(frames);
  EXPECT_EQ(near.mean.scalar_type(), torch::kFloat32);
  EXPECT_LT(relative_error(near.mean, exact.mean), 0.03);
  EXPECT_LT((v->decode(exact.mean) - decoded).abs().max().item<double>(), 0.02);
  EXPECT_TRUE(torch::equal(v->encode(frames.slice(0, 0, 2)).mean,
                           (v->set_bfloat16(false), v->encode(frames.slice(0, 0, 2)).mean)))
      << "small batches, as in the window, stay exact";
}

// Two ways to the same: the layers themselves, and FrameEncoder's kernels and matrix products.
TEST_F(VaeTest, ManyFramesAreEncodedAsTheLayersDo) {
  torch::NoGradGuard no_grad;
  Vae v(32);
  test::fill_hashed(*v, 100);
  const auto frames = ((test::hashed_float(5, {43, 64, 64, 3}, 1) + 1) * 127.5).to(torch::kUInt8);
  const auto ways = [&] {
    const auto fast = v->encode(frames);
    const WithoutKernels without;
    const auto plain = v->encode(frames);
    EXPECT_LT(relative_error(fast.mean, plain.mean), 1e-5);
    EXPECT_LT(relative_error(fast.log_variance, plain.log_variance), 1e-5);
    return fast.mean;
  };
  const auto before = ways();
  v->named_parameters()["conv3.weight"].mul_(1.5);
  EXPECT_GT(relative_error(ways(), before), 1e-3) << "weights that have changed";

  torch::set_num_threads(2);
  const auto two = v->encode(frames);
  torch::set_num_threads(1);
  EXPECT_TRUE(two.mean.equal(v->encode(frames).mean)) << "whatever the number of threads";
  EXPECT_TRUE(v->encode(frames.slice(0, 0, 32)).mean.equal(two.mean.slice(0, 0, 32))) << "frames do not see one another";
}

TEST_F(VaeTest, RefusesOtherShapes) {
  Vae v(32);
  EXPECT_THROW(v->encode(torch::zeros({1, 3, 64, 64}, torch::kUInt8)), Error);
  EXPECT_THROW(v->decode(torch::zeros({1, 31})), Error);
}

TEST_F(VaeTest, EqualsPyTorch) {
  Vae v(32);
  test::fill_hashed(*v, 100);
  {
    torch::NoGradGuard no_grad;
    const auto posterior = v->encode(golden_frames());
    EXPECT_LT(relative_error(posterior.mean, golden("v/mean")), tolerance);
    EXPECT_LT(relative_error(posterior.log_variance, golden("v/log_variance")), tolerance);
    EXPECT_LT(relative_error(v->decode(hashed_float(2, {1, 32}, 2)), golden("v/decoded")), tolerance);
    for (auto& item : v->named_parameters()) {  // σ = e^-30: the loss without noise
      if (item.key() == "log_variance.weight") item.value().zero_();
      if (item.key() == "log_variance.bias") item.value().fill_(-60);
    }
  }
  const auto loss = v->loss(golden_frames(), seeded(1));
  EXPECT_LT(relative_error(torch::stack({loss.total, loss.reconstruction, loss.kl}), golden("v/loss")), tolerance);
  loss.total.backward();
  for (const char* name :
       {"conv1.weight", "conv4.bias", "mean.bias", "expand.bias", "deconv4.weight", "deconv4.bias"}) {
    EXPECT_LT(relative_error(v->named_parameters()[name].grad(), golden(std::string("v/gradient/") + name)), tolerance)
        << name;
  }
}

}  // namespace vae_test
}  // namespace dream
