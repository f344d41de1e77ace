// What DIAMOND's model does by itself: frames of 256 levels, a dream that its generator decides, what it remembers, and one batch
// learned by heart.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/models/diamond.h"
#include "core/nn/generator.h"
#include "core/nn/kernel_path.h"
#include "tests/support/hashed_golden.h"

namespace dream {
namespace diamond_test {

DiamondOptions small() {
  DiamondOptions options;
  options.width = 16, options.levels = 2, options.depth = 1, options.condition = 32;
  options.reward_width = 8, options.reward_depth = 1, options.reward_condition = 8, options.reward_memory = 12;
  return options;
}

Spaces world(int side = 16) {
  Spaces spaces;
  spaces.image_height = spaces.image_width = side, spaces.image_channels = 3;
  spaces.action.choices = {"left", "stay", "right"};
  return spaces;
}

/// Weights that do something: DIAMOND's last layers begin at zero.
void stir(torch::nn::Module& module, double by = 0.1) {
  torch::NoGradGuard no_grad;
  const auto rng = make_generator(torch::kCPU, 5);
  for (auto p : module.parameters()) p.add_(by * torch::randn(p.sizes(), rng));
}

Observation seen(std::uint64_t seed, std::int64_t batch = 2) {
  return {torch::randint(256, {batch, 16, 16, 3}, make_generator(torch::kCPU, seed), torch::kUInt8), {}};
}

class DiamondModel : public ::testing::Test {
 protected:
  DiamondModel() {
    torch::manual_seed(1);
    model_ = std::make_shared<Diamond>(small(), world());
    stir(*model_);
  }
  Carry watched(int frames, std::int64_t batch = 2) {
    auto carry = model_->initial(batch);
    for (int t = 0; t < frames; ++t)
      carry = model_->observe(carry, torch::full({batch, 1}, t % 3), seen(static_cast<std::uint64_t>(t), batch), rng_);
    return carry;
  }
  torch::NoGradGuard no_grad_;
  at::Generator rng_ = make_generator(torch::kCPU, 2);
  std::shared_ptr<Diamond> model_;
};

TEST_F(DiamondModel, FramesAreOf256Levels) {
  const auto frame = model_->predict(model_->imagine(watched(5), torch::zeros({2, 1}), {}, rng_)).frame;
  EXPECT_TRUE((255 * frame).allclose((255 * frame).round(), 0, 1e-3));
  EXPECT_GE(frame.min().item<double>(), 0);
  EXPECT_LE(frame.max().item<double>(), 1);
  const auto noisy = torch::linspace(-2, 2, 1000).view({1, 1, 10, 100});
  const auto c = conditioners(torch::ones(1), {});
  const auto levels = (edm_denoised(noisy, 2 * noisy, c) + 1) * 127.5;
  EXPECT_TRUE(levels.allclose(levels.round(), 0, 1e-3));
  EXPECT_NEAR((edm_denoised(noisy, 2 * noisy, c)).mean().item<double>(), 0, 1e-3) << "rounded, not cut off";
}

TEST_F(DiamondModel, ItsGeneratorDecidesTheDream) {
  const auto dream = [&](std::uint64_t seed, const KnobValues& knobs) {
    auto carry = watched(3);
    const auto rng = make_generator(torch::kCPU, seed);
    for (int t = 0; t < 3; ++t) carry = model_->imagine(carry, torch::ones({2, 1}), knobs, rng);
    return model_->predict(carry).frame;
  };
  EXPECT_TRUE(torch::equal(dream(3, {}), dream(3, {})));
  EXPECT_FALSE(torch::equal(dream(3, {}), dream(4, {})));
  EXPECT_TRUE(torch::equal(dream(3, {{"tau_noise", 0}}), dream(4, {{"tau_noise", 0}})));
  for (const auto* knob : {"denoising_steps", "churn", "sigma_max", "order"}) EXPECT_FALSE(torch::equal(dream(3, {}), dream(3, {{knob, 1}}))) << knob;
}

TEST_F(DiamondModel, OneThatKnowsOfNoiseInItsPastHasAKnobForIt) {
  const auto has_knob = [](WorldModel& model) { return std::ranges::any_of(model.knobs(), [](const Knob& knob) { return knob.name == "past_noise"; }); };
  EXPECT_FALSE(has_knob(*model_));
  EXPECT_EQ(model_->denoiser()->named_buffers().size(), 1u) << "older runs have no other";
  auto options = small();
  options.noisy_past = true;
  model_ = std::make_shared<Diamond>(options, world());
  stir(*model_);
  EXPECT_TRUE(has_knob(*model_));
  const auto carry = watched(5);
  const auto dream = [&](double level) {
    return model_->predict(model_->imagine(carry, torch::ones({2, 1}), {{"past_noise", level}}, make_generator(torch::kCPU, 3))).frame;
  };
  EXPECT_TRUE(torch::equal(dream(0.005), model_->predict(model_->imagine(carry, torch::ones({2, 1}), {}, make_generator(torch::kCPU, 3))).frame));
  EXPECT_FALSE(torch::equal(dream(0.005), dream(1)));
  EXPECT_TRUE(torch::equal(carry.at("frame3"), watched(5).at("frame3"))) << "what it saw stays as it was";
}

TEST_F(DiamondModel, ACarryIsNeverChangedAndKeepsItsShape) {
  const auto carry = watched(2), nothing = model_->initial(2);
  const auto copy = [&] {
    Carry all;
    for (const auto& [name, tensor] : carry) all[name] = tensor.clone();
    return all;
  }();
  const auto next = model_->imagine(carry, torch::zeros({2, 1}), {}, rng_);
  for (const auto& [name, tensor] : copy) EXPECT_TRUE(torch::equal(tensor, carry.at(name))) << name;
  for (const auto& [name, tensor] : nothing) EXPECT_EQ(tensor.sizes(), next.at(name).sizes()) << name;
  EXPECT_EQ(next.at("frame3").data_ptr(), carry.at("frame4").data_ptr()) << "older frames are shared";
}

TEST_F(DiamondModel, LanesDoNotSeeOneAnother) {
  const auto both = watched(4);
  const auto outcome = model_->outcome(both);
  const auto alone = model_->outcome(select_lane(both, 1));
  EXPECT_TRUE(outcome.reward.slice(0, 1).allclose(alone.reward, 1e-4, 1e-5));
  EXPECT_TRUE(outcome.done.slice(0, 1).allclose(alone.done, 1e-4, 1e-5));
}

/// Where episodes are of different ages, each lane's reward and end model follows its own frames alone.
TEST_F(DiamondModel, WhatAFreshLaneSaysDoesNotDependOnOlderOnes) {
  auto older = watched(5);
  const auto fresh = begun_anew(0, model_->initial(2), older);
  const auto mixed = model_->observe(fresh, torch::zeros({2, 1}), seen(9), rng_);
  const auto outcome = model_->outcome(mixed);
  EXPECT_EQ(outcome.reward[0].item<double>(), 0) << "nothing led to an episode's first frame";
  EXPECT_EQ(outcome.done[0].item<double>(), 0);
  const auto alone = model_->outcome(select_lane(mixed, 1));
  EXPECT_TRUE(outcome.reward.slice(0, 1).allclose(alone.reward, 1e-4, 1e-5));
  EXPECT_EQ(model_->surprise(mixed)[0].item<double>(), 0);
  EXPECT_GT(model_->surprise(mixed)[1].item<double>(), 0);
}

TEST_F(DiamondModel, HavingSeenIsWhatObservingMakes) {
  const auto carry = watched(4);
  std::vector<torch::Tensor> frames, actions;
  for (int t = 0; t < 4; ++t) {
    frames.push_back(Diamond::pictures_of(seen(static_cast<std::uint64_t>(t)).image));
    if (t > 0) actions.push_back(torch::full({2, 1}, static_cast<float>(t % 3)));
  }
  const auto made = model_->having_seen(torch::stack(frames), torch::stack(actions), torch::ones({4, 2}));
  for (const auto& [name, tensor] : model_->initial(2)) EXPECT_TRUE(torch::equal(carry.at(name), made.at(name))) << name;
}

/// The fused norm against ATen's, float32 and bf16, of more groups than one.
TEST_F(DiamondModel, TheKernelsSayWhatAtenSays) {
  const auto x = 3 + torch::randn({3, 64, 7, 9}, rng_), scale = torch::randn({3, 64}, rng_), shift = torch::randn({3, 64}, rng_);
  const auto plain = torch::silu(at::group_norm(x, 2, {}, {}, 1e-5) * scale.view({3, 64, 1, 1}) + shift.view({3, 64, 1, 1}));
  EXPECT_TRUE(group_norm(x, 2, 1e-5, scale, shift, true).allclose(plain, 1e-4, 1e-4));
  const auto narrow = group_norm(x.to(torch::kBFloat16), 2, 1e-5, scale.to(torch::kBFloat16), shift.to(torch::kBFloat16), true);
  EXPECT_LT((narrow.to(torch::kFloat32) - plain).abs().max().item<double>(), 0.06);
  EXPECT_TRUE(group_norm(x, 2, 1e-5).allclose(at::group_norm(x, 2, {}, {}, 1e-5), 1e-4, 1e-4));
}

/// EDM: a step from any level to 0 lands on what the denoiser says, and the last of several does.
TEST_F(DiamondModel, APerfectDenoiserIsLandedOn) {
  const auto wanted = torch::randn({2, 3, 4, 4}, rng_);
  for (const auto steps : {1, 3, 5}) {
    SamplerOptions options;
    options.steps = steps;
    EXPECT_NEAR(sigma_levels(options).front(), 5, 1e-9);
    EXPECT_EQ(sigma_levels(options).size(), static_cast<std::size_t>(steps) + 1);
    const auto sampled = edm_sample(torch::randn(wanted.sizes(), rng_), options, [&](const torch::Tensor&, double) { return wanted; }, {});
    EXPECT_TRUE(sampled.x.allclose(wanted, 1e-4, 1e-4));
  }
}

/// Data N(0, σ_data²): F = 0 is the best that can be said, and its loss is 1 at every level.
TEST_F(DiamondModel, TheLossOfSayingNothingIsOne) {
  const auto x = 0.5 * torch::randn({4000, 1, 2, 2}, rng_);
  for (const double level : {0.01, 0.5, 5.0}) {
    const auto sigma = torch::full({4000}, level);
    const EdmOptions plain{.offset_noise = 0};
    const auto c = conditioners(sigma, plain);
    EXPECT_NEAR(edm_target(x, with_noise(x, sigma, plain, rng_), c).square().mean().item<double>(), 1, 0.05) << level;
  }
}

TEST_F(DiamondModel, LevelsAreLogNormal) {
  const auto sigma = std::get<0>(draw_sigma(20001, {}, rng_, torch::kFloat32).sort());
  EXPECT_NEAR(sigma[10000].item<double>(), std::exp(-0.4), 0.03);
  EXPECT_NEAR(((sigma > 0.2019) & (sigma < 2.2255)).to(torch::kFloat64).mean().item<double>(), 0.683, 0.02);
}

TEST_F(DiamondModel, LearnsABatchByHeart) {
  const torch::AutoGradMode gradients(true);
  torch::manual_seed(6);
  Diamond model(small(), world());
  const auto frames = test::hashed_pictures("heart", {4, 5, 3, 16, 16});
  const auto actions = torch::zeros({4, 4, 3});
  torch::optim::Adam adam(model.denoiser()->parameters(), torch::optim::AdamOptions(3e-3));
  double first = 0, last = 0;
  for (int update = 0; update < 120; ++update) {
    const auto sigma = torch::full({4}, 2.0f);
    const auto x = frames.select(1, 4), noisy = with_noise(x, sigma, {}, rng_);
    const auto c = conditioners(sigma, {});
    const auto loss = (model.network_output(noisy, c, frames.slice(1, 0, 4), actions) - edm_target(x, noisy, c)).square().mean();
    adam.zero_grad();
    loss.backward();
    adam.step();
    last = loss.item<double>();
    if (update == 0) first = last;
  }
  EXPECT_LT(last, 0.5 * first);
}

/// A network that says nothing, D(x) = skip · x: Heun's steps are known, and none of them divides by a level below the offset noise.
TEST_F(DiamondModel, HeunStopsWhereLevelsAreNotToldApart) {
  for (auto p : model_->denoiser()->parameters()) p.zero_();
  const auto carry = watched(5);
  auto x = torch::randn({2, 3, 16, 16}, make_generator(torch::kCPU, 8));
  const auto levels = sigma_levels({.sigma_min = small().edm.offset_noise});
  ASSERT_NEAR(levels[2], 0.3, 1e-6);
  const auto slope = [&](const torch::Tensor& at, double sigma) {
    const auto c = conditioners(torch::full({2}, sigma), small().edm);
    return (at - in_levels(c.skip * at)) / sigma;
  };
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const auto step = levels[i + 1] - levels[i];
    const auto first = slope(x, levels[i]);
    const auto there = x + step * first;
    x = levels[i + 1] == 0 ? there : x + step * (first + slope(there, levels[i + 1])) / 2;
  }
  const auto frame = model_->predict(model_->imagine(carry, torch::zeros({2, 1}), {{"order", 1.0}}, make_generator(torch::kCPU, 8))).frame;
  EXPECT_LT((frame - (x.clamp(-1, 1) + 1) / 2).abs().max().item<double>(), 1.0 / 255);
}

/// Heun's last level is 0.3, and the first one may be asked to be 0.1: the levels never rise.
TEST_F(DiamondModel, TheFirstLevelIsNeverBelowTheLast) {
  const auto dreamt = [&](double sigma_max) {
    return model_->predict(model_->imagine(watched(5), torch::zeros({2, 1}), {{"order", 1.0}, {"sigma_max", sigma_max}}, make_generator(torch::kCPU, 8))).frame;
  };
  EXPECT_TRUE(torch::equal(dreamt(0.1), dreamt(0.3)));
  EXPECT_FALSE(torch::equal(dreamt(0.3), dreamt(5)));
}

TEST_F(DiamondModel, AWorldWithoutPicturesIsRefused) {
  EXPECT_THROW(Diamond(small(), Spaces{}), Error);
}

}  // namespace diamond_test
}  // namespace dream
