// The Decision Transformer against transformers' model (tests/golden/make_decision_transformer.py), and what must hold of it.
#include "core/behaviours/decision_transformer.h"

#include <gtest/gtest.h>

#include "core/behaviours/pilot.h"
#include "core/nn/generator.h"
#include "core/nn/optimiser.h"
#include "tests/models/model_test.h"

namespace dream {
namespace decision_transformer_test {

using test::seeded;

Spaces spaces(std::int64_t states, std::int64_t axes) {
  Spaces s;
  for (std::int64_t i = 0; i < states; ++i) s.vector_names.push_back("x" + std::to_string(i));
  for (std::int64_t i = 0; i < axes; ++i) {
    s.action.axes.push_back("a" + std::to_string(i));
    s.action.low.push_back(-1), s.action.high.push_back(1), s.action.idle.push_back(0);
  }
  return s;
}

DecisionTransformerOptions small() {
  DecisionTransformerOptions options;
  options.net = {.width = 16, .layers = 2, .heads = 2, .dropout = 0};
  options.context = 5, options.longest = 30, options.return_scale = 1;
  return options;
}

class DecisionTransformerTest : public test::ModelTest {
 protected:
  static DecisionTransformer::Window window(std::int64_t lanes = 2, std::int64_t steps = 5) {
    return {torch::randn({lanes, steps}), torch::randn({lanes, steps, 4}), torch::rand({lanes, steps, 2}) * 2 - 1,
            torch::arange(steps).expand({lanes, steps}).clone(), torch::ones({lanes, steps})};
  }
};

TEST_F(DecisionTransformerTest, SaysWhatTheReferenceSays) {
  torch::NoGradGuard no_grad;
  const auto golden = Checkpoint::load(DREAMSCOPE_SOURCE_DIR "/tests/golden/decision_transformer/dt.safetensors");
  DecisionTransformer behaviour(small(), spaces(4, 2));
  int filled = 0;
  for (auto& item : behaviour.named_parameters()) {
    item.value().copy_(golden.get("weight/" + item.key(), item.value().sizes()));
    ++filled;
  }
  EXPECT_EQ(filled, 37);
  const auto in = [&](const char* name) { return golden.tensors.at(std::string("in/") + name); };
  const DecisionTransformer::Window given{in("returns"), in("states"), in("actions"), in("times"), in("present")};
  behaviour.eval();
  const auto mask = given.present.unsqueeze(-1);
  EXPECT_LT(((behaviour.actions_of(given) - golden.tensors.at("out/actions")) * mask).abs().max().item<double>(), 1e-4);
  EXPECT_NEAR(behaviour.loss(given).item<double>(), golden.tensors.at("out/loss").item<double>(), 1e-4);
}

/// No token sees a later one, and none sees what is not there.
TEST_F(DecisionTransformerTest, TheFutureChangesNothing) {
  torch::NoGradGuard no_grad;
  DecisionTransformer behaviour(small(), spaces(4, 2));
  behaviour.eval();
  auto given = window();
  const auto said = behaviour.actions_of(given);
  auto later = given;
  later.states = given.states.clone(), later.returns = given.returns.clone(), later.actions = given.actions.clone();
  later.states.slice(1, 3).add_(1), later.returns.slice(1, 3).add_(1), later.actions.slice(1, 2).neg_();
  const auto other = behaviour.actions_of(later);
  EXPECT_TRUE(torch::equal(said.slice(1, 0, 3), other.slice(1, 0, 3)));
  EXPECT_FALSE(torch::equal(said.slice(1, 3), other.slice(1, 3)));

  given.present.slice(1, 0, 2).zero_();
  const auto padded = behaviour.actions_of(given);
  auto noise = given;
  noise.states = given.states.clone();
  noise.states.slice(1, 0, 2).add_(7);
  EXPECT_TRUE(torch::allclose(padded.slice(1, 2), behaviour.actions_of(noise).slice(1, 2), 1e-5, 1e-6));
}

/// Step by step, as it drives, it says what it says of the whole window at once; what is left to bring falls by what came.
TEST_F(DecisionTransformerTest, DrivingIsTheSameAsReadingTheWindow) {
  torch::NoGradGuard no_grad;
  auto options = small();
  const auto behaviour = std::make_shared<DecisionTransformer>(options, spaces(4, 2));
  behaviour->know(-10, 10, 6, torch::zeros({4}), torch::ones({4}));
  Pilot pilot(behaviour, 1, Mode::judge);
  pilot.start(0);
  const auto states = torch::randn({1, 5, 4});
  const std::vector<float> rewards = {0, 1, -2, 0.5f, 3};  // rewards[t] came with the step that led to t
  auto given = DecisionTransformer::Window{torch::zeros({1, 5}), states, torch::zeros({1, 5, 2}),
                                           torch::arange(5).unsqueeze(0), torch::ones({1, 5})};
  float left = 6;
  for (std::int64_t t = 0; t < 5; ++t) {
    left -= rewards[static_cast<std::size_t>(t)];
    given.returns[0][t] = left;
    const auto action = pilot.drive({nullptr, {}, {{}, states.select(1, t)}, torch::tensor({rewards[static_cast<std::size_t>(t)]})}, seeded(1));
    behaviour->eval();
    const auto whole = behaviour->actions_of(given)[0][t];
    EXPECT_TRUE(torch::allclose(action[0], whole, 1e-4, 1e-5)) << t;
    given.actions[0][t] = action[0];
  }
  // Another return is asked for: the knob bends it at once.
  const auto asked = behaviour->knobs()[0];
  EXPECT_EQ(asked.default_value, 6);
  EXPECT_EQ(behaviour->asked({{"return_to_go", -3.0}}), -3);
}

TEST_F(DecisionTransformerTest, DropsOutByTheChanceThatItIsGiven) {
  torch::NoGradGuard no_grad;
  auto options = small();
  options.net.dropout = 0.3;
  DecisionTransformer behaviour(options, spaces(4, 2));
  const auto given = window(8);
  const auto dropped = [&] { return behaviour.loss(given, make_generator(torch::kCPU, 1)).item<double>(); };
  EXPECT_NE(dropped(), behaviour.loss(given).item<double>());
  EXPECT_EQ(dropped(), dropped());
}

TEST_F(DecisionTransformerTest, LearnsOneBatchByHeart) {
  auto options = small();
  options.net.width = 32;
  DecisionTransformer behaviour(options, spaces(4, 2));
  const auto given = window(8);
  Optimiser optimiser(behaviour.parameters(), {.kind = OptimiserKind::adam, .learning_rate = 3e-3, .eps = 1e-8, .adaptive_clip = 0, .warm_up = 0});
  const double before = behaviour.loss(given).item<double>();
  for (int i = 0; i < 300; ++i) {
    behaviour.loss(given).backward();
    optimiser.step();
  }
  EXPECT_LT(behaviour.loss(given).item<double>(), 0.05 * before);
}

TEST_F(DecisionTransformerTest, ShowsWhatItLooksAt) {
  const auto behaviour = std::make_shared<DecisionTransformer>(small(), spaces(4, 2));
  Pilot pilot(behaviour, 1, Mode::judge);
  pilot.start(0);
  auto memory = behaviour->initial(1);
  const Seen seen{nullptr, {}, {{}, torch::randn({1, 4})}, torch::zeros({1})};
  for (int i = 0; i < 3; ++i) memory = behaviour->decide(seen, memory, Mode::judge, seeded(1)).memory;
  ProbeSink sink({"attention/heads"});
  behaviour->report(seen, memory, sink, seeded(1));
  const auto probes = sink.take();
  ASSERT_EQ(probes.size(), 1u);
  const auto& shown = std::get<Attention>(*probes[0].value);
  EXPECT_EQ(shown.queries, 12);
  EXPECT_EQ(shown.layers * shown.heads, 4);
  EXPECT_EQ(shown.key_labels.back(), "a now");
  float sum = 0;
  for (int k = 0; k < shown.keys; ++k) sum += shown.weights[static_cast<std::size_t>(5 * shown.keys + k)];
  EXPECT_NEAR(sum, 1, 1e-4);
}

}  // namespace decision_transformer_test
}  // namespace dream
