// Mode 1, Mode 2, critic and configurator where the best that can be done is known.
#include "core/behaviours/lecun_actor.h"

#include <cmath>
#include <map>

#include "core/engine/lecun/short_term_memory.h"
#include "core/nn/optimiser.h"
#include "tests/behaviours/two_states.h"
#include "tests/models/model_test.h"

namespace dream {
namespace lecun_actor_test {

using test::seeded;
using test::TwoStates;

/// x' = x + u/2, with u in [-1, 1]. Costs: x'² (goal), max(u, 0) (harm), u² (energy).
class Pushed : public TwoStates {
 public:
  Pushed() : TwoStates(false) {}
  Carry initial(std::int64_t batch) override { return at(0.4, batch); }
  static Carry at(double x, std::int64_t batch = 1, std::vector<double> weights = {1, 0, 0.5}) {
    return {{"x", torch::full({batch, 1}, x)},
            {"weights", torch::tensor(weights).to(torch::kFloat32).expand({batch, 3})},
            {"costs", torch::zeros({batch, 3})}};
  }
  Carry configured(const Carry& carry, const KnobValues& knobs) override {
    if (!knobs.contains("weight_energy")) return carry;
    Carry set = carry;
    set["weights"] = carry.at("weights").clone();
    set["weights"].select(1, 2).fill_(knobs.at("weight_energy"));
    return set;
  }
  Carry imagine(const Carry& carry, const torch::Tensor& u, const KnobValues&, at::Generator) override {
    Carry next = carry;
    next["x"] = carry.at("x") + 0.5 * u;
    next["costs"] = torch::cat({next.at("x").square(), u.clamp_min(0), u.square()}, 1);
    return next;
  }
  Prediction outcome(const Carry& carry) override {
    return {{}, -(carry.at("weights") * carry.at("costs")).sum(-1), {}};
  }
  torch::Tensor features(const Carry& carry) override { return torch::cat({carry.at("x"), carry.at("weights")}, -1); }
  std::int64_t feature_count() const override { return 4; }
  std::vector<std::string> probe_names() const override { return {}; }
};

PlannerOptions thinks(std::int64_t horizon) {
  PlannerOptions options{
      .candidates = 400, .iterations = 12, .elites = 10, .horizon = horizon, .exploration_noise = 0, .warm_start = true};
  options.method = PlanMethod::icem;
  options.first_deviation = 0.5, options.noise_exponent = 0.5, options.decay = 1;
  return options;
}

class LecunActing : public test::ModelTest {
 protected:
  std::shared_ptr<LecunActor> actor(std::int64_t horizon = 1,
                                    LecunActorOptions options = {.units = 32, .discount = 1 - 1e-6}) {
    return std::make_shared<LecunActor>(4, std::vector<double>(3, 0), TwoStates::box(), options, thinks(horizon));
  }
  Pushed model;
};

/// Over one step (x + u/2)² + e·u² is least at u = −x/2 / (1/4 + e): the more energy matters, the less is done.
TEST_F(LecunActing, TheConfiguratorsWeightsChangeThePlanAtOnce) {
  const auto agent = actor();
  double before = 1;
  for (const double energy : {0.1, 0.5, 2.0}) {
    const Seen seen{&model, Pushed::at(0.4), {}, {}, {{"weight_energy", energy}}};
    const double done = agent->decide(seen, agent->initial(1), Mode::judge, seeded(1)).action.item<double>();
    EXPECT_NEAR(done, -0.2 / (0.25 + energy), 0.01) << energy;
    EXPECT_LT(std::abs(done), before);
    before = std::abs(done);
  }
}

/// Over several steps against a backward recursion (Slide of search_plan_test, whose energy weighs 1/4).
TEST_F(LecunActing, Mode2FindsTheCheapestSequence) {
  const auto agent = actor(6);
  const auto start = Pushed::at(0.8, 1, {1, 0, 0.25});
  const auto decision = agent->decide({&model, start}, agent->initial(1), Mode::judge, seeded(2));
  double p = 0;
  for (int i = 0; i < 6; ++i) {
    const double after = 1 + p;
    p = after - std::pow(0.5 * after, 2) / (0.25 + 0.25 * after);
  }
  const auto foreseen = decision.memory.at("foreseen")[0].matmul(start.at("weights")[0]).sum().item<double>();
  EXPECT_GE(foreseen, p * 0.64 * 0.999);
  EXPECT_LT(foreseen, p * 0.64 * 1.02);
  // What is kept of the plan is what follows from it.
  const auto plan = decision.memory.at("elites").select(1, 0);
  EXPECT_NEAR(plan[0][0][0].item<double>(), decision.action.item<double>(), 1e-6);
  const auto path = LecunActor::follow(model, start, plan, agent->policy(), seeded(1));
  EXPECT_TRUE(torch::allclose(path.costs, decision.memory.at("foreseen")));
  EXPECT_EQ(path.features.sizes(), (std::vector<std::int64_t>{1, 7, 4}));
}

TEST_F(LecunActing, TheModeIsAKnob) {
  const auto agent = actor(3);
  const auto memory = agent->initial(2);
  const auto decide = [&](const Carry& remembered, double mode) {
    return agent->decide({&model, Pushed::at(0.4, 2), {}, {}, {{"mode", mode}}}, remembered, Mode::judge, seeded(3));
  };
  const auto planned = decide(memory, 0);
  EXPECT_GT(planned.memory.at("foreseen").abs().sum().item<double>(), 0);
  const auto reacted = decide(planned.memory, 1);
  const auto own = agent->policy().act(model.features(Pushed::at(0.4, 2)));
  EXPECT_TRUE(torch::allclose(reacted.action, own));
  EXPECT_FALSE(torch::allclose(planned.action, own, 0, 0.05));
  EXPECT_EQ(reacted.memory.at("foreseen").abs().sum().item<double>(), 0);
  EXPECT_EQ(reacted.memory.at("mean").abs().sum().item<double>(), 0) << "the plan was of another moment";
  EXPECT_EQ(reacted.memory.at("steps")[0].item<double>(), 2);
  for (const auto& [name, tensor] : memory) {
    ASSERT_TRUE(reacted.memory.contains(name)) << name;
    EXPECT_EQ(reacted.memory.at(name).sizes(), tensor.sizes()) << name;
  }
  EXPECT_EQ(agent->knobs().front().choices, (std::vector<std::string>{"Mode 2", "Mode 1"}));
}

/// The policy listens to the weights too: it sees them.
TEST_F(LecunActing, Mode1ListensToTheConfigurator) {
  const auto agent = actor();
  Optimiser optimiser(agent->policy().policy_parameters(), {.kind = OptimiserKind::adam,
                                                            .learning_rate = 3e-3,
                                                            .eps = 1e-8,
                                                            .clip_norm = 10,
                                                            .adaptive_clip = 0,
                                                            .warm_up = 0});
  // Taught by the plan's closed form, at any state and weight.
  auto rng = seeded(4);
  for (int i = 0; i < 400; ++i) {
    const auto x = torch::rand({128, 1}, rng) - 0.5, energy = 2 * torch::rand({128, 1}, rng);
    const auto features = torch::cat({x, torch::ones_like(x), torch::zeros_like(x), energy}, -1);
    agent->policy().imitation(features, (-0.5 * x / (0.25 + energy)).clamp(-1, 1)).backward();
    optimiser.step();
  }
  const auto done = [&](double energy) {
    const Seen seen{&model, Pushed::at(0.4), {}, {}, {{"mode", 1}, {"weight_energy", energy}}};
    return agent->decide(seen, agent->initial(1), Mode::judge, seeded(3)).action.item<double>();
  };
  for (const double energy : {0.2, 1.0, 1.8}) EXPECT_NEAR(done(energy), -0.2 / (0.25 + energy), 0.06) << energy;
}

TEST_F(LecunActing, ImitatesABatchByHeart) {
  const auto agent = actor();
  Optimiser optimiser(agent->policy().policy_parameters(), {.kind = OptimiserKind::adam,
                                                            .learning_rate = 3e-3,
                                                            .eps = 1e-8,
                                                            .clip_norm = 10,
                                                            .adaptive_clip = 0,
                                                            .warm_up = 0});
  const auto features = torch::randn({16, 5, 4}, seeded(1)), action = torch::rand({16, 5, 1}, seeded(2)) * 1.6 - 0.8;
  double first = 0, last = 0;
  for (int i = 0; i < 600; ++i) {
    const auto missed = agent->policy().imitation(features, action);
    last = missed.item<double>();
    if (i == 0) first = last;
    missed.backward();
    optimiser.step();
  }
  EXPECT_GT(first, 0.1);
  EXPECT_LT(last, 1e-3);
}

/// Σ γ^k c, with what is still to come after the last step.
TEST(ShortTermMemory, SumsTheCostsThatCame) {
  const auto costs = torch::tensor({1.0f, 2.0f, 4.0f}).view({1, 3, 1});
  const auto sums = ShortTermMemory::to_come(costs, torch::full({1, 1}, 8.0f), 0.5);
  EXPECT_TRUE(torch::allclose(sums.flatten(), torch::tensor({4.0f, 6.0f, 8.0f})));  // 1 + (2 + (4 + 8/2)/2)/2 …
}

TEST(ShortTermMemory, PlansOfAnotherLengthTakeThePlaceOfAll) {
  ShortTermMemory memory(4);
  const auto plans = [](std::int64_t count, std::int64_t steps) {
    return Carry{{"features", torch::ones({count, steps + 1, 2})}, {"actions", torch::ones({count, steps, 1})}, {"costs", torch::ones({count, steps, 3})}};
  };
  memory.write(plans(3, 5));
  memory.write(plans(2, 7));
  EXPECT_EQ(memory.size(), 2);
  EXPECT_EQ(memory.draw(3, make_generator(torch::kCPU, 1)).at("costs").sizes(), (std::vector<std::int64_t>{3, 7, 3}));
}

TEST(ShortTermMemory, ForgetsTheOldestFirst) {
  ShortTermMemory memory(4);
  const auto rows = [](float first, std::int64_t count) {
    const auto numbers = (torch::arange(count, torch::kFloat32) + first).view({count, 1, 1});
    return Carry{{"features", numbers}, {"actions", numbers}, {"costs", numbers}};
  };
  memory.write(rows(1, 3)), memory.write(rows(4, 3));
  EXPECT_EQ(memory.size(), 4);
  const auto drawn = memory.draw(200, seeded(1)).at("costs").flatten();
  EXPECT_EQ(drawn.min().item<float>(), 3);
  EXPECT_EQ(drawn.max().item<float>(), 6);
  Checkpoint saved;
  memory.save(saved, "memory/");
  ShortTermMemory again(4);
  again.load(saved, "memory/");
  EXPECT_TRUE(torch::equal(again.draw(50, seeded(2)).at("actions"), memory.draw(50, seeded(2)).at("actions")));
  memory.write(rows(9, 1)), again.write(rows(9, 1));
  EXPECT_TRUE(torch::equal(again.draw(50, seeded(2)).at("actions"), memory.draw(50, seeded(2)).at("actions")));
}

/// A memory of costs that are known: the critic comes to say their discounted sum, of each cost by itself, and the value is
/// minus what they weigh.
TEST_F(LecunActing, TheCriticSaysTheDiscountedSumOfWhatWasRemembered) {
  const auto agent = actor(1, {.units = 32, .discount = 0.9});
  auto& policy = agent->policy();
  Optimiser optimiser(policy.critic_parameters(), {.kind = OptimiserKind::adam,
                                                   .learning_rate = 3e-3,
                                                   .eps = 1e-8,
                                                   .clip_norm = 10,
                                                   .adaptive_clip = 0,
                                                   .warm_up = 0});
  const auto features = torch::randn({8, 5, 4}, seeded(1));
  const auto costs = torch::rand({8, 4, 3}, seeded(2)) - 0.3;
  const auto expected = ShortTermMemory::to_come(costs, torch::full({8, 3}, 2.0f), 0.9);
  for (int i = 0; i < 1500; ++i) {
    policy.critic_loss(features.slice(1, 0, -1), expected).backward();
    optimiser.step();
  }
  torch::NoGradGuard no_grad;
  const auto said = policy.to_come(features.slice(1, 0, -1));
  EXPECT_LT((said - expected).abs().max().item<double>(), 0.05);
  const auto weights = features.slice(1, 0, -1).slice(-1, -3);
  EXPECT_TRUE(torch::allclose(policy.value_of(features.slice(1, 0, -1)), -(weights * said).sum(-1)));
  EXPECT_EQ(policy.to_come(features, true).abs().max().item<double>(), 0) << "the slow copy has not followed yet";
  for (int i = 0; i < 400; ++i) policy.follow_slowly();
  EXPECT_TRUE(torch::allclose(policy.to_come(features, true), policy.to_come(features), 0.01, 0.01));
}

/// Taught that costs below nothing are to come, a critic goes on saying nothing, and learns the truth once it is told.
TEST_F(LecunActing, TheCriticSaysNoCostThatCannotBe) {
  ReactivePolicy policy(4, {0, 0, -1e9}, TwoStates::box(), {.units = 32, .discount = 0.9});
  const auto features = torch::randn({16, 4}, seeded(3));
  torch::optim::Adam adam(policy.critic_parameters(), torch::optim::AdamOptions(0.01));
  const auto taught = [&](double cost) {
    for (int i = 0; i < 300; ++i) {
      adam.zero_grad();
      policy.critic_loss(features, torch::full({16, 3}, cost)).backward();
      adam.step();
    }
    return policy.to_come(features).mean(0);
  };
  const auto below = taught(-5);
  EXPECT_EQ(below[0].item<double>(), 0);
  EXPECT_NEAR(below[2].item<double>(), -5, 0.2) << "a reward may be more than nothing";
  EXPECT_NEAR(taught(5)[0].item<double>(), 5, 0.2) << "it is not stuck at what is least";
}

/// What the critic says of the plan's end counts: with costs ahead that it knows of, the plan is another.
TEST_F(LecunActing, ThePlanAsksTheCriticWhatComesAfterItsEnd) {
  const auto agent = actor(1, {.units = 32, .discount = 0.9});
  Optimiser optimiser(agent->policy().critic_parameters(), {.kind = OptimiserKind::adam,
                                                            .learning_rate = 3e-3,
                                                            .eps = 1e-8,
                                                            .clip_norm = 10,
                                                            .adaptive_clip = 0,
                                                            .warm_up = 0});
  const auto start = Pushed::at(0.4, 1, {1, 0, 0.5});
  const auto decided = [&] {
    return agent->decide({&model, start}, agent->initial(1), Mode::judge, seeded(1)).action.item<double>();
  };
  EXPECT_NEAR(decided(), -0.2 / 0.75, 0.01);
  // It learns that (x + 0.6)² of the goal's cost is to come, so that the best place is between 0 and −0.6.
  auto rng = seeded(2);
  for (int i = 0; i < 800; ++i) {
    const auto x = 2 * torch::rand({64, 1}, rng) - 1;
    const auto features = torch::cat({x, start.at("weights").expand({64, 3})}, -1);
    const auto expected = torch::cat({(x + 0.6).square(), torch::zeros({64, 2})}, -1);
    agent->policy().critic_loss(features, expected).backward();
    optimiser.step();
  }
  // (x + u/2)² + u²/2 + 0.9 (x + u/2 + 0.6)² is least at u = −(x + 0.9 (x + 0.6)) / 1.95.
  EXPECT_NEAR(decided(), -1.3 / 1.95, 0.08);
}

TEST_F(LecunActing, SomeLanesTryThePolicyWhileTheOthersWander) {
  const auto agent = actor(1, {.units = 32, .noise = 0, .acting = 0.25});
  const auto decision = agent->decide({&model, Pushed::at(0.4, 8)}, agent->initial(8), Mode::collect, seeded(5));
  const auto own = agent->policy().act(model.features(Pushed::at(0.4, 8)));
  EXPECT_TRUE(torch::allclose(decision.action.slice(0, 0, 2), own.slice(0, 0, 2)));
  EXPECT_GT((decision.action.slice(0, 2) - own.slice(0, 2)).abs().min().item<double>(), 0);
  EXPECT_GT(decision.memory.at("heading").abs().min().item<double>(), 0);
}

/// A diagram of the seven modules, lit by the mode that decides.
TEST_F(LecunActing, ShowsItsModulesAndWhatFlows) {
  class Latent : public Pushed {
   public:
    Carry initial(std::int64_t batch) override {
      auto carry = Pushed::initial(batch);
      carry["z"] = torch::ones({batch, 2});
      return carry;
    }
  } latent;
  const auto agent = actor(3);
  for (const double mode : {0.0, 1.0}) {
    const Seen seen{&latent, latent.initial(1), {}, {}, {{"mode", mode}}};
    const auto memory = agent->decide(seen, agent->initial(1), Mode::judge, seeded(1)).memory;
    ProbeSink sink({"architecture/now"});
    agent->report(seen, memory, sink, seeded(1));
    const auto shown = sink.take();
    ASSERT_EQ(shown.size(), 1u);
    const auto& diagram = std::get<Diagram>(*shown[0].value);
    std::map<std::string, const Diagram::Node*> nodes;
    for (const auto& node : diagram.nodes) {
      EXPECT_FALSE(node.help.empty()) << node.title;
      EXPECT_GE(node.strength, 0);
      EXPECT_LE(node.strength, 1);
      EXPECT_GE(node.x, 0);
      EXPECT_LE(node.x + node.width, diagram.columns);
      EXPECT_LE(node.y + node.height, diagram.rows);
      nodes[node.title] = &node;
    }
    for (const char* module :
         {"Configurator", "Perception", "World model", "Intrinsic cost", "Critic", "Short-term memory", "Actor"})
      EXPECT_TRUE(nodes.contains(module)) << module;
    EXPECT_EQ(nodes.at("Mode 1")->strength, mode);
    EXPECT_EQ(nodes.at("Mode 2")->strength, 1 - mode);
    EXPECT_EQ(nodes.at("Intrinsic cost")->bars.size(), mode == 0 ? 3u : 0u);
    for (const auto& edge : diagram.edges) {
      ASSERT_LT(static_cast<std::size_t>(edge.from), diagram.nodes.size());
      ASSERT_LT(static_cast<std::size_t>(edge.to), diagram.nodes.size());
    }
  }
}

}  // namespace lecun_actor_test
}  // namespace dream
