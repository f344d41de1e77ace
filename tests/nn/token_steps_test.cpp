#include "core/nn/token_steps.h"

#include <gtest/gtest.h>

#include "core/nn/kernel_path.h"

namespace dream {
namespace token_steps_test {

constexpr std::int64_t lanes = 3, slots = 5, frames = 4;

struct Made {
  explicit Made(std::int64_t width, bool bfloat16 = false, std::int64_t led = 1)
      : options{.width = width, .layers = 2, .heads = 2, .dropout = 0, .between = Between::gelu}, stack(options), steps(stack, options, led) {
    torch::NoGradGuard no_grad;
    for (auto& p : stack->parameters()) p.add_(0.2 * torch::randn_like(p));
    if (bfloat16) {  // weights that lose nothing
      for (auto& p : stack->parameters()) p.copy_(p.to(torch::kBFloat16));
    }
    steps.set_bfloat16(bfloat16);
  }
  TransformerOptions options;
  Transformer stack;
  TokenSteps steps;
};

/// Of tokens x [B, frames · slots − 1, D]: a window without the token that led to its first frame. Lanes have `count` frames, whose
/// tokens come last, and each frame is taken in pieces of these lengths.
torch::Tensor stepped(Made& made, const torch::Tensor& x, const torch::Tensor& count, const std::vector<std::int64_t>& pieces) {
  torch::NoGradGuard no_grad;
  auto padded = torch::cat({torch::zeros_like(x.slice(1, 0, 1)), x}, 1);
  TokenPages past{std::vector<torch::Tensor>(frames, torch::zeros(made.steps.page_shape(lanes, slots))), torch::zeros({lanes}, torch::kInt64)};
  std::vector<torch::Tensor> all;
  for (std::int64_t t = 0; t < frames; ++t) {
    auto page = torch::zeros(made.steps.page_shape(lanes, slots));
    past.count = (count - (frames - t)).clamp_min(0);  // before this frame
    std::int64_t slot = 0;
    for (const auto length : pieces) {
      const auto at = t * slots + slot;
      all.push_back(made.steps.next(padded.slice(1, at, at + length), past, page, slot));
      slot += length;
    }
    EXPECT_EQ(slot, slots);
    past.pages.push_back(page);
    past.pages.erase(past.pages.begin());
  }
  return torch::cat(all, 1);
}

class TokenStepsTest : public ::testing::Test {
 protected:
  TokenStepsTest() {
    torch::set_num_threads(1);
    torch::manual_seed(1);
  }
};

TEST_F(TokenStepsTest, SaysWhatTheWholeSequenceSays) {
  for (const bool bfloat16 : {false, true}) {
    for (const std::int64_t width : {24, 64}) {  // by the library, by kernels
      Made made(width, bfloat16);
      const auto x = torch::randn({lanes, frames * slots - 1, width});
      torch::NoGradGuard no_grad;
      const auto whole = made.stack->forward(x);
      const auto full = torch::full({lanes}, frames, torch::kInt64);
      for (const auto& pieces : {std::vector<std::int64_t>{5}, {1, 1, 1, 1, 1}, {1, 4}, {2, 3}}) {
        const auto parts = stepped(made, x, full, pieces).slice(1, 1);
        EXPECT_LT((parts - whole).abs().max().item<double>(), 2e-5) << width << (bfloat16 ? " bf16, " : ", ") << pieces.size() << " pieces";
      }
    }
  }
}

TEST_F(TokenStepsTest, EachLaneSeesItsOwnFramesAlone) {
  for (const std::int64_t width : {24, 64}) {
    for (const std::int64_t led : {1, 4}) {
      Made made(width, false, led);
      const auto x = torch::randn({lanes, frames * slots - 1, width});
      torch::NoGradGuard no_grad;
      const auto count = torch::tensor({std::int64_t{4}, std::int64_t{1}, std::int64_t{2}});
      const auto parts = stepped(made, x, count, {1, 4});
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        // Its window is a sequence of its own, which begins behind the tokens that led to its first frame.
        const auto begins = (frames - count[lane].item<std::int64_t>()) * slots + led - 1;
        const auto own = made.stack->forward(x.slice(0, lane, lane + 1).slice(1, begins));
        EXPECT_LT((parts[lane].slice(0, begins + 1) - own[0]).abs().max().item<double>(), 2e-5) << width << ", lane " << lane << ", led by " << led;
      }
    }
  }
}

TEST_F(TokenStepsTest, FollowsWeightsThatChange) {
  Made made(64);
  const auto x = torch::randn({lanes, frames * slots - 1, 64});
  const auto full = torch::full({lanes}, frames, torch::kInt64);
  const auto before = stepped(made, x, full, {5});
  torch::NoGradGuard no_grad;
  made.stack->named_parameters()["block1_down.weight"].mul_(2);
  const auto after = stepped(made, x, full, {5});
  EXPECT_GT((after - before).abs().max().item<double>(), 1e-3);
  EXPECT_LT((after.slice(1, 1) - made.stack->forward(x)).abs().max().item<double>(), 2e-5);
}

TEST_F(TokenStepsTest, BatchesSayWhatLanesSay) {
  Made made(64);
  torch::NoGradGuard no_grad;
  const auto x = torch::randn({20, 4, 64});
  const TokenPages past{{torch::randn(made.steps.page_shape(20, slots))}, torch::ones({20}, torch::kInt64)};
  auto page = torch::zeros(made.steps.page_shape(20, slots));
  const auto all = made.steps.next(x, past, page, 1);
  for (const std::int64_t lane : {0, 7, 13, 19}) {
    const auto one = [&](const torch::Tensor& t) { return t.slice(0, lane, lane + 1); };
    auto own = torch::zeros(made.steps.page_shape(1, slots));
    EXPECT_TRUE(torch::equal(made.steps.next(one(x), {{one(past.pages[0])}, one(past.count)}, own, 1), one(all))) << lane;
    EXPECT_TRUE(torch::equal(own, one(page))) << lane;
  }
}

}  // namespace token_steps_test
}  // namespace dream
