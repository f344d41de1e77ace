// SafeDreamer as a recipe, as small as it gets, and its cost head.
#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/dreamer/dreamer_learner.h"
#include "core/engine/trainer.h"
#include "core/models/rssm.h"
#include "core/nn/generator.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace safe_dreamer_test {

using test::expect_same;
using test::message_of;

class SafeDreamer : public ::testing::Test {
 protected:
  SafeDreamer() { torch::set_num_threads(1); }

  /// Episodes of 25 steps, so that several end in a short run.
  std::unique_ptr<System> make(const std::string& name, const std::vector<std::string>& more = {}) {
    return test::tiny_dreamer({"safe-dreamer",
                               "PointGoal",
                               {"env.repeat=10", "train.steps=140", "train.prefill=40", "world.classes=3",
                                "train.gauges=false", "behaviour.ki=0.1"}},
                              folder_ / name, more);
  }
  static std::shared_ptr<DreamerParts> parts_of(const System& system) {
    return std::static_pointer_cast<DreamerParts>(system.parts);
  }
  test::TempFolder folder_;
};

TEST_F(SafeDreamer, AnInterruptedRunGoesOnBitForBit) {
  for (const std::string kind : {"pid", "augmented"}) {
    const std::string whole = kind + "whole", torn = kind + "torn";
    const std::vector<std::string> settings = {
        "behaviour.lagrangian=" + kind, std::string("behaviour.gradient=") + (kind == "pid" ? "reinforce" : "dynamics"),
        "behaviour.cost_limit=0", "behaviour.penalty=0.01"};
    {
      Trainer trainer(make(whole, settings), {1e9, ""}, false);
      while (trainer.advance()) {
      }
      trainer.close();
      const auto& metrics = trainer.system().metrics;
      EXPECT_TRUE(kind != "pid" || metrics.last("behaviour/multiplier") > 1e-3) << "hazards were met";
      EXPECT_NE(trainer.system().facts.at("cost").find("over 2 unseen episodes"), std::string::npos);
    }
    for (bool more = true, resume = false; more; resume = true) {
      Trainer trainer(make(torn, settings), {1e9, ""}, resume);
      for (int i = 0; i < 7 && more; ++i) more = trainer.advance();
      trainer.close();
    }
    expect_same(folder_ / whole, folder_ / torn);
  }
}

TEST_F(SafeDreamer, ItsCurvesAreThere) {
  Trainer trainer(make("run"), {}, false);
  while (trainer.advance()) {
  }
  for (const auto& view : trainer.system().metrics.views(nullptr)) {
    if (view.name == "behaviour/replay_critic" || view.name == "world/overshooting") continue;
    if (view.name.starts_with("world/") || view.name.starts_with("behaviour/") || view.name.ends_with("/cost")) {
      EXPECT_FALSE(view.y.empty()) << view.name;
    }
  }
}

TEST_F(SafeDreamer, ThePlayerSeesWhatItWouldCost) {
  Player player;
  player.load(make("run"), "safe-dreamer");
  player.watch({"horizon/cost", "horizon/value"});
  for (int i = 1; i < 4; ++i) player.step(now_seconds() + i);
  const auto view = player.view();
  ASSERT_EQ(view->probes.size(), 2u);
  for (const auto& probe : view->probes) {
    const auto& curve = std::get<Curve>(*probe.value);
    EXPECT_EQ(curve.x.size(), 4u) << probe.name << ": here, and three imagined steps";
    EXPECT_EQ(curve.lines.size(), 2u) << probe.name;
  }
}

TEST_F(SafeDreamer, TheLimitIsLive) {
  const auto system = make("run");
  const auto parts = parts_of(*system);
  EXPECT_EQ(parts->options.lagrangian.limit, 25) << "the world's own";
  EXPECT_EQ(parts->safe->lagrangian().live_options().limit, 25);
  for (const auto& field : system->config.fields()) EXPECT_TRUE(field.live || field.key != "behaviour.cost_limit");
  system->config.set_text("behaviour.cost_limit=7");
  system->follow_settings();
  EXPECT_EQ(parts->safe->lagrangian().live_options().limit, 7);
  for (const auto& view : system->metrics.views(nullptr)) EXPECT_TRUE(view.name != "learn/cost" || view.floor == 7);
}

/// Played and judged by planning below the limit, which is what the window turns; the policy by itself where the run says so.
TEST_F(SafeDreamer, ItsOwnPlanDrives) {
  const auto driver = [](const System& system) {
    std::map<std::string, double> usual;
    for (const auto& knob : system.who_drives()->knobs()) usual[knob.name] = knob.default_value;
    return usual;
  };
  const auto system = make("run", {"planner.horizon=3", "planner.cost_limit=7"});
  auto usual = driver(*system);
  EXPECT_EQ(usual.at("driver"), 6);
  EXPECT_EQ(usual.at("osrp_horizon"), 3);
  EXPECT_EQ(usual.at("osrp_cost_limit"), 7);
  system->config.set_text("behaviour.drives=policy");
  system->config.set_text("planner.cost_limit=5");
  system->follow_settings();
  usual = driver(*system);
  EXPECT_EQ(usual.at("driver"), 0);
  EXPECT_EQ(usual.at("osrp_cost_limit"), 5);
}

TEST_F(SafeDreamer, CountsWhatRealEpisodesCost) {
  const auto system = make("run", {"behaviour.cost_limit=10", "behaviour.ki=0.01", "behaviour.kp=0"});
  const auto parts = parts_of(*system);
  Episode piece;
  piece.lane = 1;
  piece.rewards = {0, 0};
  piece.terminated = piece.truncated = {0, 0};
  piece.extra["cost"].values = {4, 8};
  auto& learner = *parts->learner;
  const auto live = [&](bool ends, bool again = false) {
    piece.truncated.back() = ends;
    learner.lived(piece, again);
    return parts->safe->lagrangian().multiplier();
  };
  EXPECT_EQ(live(true), 0) << "random actions, before the first update, say nothing of the policy";
  parts->updates = 1;
  EXPECT_EQ(live(false, true), 0);
  EXPECT_NEAR(live(true), 0.001 + 0.01 * (24 - 10), 1e-12) << "told before the checkpoint, and since";
  EXPECT_NEAR(live(true), 0.001 + 0.01 * (14 + 2), 1e-12) << "an episode is counted by itself";
}

TEST_F(SafeDreamer, RefusesAWorldWithoutCostsInWords) {
  RunSpec spec;
  spec.recipe = "safe-dreamer";
  spec.environment = "Pendulum";
  const auto words = message_of<Error>([&] { make_system(spec); });
  EXPECT_NE(words.find("no step of this world costs anything"), std::string::npos) << words;
  EXPECT_NE(words.find("PointGoal"), std::string::npos) << words;
  spec.recipe = "dreamer-v3", spec.settings = {"world.cost_scale=1"};
  EXPECT_NE(message_of<Error>([&] { make_system(spec); }).find("world.cost_scale"), std::string::npos);
}

TEST_F(SafeDreamer, ThePublishedConstantsAreThere) {
  DreamerOptions o;
  o.safe_size = SafeSize::published;
  set_published(o, "safe-dreamer", false);
  EXPECT_EQ(o.world.deter, 512);
  EXPECT_EQ(o.world.groups * o.world.classes, 48 * 48);
  EXPECT_EQ(o.world.cost_weight, 10);
  EXPECT_EQ(o.cost_critic_optimiser.learning_rate, 3e-5);
  EXPECT_EQ(o.behaviour.gradient, Gradient::dynamics);
  EXPECT_EQ(o.behaviour.horizon, 15);
  EXPECT_EQ(o.lagrangian.kind, Multiplier::augmented);
  EXPECT_EQ(o.train.length, 64);
}

// -- the cost head --------------------------------------------------------------------------------------------------

class CostHead : public ::testing::Test {
 protected:
  CostHead() {
    torch::set_num_threads(1);
    torch::manual_seed(1);
    spaces_.vector_names = {"x", "y", "z"};
    spaces_.action.axes = {"a"};
    spaces_.action.low = {-1}, spaces_.action.high = {1}, spaces_.action.idle = {0};
    spaces_.costs = true;
    DreamerOptions o;
    set_published(o, "safe-dreamer", false);
    options_ = o.world;
    options_.deter = options_.hidden = options_.units = 32;
    options_.reward_layers = options_.vector_layers = options_.continue_layers = 1;
    batch_.vector = torch::randn({4, 8, 3});
    batch_.action = torch::rand({4, 8, 1});
    batch_.reward = torch::randn({4, 8});
    batch_.first = batch_.terminated = batch_.last = torch::zeros({4, 8});
    batch_.extra["cost"] = (batch_.vector.select(2, 0) > 0.5).to(torch::kFloat32).mul(3).unsqueeze(2);
  }
  static double term(const SequenceLoss& loss, const std::string& name) {
    for (const auto& [key, value] : loss.terms)
      if (key == name) return value.item<double>();
    return NAN;
  }

  Spaces spaces_;
  RssmOptions options_;
  SequenceBatch batch_;
};

TEST_F(CostHead, LearnsABatchByHeart) {
  Rssm model(options_, spaces_);
  const auto rng = make_generator(torch::kCPU, 3);
  Optimiser optimiser(model.parameters(), {.kind = OptimiserKind::adam,
                                           .learning_rate = 3e-3,
                                           .eps = 1e-8,
                                           .clip_norm = 100,
                                           .adaptive_clip = 0,
                                           .warm_up = 0});
  const auto costs = batch_.extra.at("cost").flatten();
  const auto begun = model.loss(batch_, rng);
  EXPECT_NEAR(term(begun, "cost"), std::log(static_cast<double>(options_.bins)) * (1 + 9 * (costs > 0).to(torch::kFloat32).mean().item<double>()),
              1e-3)
      << "nothing is known, and what costs counts tenfold";
  EXPECT_EQ(term(begun, "cost_predicted"), 0);
  EXPECT_NEAR(term(begun, "cost_real"), costs.mean().item<double>(), 1e-6);
  for (int i = 0; i < 400; ++i) {
    model.loss(batch_, rng).total.backward();
    optimiser.step();
  }
  torch::NoGradGuard no_grad;
  const auto learned = model.loss(batch_, rng);
  EXPECT_LT(term(learned, "cost"), 0.1 * term(begun, "cost"));
  EXPECT_LT((model.outcome(learned.starts_at({})).cost - costs).abs().mean().item<double>(), 0.2);
}

TEST_F(CostHead, IsThereOnlyWhereItIsAskedFor) {
  torch::manual_seed(1);
  const Rssm with(options_, spaces_);
  options_.cost_scale = 0;
  torch::manual_seed(1);
  Rssm without(options_, spaces_);
  EXPECT_FALSE(without.outcome(without.initial(2)).cost.defined());
  const auto all = with.named_parameters();
  for (const auto& p : without.named_parameters()) EXPECT_TRUE(torch::equal(p.value(), all[p.key()])) << p.key();
  EXPECT_GT(all.size(), without.parameters().size());
  batch_.extra.clear();
  without.loss(batch_, make_generator(torch::kCPU, 1));  // asks for no costs
  options_.cost_scale = 1;
  Rssm asks(options_, spaces_);
  EXPECT_THROW(asks.loss(batch_, make_generator(torch::kCPU, 1)), Error);
}

}  // namespace safe_dreamer_test
}  // namespace dream
