// JEPA's transformer predictor: what it looks back at, what it does not, and that it learns what the present alone does not tell.
#include "core/models/looking_back.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "core/env/two_room.h"
#include "core/models/jepa.h"
#include "core/nn/generator.h"
#include "core/nn/optimiser.h"

namespace dream {
namespace looking_back_test {

constexpr std::int64_t window = 4;

LookingBackOptions small() {
  return {.latent = 6, .action = 2, .width = 32, .layers = 2, .heads = 2, .window = window};
}

/// One whose answer is not nothing.
LookingBack some() {
  torch::manual_seed(3);
  LookingBack net(small());
  torch::NoGradGuard no_grad;
  for (auto p : net->parameters()) p.add_(0.2 * torch::randn_like(p));
  return net;
}

TEST(LookingBack, BeginsByChangingNothing) {
  LookingBack net(small());
  EXPECT_EQ(net(net->nothing(3), torch::randn({3, 6}), torch::randn({3, 2})).abs().max().item<double>(), 0);
}

TEST(LookingBack, SeesWhatThereWasAndNoMore) {
  torch::NoGradGuard no_grad;
  auto net = some();
  const auto z = torch::randn({2, 6}), a = torch::randn({2, 2});
  auto before = net->nothing(2);
  const auto alone = net(before, z, a);
  before.tokens = torch::randn_like(before.tokens);  // of an episode that was before
  EXPECT_TRUE(torch::allclose(net(before, z, a), alone, 0, 1e-6));
  before.count.fill_(1);
  EXPECT_GT((net(before, z, a) - alone).abs().max().item<double>(), 1e-3);
  auto other = before;
  other.tokens = before.tokens.clone();
  other.tokens.slice(1, 0, window - 2).fill_(9);  // all but the newest
  EXPECT_TRUE(torch::allclose(net(before, z, a), net(other, z, a), 0, 1e-6));
}

TEST(LookingBack, KeepsItsWindow) {
  auto net = some();
  auto before = net->nothing(1);
  for (int t = 0; t < 3 * window; ++t) {
    before = LookingBackImpl::then(before, torch::full({1, 6}, t), torch::zeros({1, 2}));
    EXPECT_EQ(before.count.item<double>(), std::min<double>(t, window - 1));
    ASSERT_EQ(before.tokens.sizes(), (std::vector<std::int64_t>{1, window - 1, 8}));
    EXPECT_EQ(before.tokens[0][window - 2][0].item<double>(), t);
  }
}

/// What a dream imagines step by step, from its carry, is what the loss unrolls.
TEST(LookingBack, DreamsAsItLearns) {
  torch::manual_seed(4);
  JepaOptions options;
  options.latent = 8, options.depth = 2, options.view.on = false, options.predictor = JepaPredictor::transformer;
  options.predictor_units = 16, options.predictor_heads = 2, options.window = 3;
  Jepa model(options, TwoRoom().spaces());
  torch::NoGradGuard no_grad;
  for (auto p : model.parameters()) p.add_(0.1 * torch::randn_like(p));
  constexpr std::int64_t steps = 7, lanes = 2;
  SequenceBatch batch;
  batch.image = torch::randint(256, {steps, lanes, 64, 64, 3}, torch::kUInt8);
  batch.action = torch::rand({steps, lanes, 2}) * 4 - 2;
  batch.reward = batch.terminated = batch.last = batch.first = torch::zeros({steps, lanes});
  auto rng = make_generator(torch::kCPU, 1);
  const auto made = model.loss(batch, options, rng);
  auto carry = model.observe(model.initial(lanes), torch::zeros({lanes, 2}), {batch.image[0], {}}, rng);
  for (std::int64_t t = 0; t + 1 < steps; ++t) {
    EXPECT_TRUE(torch::allclose(carry.at("z"), made.states[t], 1e-5, 1e-5)) << t;
    carry = model.imagine(carry, batch.action[t + 1], {}, rng);
  }
  // And who watches remembers what was done: the second picture is no first one.
  const auto seen = model.observe(model.initial(lanes), torch::zeros({lanes, 2}), {batch.image[0], {}}, rng);
  const auto twice = model.observe(seen, batch.action[1], {batch.image[1], {}}, rng);
  EXPECT_EQ(twice.at("moments").max().item<double>(), 1);
  EXPECT_TRUE(torch::allclose(twice.at("before").select(1, 1).slice(1, 0, 8), seen.at("z")));
  for (const auto& [name, tensor] : model.initial(lanes)) EXPECT_EQ(twice.at(name).sizes(), tensor.sizes()) << name;
}

/// z moves by the action of the step before: the present tells nothing of it.
TEST(LookingBack, LearnsWhatThePastAloneTells) {
  torch::set_num_threads(1);
  torch::manual_seed(1);
  LookingBack net(small());
  Optimiser optimiser(net->parameters(), {.kind = OptimiserKind::adam, .learning_rate = 2e-3, .eps = 1e-8, .clip_norm = 10, .adaptive_clip = 0, .warm_up = 0});
  double error = 0, variance = 0;
  for (int i = 0; i < 300; ++i) {
    const auto z = torch::randn({64, 6}), earlier = torch::randn({64, 2}), now = torch::randn({64, 2});
    auto before = LookingBackImpl::then(net->nothing(64), torch::randn({64, 6}), torch::zeros({64, 2}));
    before = LookingBackImpl::then(before, torch::randn({64, 6}), earlier);
    const auto moved = torch::cat({earlier, torch::zeros({64, 4})}, -1);
    const auto loss = (net(before, z, now) - moved).square().mean();
    loss.backward();
    optimiser.step();
    error = loss.item<double>(), variance = moved.square().mean().item<double>();
  }
  EXPECT_LT(error, 0.1 * variance);
}

TEST(LookingBack, RefusesHeadsThatDoNotDivide) {
  auto options = small();
  options.heads = 5;
  EXPECT_THROW(LookingBack{options}, Error);
}

}  // namespace looking_back_test
}  // namespace dream
