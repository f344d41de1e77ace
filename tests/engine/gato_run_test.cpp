// A run of Gato on two worlds: it resumes bit for bit, acts in both, and says which data it cannot learn from.
#include <gtest/gtest.h>

#include "api/error.h"
#include "core/dream/player.h"
#include "core/engine/collector.h"
#include "core/engine/evaluate.h"
#include "core/engine/run_file.h"
#include "core/engine/system.h"
#include "core/engine/trainer.h"
#include "core/env/registry.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace gato_run_test {

void collect(const std::filesystem::path& folder, const std::string& world) {
  Collector::Options options{folder, 4, 30, 2, Rng(1), 0};
  options.expert = true;
  Collector collector(options, world, [world] { return make_env(world); }, nullptr, "expert");
  while (collector.written() < 4) collector.step();
}

class GatoRun : public ::testing::Test {
 protected:
  GatoRun() {
    torch::set_num_threads(1);
    collect(folder_ / "catch", "Catch");
    collect(folder_ / "pendulum", "Pendulum");
  }
  RunSpec spec(const std::string& run, int updates, const std::string& data) const {
    RunSpec made;
    made.recipe = "gato", made.environment = "Catch", made.directory = folder_ / run;
    made.settings = {"policy.worlds=Catch:Pendulum", "policy.width=16", "policy.layers=1", "policy.heads=2", "policy.context=3",
                     "policy.channels=4", "policy.bins=64", "train.batch=4", "train.evaluate_episodes=2", "train.datasets=" + data,
                     "train.updates=" + std::to_string(updates)};
    return made;
  }
  std::string both() const { return (folder_ / "catch").string() + ":" + (folder_ / "pendulum").string(); }
  static std::string failure(const RunSpec& spec) {
    Trainer trainer(make_system(spec), {60, ""}, false);
    try {
      while (trainer.advance()) {
      }
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  test::TempFolder folder_;
};

TEST_F(GatoRun, AnInterruptedRunGoesOnBitForBitAndActsInBothWorlds) {
  const auto train = [&](const std::string& run, bool interrupted) {
    for (const bool second : {false, true}) {
      auto made = spec(run, 6, both());
      Trainer trainer(make_system(made), {60, "learn"}, second);
      trainer.take();
      const auto halfway = [&] { return interrupted && !second && trainer.system().metrics.views(nullptr)[0].x.size() >= 3; };
      while (!halfway() && trainer.advance()) {
      }
      trainer.close();
      if (!interrupted) return;
    }
  };
  train("whole", false), train("halved", true);
  const auto whole = load_run(folder_ / "whole" / "checkpoint.safetensors"), halved = load_run(folder_ / "halved" / "checkpoint.safetensors");
  for (const auto& [name, tensor] : whole.tensors) {
    if (!name.starts_with("behaviour/") && !name.starts_with("learn.")) continue;
    EXPECT_TRUE(torch::equal(tensor, halved.tensors.at(name))) << name;
  }
  const auto catching = load_system(whole, "cpu"), swinging = load_system(whole, "cpu", "Pendulum");
  EXPECT_EQ(catching->environment, "Catch");
  EXPECT_EQ(swinging->environment, "Pendulum");
  EXPECT_EQ(swinging->worlds, (std::vector<std::string>{"Catch", "Pendulum"}));
  EXPECT_EQ(fingerprint(*catching), fingerprint(*swinging)) << "the same weights";
  for (const auto& system : {catching.get(), swinging.get()}) {
    auto evaluate = evaluate_phase(*system, {[] { return 2; }, [] { return 6; }});
    evaluate->begin();
    while (evaluate->progress() < 1) evaluate->step();
    EXPECT_TRUE(system->facts.contains("score")) << system->environment;
  }
  EXPECT_THROW(load_system(whole, "cpu", "CartPole"), Error);

  // At the window: from one world into the other, and the line that was chosen stays chosen.
  Player player;
  player.load(load_system(whole, "cpu"), "run");
  player.set_knob("instruction", 2);
  player.control(DreamControl::Do::step);
  EXPECT_EQ(player.view()->environment, "Catch");
  player.load(load_system(whole, "cpu", "Pendulum"), "run");
  player.control(DreamControl::Do::step);
  const auto view = player.view();
  EXPECT_EQ(view->environment, "Pendulum");
  EXPECT_EQ(view->worlds, (std::vector<std::string>{"Catch", "Pendulum"}));
  EXPECT_EQ(view->step, 1);
  ASSERT_EQ(view->knobs.size(), 1u);
  EXPECT_EQ(view->knobs[0].value, 2);
}

TEST_F(GatoRun, SaysWhichDataItCannotLearnFrom) {
  EXPECT_NE(failure(spec("none", 2, "")).find("train.datasets names no dataset"), std::string::npos);
  collect(folder_ / "cart", "CartPole");
  EXPECT_NE(failure(spec("other", 2, (folder_ / "cart").string()))
                .find("cart holds episodes of CartPole, and this run's worlds are Catch:Pendulum"), std::string::npos);
  Spaces narrow = make_env("Catch")->spaces();
  narrow.image_height = narrow.image_width = 32;
  { DatasetWriter writer(folder_ / "narrow", {"Catch", "nobody", narrow}); }
  EXPECT_NE(failure(spec("narrow", 2, (folder_ / "narrow").string())).find("pictures of 64 x 64 pixels"), std::string::npos);
}

}  // namespace gato_run_test
}  // namespace dream
