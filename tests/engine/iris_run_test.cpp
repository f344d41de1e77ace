// IRIS as a recipe: it learns, goes on bit for bit where it was interrupted, and the player dreams with it.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/iris/iris_recipe.h"
#include "core/engine/trainer.h"
#include "core/nn/generator.h"
#include "tests/data/temp_folder.h"
#include "tests/support/hashed_golden.h"

namespace dream {
namespace iris_run_test {

class IrisRun : public ::testing::Test {
 protected:
  IrisRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const std::string& run, const std::vector<std::string>& more = {}, const char* world = "Catch") {
    RunSpec spec;
    spec.recipe = "iris";
    spec.environment = world;
    spec.directory = folder_ / run;
    spec.settings = {"side=16", "train.steps=70", "train.prefill=40", "train.lanes=2", "train.batch=4", "train.length=5",
                     "train.train_ratio=5", "train.bfloat16=false", "train.evaluate_episodes=2", "tokenizer.channels=8", "tokenizer.codes=16",
                     "tokenizer.width=8", "world.width=64", "world.layers=2", "world.heads=2", "world.frames=5", "world.dropout=0.1",
                     "behaviour.width=2", "behaviour.memory=8", "behaviour.horizon=3", "behaviour.context=2", "learn.frames=4",
                     "learn.imagined=3", "learn.world_after=1", "learn.actor_after=2"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_iris(spec);
  }

  test::TempFolder folder_;
};

TEST_F(IrisRun, LearnsAndIsScored) {
  Trainer trainer(make("run", {"train.train_ratio=60", "tokenizer.learning_rate=3e-3", "world.learning_rate=3e-3"}), {1e9, ""}, false);
  while (trainer.advance()) {
  }
  auto& system = trainer.system();
  std::map<std::string, std::vector<double>> curves;
  for (const auto& view : system.metrics.views(nullptr)) {
    EXPECT_TRUE(!view.y.empty() || view.name.starts_with("gauges/")) << view.name;
    curves[view.name] = view.y;
  }
  for (const char* name : {"tokens/reconstruction", "world/reward"}) EXPECT_LT(curves.at(name).back(), 0.5 * curves.at(name).front()) << name;
}

TEST_F(IrisRun, AnInterruptedOneGoesOnBitForBit) {
  {
    Trainer trainer(make("whole"), {1e9, ""}, false);
    while (trainer.advance()) {
    }
    EXPECT_GT(std::static_pointer_cast<IrisParts>(trainer.system().parts)->updates, 5);
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
  for (const auto& [name, tensor] : whole) {
    ASSERT_TRUE(torn.contains(name)) << name;
    EXPECT_TRUE(torch::equal(tensor, torn.at(name))) << name;
  }
}

TEST_F(IrisRun, EachPartBeginsInItsTime) {
  const auto counts = [&](const std::string& run, const std::vector<std::string>& more) {
    Trainer trainer(make(run, more), {1e9, "learn"}, false);
    while (trainer.advance()) {
    }
    std::vector<bool> learned;
    for (const char* name : {"tokens/codebook", "world/codes", "behaviour/actor"}) learned.push_back(std::isfinite(trainer.system().metrics.last(name)));
    return learned;
  };
  EXPECT_EQ(counts("tokens", {"learn.world_after=1000", "learn.actor_after=1000"}), (std::vector<bool>{true, false, false}));
  EXPECT_EQ(counts("world", {"learn.world_after=3", "learn.actor_after=1000"}), (std::vector<bool>{true, true, false}));
}

TEST_F(IrisRun, ThePlayerDreamsWithItAndExchangesATokenOfIt) {
  Player player;
  player.load(make("run"), "iris");
  player.watch({"tokens/film", "memory/window", "outcome/sign", "policy/action"});
  for (int i = 1; i < 4; ++i) player.step(now_seconds() + i);
  const auto view = player.view();
  EXPECT_EQ(view->step, 3);
  ASSERT_FALSE(view->knobs.empty());
  EXPECT_EQ(view->knobs[0].knob.name, "tau_tokens");
  std::map<std::string, const Value*> shown;
  for (const auto& probe : view->probes) shown[probe.name] = probe.value.get();
  ASSERT_TRUE(shown.contains("tokens/film") && shown.contains("memory/window") && shown.contains("policy/action"));
  EXPECT_EQ(std::get<Image>(*shown.at("tokens/film")).width, 4 * 16) << "2 x 2 tokens";
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

/// What its dropout draws is the run's own, whatever others draw meanwhile from Torch's one stream.
TEST_F(IrisRun, LeavesTorchsOwnStreamAlone) {
  Trainer trainer(make("run"), {1e9, "learn"}, false);
  const auto updates = [&] { return std::static_pointer_cast<IrisParts>(trainer.system().parts)->updates; };
  while (updates() < 4 && trainer.advance()) {
  }
  const auto before = at::detail::getDefaultCPUGenerator().get_state();
  while (trainer.advance()) {
  }
  EXPECT_GT(updates(), 5);
  auto transformer = std::static_pointer_cast<IrisParts>(trainer.system().parts)->model->transformer();
  const auto codes = torch::zeros({1, 2, 1}, torch::kInt64), none = torch::zeros({1, 1}), all = torch::ones({1, 2});
  const auto loss = [&](std::optional<at::Generator> chance) {
    torch::NoGradGuard no_grad;
    const auto places = transformer->page_shape(1)[2] - 1;
    return transformer->loss(codes.expand({1, 2, places}), torch::zeros({1, 1, 3}), none, none, all, torch::ones({1, 1}), std::move(chance)).total.item<double>();
  };
  EXPECT_EQ(loss({}), loss({}));
  EXPECT_NE(loss(make_generator(torch::kCPU, 1)), loss({})) << "and it does drop out";
  EXPECT_EQ(loss(make_generator(torch::kCPU, 1)), loss(make_generator(torch::kCPU, 1)));
  EXPECT_TRUE(torch::equal(at::detail::getDefaultCPUGenerator().get_state(), before));
}

TEST_F(IrisRun, SaysWhatDoesNotFit) {
  const auto refused = [&](const std::string& setting) { return test::message_of<Error>([&] { make("run", {setting}); }); };
  EXPECT_NE(refused("train.length=6").find("train.length = 6 is more than the transformer looks back at, world.frames = 5"), std::string::npos);
  EXPECT_NE(refused("train.replay_context=true").find("IRIS does not begin its pieces with it"), std::string::npos);
}

/// Where it stands and a gradient is not finite: it is taken from its checkpoint again, and goes on from there as ever.
TEST_F(IrisRun, GoesOnWhereAStepFailedAndWasTakenBack) {
  const auto end_of = [&](bool fails) {
    Trainer trainer(make(fails ? "fails" : "whole"), {1e9, "learn"}, false);
    auto& parts = *std::static_pointer_cast<IrisParts>(trainer.system().parts);
    while (parts.updates < 5 && trainer.advance()) {
    }
    trainer.save();
    if (fails) {
      auto table = parts.model->transformer()->named_parameters()["of_position"];
      table.mutable_grad() = torch::full_like(table, std::numeric_limits<double>::quiet_NaN());
      EXPECT_THROW({ while (trainer.advance()) {} }, Error);
      trainer.close();
      trainer.take();
    }
    while (trainer.advance()) {
    }
    return fingerprint(trainer.system());
  };
  EXPECT_EQ(end_of(true), end_of(false));
}

/// Boxes too, which the paper has none of.
TEST_F(IrisRun, ServesContinuousActions) {
  Trainer trainer(make("run", {}, "Pendulum"), {1e9, "learn"}, false);
  while (trainer.advance()) {
  }
  EXPECT_TRUE(std::isfinite(trainer.system().metrics.last("behaviour/actor")));
}

TEST_F(IrisRun, PublishedIsThePapersSize) {
  RunSpec spec;
  spec.recipe = "iris", spec.environment = "MinAtarBreakout", spec.directory = folder_ / "published";
  spec.settings = {"size=published"};
  const auto system = make_iris(spec);
  const auto& parts = *std::static_pointer_cast<IrisParts>(system->parts);
  const auto actions = static_cast<std::int64_t>(system->make_env()->spaces().action.choices.size());
  EXPECT_EQ(test::parameter_count(*parts.model->tokenizer()), 4'027'523);
  EXPECT_EQ(test::parameter_count(*parts.model->transformer()), 8'447'493 + 256 * (actions - 4));
  EXPECT_EQ(test::parameter_count(*parts.actor_critic), 3'217'957 + 513 * (actions - 4));
}

}  // namespace iris_run_test
}  // namespace dream
