// STORM and TransDreamer as recipes: they learn, go on bit for bit where they were interrupted, and the player dreams with them.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/trainer.h"
#include "core/engine/tssm/tssm_recipe.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace tssm_run_test {

class TssmRun : public ::testing::TestWithParam<TssmKind> {
 protected:
  TssmRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const std::string& run, const std::vector<std::string>& more = {}) {
    RunSpec spec;
    const bool storm = GetParam() == TssmKind::storm;
    spec.recipe = storm ? "storm" : "transdreamer";
    spec.environment = "Catch";
    spec.directory = folder_ / run;
    spec.settings = {"train.steps=100",   "train.prefill=40",  "train.lanes=2",      "train.batch=3",     "train.length=6",
                     "train.train_ratio=4", "train.bfloat16=false", "train.evaluate_episodes=2", "world.groups=4", "world.classes=4",
                     "world.width=16",    "world.heads=2",     "world.each=8",       "world.between=16",  "world.window=8",
                     "world.keep=5",      "world.depth=2",     "behaviour.units=16", "behaviour.horizon=3", "learn.imagined=5"};
    if (!storm) spec.settings.insert(spec.settings.end(), {"world.hidden=16", "world.units=16"});
    if (storm) spec.settings.emplace_back("learn.context=4");
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return storm ? make_storm(spec) : make_transdreamer(spec);
  }

  test::TempFolder folder_;
};

TEST_P(TssmRun, LearnsAndIsScored) {
  Trainer trainer(make("run", {"train.steps=120", "train.train_ratio=12", "world_optimiser.learning_rate=3e-3"}), {1e9, ""}, false);
  while (trainer.advance()) {
  }
  auto& system = trainer.system();
  double first = 0;
  for (const auto& view : system.metrics.views(nullptr)) {
    EXPECT_TRUE(!view.y.empty() || view.name.starts_with("gauges/")) << view.name;
    if (view.name == "world/image") first = view.y.front();
  }
  EXPECT_LT(system.metrics.last("world/image"), first);
  EXPECT_GT(system.starts.at("memory0").size(0), 0);
  EXPECT_EQ(system.starts.at("memory0").size(1), 8) << "dreams have the whole window";
}

TEST_P(TssmRun, LearnsFromVectors) {
  Trainer trainer(make("vectors", {"world.observe=vector", "train.train_ratio=12", "world_optimiser.learning_rate=3e-3"}), {1e9, ""}, false);
  while (trainer.advance()) {
  }
  const auto& metrics = trainer.system().metrics;
  for (const auto& view : metrics.views(nullptr)) {
    if (view.name != "world/vector" && view.name != "world/image") continue;
    EXPECT_LT(metrics.last(view.name), view.y.front()) << view.name;
  }
}

TEST_P(TssmRun, AnInterruptedOneGoesOnBitForBit) {
  {
    Trainer trainer(make("whole"), {1e9, ""}, false);
    while (trainer.advance()) {
    }
    EXPECT_GT(std::static_pointer_cast<TssmParts>(trainer.system().parts)->updates, 5);
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

TEST_P(TssmRun, ThePlayerDreamsWithItAndShowsWhereItLooks) {
  Player player;
  auto system = make("run");
  {
    torch::NoGradGuard no_grad;
    system->model->named_parameters()["end.out.bias"].fill_(-9);  // it has not learned when a dream ends
  }
  player.load(std::move(system), "run");
  player.watch({"attention/heads", "latent/z", "latent/entropy", "hidden/h", "policy/action"});
  std::vector<std::shared_ptr<const Image>> dreamt;
  const auto look = [&] {
    const auto now = player.view();
    for (const auto& frame : now->frames)
      if (frame.name == "dream") dreamt.push_back(frame.image);
  };
  look();
  for (int i = 1; i < 13; ++i) player.step(now_seconds() + i), look();  // over the window's end
  const auto view = player.view();
  EXPECT_EQ(view->step, 12);
  ASSERT_FALSE(view->knobs.empty());
  EXPECT_EQ(view->knobs[0].knob.symbol, "τ");
  std::map<std::string, const Value*> shown;
  for (const auto& probe : view->probes) shown[probe.name] = probe.value.get();
  ASSERT_TRUE(shown.contains("attention/heads"));
  const auto& attention = std::get<Attention>(*shown.at("attention/heads"));
  EXPECT_EQ(attention.layers, 2);
  EXPECT_EQ(attention.heads, 2);
  ASSERT_EQ(attention.weights.size(), static_cast<std::size_t>(4 * attention.queries * attention.keys));
  for (int row = 0; row < 4 * attention.queries; ++row) {
    const auto from = attention.weights.begin() + row * attention.keys;
    EXPECT_NEAR(std::accumulate(from, from + attention.keys, 0.0), 1, 1e-4);
    for (int key = row % attention.queries + 1; key < attention.keys; ++key) EXPECT_EQ(from[key], 0) << "nothing looks at what comes later";
  }
  // Each token is of a moment whose picture is beside it.
  ASSERT_EQ(attention.key_ages.size(), static_cast<std::size_t>(attention.keys));
  ASSERT_EQ(attention.key_pictures.size(), attention.key_ages.size());
  for (std::size_t key = 0; key < attention.key_ages.size(); ++key) {
    const auto age = static_cast<std::size_t>(attention.key_ages[key]);
    ASSERT_TRUE(attention.key_pictures[key]) << age << " steps ago";
    if (age < dreamt.size()) { EXPECT_EQ(attention.key_pictures[key]->pixels, dreamt[dreamt.size() - 1 - age]->pixels) << age; }
  }
  EXPECT_EQ(attention.key_ages.back(), 1);
  EXPECT_EQ(std::get<Categorical>(*shown.at("latent/z")).drawn.size(), 4u);
  EXPECT_EQ(std::get<Vector>(*shown.at("latent/entropy")).values.size(), 4u);
  player.edit("latent/z", 1, 1);
  player.step(now_seconds() + 20);
  EXPECT_NE(test::message_of<Error>([&] { player.edit("hidden/h", 0, 1); }).find("cannot be edited"), std::string::npos);
}

TEST_P(TssmRun, RefusesToKeepWindowsBesideFrames) {
  EXPECT_NE(test::message_of<Error>([&] { make("run", {"train.replay_context=true"}); }).find("train.replay_context"), std::string::npos);
  EXPECT_NE(test::message_of<Error>([&] { make("run", {"learn.context=9"}); }).find("learn.context"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Both, TssmRun, ::testing::Values(TssmKind::storm, TssmKind::transdreamer),
                         [](const auto& each) { return each.param == TssmKind::storm ? "Storm" : "TransDreamer"; });

TEST(TssmPublished, ConstantsAreThePapers) {
  TssmRunOptions storm;
  storm.size = TssmSize::published;
  set_published(storm, TssmKind::storm);
  EXPECT_EQ(storm.world.width, 512);
  EXPECT_EQ(storm.imagined, 1024);
  EXPECT_EQ(storm.context, 8);
  EXPECT_EQ(storm.behaviour.horizon, 16);
  EXPECT_EQ(storm.behaviour.discount, 0.985);
  EXPECT_EQ(storm.train.train_ratio, 1024) << "an update a step";
  TssmRunOptions trans;
  trans.size = TssmSize::published;
  set_published(trans, TssmKind::transdreamer);
  EXPECT_EQ(trans.world.layers, 6);
  EXPECT_EQ(trans.world.width, 600);
  EXPECT_EQ(trans.behaviour.discount, 0.999);
  EXPECT_EQ(trans.actor_optimiser.learning_rate, 4e-5);
  EXPECT_EQ(trans.train.length, 50);
}

}  // namespace tssm_run_test
}  // namespace dream
