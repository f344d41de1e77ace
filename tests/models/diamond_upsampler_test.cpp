// DIAMOND's upsampler against the code of its authors' branch csgo (tests/golden/make_diamond_upsampler.py), and a model that dreams
// in small pictures and shows large ones.
#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/models/diamond.h"
#include "core/nn/generator.h"
#include "tests/data/temp_folder.h"
#include "tests/support/their_parts_golden.h"

namespace dream {
namespace diamond_upsampler_test {

using test::HashedGolden;

UpsamplerOptions small(std::int64_t factor = 2) {
  UpsamplerOptions options;
  options.factor = factor, options.width = 16, options.levels = 3, options.depth = 1, options.condition = 32;
  return options;
}
double decibels(const torch::Tensor& a, const torch::Tensor& b) {
  return -10 * std::log10(((a - b) / 2).square().mean().item<double>());
}

constexpr std::int64_t batch = 2, low_height = 9, low_width = 10;

struct TheirInputs {
  torch::Tensor full = test::hashed_pictures("full", {batch, 2, 3, 2 * low_height, 2 * low_width});
  torch::Tensor low = test::hashed_pictures("low", {batch, 2, 3, low_height, low_width});
};
torch::Tensor drawn(const std::string& name, std::vector<std::int64_t> shape) {
  return 1.7f * test::hashed_by_name(name, std::move(shape));
}
TheirParts parts_of(const std::string& ours) {
  return diamond_denoiser_parts(small().denoiser().unet, ours);
}

TEST(DiamondUpsampler, PublishedIsOfTheirSize) {
  const HashedGolden golden("diamond/upsampler.npz");
  EXPECT_EQ(UpsamplerOptions().denoiser().unet.channels, (std::vector<std::int64_t>{64, 64, 128, 256}));
  Denoiser published(UpsamplerOptions().denoiser(), 3, 0);
  EXPECT_EQ(test::parameter_count(*published), 51'149'187);
  EXPECT_NEAR(golden.number("count"), 51'149'187, 4) << "float32 in the file";
}

TEST(DiamondUpsampler, NetworkAndLossAreTheirs) {
  const HashedGolden golden("diamond/upsampler.npz");
  const TheirInputs in;
  DiamondUpsampler upsampler(small(), 3);
  test::fill_parts(*upsampler->denoiser(), parts_of);
  const auto large = upsampler->enlarged(in.low.select(1, 1));
  golden.close("bicubic", large);
  const auto x = in.full.select(1, 1);
  const auto sigma = torch::tensor({1.0f, 0.1f});
  const auto noisy = x + 0.1 * drawn("offset", {batch, 3, 1, 1}) + sigma.view({2, 1, 1, 1}) * drawn("noise", x.sizes().vec());
  const auto c = conditioners(sigma, upsampler->options().edm);
  const auto output = upsampler->network_output(noisy, c, in.full.select(1, 0), large);
  golden.close("output", output.detach());
  const auto loss = (output - edm_target(x, noisy, c)).square().mean();
  golden.close("loss", loss.detach());
  loss.backward();
  test::close_part_gradients(golden, *upsampler->denoiser(), parts_of);
  torch::NoGradGuard no_grad;
  golden.close("output", upsampler->network_output(noisy, c, in.full.select(1, 0), large));
  upsampler->set_bfloat16(true);
  const auto narrow = upsampler->network_output(noisy, c, in.full.select(1, 0), large), wanted = golden("output");
  EXPECT_LT((narrow - wanted).square().mean().sqrt().item<double>(), 0.02 * wanted.square().mean().sqrt().item<double>());
}

TEST(DiamondUpsampler, SamplerIsTheirs) {
  torch::NoGradGuard no_grad;
  const HashedGolden golden("diamond/upsampler.npz");
  const TheirInputs in;
  DiamondUpsampler upsampler(small(), 3);
  test::fill_parts(*upsampler->denoiser(), parts_of);
  const auto large = upsampler->enlarged(in.low.select(1, 1));
  std::map<std::string, SamplerOptions> cases;
  for (const auto* name : {"fast", "higher", "heun", "inside"}) cases[name] = UpsamplerOptions().sampler;
  cases["fast"].steps = 1, cases["fast"].order = SamplerOrder::heun;
  cases["heun"].steps = 3, cases["heun"].order = SamplerOrder::heun;
  auto& inside = cases["inside"];
  inside.steps = 4, inside.churn = 1.2, inside.churn_low = 1.5, inside.churn_high = 4;
  for (const auto& [name, options] : cases) {
    golden.close(name + "/levels", torch::tensor(sigma_levels(options)).to(torch::kFloat32));
    int count = 0;
    const auto draw = [&] { return drawn("draw" + std::to_string(count++), large.sizes().vec()); };
    const auto begin = draw();
    const auto sampled = edm_sample(
        begin, options,
        [&](const torch::Tensor& x, double sigma) {  // without levels, as in the dump
          const auto c = conditioners(torch::full({batch}, sigma), upsampler->options().edm);
          return (c.skip * x + c.out * upsampler->network_output(x, c, in.full.select(1, 0), large)).clamp(-1, 1);
        },
        draw);
    golden.close(name, sampled.x);
    golden.close(name + "/first", sampled.steps[0]);
    EXPECT_EQ(count, static_cast<int>(golden.number(name + "/draws"))) << name;
  }
}

TEST(DiamondUpsampler, SmallPicturesAreMeansOf256Levels) {
  const auto pictures = test::hashed_pictures("means", {2, 3, 3, 8, 12});
  EXPECT_EQ(small_pictures(pictures, 1).data_ptr(), pictures.data_ptr());
  const auto means = small_pictures(pictures, 4);
  ASSERT_EQ(means.sizes(), (torch::IntArrayRef{2, 3, 3, 2, 3}));
  EXPECT_NEAR(means[1][2][0][1][2].item<double>(), pictures[1][2][0].slice(0, 4, 8).slice(1, 8, 12).mean().item<double>(), 0.5 / 127.5 + 1e-6);
  const auto levels = (means + 1) * 127.5;
  EXPECT_TRUE(levels.allclose(levels.round(), 0, 1e-3));
}

/// What no interpolation can know: where the edges between blocks of 2 x 2 pixels lie that are half a block off the small picture's.
TEST(DiamondUpsampler, LearnsABatchByHeart) {
  torch::manual_seed(3);
  const auto rng = make_generator(torch::kCPU, 4);
  DiamondUpsampler upsampler(small(), 3);
  const auto blocks = test::hashed_pictures("large", {2, 3, 8, 8}).sign(), before = test::hashed_pictures("before", {2, 3, 16, 16});
  const auto pictures = torch::upsample_nearest2d(blocks, {16, 16}).roll({1, 1}, {2, 3});
  torch::optim::Adam adam(upsampler->parameters(), torch::optim::AdamOptions(5e-3));
  double first = 0, last = 0;
  for (int update = 0; update < 300; ++update) {
    const auto loss = upsampler->loss(pictures, before, torch::ones(2), rng);
    adam.zero_grad();
    loss.backward();
    adam.step();
    last = loss.item<double>();
    if (update == 0) first = last;
  }
  EXPECT_LT(last, 0.5 * first);
  torch::NoGradGuard no_grad;
  const auto small = small_pictures(pictures, 2);
  for (const std::int64_t steps : {1, 4}) {
    const auto made = upsampler->sample(small, before, steps, 1, rng);
    EXPECT_EQ(made.steps.size(), static_cast<std::size_t>(steps));
    const auto bicubic = decibels(upsampler->enlarged(small).clamp(-1, 1), pictures), upsampled = decibels(made.x, pictures);
    EXPECT_GT(upsampled, bicubic + 5) << steps << " steps; bicubic " << bicubic;
  }
}

TEST(DiamondUpsampler, WhatDoesNotCountIsNotLearnedFrom) {
  torch::manual_seed(3);
  DiamondUpsampler upsampler(small(), 3);
  const auto pictures = test::hashed_pictures("large", {2, 3, 16, 16});
  const auto of = [&](const torch::Tensor& before, const torch::Tensor& counts) {
    return upsampler->loss(pictures, before, counts, make_generator(torch::kCPU, 4)).item<double>();
  };
  torch::NoGradGuard no_grad;
  for (auto p : upsampler->parameters()) p.add_(0.1 * torch::ones_like(p));
  const auto zeros = torch::zeros_like(pictures);
  auto other = zeros.clone();
  other[1].fill_(1);
  EXPECT_EQ(of(zeros, torch::tensor({1.0f, 0.0f})), of(other, torch::tensor({1.0f, 0.0f})));
  EXPECT_NE(of(zeros, torch::ones(2)), of(other, torch::ones(2)));
  EXPECT_EQ(of(zeros, torch::zeros(2)), 0);
}

// -- a model with it ---------------------------------------------------------------------------------------------------

DiamondOptions options(std::int64_t factor) {
  DiamondOptions options;
  options.width = 16, options.levels = 2, options.depth = 1, options.condition = 32;
  options.reward_width = 8, options.reward_depth = 1, options.reward_condition = 8, options.reward_memory = 12;
  options.upsampler = small(factor);
  options.upsampler.sampler.steps = 2;
  return options;
}
Spaces world() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 32, spaces.image_channels = 3;
  spaces.action.choices = {"left", "stay", "right"};
  return spaces;
}
Observation seen(std::uint64_t seed) {
  return {torch::randint(256, {2, 32, 32, 3}, make_generator(torch::kCPU, seed), torch::kUInt8), {}};
}

class DiamondOfSmallPictures : public ::testing::Test {
 protected:
  DiamondOfSmallPictures() : model_(stirred(2)) {}
  /// Weights that do something.
  static std::shared_ptr<Diamond> stirred(std::int64_t factor) {
    torch::manual_seed(1);
    auto model = std::make_shared<Diamond>(options(factor), world());
    torch::NoGradGuard no_grad;
    const auto rng = make_generator(torch::kCPU, 5);
    for (auto p : model->parameters()) p.add_(0.1 * torch::randn(p.sizes(), rng));
    return model;
  }
  Carry watched(Diamond& model, int frames) {
    auto carry = model.initial(2);
    for (int t = 0; t < frames; ++t) carry = model.observe(carry, torch::full({2, 1}, t % 3), seen(static_cast<std::uint64_t>(t)), {});
    return carry;
  }
  Carry imagined(const Carry& carry, std::uint64_t seed, const KnobValues& knobs = {}) {
    return model_->imagine(carry, torch::ones({2, 1}), knobs, make_generator(torch::kCPU, seed));
  }
  torch::NoGradGuard no_grad_;
  std::shared_ptr<Diamond> model_;
};

TEST_F(DiamondOfSmallPictures, SeesAndShowsLargeOnesAndDreamsInSmallOnes) {
  const auto carry = watched(*model_, 3);
  EXPECT_EQ(carry.at("frame4").sizes(), (torch::IntArrayRef{2, 3, 16, 16}));
  EXPECT_TRUE(torch::equal(carry.at("frame4"), model_->frames_of(seen(2).image)));
  const auto shown = model_->predict(carry).frame;
  EXPECT_TRUE((255 * shown).round().to(torch::kUInt8).equal(seen(2).image.permute({0, 3, 1, 2}))) << "what was seen, as it was";
  const auto next = imagined(carry, 1);
  EXPECT_EQ(next.at("full").sizes(), (torch::IntArrayRef{2, 3, 32, 32}));
  EXPECT_EQ(next.at("upsampling").sizes(), (torch::IntArrayRef{2, 2, 3, 32, 32}));
  const auto frame = model_->predict(next).frame;
  EXPECT_TRUE(torch::equal(frame, model_->predict(next).frame));
  EXPECT_TRUE((255 * frame).allclose((255 * frame).round(), 0, 1e-3));
  EXPECT_EQ(model_->recent_frames(next).frame.size(-1), 16) << "what the actor-critic sees";
}

TEST_F(DiamondOfSmallPictures, ALargeOneFollowsTheOneBefore) {
  const auto carry = watched(*model_, 3);
  auto other = carry;
  other["full"] = -carry.at("full");
  const auto a = imagined(carry, 1), b = imagined(other, 1);
  EXPECT_TRUE(torch::equal(a.at("frame4"), b.at("frame4")));
  EXPECT_FALSE(torch::equal(a.at("full"), b.at("full")));
}

TEST_F(DiamondOfSmallPictures, WhoBeginsWithWhatInitialNamesMakesNothingLarge) {
  const auto carry = watched(*model_, 3);
  EXPECT_FALSE(model_->initial(2).contains("full"));
  EXPECT_EQ(model_->initial_shown(2).at("full").sizes(), carry.at("full").sizes());
  Carry plain;
  for (const auto& [name, tensor] : model_->initial(2)) plain[name] = carry.at(name);
  const auto next = imagined(plain, 1);
  for (const auto* name : {"full", "upsampling"}) EXPECT_FALSE(next.contains(name)) << name;
  EXPECT_TRUE(torch::equal(next.at("frame4"), imagined(carry, 1).at("frame4"))) << "the same dream";
  EXPECT_EQ(model_->predict(next).frame.sizes(), (torch::IntArrayRef{2, 3, 32, 32}));
}

TEST_F(DiamondOfSmallPictures, KnobsBendIt) {
  const auto carry = watched(*model_, 3);
  EXPECT_EQ(model_->knobs().back().name, "upsampling_steps");
  EXPECT_EQ(model_->knobs().back().default_value, 2);
  const auto usual = imagined(carry, 1), more = imagined(carry, 1, {{"upsampling_steps", 3}});
  EXPECT_TRUE(torch::equal(usual.at("frame4"), more.at("frame4")));
  EXPECT_EQ(more.at("upsampling").size(1), 3);
  EXPECT_FALSE(torch::equal(usual.at("full"), more.at("full")));
  EXPECT_FALSE(torch::equal(usual.at("full"), imagined(carry, 2).at("full")));
  EXPECT_TRUE(torch::equal(imagined(carry, 1, {{"tau_noise", 0}}).at("full"), imagined(carry, 2, {{"tau_noise", 0}}).at("full")));
}

TEST_F(DiamondOfSmallPictures, ACarryIsNeverChanged) {
  const auto carry = imagined(watched(*model_, 2), 1);
  Carry copy;
  for (const auto& [name, tensor] : carry) copy[name] = tensor.clone();
  imagined(carry, 2);
  model_->predict(carry);
  for (const auto& [name, tensor] : copy) EXPECT_TRUE(torch::equal(tensor, carry.at(name))) << name;
}

TEST_F(DiamondOfSmallPictures, ReportsHowAPictureIsMadeLarge) {
  ProbeSink sink({"denoising/full"});
  model_->report(imagined(watched(*model_, 2), 1), sink);
  const auto probes = sink.take();
  ASSERT_EQ(probes.size(), 1u);
  const auto& picture = std::get<Image>(*probes[0].value);
  EXPECT_EQ(picture.height, 32);
  EXPECT_EQ(picture.width, 4 * 32) << "small, bicubic, two steps";
}

TEST_F(DiamondOfSmallPictures, WithAFactorOfOneThereIsNothingOfIt) {
  const auto plain = stirred(1);
  for (const auto& parameter : plain->named_parameters()) EXPECT_FALSE(parameter.key().starts_with("upsampler")) << parameter.key();
  for (const auto& knob : plain->knobs()) EXPECT_NE(knob.name, "upsampling_steps");
  for (const auto& name : plain->probe_names()) EXPECT_NE(name, "denoising/full");
  const auto next = plain->imagine(watched(*plain, 2), torch::ones({2, 1}), {}, make_generator(torch::kCPU, 1));
  for (const auto* name : {"full", "upsampling"}) EXPECT_FALSE(next.contains(name)) << name;
  EXPECT_TRUE(torch::equal(plain->predict(next).frame, (next.at("frame4") + 1) / 2));
  EXPECT_EQ(plain->initial_shown(1).size(), plain->initial(1).size());
}

TEST_F(DiamondOfSmallPictures, WhatDoesNotDivideIsRefusedInWords) {
  EXPECT_NE(test::message_of<Error>([] { Diamond(options(3), world()); }).find("32 x 32 pixels cannot be made 3 times smaller: world.upsampling"),
            std::string::npos);
  auto odd = options(2);
  odd.upsampler.condition = 31;
  EXPECT_NE(test::message_of<Error>([&] { Diamond(odd, world()); }).find("upsampler's condition has 31 numbers"), std::string::npos);
}

}  // namespace diamond_upsampler_test
}  // namespace dream
