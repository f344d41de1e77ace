// DIAMOND's networks, losses and sampler against the authors' code (tests/golden/make_diamond.py), and what the paper's formulas say.
#include <gtest/gtest.h>

#include <cmath>

#include "core/models/diamond.h"
#include "core/nn/generator.h"
#include "tests/support/their_parts_golden.h"

namespace dream {
namespace diamond_golden_test {

using test::HashedGolden;

TheirParts denoiser_parts(const std::string& ours) {
  return diamond_denoiser_parts({}, ours);
}
TheirParts reward_end_parts(const std::string& ours) {
  return diamond_reward_end_parts(RewardEndOptions().net, ours);
}
void fill_denoiser(Diamond& model) {
  test::fill_parts(*model.denoiser(), denoiser_parts);
}

Spaces four_choices() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64, spaces.image_channels = 3;
  spaces.action.choices = {"a", "b", "c", "d"};
  return spaces;
}

constexpr std::int64_t batch = 2, context = 4;

torch::Tensor choices_of(const std::string& name, std::vector<std::int64_t> shape) {
  return torch::one_hot(((test::hashed_by_name(name, std::move(shape)) + 1) * 2).to(torch::kInt64).clamp_max(3), 4).to(torch::kFloat32);
}
torch::Tensor drawn(const std::string& name, std::vector<std::int64_t> shape) {
  return 1.7f * test::hashed_by_name(name, std::move(shape));
}
torch::Tensor thinned(const torch::Tensor& x) {
  return x.slice(2, 0, 64, 4).slice(3, 0, 64, 4);
}
/// But for a level here and there, where rounding decides.
void close_levels(const HashedGolden& golden, const std::string& what, const torch::Tensor& ours) {
  const auto difference = (ours - golden(what)).abs();
  EXPECT_LT(difference.mean().item<double>(), 2e-4) << what;
  EXPECT_GT((difference < 1e-3).to(torch::kFloat64).mean().item<double>(), 0.99) << what;
}

TEST(DiamondGolden, Conditioners) {
  const HashedGolden golden("diamond/denoiser.npz");
  const auto c = conditioners(torch::tensor({5.0f, 1.0f, 0.1f, 0.002f, 0.5f}), {});
  golden.close("c_in", c.in.flatten());
  golden.close("c_out", c.out.flatten());
  golden.close("c_skip", c.skip.flatten());
  golden.close("c_noise", c.noise);
}

/// What Karras et al. ask of them, for any level: the network's input and target have unit variance.
TEST(DiamondGolden, ConditionersKeepVariancesAtOne) {
  const auto sigma = torch::logspace(-3, 2, 20);
  const auto s = (sigma.square() + 0.09).sqrt();
  const auto c = conditioners(sigma, {});
  EXPECT_TRUE((c.in.flatten().square() * (0.25 + s.square())).allclose(torch::ones(20)));
  EXPECT_TRUE((c.skip.flatten().square() * s.square() + (1 - c.skip.flatten()).square() * 0.25).allclose(c.out.flatten().square()));
  const auto plain = conditioners(torch::full({1}, 0.5), {.offset_noise = 0});
  EXPECT_NEAR(plain.skip.item<double>(), 0.5, 1e-6);
  EXPECT_NEAR(plain.out.item<double>(), std::sqrt(0.125), 1e-6);
  EXPECT_NEAR(plain.in.item<double>(), std::sqrt(2.0), 1e-6);
}

TEST(DiamondGolden, DenoiserAndItsLoss) {
  const HashedGolden golden("diamond/denoiser.npz");
  Diamond model({}, four_choices());
  EXPECT_EQ(test::parameter_count(*model.denoiser()), 4'405'955);
  EXPECT_EQ(static_cast<double>(test::parameter_count(*model.denoiser())), golden.number("count"));
  fill_denoiser(model);
  const auto frames = test::hashed_pictures("frames", {batch, context + 1, 3, 64, 64});
  const auto actions = choices_of("actions", {batch, context + 1}).slice(1, 0, context);
  const auto sigma = torch::tensor({1.0f, 0.1f});
  const auto x = frames.select(1, context), past = frames.slice(1, 0, context);
  const auto noisy = x + 0.3 * drawn("offset", {batch, 3, 1, 1}) + sigma.view({2, 1, 1, 1}) * drawn("noise", {batch, 3, 64, 64});
  const auto c = conditioners(sigma, {});
  const auto output = model.network_output(noisy, c, past, actions);
  golden.close("output", thinned(output.detach()));
  close_levels(golden, "denoised", thinned(edm_denoised(noisy, output, c).detach()));
  const auto loss = (output - edm_target(x, noisy, c)).square().mean();
  golden.close("loss", loss.detach());
  loss.backward();
  test::close_part_gradients(golden, *model.denoiser(), denoiser_parts);
}

TEST(DiamondGolden, FramesThatFollowItsOwn) {
  const HashedGolden golden("diamond/rolled.npz");
  Diamond model({}, four_choices());
  fill_denoiser(model);
  constexpr std::int64_t made = 3;
  const auto frames = test::hashed_pictures("rolled frames", {batch, context + made, 3, 64, 64}).transpose(0, 1);
  const auto actions = choices_of("rolled actions", {batch, context + made}).transpose(0, 1);
  const auto sigma = torch::tensor({1.0f, 0.1f});
  int count = 0;
  const auto loss = model.denoising_loss(frames, actions, torch::ones({context + made, batch}), [&](const torch::Tensor& x) {
    const auto number = std::to_string(count++);
    const auto noise = 0.3 * drawn("rolled offset" + number, {batch, 3, 1, 1}) +
                       sigma.view({2, 1, 1, 1}) * drawn("rolled noise" + number, {batch, 3, 64, 64});
    return Diamond::Noised{sigma, x + noise};
  });
  EXPECT_EQ(count, made);
  golden.close("loss", loss.detach());
  loss.backward();
  test::close_part_gradients(golden, *model.denoiser(), denoiser_parts);
}

/// Branch csgo's (tests/golden/make_diamond_upsampler.py).
TEST(DiamondGolden, FramesAfterNoisyOnes) {
  const HashedGolden golden("diamond/noisy_past.npz");
  constexpr std::int64_t made = 2, side = 16;
  auto spaces = four_choices();
  spaces.image_height = spaces.image_width = side;
  DiamondOptions options;
  options.width = 16, options.levels = 3, options.depth = 1, options.condition = 32, options.noisy_past = true, options.edm.offset_noise = 0.1;
  Diamond model(options, spaces);
  EXPECT_EQ(static_cast<double>(test::parameter_count(*model.denoiser())), golden.number("count"));
  const auto parts = [&](const std::string& ours) { return diamond_denoiser_parts(options.denoiser().unet, ours); };
  test::fill_parts(*model.denoiser(), parts);
  const auto frames = test::hashed_pictures("noisy frames", {batch, context + made, 3, side, side}).transpose(0, 1);
  const auto actions = choices_of("noisy actions", {batch, context + made}).transpose(0, 1);
  const std::vector<torch::Tensor> levels{torch::tensor({0.5f, 0.05f}), torch::tensor({1.0f, 0.1f})};
  std::size_t count = 0;
  const auto noise = [&](const torch::Tensor& x, std::size_t i, const torch::Tensor& sigma, double offset) {
    const auto number = std::to_string(i);
    return x + offset * drawn("noisy offset" + number, {batch, x.size(1), 1, 1}) + sigma.view({2, 1, 1, 1}) * drawn("noisy noise" + number, x.sizes().vec());
  };
  const auto loss = model.denoising_loss(frames, actions, torch::ones({context + made, batch}), [&](const torch::Tensor& x) {
    const auto i = count++;
    return Diamond::Noised{levels[i % 2], noise(x, i, levels[i % 2], 0.1)};
  });
  EXPECT_EQ(count, 2u * made);
  golden.close("loss", loss.detach());
  loss.backward();
  test::close_part_gradients(golden, *model.denoiser(), parts);

  torch::NoGradGuard no_grad;
  const auto told = torch::full({batch}, 0.3);
  const auto past = noise(frames.slice(0, 0, context).transpose(0, 1).flatten(1, 2), 0, told, 0).view({batch, context, 3, side, side});
  const auto sampled = edm_sample(
      drawn("noisy begin", {batch, 3, side, side}), {.steps = 1},
      [&](const torch::Tensor& x, double sigma) {
        const auto c = conditioners(torch::full({batch}, sigma), model.options().edm);
        return edm_denoised(x, model.network_output(x, c, past, actions.slice(0, 0, context).transpose(0, 1), told), c);
      },
      [] { return torch::Tensor(); });
  close_levels(golden, "frame", sampled.x);
}

/// The kernels, and bf16, against ATen's operations.
TEST(DiamondGolden, DenoiserWithoutGradients) {
  torch::NoGradGuard no_grad;
  const HashedGolden golden("diamond/denoiser.npz");
  Diamond model({}, four_choices());
  fill_denoiser(model);
  const auto frames = test::hashed_pictures("frames", {batch, context + 1, 3, 64, 64});
  const auto actions = choices_of("actions", {batch, context + 1}).slice(1, 0, context);
  const auto sigma = torch::tensor({1.0f, 0.1f});
  const auto noisy = frames.select(1, context) + 0.3 * drawn("offset", {batch, 3, 1, 1}) +
                     sigma.view({2, 1, 1, 1}) * drawn("noise", {batch, 3, 64, 64});
  const auto output = [&] { return thinned(model.network_output(noisy, conditioners(sigma, {}), frames.slice(1, 0, context), actions)); };
  golden.close("output", output());
  model.set_bfloat16(true);
  const auto narrow = output(), wanted = golden("output");
  EXPECT_LT((narrow - wanted).square().mean().sqrt().item<double>(), 0.02 * wanted.square().mean().sqrt().item<double>());
  EXPECT_GT((narrow - wanted).abs().max().item<double>(), 0);
}

TEST(DiamondGolden, Sampler) {
  torch::NoGradGuard no_grad;
  const HashedGolden golden("diamond/sampler.npz");
  Diamond model({}, four_choices());
  fill_denoiser(model);
  const auto frames = test::hashed_pictures("frames", {batch, context + 1, 3, 64, 64});
  const auto actions = choices_of("actions", {batch, context + 1}).slice(1, 0, context);
  const std::map<std::string, SamplerOptions> cases = {
      {"euler", {}},
      {"five", {.steps = 5}},
      {"heun", {.order = SamplerOrder::heun}},
      {"churn", {.steps = 4, .order = SamplerOrder::heun, .churn = 1.2, .told_of_churn = false}}};
  for (const auto& [name, options] : cases) {
    const auto levels_here = sigma_levels(options);
    golden.close(name + "/levels", torch::tensor(levels_here).to(torch::kFloat32));
    int count = 0;
    const auto draw = [&] { return drawn("draw" + std::to_string(count++), {batch, 3, 64, 64}); };
    const auto begin = draw();
    const auto sampled = edm_sample(
        begin, options,
        [&](const torch::Tensor& x, double sigma) {
          const auto c = conditioners(torch::full({batch}, sigma), {});
          // Without levels, as in the dump.
          return (c.skip * x + c.out * model.network_output(x, c, frames.slice(1, 0, context), actions)).clamp(-1, 1);
        },
        draw);
    golden.close(name, thinned(sampled.x));
    golden.close(name + "/first", thinned(sampled.steps[0]));
    EXPECT_EQ(count, name == "churn" ? 5 : 1);
  }
}

TEST(DiamondGolden, RewardAndEnd) {
  const HashedGolden golden("diamond/rew_end.npz");
  Diamond model({}, four_choices());
  auto& net = *model.reward_end();
  EXPECT_EQ(test::parameter_count(net), 5'900'864);
  EXPECT_EQ(static_cast<double>(test::parameter_count(net)), golden.number("count"));
  test::fill_parts(net, reward_end_parts);
  constexpr std::int64_t steps = 6;
  const auto frames = test::hashed_pictures("long", {batch, steps + 1, 3, 64, 64}).transpose(0, 1);
  const auto actions = choices_of("long actions", {batch, steps + 1}).transpose(0, 1).slice(0, 0, steps);
  const auto said = net.forward(net.look(frames.slice(0, 0, steps), actions, frames.slice(0, 1)), net.initial(batch));
  golden.close("reward", said.reward.detach());
  golden.close("end", said.end.detach());
  golden.close("h", said.state.h.detach());
  golden.close("c", said.state.c.detach());
  {  // step by step in bf16
    torch::NoGradGuard no_grad;
    auto state = net.initial(batch);
    const auto seen = net.look(frames.slice(0, 0, steps), actions, frames.slice(0, 1));
    for (std::int64_t t = 0; t < steps; ++t) {
      const auto step = net.step(seen[t], state);
      EXPECT_LT((step.reward[0] - said.reward[t]).abs().max().item<double>(), 0.02) << t;
      state = step.state;
    }
    EXPECT_LT((state.h - said.state.h).abs().max().item<double>(), 0.02);
  }
  const auto reward = (2.4 * test::hashed_by_name("long rewards", {batch, steps + 1})).round().t().slice(0, 0, steps);
  auto alive = torch::ones({steps, batch}), end = torch::zeros({steps, batch});
  alive.slice(0, 3).select(1, 1).zero_();
  end[2][1] = 1;
  const auto [of_reward, of_end] = reward_end_loss(said, reward, end, alive);
  golden.close("loss_reward", of_reward.detach());
  golden.close("loss_end", of_end.detach());
  (of_reward + of_end).backward();
  test::close_part_gradients(golden, net, reward_end_parts);
}

}  // namespace diamond_golden_test
}  // namespace dream
