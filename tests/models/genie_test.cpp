#include "core/models/genie.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/models/code_gauges.h"
#include "core/nn/generator.h"
#include "core/nn/optimiser.h"

namespace dream {
namespace genie_test {

constexpr std::int64_t lanes = 2, frames = 4;

GenieOptions small_genie(ActionPlace place = ActionPlace::added) {
  GenieOptions options;
  options.frames = frames;
  options.tokenizer.width = 16, options.tokenizer.layers = 1, options.tokenizer.patch = 16;
  options.actions.width = 16, options.actions.layers = 1, options.actions.codes.codes = 5,
  options.actions.codes.width = 8;
  options.dynamics = {.width = 16, .layers = 1, .heads = 2, .action = place};
  return options;
}

Spaces pictures_alone() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64, spaces.image_channels = 3;
  spaces.action.axes = {"steer", "gas"}, spaces.action.low = {-1, 0}, spaces.action.high = {1, 1};
  return spaces;
}

std::shared_ptr<GenieModel> make(ActionPlace place = ActionPlace::added) {
  torch::manual_seed(1);
  auto model = std::make_shared<GenieModel>(small_genie(place), pictures_alone());
  model->eval();
  return model;
}

/// A bright block that moves to the right or down: [B, T, C, 64, 64].
torch::Tensor moving_blocks(std::int64_t count) {
  auto pictures = torch::full({count, frames, 3, 64, 64}, 0.1);
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t t = 0; t < frames; ++t) {
      const auto across = 8 * (i % 3) + (i % 2 == 0 ? 8 * t : 0), down = 8 * (i % 4) + (i % 2 == 1 ? 8 * t : 0);
      pictures[i][t].slice(1, down, down + 16).slice(2, across, across + 16).fill_(0.9);
    }
  return pictures;
}

Observation seen_at(const torch::Tensor& pictures, std::int64_t t) {
  return {pictures.select(1, t).mul(255).round().to(torch::kUInt8).permute({0, 2, 3, 1}).contiguous(), {}};
}

Carry watched(GenieModel& model, std::int64_t steps) {
  auto carry = model.initial(lanes);
  const auto pictures = moving_blocks(lanes);
  for (std::int64_t t = 0; t < steps; ++t)
    carry = model.observe(carry, torch::zeros({lanes, 2}), seen_at(pictures, t % frames), {});
  return carry;
}

TEST(Genie, ItsActionsAreTheCodesWhateverTheWorldHas) {
  const auto space = make()->actions(pictures_alone());
  EXPECT_EQ(space.size(), 1u);
  EXPECT_EQ(space.choices.size(), 5u);
  ASSERT_EQ(space.keys.size(), 5u);
  EXPECT_EQ(space.keys[4].key, "5");
  EXPECT_EQ(space.keys[4].value, 4);
}

TEST(Genie, TheScheduleOfMaskGitHidesAsManyAsThePaper) {
  const std::vector<std::pair<std::int64_t, std::int64_t>> known = {{1, 918},  {5, 874}, {12, 670},
                                                                    {13, 629}, {24, 57}, {25, 0}};
  for (const auto& [step, hidden] : known) EXPECT_EQ(mask_git_hidden(920, step, 25), hidden) << "step " << step;
}

TEST(Genie, AllTokensOfAFrameAreChosenInAsManyStepsAsAreAsked) {
  torch::NoGradGuard no_grad;
  auto model = make();
  for (const double steps : {1.0, 4.0, 25.0}) {
    const auto next = model->imagine(watched(*model, 2), torch::zeros({lanes, 1}), {{"maskgit_steps", steps}},
                                     make_generator(torch::kCPU, 1));
    const auto step = next.at("step");
    EXPECT_GE(step.min().item<double>(), 1);
    EXPECT_EQ(step.max().item<double>(), steps);
    EXPECT_LT(next.at("tokens").max().item<double>(), 256) << "none stays hidden";
    EXPECT_GT(next.at("confidence").min().item<double>(), 0);
  }
}

TEST(Genie, AFreshOneKnowsNothingOfTokens) {
  auto model = make();
  const auto tokens = torch::randint(256, {8, frames, 16}, torch::kInt64);
  const auto loss = model->dynamics()->loss(tokens, torch::randn({8, frames - 1, 8}), make_generator(torch::kCPU, 2));
  EXPECT_NEAR(loss.total.item<double>(), std::log(256), 0.02);
}

TEST(Genie, TheFirstFrameIsNeverHiddenAndNothingSeesLaterFrames) {
  torch::NoGradGuard no_grad;
  for (const auto place : {ActionPlace::added, ActionPlace::prepended}) {
    auto model = make(place);
    const auto tokens = torch::randint(256, {2, frames, 16}, torch::kInt64);
    const auto actions = torch::randn({2, frames - 1, 8});
    const auto before = model->dynamics()->forward(tokens, actions);
    auto other = actions.clone();
    other.select(1, 1) += 1;  // what leads to frame 2
    const auto after = model->dynamics()->forward(tokens, other);
    EXPECT_TRUE(torch::equal(after.slice(1, 0, 2), before.slice(1, 0, 2)));
    EXPECT_GT((after - before).select(1, 2).abs().max().item<double>(), 1e-5);
  }
}

TEST(Genie, AFrameIsJudgedAsInTraining) {
  torch::NoGradGuard no_grad;
  for (const auto place : {ActionPlace::added, ActionPlace::prepended}) {
    auto model = make(place);
    auto& dynamics = model->dynamics();
    const auto tokens = torch::randint(256, {2, frames, 16}, torch::kInt64);
    const auto actions = torch::randn({2, frames - 1, 8});
    const auto whole = dynamics->forward(tokens, actions);
    const auto led = torch::cat({torch::zeros({2, 1, 8}), actions}, 1), at = torch::tensor({1, 3}, torch::kInt64),
               lane = torch::arange(2);
    const auto next = dynamics->next(tokens.index({lane, at}), led.index({lane, at}), dynamics->past(tokens, led), at);
    EXPECT_LT((next - whole.index({lane, at})).abs().max().item<double>(), 1e-5);
  }
}

TEST(Genie, TheSameChanceDreamsTheSame) {
  torch::NoGradGuard no_grad;
  auto model = make();
  const auto dream = [&](std::uint64_t seed) {
    auto carry = watched(*model, 3);
    auto rng = make_generator(torch::kCPU, seed);
    for (int t = 0; t < 4; ++t) carry = model->imagine(carry, torch::full({lanes, 1}, t % 5), {}, rng);
    return carry.at("tokens");
  };
  EXPECT_TRUE(torch::equal(dream(1), dream(1)));
  EXPECT_FALSE(torch::equal(dream(1), dream(2)));
}

TEST(Genie, TheWindowMovesOnOnceItIsFull) {
  torch::NoGradGuard no_grad;
  auto model = make();
  const auto full = watched(*model, frames);
  EXPECT_EQ(full.at("filled").min().item<double>(), frames);
  const auto next = model->imagine(full, torch::full({lanes, 1}, 3.0), {}, make_generator(torch::kCPU, 1));
  EXPECT_EQ(next.at("filled").min().item<double>(), frames);
  EXPECT_TRUE(torch::equal(next.at("tokens").slice(1, 0, frames - 1), full.at("tokens").slice(1, 1)));
  EXPECT_TRUE(torch::equal(next.at("actions").select(1, frames - 1), torch::full({lanes}, 3.0f)));
  for (const auto& [name, tensor] : model->initial(lanes)) EXPECT_EQ(next.at(name).sizes(), tensor.sizes()) << name;
  EXPECT_EQ(model->predict(next).frame.sizes(), (std::vector<std::int64_t>{lanes, 3, 64, 64}));
}

TEST(Genie, LanesOfDifferentAgesAreAsEachAlone) {
  torch::NoGradGuard no_grad;
  auto model = make();
  const auto young = select_lane(watched(*model, 2), 0), old = select_lane(watched(*model, frames + 2), 1);
  Carry both;
  for (const auto& [name, tensor] : young) both[name] = torch::cat({tensor, old.at(name)});
  const auto together = model->surprise(both);
  EXPECT_NEAR(together[0].item<double>(), model->surprise(young).item<double>(), 1e-3);
  EXPECT_NEAR(together[1].item<double>(), model->surprise(old).item<double>(), 1e-3);
  const auto seen = seen_at(moving_blocks(lanes), 0);
  const auto next = model->observe(both, {}, seen, {});
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const auto alone = model->observe(lane == 0 ? young : old, {}, {seen.image.slice(0, lane, lane + 1), {}}, {});
    for (const auto& name : {"filled", "actions"})
      EXPECT_TRUE(torch::equal(select_lane(next, lane).at(name), alone.at(name))) << name;
    EXPECT_LT((select_lane(next, lane).at("frame") - alone.at("frame")).abs().max().item<double>(), 1e-4);
  }
}

TEST(Genie, OneBatchIsLearnedByHeart) {
  auto model = make();
  const auto pictures = moving_blocks(6);
  auto rng = make_generator(torch::kCPU, 4);
  const auto learn = [&](torch::nn::Module& network, int updates,
                         const std::function<std::pair<torch::Tensor, torch::Tensor>()>& loss) {
    Optimiser adam(network.parameters(), {.kind = OptimiserKind::adam,
                                          .learning_rate = 5e-3,
                                          .eps = 1e-8,
                                          .clip_norm = 1,
                                          .adaptive_clip = 0,
                                          .warm_up = 0});
    double first = 0, last = 0;
    network.train();
    for (int i = 0; i < updates; ++i) {
      const auto [total, shown] = loss();
      last = shown.item<double>();
      if (i == 0) first = last;
      total.backward();
      adam.step();
    }
    network.eval();
    return std::pair(first, last);
  };
  const auto [blank, rebuilt] = learn(*model->tokenizer(), 150, [&] {
    const auto loss = model->tokenizer()->loss(pictures);
    return std::pair(loss.total, loss.pixels);
  });
  EXPECT_LT(rebuilt, 0.1 * blank);
  const auto [copied, told] = learn(*model->latent_actions(), 150, [&] {
    const auto loss = model->latent_actions()->loss(pictures);
    return std::pair(loss.total, loss.pixels);
  });
  EXPECT_NEAR(copied, 1, 0.2) << "at first it paints nearly the last frame again";
  EXPECT_LT(told, 0.2);
  torch::Tensor tokens, values, codes;
  {
    torch::NoGradGuard no_grad;
    tokens = model->tokenizer()->tokens(pictures);
    codes = model->latent_actions()->codes_of(pictures);
    values = model->latent_actions()->values(codes);
    EXPECT_GT(perplexity(codes, 5), 1.5);
    const auto before = pictures.slice(1, 0, frames - 1);
    const auto swapped = model->latent_actions()->painted(before, (codes + 1).remainder(5));
    EXPECT_GT((swapped - model->latent_actions()->painted(before, codes)).abs().mean().item<double>(), 1e-3)
        << "codes permuted change frames";
  }
  const auto [unknown, known] = learn(*model->dynamics(), 250, [&] {
    const auto loss = model->dynamics()->loss(tokens, values, rng);
    return std::pair(loss.total, loss.total);
  });
  EXPECT_LT(known, 0.25 * unknown);
}

TEST(CodeGauges, SayWhatCodesAndActionsTellOfEachOther) {
  EXPECT_NEAR(normalised_mutual_information(torch::tensor({{0, 5, 0}, {5, 0, 0}, {0, 0, 5}})), 1, 1e-9)
      << "another numbering is none";
  EXPECT_NEAR(normalised_mutual_information(torch::ones({3, 4})), 0, 1e-9);
  // Two codes of one action: H(a) = ln 2, H(c) = 1.5 ln 2, I = ln 2.
  EXPECT_NEAR(normalised_mutual_information(torch::tensor({{1, 0}, {1, 0}, {0, 2}})), 1 / std::sqrt(1.5), 1e-9);
  EXPECT_TRUE(std::isnan(normalised_mutual_information(torch::tensor({{3, 4}}))));
  const auto together = counted_together(torch::tensor({0, 1, 1}), torch::tensor({2, 0, 0}), 2, 3);
  EXPECT_EQ(together[1][0].item<double>(), 2);
  EXPECT_EQ(together.sum().item<double>(), 3);
}

}  // namespace genie_test
}  // namespace dream
