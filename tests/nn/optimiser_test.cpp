#include "core/nn/optimiser.h"

#include <torch/optim/adamw.h>

#include <cmath>
#include <limits>

#include "api/error.h"
#include "tests/data/temp_folder.h"
#include "tests/models/dreamer_golden.h"

namespace dream {
namespace optimiser_test {

using test::Golden;
using test::hashed;
using test::hashed_float;
using test::message_of;

OptimiserOptions adam(double rate) {
  return {.kind = OptimiserKind::adam, .learning_rate = rate, .eps = 1e-8, .adaptive_clip = 0, .warm_up = 0};
}

std::vector<torch::Tensor> two_weights() {
  return {hashed_float(1, {4, 6}, 1).requires_grad_(), hashed_float(2, {6}, 1).requires_grad_()};
}

void set_gradients(const std::vector<torch::Tensor>& weights, std::uint32_t step, double scale = 1) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i].mutable_grad() =
        hashed_float(10 * step + static_cast<std::uint32_t>(i), weights[i].sizes().vec(), scale);
  }
}

/// LaProp behind AGC behind a warm-up, step by step, as danijar/dreamerv3 has them.
TEST(Optimiser, LapropStepsAsDreamerV3) {
  Golden golden("v3_24_optimiser");
  const std::vector<std::string> names = {"kernel", "bias", "scale", "tiny"};
  for (const auto& [run, rate, warm_up] : {std::tuple{"plain", 1e-2, 0}, {"warm", 1e-2, 3}, {"default", 4e-5, 1000}}) {
    std::vector<torch::Tensor> weights;
    for (const auto& name : names) weights.push_back(golden("weight/" + name).clone().requires_grad_());
    OptimiserOptions options;
    EXPECT_EQ(options.learning_rate, 4e-5);
    EXPECT_EQ(options.warm_up, 1000);
    options.learning_rate = rate;
    options.warm_up = warm_up;
    Optimiser optimiser(weights, options);
    for (int step = 0; step < 5; ++step) {
      const auto prefix = "step" + std::to_string(step) + "/";
      std::vector<torch::Tensor> before;
      for (std::size_t i = 0; i < names.size(); ++i) {
        weights[i].mutable_grad() = golden("in/" + prefix + names[i]).clone();
        before.push_back(weights[i].detach().clone());
      }
      optimiser.step();
      for (std::size_t i = 0; i < names.size(); ++i) {
        const auto key = std::string(run) + "/" + prefix + names[i];
        golden.close(key, weights[i], golden("out/" + key));
        // What was added, where rounding of the weight leaves four digits of it.
        const auto update = golden("out/" + std::string(run) + "/update" + std::to_string(step) + "/" + names[i]);
        const double size = update.abs().max().item<double>();
        if (size > 2e-3 * before[i].abs().max().item<double>())
          golden.close("update of " + key, weights[i].detach() - before[i], update);
        const bool waits = warm_up > 0 && step == 0;  // the first step of a warm-up has size 0
        EXPECT_EQ(torch::equal(weights[i].detach(), before[i]), waits);
      }
    }
  }
}

/// V of "World Models" was trained by torch::optim::Adam: every bit is the same.
TEST(Optimiser, AdamIsTorchsBitForBit) {
  const auto weights = two_weights(), theirs = two_weights();
  auto options = adam(1e-3);
  options.clip_value = 0.5;
  options.measure = false;
  Optimiser ours(weights, options);
  torch::optim::Adam torchs(theirs, torch::optim::AdamOptions(1e-3));
  for (std::uint32_t step = 1; step < 20; ++step) {
    set_gradients(weights, step, 3);
    set_gradients(theirs, step, 3);
    EXPECT_EQ(ours.step(), 0) << "nobody asked for the norm";
    torch::nn::utils::clip_grad_value_(theirs, 0.5);
    torchs.step();
    for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(torch::equal(weights[i], theirs[i])) << step;
  }
}

TEST(Optimiser, AdamWithDecayStepsAsTorch) {
  const auto weights = two_weights(), theirs = two_weights();
  auto options = adam(1e-2);
  options.weight_decay = 0.1;
  Optimiser ours(weights, options);
  torch::optim::AdamW torchs(theirs, torch::optim::AdamWOptions(1e-2).eps(1e-8).weight_decay(0.1));
  for (std::uint32_t step = 1; step < 20; ++step) {
    set_gradients(weights, step);
    set_gradients(theirs, step);
    ours.step();
    torchs.step();
    for (std::size_t i = 0; i < 2; ++i) EXPECT_LT(test::relative_error(weights[i], theirs[i]), 1e-6) << step;
  }
  EXPECT_EQ(ours.steps(), 19);
}

TEST(Optimiser, ReturnsTheNormAndClipsByIt) {
  const auto weights = two_weights(), scaled = two_weights();
  auto options = adam(1e-2);
  options.eps = 1;  // so that the gradient's size matters
  Optimiser free(scaled, options);
  options.clip_norm = 0.5;
  Optimiser clipped(weights, options);
  set_gradients(weights, 1, 3);
  double squares = 0;
  for (const auto& w : weights) squares += w.grad().square().sum().item<double>();
  set_gradients(scaled, 1, 3 * 0.5 / std::sqrt(squares));
  EXPECT_NEAR(clipped.step(), std::sqrt(squares), 1e-4);
  EXPECT_NEAR(free.step(), 0.5, 1e-5);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_LT(test::relative_error(weights[i], scaled[i]), 1e-6);
  EXPECT_FALSE(weights[0].grad().defined());  // cleared
}

TEST(Optimiser, AGradientThatIsNotFiniteChangesNothing) {
  const auto weights = two_weights();
  Optimiser optimiser(weights, {});
  set_gradients(weights, 1);
  optimiser.step();
  Checkpoint before;
  optimiser.save(before, "o/");
  const auto kept = weights[1].detach().clone();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    set_gradients(weights, 2);
    weights[0].mutable_grad()[0][0] = bad;
    EXPECT_NE(message_of<Error>([&] { optimiser.step(); }).find("not finite"), std::string::npos);
    EXPECT_TRUE(torch::equal(weights[1].detach(), kept));
    Checkpoint after;
    optimiser.save(after, "o/");
    for (const auto& [name, tensor] : before.tensors) EXPECT_TRUE(torch::equal(after.tensors.at(name), tensor)) << name;
  }
}

TEST(Optimiser, GoesOnFromACheckpointBitForBit) {
  for (const auto kind : {OptimiserKind::adam, OptimiserKind::laprop}) {
    OptimiserOptions options;
    options.kind = kind;
    options.learning_rate = 1e-2;
    options.warm_up = 5;
    const auto weights = two_weights();
    Optimiser whole(weights, options);
    std::vector<torch::Tensor> copies;
    Checkpoint half;
    for (std::uint32_t step = 1; step < 9; ++step) {
      set_gradients(weights, step);
      whole.step();
      if (step != 4) continue;
      whole.save(half, "o/");
      for (const auto& w : weights) copies.push_back(w.detach().clone().requires_grad_());
    }
    Optimiser resumed(copies, options);
    resumed.load(half, "o/");
    for (std::uint32_t step = 5; step < 9; ++step) {
      set_gradients(copies, step);
      resumed.step();
    }
    for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(torch::equal(copies[i], weights[i])) << name_of(kind);
    half.tensors.erase("o/1/second");
    EXPECT_THROW(resumed.load(half, "o/"), Error);
    EXPECT_EQ(resumed.steps(), 8);  // as it was
  }
}

TEST(Optimiser, WithoutGradientsNothingHappens) {
  const auto weights = two_weights();
  const auto kept = weights[0].detach().clone();
  Optimiser optimiser(weights, {});
  EXPECT_EQ(optimiser.step(), 0);
  EXPECT_EQ(optimiser.steps(), 0);
  weights[1].mutable_grad() = torch::ones({6});
  optimiser.step();
  EXPECT_TRUE(torch::equal(weights[0].detach(), kept));
}

}  // namespace optimiser_test
}  // namespace dream
