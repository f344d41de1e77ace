// A world that is not on this machine: its run opens, and dreams begin with what was recorded of it.
#include "core/env/bridge/away_world.h"

#include <gtest/gtest.h>

#include <fstream>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/collector.h"
#include "core/engine/run_file.h"
#include "core/env/registry.h"
#include "core/env/resized.h"
#include "tests/data/temp_folder.h"
#include "tests/support/hashed.h"
#include "tests/support/tiny_run.h"

namespace dream {
namespace away_world_test {

const std::string world = "gym:Nowhere-v0[axis=true]";

class AwayWorldTest : public ::testing::Test {
 protected:
  AwayWorldTest() {
    torch::set_num_threads(1);
    // Somebody has no Python, or one without the world: all the same here.
    Collector::Options options{folder_ / "clips", 2, 80, 2, Rng(1)};
    Collector collector(options, "Pendulum", [] { return std::make_unique<ResizedEnv>(make_env("Pendulum"), 0, 64, 64); }, nullptr, "random");
    while (collector.written() < 2) collector.step();
  }
  /// A run's file, as an export writes it.
  void write_run(const std::string& environment) {
    const auto system = test::tiny_system({});
    Checkpoint out;
    system->store_weights(out);
    out.metadata = {{"recipe", "vmc"}, {"environment", environment}, {"config", system->config.to_toml()}, {run_format_key, std::to_string(run_format)}};
    out.save(folder_ / "checkpoint.safetensors");
  }
  std::unique_ptr<System> system_of_run() {
    RunSpec spec;
    spec.environment = world;
    spec.settings = test::tiny_settings();
    return make_system(spec);
  }
  test::TempFolder folder_;
};

TEST_F(AwayWorldTest, ItsRunOpensAndDreamsFromWhatWasRecorded) {
  EXPECT_THROW(make_env(world), Error) << "nobody remembers it yet";
  write_run(world);
  load_run(folder_ / "checkpoint.safetensors");
  const auto env = make_env(world);
  ASSERT_NE(env->away(), nullptr);
  EXPECT_FALSE(env->away()->why.empty());
  EXPECT_EQ(env->spaces().image_height, 64);
  EXPECT_EQ(env->spaces().action.size(), 1u);
  // Whoever would act in it is told why nobody can.
  EXPECT_EQ(test::message_of<Error>([&] { env->reset(1); }), env->away()->why);
  EXPECT_EQ(test::message_of<Error>([&] { env->save_state(); }), env->away()->why);
  EXPECT_EQ(ResizedEnv(make_env(world), 0, 32, 32).away()->why, env->away()->why);

  Player player;
  player.load(system_of_run(), "away");
  player.control(DreamControl::Do::play);
  double now = now_seconds();
  for (int i = 0; i < 20; ++i) player.step(now += 1);
  const auto view = player.view();
  EXPECT_EQ(view->step, 20);
  EXPECT_TRUE(view->recorded);
  EXPECT_EQ(view->away, env->away()->why);
  const auto real = std::ranges::find(view->frames, "real", &Frame::name);
  ASSERT_NE(real, view->frames.end());
  EXPECT_NE(real->caption.find("not on this machine"), std::string::npos) << real->caption;
  ASSERT_TRUE(real->image);
  // Another start is another recording, and nothing of the explorer's fails for want of a real world.
  const auto before = real->image->pixels;
  player.control(DreamControl::Do::new_start);
  const auto other = player.view();
  EXPECT_NE(std::ranges::find(other->frames, "real", &Frame::name)->image->pixels, before);
  player.open_fan(FanOver::chance, "");
  player.step(now += 1);
  EXPECT_EQ(player.view()->fan.futures.size(), 9u);
}

TEST_F(AwayWorldTest, TrainingInItIsRefusedWithTheReason) {
  remember_world(world, (folder_ / "clips").string(), [this] { return Dataset(folder_ / "clips").info().spaces; });
  RunSpec spec;
  spec.environment = world, spec.settings = test::tiny_settings(), spec.directory = folder_ / "run";
  Trainer trainer(make_system(spec), {}, false);
  const auto said = test::message_of<Error>([&] {
    while (trainer.advance()) {
    }
  });
  EXPECT_NE(said.find(make_env(world)->away()->why), std::string::npos) << said;
}

// What M dreams needs no world: C is found in it here, and is not scored outside until there is an outside.
TEST_F(AwayWorldTest, AControllerIsFoundInTheDreamOfItsRun) {
  const auto place = folder_ / "given";
  std::filesystem::create_directories(place);
  std::filesystem::copy(folder_ / "clips", place / "clips", std::filesystem::copy_options::recursive);
  RunSpec spec;
  spec.recipe = "vmc-doom", spec.environment = world, spec.directory = place;
  const std::vector<std::string> small = {"v.latent_size=4", "m.hidden_size=8", "c.generations=2", "c.population=4", "c.episodes=2", "c.max_steps=30", "c.lanes=4"};
  spec.settings = small;
  remember_world(world, (place / "clips").string(), [place] { return Dataset(place / "clips").info().spaces; });
  {
    const auto given = make_system(spec);
    torch::NoGradGuard no_grad;
    auto carry = given->model->initial(6);
    for (auto& [name, tensor] : carry)
      if (name == "z") tensor = test::hashed_float(1, tensor.sizes().vec(), 1);
    given->starts = carry;
    // Ends at the whim of what M remembers, or there is nothing to choose by.
    auto parameters = given->model->named_parameters();
    for (auto& each : parameters)
      if (each.key().ends_with("output_weight")) each.value().select(1, -1).copy_(test::hashed_float(3, {8}, 30));
    Checkpoint out;
    given->store_weights(out);
    out.metadata = {{"recipe", "vmc-doom"}, {"environment", world}, {"config", given->config.to_toml()}, {run_format_key, std::to_string(run_format)}};
    out.save(place / "checkpoint.safetensors");
  }
  spec.directory = folder_ / "found";
  spec.settings.push_back("vm.from=" + place.string());
  Trainer trainer(make_system(spec), {}, false);
  while (trainer.advance()) {
  }
  trainer.close();
  EXPECT_NE(trainer.phases(false).back().detail.find("cannot be entered here"), std::string::npos) << trainer.phases(false).back().detail;
  EXPECT_FALSE(trainer.system().facts.contains("score"));
  // With clips of its own it stands alone.
  EXPECT_TRUE(std::filesystem::exists(folder_ / "found" / "clips" / "data"));
  Player player;
  player.load(load_system(load_run(folder_ / "found" / "checkpoint.safetensors"), "cpu"), "found");
  EXPECT_TRUE(player.view()->ready);
}

TEST_F(AwayWorldTest, DamagedRecordingsAreNamed) {
  write_run("gym:NowhereElse-v0");
  std::ofstream(folder_ / "clips" / "data" / "metadata.json") << "{";
  load_run(folder_ / "checkpoint.safetensors");
  const auto said = test::message_of<Error>([] { make_env("gym:NowhereElse-v0"); });
  EXPECT_NE(said.find("clips"), std::string::npos) << said;
}

}  // namespace away_world_test
}  // namespace dream
