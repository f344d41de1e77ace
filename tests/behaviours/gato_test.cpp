// Gato: its tokens in closed form, and what must hold of the network and of who drives by it.
#include "core/behaviours/gato.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/behaviours/pilot.h"
#include "core/env/registry.h"
#include "core/nn/generator.h"
#include "core/nn/optimiser.h"
#include "tests/models/model_test.h"

namespace dream {
namespace gato_test {

using test::seeded;

GatoOptions small(const std::string& worlds = "Catch:CartPole:Pendulum") {
  GatoOptions options;
  options.network = {.net = {.width = 16, .layers = 2, .heads = 2, .dropout = 0, .between = Between::gelu_tanh}, .context = 4, .channels = 4};
  options.bins = 64;
  options.worlds = worlds;
  return options;
}

std::shared_ptr<Gato> gato(const std::string& world, const GatoOptions& options = small()) {
  torch::manual_seed(1);
  auto behaviour = std::make_shared<Gato>(options, world, make_env(world)->spaces());
  behaviour->eval();
  return behaviour;
}

/// What `world` might show.
Observation seen_in(const std::string& world, std::int64_t count) {
  const auto numbers = static_cast<std::int64_t>(make_env(world)->spaces().vector_names.size());
  return {torch::randint(256, {count, 64, 64, 3}, torch::kUInt8), torch::randn({count, numbers})};
}

class GatoTest : public test::ModelTest {
 protected:
  static GatoNetworkImpl::Window window(Gato& behaviour, const std::string& world, std::int64_t lanes = 2, std::int64_t steps = 4) {
    const auto& tokens = behaviour.tokens();
    const auto shown = seen_in(world, lanes * steps);
    const auto seen = behaviour.network()->see(tokens, shown.image, shown.vector).view({lanes, steps, tokens.seen(), -1});
    const auto actions = torch::randint(tokens.action_count(), {lanes, steps, tokens.done()}, torch::kInt64) + tokens.first_action();
    return {behaviour.vocabulary().line(behaviour.line({}).text), seen, actions, torch::ones({lanes, steps})};
  }
};

TEST_F(GatoTest, NumbersAreCodedAsThePaperSays) {
  const auto x = torch::tensor({0.0, 1.0, -1.0, 256.0, 0.01});
  const auto code = mu_law(x);
  const double whole = std::log(25601.0);
  const double expected[] = {0, std::log(101.0) / whole, -std::log(101.0) / whole, 1, std::log(2.0) / whole};
  for (int i = 0; i < 5; ++i) EXPECT_NEAR(code[i].item<double>(), expected[i], 1e-6) << i;
  EXPECT_TRUE(torch::allclose(mu_law_inverse(code), x, 1e-4, 1e-6));
}

TEST_F(GatoTest, BinsAreOfEqualWidthAndComeBackToTheirMiddles) {
  const auto tokens = to_bins(torch::tensor({-5.0, -1.0, -0.001, 0.0, 0.999, 1.0, 5.0}), 1024);
  EXPECT_TRUE(torch::equal(tokens, torch::tensor({0, 0, 511, 512, 1023, 1023, 1023}, torch::kInt64)));
  const auto all = torch::arange(1024);
  EXPECT_TRUE(torch::equal(to_bins(from_bins(all, 1024), 1024), all));
}

TEST_F(GatoTest, ChoicesAndNumbersAreTokensThatComeBack) {
  const auto cart = gato("CartPole");
  const auto choice = torch::tensor({{0.0f}, {1.0f}});
  EXPECT_TRUE(torch::equal(cart->tokens().of_action(choice), torch::tensor({{64}, {65}}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(cart->tokens().to_action(cart->tokens().of_action(choice)), choice));
  const auto pendulum = gato("Pendulum");
  const auto torque = torch::tensor({{-2.0f}, {0.5f}, {2.0f}});
  const auto tokens = pendulum->tokens().of_action(torque);
  EXPECT_EQ(tokens[0].item<std::int64_t>(), 0);
  EXPECT_EQ(tokens[2].item<std::int64_t>(), 63);
  EXPECT_LT((pendulum->tokens().to_action(tokens) - torque).abs().max().item<double>(), 4.0 / 64);
  EXPECT_EQ(gato("Catch")->tokens().seen(), 16) << "patches of 16 x 16";
  EXPECT_EQ(cart->tokens().seen(), 4);
}

/// Words share tokens where lines share words, and lie above all that can be done.
TEST_F(GatoTest, LinesAreWords) {
  const auto behaviour = gato("Catch");
  const auto& vocabulary = behaviour->vocabulary();
  const auto one = vocabulary.line("catch the falling ball"), other = vocabulary.line("let the ball fall");
  EXPECT_EQ(one.size(0), 4);
  EXPECT_EQ(one[1].item<std::int64_t>(), other[1].item<std::int64_t>());
  EXPECT_GT(one.min().item<std::int64_t>(), vocabulary.separator());
  EXPECT_LT(other.max().item<std::int64_t>(), vocabulary.size());
}

/// A later token never changes an earlier logit; a step that is not there changes none.
TEST_F(GatoTest, TheFutureChangesNothing) {
  torch::NoGradGuard no_grad;
  for (const std::string world : {"Catch", "CartPole", "Pendulum"}) {
    const auto behaviour = gato(world);
    auto given = window(*behaviour, world);
    const auto said = behaviour->network()->forward(given);
    auto later = given;
    later.seen = given.seen.clone(), later.actions = given.actions.clone();
    later.seen.slice(1, 2).add_(1);
    later.actions.slice(1, 1).fill_(behaviour->tokens().first_action());
    const auto other = behaviour->network()->forward(later);
    EXPECT_TRUE(torch::equal(said.slice(1, 0, 2), other.slice(1, 0, 2))) << world;
    EXPECT_FALSE(torch::equal(said.slice(1, 2), other.slice(1, 2))) << world;

    given.present.slice(1, 0, 2).zero_();
    const auto padded = behaviour->network()->forward(given);
    given.seen.slice(1, 0, 2).add_(7);
    EXPECT_TRUE(torch::allclose(padded.slice(1, 2), behaviour->network()->forward(given).slice(1, 2), 1e-5, 1e-6)) << world;
  }
}

/// Without `recalls_actions` nothing that was done is told to a later step.
TEST_F(GatoTest, WhatItDidCanBeKeptFromIt) {
  torch::NoGradGuard no_grad;
  for (const bool recalls : {true, false}) {
    auto options = small();
    options.network.recalls_actions = recalls;
    const auto behaviour = gato("CartPole", options);
    auto given = window(*behaviour, "CartPole");
    const auto said = behaviour->network()->forward(given);
    const auto first = behaviour->tokens().first_action();
    given.actions = 2 * first + 1 - given.actions;  // the other choice, everywhere
    EXPECT_EQ(torch::equal(said, behaviour->network()->forward(given)), !recalls);
  }
}

TEST_F(GatoTest, KnowsNothingAtFirst) {
  torch::NoGradGuard no_grad;
  for (const std::string world : {"Catch", "Pendulum"}) {
    const auto behaviour = gato(world);
    EXPECT_NEAR(behaviour->network()->loss(window(*behaviour, world)).item<double>(), std::log(64.0 + 64), 0.05) << world;
  }
}

TEST_F(GatoTest, DropsOutByTheChanceThatItIsGiven) {
  torch::NoGradGuard no_grad;
  auto options = small();
  options.network.net.dropout = 0.3;
  const auto behaviour = gato("Catch", options);
  const auto given = window(*behaviour, "Catch");
  const auto dropped = [&] { return behaviour->network()->loss(given, make_generator(torch::kCPU, 1)).item<double>(); };
  EXPECT_NE(dropped(), behaviour->network()->loss(given).item<double>());
  EXPECT_EQ(dropped(), dropped());
}

/// One network, worlds of other spaces and kinds: both are learned by heart, side by side.
TEST_F(GatoTest, LearnsBatchesOfTwoWorldsByHeart) {
  auto options = small();
  options.network.net.width = 32;
  const auto catching = gato("Catch", options), swinging = gato("Pendulum", options);
  auto network = catching->network();
  Optimiser optimiser(network->parameters(), {.kind = OptimiserKind::adam, .learning_rate = 3e-3, .eps = 1e-8, .adaptive_clip = 0, .warm_up = 0});
  const auto shown = seen_in("Catch", 8), felt = seen_in("Pendulum", 8);
  auto one = window(*catching, "Catch"), other = window(*swinging, "Pendulum");
  const auto loss = [&] {
    one.seen = network->see(catching->tokens(), shown.image, shown.vector).view({2, 4, 16, -1});
    other.seen = network->see(swinging->tokens(), felt.image, felt.vector).view({2, 4, 3, -1});
    return network->loss(one) + network->loss(other);
  };
  const double before = loss().item<double>();
  for (int i = 0; i < 150; ++i) {
    loss().backward();
    optimiser.step();
  }
  EXPECT_LT(loss().item<double>(), 0.05 * before);
}

/// Step by step, as it drives, it decides as of the whole window at once.
TEST_F(GatoTest, DrivingIsTheSameAsReadingTheWindow) {
  torch::NoGradGuard no_grad;
  for (const std::string world : {"Catch", "Pendulum"}) {
    const auto behaviour = gato(world);
    const auto& tokens = behaviour->tokens();
    Pilot pilot(behaviour, 1, Mode::judge);
    pilot.start(0);
    const auto shown = seen_in(world, 4);
    GatoNetworkImpl::Window whole{behaviour->vocabulary().line(behaviour->line({}).text),
                                  behaviour->network()->see(tokens, shown.image, shown.vector).unsqueeze(0),
                                  torch::zeros({1, 4, 1}, torch::kInt64), torch::ones({1, 4})};
    for (std::int64_t t = 0; t < 4; ++t) {
      const auto action = pilot.drive({nullptr, {}, {shown.image.slice(0, t, t + 1), shown.vector.slice(0, t, t + 1)}}, seeded(1));
      if (t == 3) {  // the window is full: before, the same steps stand at its end
        const auto said = behaviour->network()->forward(whole)[0][3][0];
        const auto best = said.slice(0, tokens.first_action(), tokens.first_action() + tokens.action_count()).argmax();
        EXPECT_TRUE(torch::equal(action[0], tokens.to_action((best + tokens.first_action()).view({1})))) << world;
      }
      whole.actions[0][t] = tokens.of_action(action)[0];
    }
  }
}

/// The same weights, two axes: what is done on the second is said in view of the first.
TEST_F(GatoTest, AxesAreSaidOneAfterTheOther) {
  torch::NoGradGuard no_grad;
  const auto behaviour = gato("PointGoal", small("PointGoal:Catch"));
  auto given = window(*behaviour, "PointGoal");
  const auto said = behaviour->network()->forward(given);
  EXPECT_EQ(said.size(2), 2);
  given.actions.select(1, 3).select(1, 0).fill_(5);
  const auto other = behaviour->network()->forward(given);
  EXPECT_TRUE(torch::equal(said.select(1, 3).select(1, 0), other.select(1, 3).select(1, 0)));
  EXPECT_FALSE(torch::equal(said.select(1, 3).select(1, 1), other.select(1, 3).select(1, 1)));
}

TEST_F(GatoTest, TheKnobChoosesTheLine) {
  const auto behaviour = gato("Pendulum");
  const auto knob = behaviour->knobs()[0];
  ASSERT_EQ(knob.choices.size(), 5u);
  EXPECT_EQ(behaviour->line({}).text, "swing the pendulum up") << "as the world asks";
  EXPECT_EQ(behaviour->line({{"instruction", 2.0}}).text, "let the ball fall");
  EXPECT_EQ(knob.choices[2], "let the ball fall");
}

TEST_F(GatoTest, ShowsWhatItLooksAt) {
  const auto behaviour = gato("CartPole");
  auto memory = behaviour->initial(1);
  const auto shown = seen_in("CartPole", 1);
  const Seen seen{nullptr, {}, shown};
  for (int i = 0; i < 2; ++i) memory = behaviour->decide(seen, memory, Mode::judge, seeded(1)).memory;
  ProbeSink sink({"attention/heads", "policy/action"});
  behaviour->report(seen, memory, sink, seeded(1));
  const auto probes = sink.take();
  ASSERT_EQ(probes.size(), 2u);
  EXPECT_EQ(std::get<Vector>(*probes[0].value).labels, (std::vector<std::string>{"left", "right"}));
  const auto& attention = std::get<Attention>(*probes[1].value);
  EXPECT_EQ(attention.queries, 3 * 6);
  EXPECT_EQ(attention.keys, 6 + 3 * 6) << "balance the pole on the cart";
  EXPECT_EQ(attention.key_labels[0], "balance");
  EXPECT_EQ(attention.query_labels.back(), "choice now");
  for (int q = 0; q < attention.queries; ++q) {
    float sum = 0;
    for (int k = 0; k < attention.keys; ++k) sum += attention.weights[static_cast<std::size_t>(q * attention.keys + k)];
    EXPECT_NEAR(sum, 1, 1e-4) << q;
  }
}

TEST_F(GatoTest, SaysWhatItCannotTell) {
  const auto said = [](const auto& make) {
    try {
      make();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(said([] { gato("KeyDoor"); }),
            "KeyDoor is none of its worlds, which are Catch:CartPole:Pendulum; policy.worlds names them before it learns");
  EXPECT_EQ(said([] { gato_worlds("Catch:Catch"); }), "the world Catch is named twice in 'Catch:Catch'");
  Spaces many = make_env("Pendulum")->spaces();
  many.vector_names.assign(70, "x");
  EXPECT_EQ(said([&] { Gato(small(), "Pendulum", many); }),
            "Pendulum cannot be told in its tokens: it shows 70 numbers, and 64 are told apart");
}

}  // namespace gato_test
}  // namespace dream
