// Every way of looking for a plan, in worlds whose best plan is known.
#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/behaviours/own_or_planned.h"
#include "core/behaviours/pilot.h"
#include "core/env/linear_quadratic.h"
#include "core/nn/checkpoint.h"
#include "tests/behaviours/two_states.h"
#include "tests/data/temp_folder.h"
#include "tests/models/model_test.h"

namespace dream {
namespace search_plan_test {

using test::message_of;
using test::seeded;
using test::TwoStates;

/// x' = x + u/2, reward −(x'² + u²/4), u in [-1, 1]: what follows from x over H steps is a quadratic, whose best plan a
/// backward recursion gives. `ends`: the dream is over once x is below −1.
class Slide : public TwoStates {
 public:
  explicit Slide(bool ends = false) : TwoStates(false), ends_(ends) {}
  static constexpr double push = 0.5, effort = 0.25;

  Carry initial(std::int64_t batch) override { return at(0.8, batch); }
  static Carry at(double x, std::int64_t batch = 1) {
    return {{"x", torch::full({batch, 1}, x)}, {"reward", torch::zeros({batch})}};
  }
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues&, at::Generator) override {
    const auto x = carry.at("x") + push * action;
    return {{"x", x}, {"reward", -(x.square() + effort * action.square()).squeeze(1)}};
  }
  Prediction outcome(const Carry& carry) override {
    Prediction prediction{{}, carry.at("reward"), {}};
    if (ends_) prediction.done = (carry.at("x").squeeze(1) < -1).to(torch::kFloat32);
    return prediction;
  }
  torch::Tensor features(const Carry& carry) override { return carry.at("x"); }

  /// Least cost over `steps` from x, unconstrained.
  static double least_cost(double x, int steps) {
    double p = 0;
    for (int i = 0; i < steps; ++i) {
      const double after = 1 + p;  // of x'²
      p = after - std::pow(push * after, 2) / (effort + push * push * after);
    }
    return p * x * x;
  }

 private:
  bool ends_;
};

/// Says that a state is worth −x², or whatever it is told.
class Critic : public Behaviour {
 public:
  Decision decide(const Seen& seen, const Carry&, Mode, at::Generator) override {
    return {torch::full({seen.lanes(), 1}, proposal)};
  }
  torch::Tensor value(const Seen& seen) override { return weight * seen.features().select(1, 0).square(); }
  double discount() const override { return gamma; }
  double weight = -1, gamma = 1, proposal = 0;
};

class SearchPlan : public test::ModelTest {
 protected:
  static double cost_of(Slide& model, const torch::Tensor& plan, double x) {
    auto state = Slide::at(x);
    double cost = 0;
    for (std::int64_t t = 0; t < plan.size(1); ++t) {
      state = model.imagine(state, plan.select(1, t), {}, seeded(1));
      cost -= state.at("reward").item<double>();
    }
    return cost;
  }
};

/// No rounds: who proposes candidates acts by itself, and the plan is remembered as it was.
TEST_F(SearchPlan, WithoutRoundsThePriorActsAlone) {
  Slide model;
  auto prior = std::make_shared<Critic>();
  prior->proposal = -0.25;
  auto options = published_plan(PlanMethod::mppi);
  options.candidates = 32, options.from_prior = 2;
  Planner planner(TwoStates::box(), options, prior);
  const auto memory = planner.initial(1);
  const auto decide = [&](double rounds) {
    return planner.decide({&model, Slide::at(0.8), {}, {}, {{"plan_iterations", rounds}}}, memory, Mode::judge, seeded(1));
  };
  const auto alone = decide(0);
  EXPECT_EQ(alone.action.item<float>(), -0.25f);
  EXPECT_TRUE(torch::equal(alone.memory.at("mean"), memory.at("mean")));
  EXPECT_NE(decide(4).action.item<float>(), -0.25f);
  EXPECT_EQ(planner.knobs()[0].minimum, 0);
  ProbeSink sink({"plan/actions"});
  planner.report({&model, Slide::at(0.8), {}, {}, {{"plan_iterations", 0}}}, memory, sink, seeded(1));
  const auto shown = sink.take();
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<Text>(*shown[0].value));
  // Where nobody proposes there is nobody to act.
  EXPECT_EQ(Planner(TwoStates::box(), published_plan(PlanMethod::mppi)).knobs()[0].minimum, 1);
}

TEST_F(SearchPlan, EveryMethodComesWithinAHundredthOfTheBestCost) {
  Slide model;
  const double best = Slide::least_cost(0.8, 6);
  for (const auto method : {PlanMethod::cem, PlanMethod::icem, PlanMethod::mppi, PlanMethod::gradient}) {
    auto options = published_plan(method);
    options.horizon = 6;
    options.candidates = method == PlanMethod::gradient ? 8 : 400;
    options.iterations = method == PlanMethod::gradient ? 200 : 12;
    options.first_deviation = 0.5, options.least_deviation = 0, options.momentum = 0;
    options.learning_rate = 0.05, options.temperature = 2;
    options.noise_exponent = 0.5, options.decay = 1;
    Planner planner(TwoStates::box(), options);
    const auto plan = planner.plan({&model, Slide::at(0.8)}, {}, seeded(3));
    const double cost = cost_of(model, plan.best, 0.8);
    EXPECT_GE(cost, best * 0.9999) << name_of(method);
    EXPECT_LT(cost, best * 1.01) << name_of(method);
  }
  // One round of chance alone comes nowhere near, and the better the more there are.
  auto options = published_plan(PlanMethod::shooting);
  options.horizon = 6;
  double last = 1e9;
  for (const std::int64_t count : {4, 64, 4096}) {
    options.candidates = count;
    Planner planner(TwoStates::box(), options);
    const double cost = cost_of(model, planner.plan({&model, Slide::at(0.8)}, {}, seeded(3)).best, 0.8);
    EXPECT_LT(cost, last);
    last = cost;
  }
  EXPECT_GT(last, best * 1.01);
}

/// The puck's world as a model, exact: what is planned in it can be held against the best driver that there is.
class Puck : public TwoStates {
 public:
  Puck() : TwoStates(false) {}
  Carry initial(std::int64_t batch) override { return {{"x", torch::zeros({batch, 4})}, {"reward", torch::zeros({batch})}}; }
  Carry imagine(const Carry& carry, const torch::Tensor& u, const KnobValues&, at::Generator) override {
    const auto& x = carry.at("x");
    const auto cost = (x.matmul(q_) * x).sum(1) + (u.matmul(r_) * u).sum(1);
    return {{"x", x.matmul(a_.t()) + u.matmul(b_.t())}, {"reward", -cost}};
  }
  Prediction outcome(const Carry& carry) override { return {{}, carry.at("reward"), {}}; }

 private:
  template <std::size_t rows, std::size_t columns>
  static torch::Tensor tensor(const std::array<std::array<double, columns>, rows>& m) {
    std::vector<double> flat;
    for (const auto& row : m) flat.insert(flat.end(), row.begin(), row.end());
    return torch::tensor(flat).view({static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)}).to(torch::kFloat32);
  }
  torch::Tensor a_ = tensor(LinearQuadratic::kA), b_ = tensor(LinearQuadratic::kB), q_ = tensor(LinearQuadratic::kQ),
                r_ = tensor(LinearQuadratic::kR);
};

/// A plan at every step, its first action done in the world itself, for a whole episode.
TEST_F(SearchPlan, PlannersDriveThePuckWithinAHundredthOfTheBestCost) {
  Puck model;
  for (const auto method : {PlanMethod::cem, PlanMethod::icem, PlanMethod::mppi, PlanMethod::gradient}) {
    auto options = published_plan(method);
    options.warm_start = true;
    options.first_deviation = method == PlanMethod::gradient ? 0.3 : 0.5;
    options.least_deviation = 0, options.momentum = 0;
    options.noise_exponent = 0.5, options.decay = 1;
    options.candidates = method == PlanMethod::gradient ? 4 : 512;
    options.iterations = method == PlanMethod::gradient ? 60 : 12;
    options.learning_rate = 0.05;
    const auto planner = std::make_shared<Planner>(LinearQuadratic().spaces().action, options);
    double cost = 0, best = 0;
    for (const std::uint64_t seed : {1, 2}) {
      LinearQuadratic world, expert;
      world.reset(seed), expert.reset(seed);
      Pilot pilot(planner, 1, Mode::judge);
      pilot.start(0);
      auto rng = seeded(seed);
      for (int step = 0; step < LinearQuadratic::kSteps; ++step) {
        auto x = torch::zeros({1, 4});
        world.observe_vector({x.data_ptr<float>(), 4});
        const auto action = pilot.drive({&model, {{"x", x}, {"reward", torch::zeros({1})}}}, rng).contiguous();
        cost -= static_cast<double>(world.step({action.const_data_ptr<float>(), 2}).reward);
        std::vector<float> ideal(2);
        ASSERT_TRUE(expert.expert(ideal));
        best -= static_cast<double>(expert.step(ideal).reward);
      }
    }
    EXPECT_GT(cost, best * 0.999) << name_of(method);
    EXPECT_LT(cost, best * 1.01) << name_of(method);
  }
}

/// Candidates, rounds and horizon are the budget; whatever is planned stays within the bounds.
TEST_F(SearchPlan, PlansForChoicesToo) {
  TwoStates model(true);
  for (const auto method : {PlanMethod::cem, PlanMethod::icem, PlanMethod::mppi, PlanMethod::shooting}) {
    auto options = published_plan(method);
    options.horizon = 4;
    const auto planner = std::make_shared<Planner>(TwoStates::choices(), options);
    class OneHot : public TwoStates {  // as models take choices: an index
     public:
      OneHot() : TwoStates(true) {}
      Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override {
        const auto given = action.size(-1) == 2 ? action : torch::one_hot(action.select(-1, 0).to(torch::kInt64), 2).to(torch::kFloat32);
        return TwoStates::imagine(carry, given, knobs, rng);
      }
    } world;
    const auto decision = planner->decide({&world, world.initial(3)}, planner->initial(3), Mode::judge, seeded(4));
    EXPECT_TRUE(torch::equal(decision.action, torch::ones({3, 1}))) << name_of(method);
    for (const auto& [name, tensor] : planner->initial(3)) {
      ASSERT_TRUE(decision.memory.contains(name)) << name;
      EXPECT_EQ(decision.memory.at(name).sizes(), tensor.sizes()) << name_of(method) << " " << name;
    }
    options.method = PlanMethod::gradient, options.candidates = 4;
    Planner uphill(TwoStates::choices(), options);
    EXPECT_TRUE(torch::equal(uphill.decide({&world, world.initial(2)}, {}, Mode::judge, seeded(4)).action, torch::ones({2, 1})));
  }
}

/// Σ γ^t r_t + γ^H V; an imagined end lets nothing count that comes after it.
TEST_F(SearchPlan, TheEndOfTheHorizonIsWorthWhatTheCriticSays) {
  Slide model;
  const auto critic = std::make_shared<Critic>();
  critic->gamma = 0.9, critic->weight = -3;
  PlannerOptions options{.candidates = 2, .iterations = 1, .elites = 2, .horizon = 3};
  Planner planner(TwoStates::box(), options, critic);
  const auto noise = torch::tensor({0.5, 0.5, 0.5, -0.2, 0.4, 0.9}).view({1, 1, 2, 3, 1});
  const auto plan = planner.plan({&model, Slide::at(0.8)}, {}, seeded(1), noise);
  for (int n = 0; n < 2; ++n) {
    double x = 0.8, total = 0, weight = 1;
    for (int t = 0; t < 3; ++t, weight *= 0.9) {
      const double u = noise[0][0][n][t][0].item<double>();
      x += Slide::push * u;
      total -= weight * (x * x + Slide::effort * u * u);
    }
    EXPECT_NEAR(plan.scores[0][n].item<double>(), total - 3 * weight * x * x, 1e-5);
  }
  EXPECT_EQ(planner.discount(), 0.9);

  Slide mortal(true);
  Planner alone(TwoStates::box(), options);
  const auto down = alone.plan({&mortal, Slide::at(-0.8)}, {}, seeded(1), torch::full({1, 1, 2, 3, 1}, -1.0));
  EXPECT_NEAR(down.scores[0][0].item<double>(), -(1.3 * 1.3 + 0.25), 1e-5) << "the first step is the last that counts";

  options.discount = 0.5;
  Planner near_sighted(TwoStates::box(), options);
  const auto still = near_sighted.plan({&model, Slide::at(0.8)}, {}, seeded(1), torch::zeros({1, 1, 2, 3, 1}));
  EXPECT_NEAR(still.scores[0][0].item<double>(), -0.64 * (1 + 0.5 + 0.25), 1e-5) << "by its own discount, as nobody is there to say one";
}

/// MPPI as TD-MPC2 has it: weights exp(τ(R − max)) over the elites, σ within its bounds, and what the policy proposes is among
/// the candidates.
TEST_F(SearchPlan, WeighsElitesByTheirReturn) {
  class Given : public TwoStates {  // returns are 0, −1 and −2, by the sign of what is done
   public:
    Given() : TwoStates(false) {}
    Prediction outcome(const Carry& carry) override { return {{}, -carry.at("s").select(1, 1).abs() * 10, {}}; }
  } model;
  PlannerOptions options{.candidates = 3, .iterations = 1, .elites = 3, .horizon = 1};
  options.method = PlanMethod::mppi, options.least_deviation = 0.05, options.first_deviation = 2;
  Planner planner(TwoStates::box(), options);
  const auto noise = torch::tensor({0.0, 0.05, -0.1}).view({1, 1, 3, 1, 1});  // of σ = 2: 0, 0.1, −0.2
  const auto plan = planner.plan({&model, model.initial(1)}, {}, seeded(1), noise);
  const double a = 1, b = 0.606531, c = 0.367879, sum = a + b + c, mean = (b * 0.1 - c * 0.2) / sum;
  EXPECT_NEAR(plan.mean.item<double>(), mean, 1e-6);
  const double variance = (a * mean * mean + b * std::pow(0.1 - mean, 2) + c * std::pow(-0.2 - mean, 2)) / sum;
  EXPECT_NEAR(plan.deviation.item<double>(), std::sqrt(variance), 1e-6);
  const auto same = planner.plan({&model, model.initial(1)}, {}, seeded(1), torch::zeros({1, 1, 3, 1, 1}));
  EXPECT_NEAR(same.deviation.item<double>(), 0.05, 1e-7);

  const auto policy = std::make_shared<Critic>();
  policy->weight = 0, policy->proposal = 0.625;
  options.from_prior = 2;
  Planner guided(TwoStates::box(), options, policy);
  const auto with = guided.plan({&model, model.initial(1)}, {}, seeded(1), noise);
  EXPECT_EQ(with.candidates.size(1), 5);
  EXPECT_EQ(with.candidates[0][0].item<double>(), 0.625);
  EXPECT_EQ(with.candidates[0][1].item<double>(), 0.625);
}

/// iCEM's noise: variance 1 and, over the horizon, slower than white noise.
TEST_F(SearchPlan, ColouredNoiseIsSlow) {
  Slide model;
  const auto first = [&](double exponent) {
    PlannerOptions options{.candidates = 4000, .iterations = 1, .elites = 10, .horizon = 16};
    options.method = PlanMethod::icem, options.first_deviation = 0.1, options.noise_exponent = exponent;
    Planner planner(TwoStates::box(), options);
    return planner.plan({&model, Slide::at(0)}, {}, seeded(5)).candidates[0].slice(0, 0, 4000).squeeze(-1) / 0.1;
  };
  for (const double exponent : {0.0, 2.5}) {
    const auto noise = first(exponent);
    EXPECT_NEAR(noise.var().item<double>(), 1, 0.05) << exponent;
    const double neighbours = (noise.slice(1, 1) * noise.slice(1, 0, 15)).mean().item<double>();
    EXPECT_NEAR(neighbours, exponent == 0 ? 0 : 0.85, exponent == 0 ? 0.05 : 0.12);
  }
}

TEST_F(SearchPlan, SaysWhatItCannotPlanIn) {
  class Silent : public Slide {
   public:
    Prediction outcome(const Carry&) override { return {}; }
  } silent;
  class Steep : public Slide {  // whose dream lets no gradient through
   public:
    Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override {
      torch::NoGradGuard no_grad;
      return Slide::imagine(carry, action, knobs, rng);
    }
  } steep;
  Planner planner(TwoStates::box(), published_plan(PlanMethod::cem)), uphill(TwoStates::box(), published_plan(PlanMethod::gradient));
  EXPECT_NE(message_of<Error>([&] { planner.plan({&silent, Slide::at(0)}, {}, seeded(1)); }).find("no reward"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { planner.plan({nullptr, {}}, {}, seeded(1)); }).find("without a model"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { uphill.plan({&steep, Slide::at(0)}, {}, seeded(1)); }).find("no gradient"), std::string::npos);
}

/// A knob says who drives, and each remembers what is its own.
TEST_F(SearchPlan, AKnobPutsAPlanInThePolicysPlace) {
  Slide model;
  const auto policy = std::make_shared<Critic>();
  policy->proposal = 0.25;
  OwnOrPlanned driver(policy, TwoStates::box());
  const auto decided = [&](double who, const Carry& memory) {
    return driver.decide({&model, Slide::at(0.8), {}, {}, {{"driver", who}}}, memory, Mode::judge, seeded(1));
  };
  auto memory = driver.initial(1);
  EXPECT_EQ(decided(0, memory).action.item<double>(), 0.25);
  std::vector<std::string> seen;
  for (double who = 1; who <= 5; ++who) {
    auto decision = decided(who, memory);
    EXPECT_LT(decision.action.item<double>(), -0.2) << who;
    EXPECT_EQ(decision.memory.size(), memory.size());
    memory = decision.memory;
  }
  EXPECT_LT(memory.at("icem/mean").min().item<double>(), -0.05);
  EXPECT_EQ(driver.initial(1).at("icem/mean").abs().max().item<double>(), 0);
  // Where nobody plans, the plan's place says who would.
  for (const double who : {0.0, 1.0}) {
    ProbeSink sink({"plan/actions"});
    driver.report({&model, Slide::at(0.8), {}, {}, {{"driver", who}}}, memory, sink, seeded(1));
    const auto probes = sink.take();
    ASSERT_EQ(probes.size(), 1u);
    EXPECT_EQ(std::holds_alternative<Text>(*probes[0].value), who == 0);
  }
  // Their own budgets are of use while they drive.
  for (const auto& knob : driver.knobs()) {
    EXPECT_EQ(knob.choices.size(), knob.name == "driver" ? 6u : 0u);
    EXPECT_EQ(knob.when.knob, knob.name == "driver" ? "" : "driver") << knob.name;
  }
}

// -- below a cost limit ---------------------------------------------------------------------------------------------

/// Slide, where −1 is the best place and a step to the left of 0 costs 1.
class DearSlide : public Slide {
 public:
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues&, at::Generator) override {
    const auto x = carry.at("x") + push * action;
    return {{"x", x}, {"reward", -(x + 1).square().squeeze(1)}};
  }
  Prediction outcome(const Carry& carry) override {
    auto prediction = Slide::outcome(carry);
    prediction.cost = (carry.at("x").squeeze(1) < 0).to(torch::kFloat32);
    return prediction;
  }
};

/// The candidates of SafeDreamer's own code, by what they promise and cost; see tests/golden/make_safe_dreamer.py.
class Priced : public TwoStates {
 public:
  Priced() : TwoStates(false) {}
  Carry initial(std::int64_t batch) override { return {{"x", torch::zeros({batch, 1})}}; }
  Carry imagine(const Carry&, const torch::Tensor& action, const KnobValues&, at::Generator) override {
    return {{"x", action}};
  }
  Prediction outcome(const Carry& carry) override {
    const auto index = ((carry.at("x").squeeze(1) + 1) * 8).round().to(torch::kInt64).clamp_max(11);
    Prediction prediction;
    prediction.reward = returns.index_select(0, index), prediction.cost = costs.index_select(0, index);
    return prediction;
  }
  torch::Tensor returns = torch::zeros({12}), costs = torch::zeros({12});
};

TEST_F(SearchPlan, KeepsBelowACostLimitAsTheAuthorsDo) {
  const auto file = Checkpoint::load(DREAMSCOPE_SOURCE_DIR "/tests/golden/safe_dreamer/loss.safetensors");
  PlannerOptions options{.candidates = 12, .iterations = 1, .elites = 4, .horizon = 1};
  options.method = PlanMethod::osrp, options.cost_limit = 5, options.cost_steps = 1;
  Planner planner(TwoStates::box(), options);
  Priced model;
  model.returns = file.tensors.at("in/planned_return");
  const auto numbered = (torch::arange(12, torch::kFloat32) / 8 - 1).view({1, 1, 12, 1, 1});
  for (const std::string safe : {"8", "3", "0"}) {
    model.costs = file.tensors.at("in/planned_cost" + safe);
    const auto plan = planner.plan({&model, model.initial(1)}, {}, seeded(1), numbered);
    EXPECT_TRUE(torch::equal(plan.elites[0], file.tensors.at("out/elites" + safe))) << plan.elites;
  }
}

/// A recipe may say that a plan of its own settings drives where nobody chooses.
TEST_F(SearchPlan, ARecipesOwnPlanDrivesWhereNobodyChooses) {
  Slide model;
  const auto policy = std::make_shared<Critic>();
  policy->proposal = 0.25;
  OwnOrPlanned driver(policy, TwoStates::box());
  auto settings = published_plan(PlanMethod::cem);
  settings.horizon = 3, settings.iterations = 2;
  const auto decided = [&](const KnobValues& knobs) {
    return driver.decide({&model, Slide::at(0.8), {}, {}, knobs}, driver.initial(1), Mode::judge, seeded(1)).action.item<double>();
  };
  driver.set_plan(settings, true);
  EXPECT_LT(decided({}), -0.2);
  EXPECT_EQ(decided({{"driver", 0}}), 0.25);
  std::map<std::string, double> usual;
  for (const auto& knob : driver.knobs()) usual[knob.name] = knob.default_value;
  EXPECT_EQ(usual.at("driver"), 1);
  EXPECT_EQ(usual.at("cem_horizon"), 3);
  EXPECT_EQ(usual.at("cem_iterations"), 2);
  EXPECT_EQ(usual.at("icem_horizon"), static_cast<double>(published_plan(PlanMethod::icem).horizon));
  EXPECT_FALSE(usual.contains("osrp_cost_limit")) << "no limit where nothing costs";
  driver.set_plan(settings, false);
  EXPECT_EQ(decided({}), 0.25);
}

/// What a state costs from there on: as much as it lies below 0.
class Charges : public Critic {
 public:
  torch::Tensor expected_cost(const Seen& seen) override { return (-seen.carry.at("x").squeeze(1)).clamp_min(0); }
  torch::Tensor value(const Seen&) override { return {}; }
};

/// A cost that stays below the limit, or comes after the plan's end, counts by its weight.
TEST_F(SearchPlan, WeighsCostsBelowTheLimit) {
  DearSlide model;
  const auto lowest = [&](double weight) {
    PlannerOptions options = published_plan(PlanMethod::osrp);
    options.cost_limit = 1e6, options.cost_weight = weight, options.horizon = 4;
    Planner planner(TwoStates::box(), options, std::make_shared<Charges>());
    auto x = 0.2 + torch::zeros({1, 1});
    for (const auto& action : planner.plan({&model, Slide::at(0.2)}, {}, seeded(2)).best[0].unbind(0)) x = x + Slide::push * action;
    return x.item<double>();
  };
  EXPECT_LT(lowest(0), -0.1);
  EXPECT_GT(lowest(10), -0.02);
}

TEST_F(SearchPlan, StopsWhereItWouldBecomeDear) {
  Spaces world;
  world.costs = true, world.cost_limit = 0.5, world.max_episode_steps = 15;
  DearSlide model;
  const auto ends = [&](const PlannerOptions& options) {
    Planner planner(TwoStates::box(), options);
    auto x = 0.8 + torch::zeros({1, 1});
    const auto plan = planner.plan({&model, Slide::at(0.8)}, {}, seeded(2));
    double lowest = 1;
    for (const auto& action : plan.best[0].unbind(0)) {
      x = x + Slide::push * action;
      lowest = std::min(lowest, x.item<double>());
    }
    return lowest;
  };
  auto options = published_plan(PlanMethod::osrp, world);
  EXPECT_EQ(options.cost_limit, 0.5);
  EXPECT_EQ(options.cost_steps, 15);
  EXPECT_GT(ends(options), -0.05);
  EXPECT_LT(ends(published_plan(PlanMethod::cem)), -0.8) << "who does not mind goes on";
  // The limit is a knob while it plans in the policy's place.
  OwnOrPlanned driver(std::make_shared<Critic>(), TwoStates::box(), &world);
  const auto pushed = [&](double limit) {
    return driver.decide({&model, Slide::at(0.1), {}, {}, {{"driver", 6}, {"osrp_cost_limit", limit}}}, driver.initial(1), Mode::judge, seeded(1))
        .action.item<double>();
  };
  EXPECT_LT(pushed(50), pushed(0) - 0.1);
  Slide free;
  Planner planner(TwoStates::box(), options);
  EXPECT_NE(message_of<Error>([&] { planner.plan({&free, Slide::at(0)}, {}, seeded(1)); }).find("predicts no costs"),
            std::string::npos);
  // Offered where the model knows costs, as the last of those who may drive.
  EXPECT_EQ(OwnOrPlanned(std::make_shared<Critic>(), TwoStates::box(), &world).initial(1).count("osrp/mean"), 1u);
  EXPECT_EQ(OwnOrPlanned(std::make_shared<Critic>(), TwoStates::box()).initial(1).count("osrp/mean"), 0u);
}

}  // namespace search_plan_test
}  // namespace dream
