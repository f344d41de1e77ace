// Δ-IRIS as a recipe: it learns, goes on bit for bit where it was interrupted, and the player dreams with it.
#include <gtest/gtest.h>

#include <cmath>

#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/delta_iris/delta_iris_recipe.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"
#include "tests/support/hashed_golden.h"

namespace dream {
namespace delta_iris_run_test {

class DeltaIrisRun : public ::testing::Test {
 protected:
  DeltaIrisRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const std::string& run, const std::vector<std::string>& more = {}, const char* world = "Catch") {
    RunSpec spec;
    spec.recipe = "delta-iris";
    spec.environment = world;
    spec.directory = folder_ / run;
    spec.settings = {"side=16", "train.steps=70", "train.prefill=40", "train.lanes=2", "train.batch=4", "train.length=6",
                     "train.train_ratio=5", "train.bfloat16=false", "train.evaluate_episodes=2", "tokenizer.codes=16", "tokenizer.width=8",
                     "tokenizer.latent=8", "world.width=64", "world.layers=2", "world.heads=2", "world.frames=5", "world.dropout=0.1",
                     "behaviour.width=16", "behaviour.memory=8", "behaviour.horizon=3", "behaviour.context=2", "learn.pairs=4",
                     "learn.imagined=3", "learn.world_after=1", "learn.actor_after=2"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_delta_iris(spec);
  }

  test::TempFolder folder_;
};

TEST_F(DeltaIrisRun, LearnsAndIsScored) {
  Trainer trainer(make("run", {"train.train_ratio=60", "tokenizer.learning_rate=3e-3", "world.learning_rate=3e-3"}), {1e9, ""}, false);
  while (trainer.advance()) {
  }
  auto& system = trainer.system();
  std::map<std::string, std::vector<double>> curves;
  for (const auto& view : system.metrics.views(nullptr)) {
    EXPECT_TRUE(!view.y.empty() || view.name.starts_with("gauges/")) << view.name;
    curves[view.name] = view.y;
  }
  for (const char* name : {"tokens/square", "world/reward"}) EXPECT_LT(curves.at(name).back(), 0.5 * curves.at(name).front()) << name;
}

TEST_F(DeltaIrisRun, AnInterruptedOneGoesOnBitForBit) {
  {
    Trainer trainer(make("whole"), {1e9, ""}, false);
    while (trainer.advance()) {
    }
    EXPECT_GT(std::static_pointer_cast<DeltaIrisParts>(trainer.system().parts)->updates, 4);
    trainer.close();
  }
  for (bool more = true, resume = false; more; resume = true) {
    Trainer trainer(make("torn"), {1e9, ""}, resume);
    for (int i = 0; i < 4 && more; ++i) more = trainer.advance();
    trainer.close();
  }
  const auto saved = [&](const std::string& run) { return Checkpoint::load(folder_ / run / "checkpoint.safetensors").tensors; };
  const auto whole = saved("whole"), torn = saved("torn");
  EXPECT_EQ(whole.size(), torn.size());
  bool slow = false;
  for (const auto& [name, tensor] : whole) {
    ASSERT_TRUE(torn.contains(name)) << name;
    EXPECT_TRUE(torch::equal(tensor, torn.at(name))) << name;
    slow = slow || name.find("slow.") != std::string::npos;
  }
  EXPECT_TRUE(slow) << "the slow copy is kept";
  EXPECT_FALSE(torch::equal(whole.at("behaviour/slow.actor.weight"), whole.at("behaviour/actor.weight")));
  const auto begun = make("begun");
  EXPECT_FALSE(torch::equal(whole.at("behaviour/slow.actor.weight"), begun->behaviour->named_parameters()["slow.actor.weight"])) << "and follows";
}

TEST_F(DeltaIrisRun, EachPartBeginsInItsTimeAndHasItsShare) {
  const auto counts = [&](const std::string& run, const std::vector<std::string>& more) {
    Trainer trainer(make(run, more), {1e9, "learn"}, false);
    while (trainer.advance()) {
    }
    std::vector<std::size_t> learned;
    for (const auto& view : trainer.system().metrics.views(nullptr)) {
      if (view.name == "tokens/square" || view.name == "world/codes" || view.name == "behaviour/actor") learned.push_back(view.y.size());
    }
    return learned;
  };
  const auto tokens = counts("tokens", {"learn.world_after=1000", "learn.actor_after=1000"});
  ASSERT_EQ(tokens.size(), 3u);
  EXPECT_GT(tokens[0], 3u);
  EXPECT_EQ(tokens[1] + tokens[2], 0u);
  const auto half = counts("half", {"learn.world_after=0", "learn.actor_after=1000", "learn.world_share=0.5"});
  EXPECT_EQ(half[1], half[0] / 2);
}

TEST_F(DeltaIrisRun, ThePlayerDreamsWithItAndExchangesATokenOfIt) {
  auto system = make("run");
  {
    torch::NoGradGuard no_grad;  // no dream of it ends
    const auto& world = std::static_pointer_cast<DeltaIrisParts>(system->parts)->model->transformer();
    world->named_parameters()["end_out.bias"].copy_(torch::tensor({9.0f, 0.0f}));
  }
  Player player;
  player.load(std::move(system), "delta-iris");
  player.watch({"tokens/change", "memory/window", "outcome/reward", "policy/action"});
  for (int i = 1; i < 4; ++i) player.step(now_seconds() + i);
  const auto view = player.view();
  EXPECT_EQ(view->step, 3);
  ASSERT_FALSE(view->knobs.empty());
  EXPECT_EQ(view->knobs[0].knob.name, "tau_tokens");
  std::map<std::string, const Value*> shown;
  for (const auto& probe : view->probes) shown[probe.name] = probe.value.get();
  ASSERT_TRUE(shown.contains("tokens/change") && shown.contains("memory/window") && shown.contains("policy/action"));
  EXPECT_EQ(std::get<Image>(*shown.at("tokens/change")).width, 3 * 16);
  const auto picture = [&] {
    const auto now = player.view();
    for (const auto& frame : now->frames)
      if (frame.name == "dream") return frame.image->pixels;
    return std::vector<std::uint8_t>{};
  };
  const auto before = picture();
  bool changed = false;
  for (int code = 0; code < 16 && !changed; ++code) {
    player.edit("tokens/grid", 3 * 16 + code, 1);
    changed = picture() != before;
  }
  EXPECT_TRUE(changed);
  player.step(now_seconds() + 9);
  EXPECT_EQ(player.view()->step, 4) << "and dreams on";
}

TEST_F(DeltaIrisRun, LearnsRewardsAsNumbers) {
  Trainer trainer(make("run", {"world.reward=number", "behaviour.critic_head=symlog"}), {1e9, "learn"}, false);
  while (trainer.advance()) {
  }
  EXPECT_TRUE(std::isfinite(trainer.system().metrics.last("world/reward")));
  EXPECT_TRUE(std::isfinite(trainer.system().metrics.last("behaviour/actor")));
}

/// Boxes too, which the paper has none of.
TEST_F(DeltaIrisRun, ServesContinuousActions) {
  Trainer trainer(make("run", {}, "Pendulum"), {1e9, "learn"}, false);
  while (trainer.advance()) {
  }
  EXPECT_TRUE(std::isfinite(trainer.system().metrics.last("behaviour/actor")));
}

TEST_F(DeltaIrisRun, PublishedIsThePapersSize) {
  RunSpec spec;
  spec.recipe = "delta-iris", spec.environment = "MinAtarBreakout", spec.directory = folder_ / "published";
  spec.settings = {"size=published"};
  const auto system = make_delta_iris(spec);
  const auto& parts = *std::static_pointer_cast<DeltaIrisParts>(system->parts);
  const auto actions = static_cast<std::int64_t>(system->make_env()->spaces().action.choices.size());
  EXPECT_EQ(test::parameter_count(*parts.model->tokenizer()), 4'065'715 + (64 * 64 + 4 * 64) * (actions - 4));
  EXPECT_EQ(test::parameter_count(*parts.model->transformer()), 3'577'257 + 256 * (actions - 4));
  std::int64_t own = 0;
  for (const auto& p : parts.actor_critic->learned()) own += p.numel();
  EXPECT_EQ(own, 3'608'245 + 513 * (actions - 4));
}

}  // namespace delta_iris_run_test
}  // namespace dream
