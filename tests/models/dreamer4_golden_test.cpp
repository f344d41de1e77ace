// Dreamer 4's networks and losses against nicklashansen/dreamer4 with the same weights, frames and noise; see
// tests/golden/make_dreamer4.py.
#include <gtest/gtest.h>

#include "core/models/dreamer4_dynamics.h"
#include "core/models/dreamer4_tokenizer.h"
#include "tests/models/model_test.h"

namespace dream {
namespace dreamer4_golden_test {

constexpr std::int64_t finest = 8, longer = 3;

torch::Tensor stored(const std::string& name) {
  static const Npz npz = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/dreamer4/dreamer4.npz");
  const auto& array = npz.at(name);
  const std::vector<std::int64_t> shape(array.shape.begin(), array.shape.end());
  return torch::tensor(array.to_floats()).view(shape);
}

void with_stored_weights(torch::nn::Module& module, const std::string& prefix) {
  torch::NoGradGuard no_grad;
  for (auto& parameter : module.named_parameters()) parameter.value().copy_(stored("weight/" + prefix + "." + parameter.key()));
  module.eval();
}

void expect_near(const torch::Tensor& ours, const std::string& name) {
  const auto theirs = stored(name);
  ASSERT_EQ(ours.sizes(), theirs.sizes()) << name;
  EXPECT_LT((ours - theirs).abs().max().item<double>(), test::tolerance * std::max(1.0, theirs.abs().max().item<double>())) << name;
}

BlockCausalOptions of_port(std::int64_t width, std::int64_t layers, std::int64_t heads, std::int64_t time_every, std::int64_t hidden) {
  return {.width = width, .layers = layers, .heads = heads, .time_every = time_every, .context = 64, .hidden = hidden, .norm_keys = false,
          .places = TokenPlaces::waves};
}

/// The made-up denoiser of the script: its numbers depend on the frame, what it is told and the frames before it.
torch::Tensor made(const torch::Tensor& frames, const torch::Tensor& level, const torch::Tensor& step) {
  const auto count = torch::arange(1, frames.size(1) + 1, frames.options()).view({1, -1, 1, 1});
  const auto told = (0.3 * level - 0.2 * step).unsqueeze(-1).unsqueeze(-1);
  return (frames + told).sin() + 0.5 * frames.cumsum(1) / count;
}

using Dreamer4Golden = test::ModelTest;

TEST_F(Dreamer4Golden, TheTokenizerCodesAndPaintsAsThePort) {
  Dreamer4Tokenizer tokenizer(Dreamer4TokenizerOptions{.patch = 8, .latents = 3, .numbers = 4, .net = of_port(16, 2, 2, 2, 2), .regions = false}, 3, 16, 16);
  with_stored_weights(*tokenizer, "tokenizer");
  torch::NoGradGuard no_grad;
  const auto latents = tokenizer->encode(stored("pictures"), {}, stored("hidden") > 0.5);
  expect_near(latents, "latents");
  expect_near(tokenizer->decode(latents), "rebuilt");
}

TEST_F(Dreamer4Golden, TheDynamicsTransformerIsThePorts) {
  BlockCausal net(of_port(16, 4, 2, 2, 4), torch::ones({5, 5}, torch::kBool), 5);
  with_stored_weights(*net, "net");
  torch::NoGradGuard no_grad;
  expect_near(net(stored("tokens")), "seen");
}

TEST_F(Dreamer4Golden, ShortcutForcingHasItsLosses) {
  const auto denoiser = [](const torch::Tensor& noisy, const torch::Tensor& level, const torch::Tensor& step, std::int64_t) {
    return made(noisy, level.to(torch::kFloat32), step.to(torch::kFloat32));
  };
  const ShortcutDraw draw{stored("step").to(torch::kInt64), stored("level").to(torch::kInt64), stored("noise")};
  const auto loss = shortcut_loss(denoiser, stored("clean"), draw, finest, longer);
  expect_near(loss.total.view({1}), "total");
  expect_near(loss.flow.view({1}), "flow");
  expect_near(loss.bootstrap.view({1}), "bootstrap");
}

TEST_F(Dreamer4Golden, AFrameIsSampledInTheSameSteps) {
  const auto past = stored("clean").slice(0, 0, 2).slice(1, 0, 3);
  for (const std::int64_t steps : {1, 4, 8}) {
    auto z = stored("first");
    for (std::int64_t i = 0; i < steps; ++i) {
      auto level = torch::full({2, 4}, static_cast<double>(finest - 1)), step = torch::full({2, 4}, 3.0);
      level.select(1, 3).fill_(static_cast<double>(i * finest / steps)), step.select(1, 3).fill_(static_cast<double>(shortcut_exponent(steps)));
      z = shortcut_step(z, made(torch::cat({past, z}, 1), level, step).slice(1, 3), i, steps);
    }
    expect_near(z.squeeze(1), "sampled" + std::to_string(steps));
  }
}

TEST_F(Dreamer4Golden, ItsSizesCountAsThePorts) {
  auto net = of_port(256, 8, 4, 1, 4);
  const Dreamer4Tokenizer tokenizer(Dreamer4TokenizerOptions{.patch = 4, .latents = 16, .numbers = 32, .net = net, .regions = false}, 3, 128, 128);
  EXPECT_EQ(test::count(*tokenizer), (stored("encoder_count") + stored("decoder_count")).item<std::int64_t>());
  const BlockCausal dynamics(of_port(512, 8, 4, 1, 4), torch::ones({5, 5}, torch::kBool), 5);
  EXPECT_EQ(test::count(*dynamics), stored("net_count").item<std::int64_t>());
}

TEST_F(Dreamer4Golden, LatentsArePackedInTheirOrder) {
  Dreamer4Dynamics dynamics(Dreamer4DynamicsOptions{.pack = 2, .net = {.width = 16, .layers = 2, .heads = 2, .time_every = 2}}, 4, 4, 2);
  const auto latents = stored("latents"), four = torch::cat({latents, latents.slice(2, 0, 1)}, 2);
  expect_near(dynamics->packed(four), "packed");
  EXPECT_TRUE(torch::equal(dynamics->unpacked(dynamics->packed(four)), four));
}

}  // namespace dreamer4_golden_test
}  // namespace dream
