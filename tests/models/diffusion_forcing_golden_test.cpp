// The mathematics of Diffusion Forcing and its planning transformer against what buoyancy99/diffusion-forcing gives.
#include <gtest/gtest.h>

#include <array>

#include "core/models/diffusion_schedule.h"
#include "core/models/sequence_denoiser.h"
#include "core/nn/generator.h"
#include "core/nn/parameter_count.h"
#include "tests/support/forcing_golden.h"

namespace dream {
namespace diffusion_forcing_golden_test {

using test::apart;
using Golden = test::ForcingGolden;

constexpr std::array all_schedules = {BetaSchedule::linear, BetaSchedule::cosine, BetaSchedule::sigmoid};
constexpr std::array all_kinds = {DenoiserTells::noise, DenoiserTells::frame, DenoiserTells::velocity};

TEST(DiffusionForcingGolden, NoiseGrowsAsTheirs) {
  const Golden golden("schedule.npz");
  for (const auto kind : all_schedules) {
    const auto name = name_of(kind);
    const DiffusionSchedule schedule({.betas = kind});
    const auto every = torch::arange(1000, torch::kInt64);
    EXPECT_LT(apart(betas_of(kind, 1000), golden(name + "_betas")), 1e-5) << name << ": the ends of their sigmoid are float32";
    EXPECT_LT(apart(schedule.kept(every), golden(name + "_abar")), 1e-6) << name;
    EXPECT_LT(apart(schedule.ratio(every), golden(name + "_snr")), 1e-4) << name;
    EXPECT_EQ(schedule.kept(torch::full({1}, -1, torch::kInt64)).item<double>(), 1) << "no noise";
  }
}

/// What a thousand levels share out is too much for a few.
TEST(DiffusionSchedules, FewLevelsKeepSomethingOfTheFrame) {
  for (const auto kind : all_schedules)
    for (const std::int64_t levels : {2, 8, 19, 20, 21}) {
      const DiffusionSchedule schedule({.levels = levels, .betas = kind});
      const auto kept = schedule.kept(torch::arange(levels, torch::kInt64));
      EXPECT_GT(kept.min().item<double>(), 0) << name_of(kind) << " " << levels;
      EXPECT_TRUE(schedule.ratio(torch::arange(levels, torch::kInt64)).isfinite().all().item<bool>()) << name_of(kind) << " " << levels;
    }
}

TEST(DiffusionForcingGolden, SamplesAtTheirLevelsInTheirOrder) {
  const Golden golden("schedule.npz");
  const DiffusionSchedule schedule({});
  for (const std::int64_t steps : {1, 3, 4, 50, 100})
    EXPECT_TRUE(torch::equal(schedule.levels_of(steps), golden("levels_" + std::to_string(steps)))) << steps;
  EXPECT_TRUE(torch::equal(noise_matrix(100, 3, lag_of(NoiseOrder::pyramid, 100, 1)), golden("matrix_100_3_1")));
  EXPECT_TRUE(torch::equal(noise_matrix(100, 3, lag_of(NoiseOrder::frame_by_frame, 100, 1)), golden("matrix_100_3_100")));
  EXPECT_TRUE(torch::equal(noise_matrix(4, 3, lag_of(NoiseOrder::pyramid, 4, 1.5)), golden("matrix_4_3_1.5")));
  EXPECT_TRUE(torch::equal(noise_matrix(4, 5, lag_of(NoiseOrder::pyramid, 4, 0.25)), golden("matrix_4_5_0.25")));
  EXPECT_TRUE(torch::equal(noise_matrix(4, 3, lag_of(NoiseOrder::full_sequence, 4, 1.5)), golden("matrix_full")));
  EXPECT_EQ(noise_matrix(100, 3, 1).size(0), 103);
  EXPECT_EQ(noise_matrix(100, 3, 100).size(0), 301);
  EXPECT_EQ(noise_matrix(100, 3, 100)[-1].abs().sum().item<std::int64_t>(), 0);
  EXPECT_ANY_THROW(schedule.levels_of(1001));
}

TEST(DiffusionForcingGolden, WeighsAsTheirs) {
  const Golden golden("schedule.npz");
  for (const auto kind : all_kinds)
    for (const bool fused : {true, false}) {
      const auto name = name_of(kind) + "_weights_" + (fused ? "fused" : "plain");
      EXPECT_LT(apart(DiffusionSchedule({.tells = kind, .weights = fused ? NoiseWeights::fused : NoiseWeights::min_snr}).weights(golden("levels")), golden(name)), 1e-5) << name;
    }
}

TEST(DiffusionForcingGolden, TellsAndLosesAsTheirs) {
  const Golden golden("schedule.npz");
  const auto x = golden("x"), noise = golden("noise"), said = golden("said"), levels = golden("levels");
  for (const auto kind : all_kinds) {
    const auto name = name_of(kind);
    const DiffusionSchedule schedule({.tells = kind});
    EXPECT_LT(apart(schedule.noised(x, levels, noise), golden(name + "_noised")), 1e-6) << name;
    const auto told = schedule.told(x, levels, said);
    EXPECT_LT(apart(told.clean, golden(name + "_clean")), 1e-4) << name;
    EXPECT_LT(apart(told.noise, golden(name + "_told_noise")), 1e-4) << name;
    const auto loss = (said - schedule.target(x, levels, noise)).square() * schedule.weights(levels).unsqueeze(-1);
    EXPECT_LT(apart(loss, golden(name + "_loss")), 1e-4) << name;
  }
  EXPECT_LT(apart(DiffusionSchedule({}).target(x, levels, noise), golden("velocity_target")), 1e-6);
  // What is told of a frame and its noise is these two, whatever it is that is said.
  for (const auto kind : all_kinds) {
    const DiffusionSchedule schedule({.tells = kind});
    const auto some = levels.clamp(50, 900);
    const auto told = schedule.told(schedule.noised(x, some, noise), some, schedule.target(x, some, noise));
    EXPECT_LT(apart(told.clean, x), 1e-3) << name_of(kind);
    EXPECT_LT(apart(told.noise, noise), 1e-3) << name_of(kind);
  }
}

TEST(DiffusionForcingGolden, StepsAsTheirDdim) {
  const Golden golden("schedule.npz");
  const auto x = golden("x"), noise = golden("noise"), said = golden("said");
  for (const auto kind : all_kinds) {
    const DiffusionSchedule schedule({.tells = kind});
    const auto ladder = schedule.levels_of(100);
    const auto from = ladder.index({golden("before")}), to = ladder.index({golden("after")});
    const auto told = schedule.told(x, from, said);
    EXPECT_LT(apart(schedule.step(x, told, from, to, 0, {}), golden(name_of(kind) + "_step_0")), 1e-4) << name_of(kind);
    // With η = 1 their noise is added; ours is drawn, so its deviation is asked for by itself.
    const auto rng = [] { return make_generator(torch::kCPU, 3); };
    const auto drawn = schedule.noise(x.sizes(), x.options(), rng());
    const auto stepped = schedule.step(x, told, from, to, 1, rng());
    const auto of = schedule.kept(from), after = schedule.kept(to);
    const auto deviation = torch::where(from == to, 0, ((1 - of / after) * (1 - after) / (1 - of)).clamp_min(0).sqrt());
    const auto theirs = stepped + deviation.to(torch::kFloat32).unsqueeze(-1) * (noise - drawn);
    EXPECT_LT(apart(theirs, golden(name_of(kind) + "_step_1")), 1e-4) << name_of(kind);
  }
}

TEST(DiffusionForcingGolden, ThePlanningTransformerSaysWhatTheirsSays) {
  torch::NoGradGuard no_grad;
  const Golden golden("planning.npz");
  const auto x = golden("x"), levels = golden("levels");
  for (const bool causal : {false, true}) {
    SequenceDenoiser network(x.size(2), SequenceDenoiserOptions{.width = 16, .layers = 2, .heads = 2, .units = 64, .causal = causal});
    auto parameters = network->named_parameters();
    std::size_t taken = 0;
    const auto take = [&](const std::string& ours, const std::string& theirs) {
      for (const auto& [mine, other] : {std::pair("weight", ".weight"), std::pair("bias", ".bias")}) {
        auto* parameter = parameters.find(ours + "." + mine);
        if (!parameter) parameter = parameters.find(ours + (std::string(mine) == "weight" ? ".scale" : ".shift"));
        ASSERT_NE(parameter, nullptr) << ours;
        parameter->copy_(golden("weights/" + theirs + other)), ++taken;
      }
    };
    take("first", "init_mlp.0"), take("second", "init_mlp.2"), take("out", "out");
    for (int i = 0; i < 2; ++i) {
      const auto ours = "block" + std::to_string(i) + "_", theirs = "transformer.layers." + std::to_string(i) + ".";
      take(ours + "attended", theirs + "self_attn.out_proj"), take(ours + "up", theirs + "linear1"), take(ours + "down", theirs + "linear2");
      take(ours + "norm1", theirs + "norm1"), take(ours + "norm2", theirs + "norm2");
      for (const auto* each : {"weight", "bias"}) parameters[ours + "qkv." + each].copy_(golden("weights/" + theirs + "self_attn.in_proj_" + each)), ++taken;
    }
    EXPECT_EQ(taken, parameters.size());
    EXPECT_LT(apart(network(x, levels), golden(causal ? "said_causal" : "said_both_ways")), 1e-5);
    if (causal) continue;
    const auto noise = golden("noise");
    const DiffusionSchedule schedule({.betas = BetaSchedule::linear, .tells = DenoiserTells::frame, .most_noise = 20, .weights = NoiseWeights::min_snr});
    const auto missed = (network(schedule.noised(x, levels, noise), levels) - schedule.target(x, levels, noise)).square();
    EXPECT_LT(apart(missed * schedule.weights(levels).unsqueeze(-1), golden("loss")), 1e-4);
  }
}

TEST(DiffusionForcingGolden, ThePublishedPlannerIsOfTheirSize) {
  const SequenceDenoiser network(40, SequenceDenoiserOptions{});
  EXPECT_EQ(parameter_count(*network), Golden("planning.npz")("parameters").item<std::int64_t>());
}

}  // namespace diffusion_forcing_golden_test
}  // namespace dream
