// Dreamer 4 as a recipe: its phases, when it bootstraps, resuming bit for bit, dreams in the player, and what is refused.
#include <gtest/gtest.h>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/dreamer4/dreamer4.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace dreamer4_run_test {

using test::message_of;

class Dreamer4Run : public ::testing::Test {
 protected:
  Dreamer4Run() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const std::string& run, const std::vector<std::string>& more = {}, const std::string& world = "BouncingSquare") {
    RunSpec spec;
    spec.recipe = "dreamer-v4";
    spec.environment = world;
    spec.directory = folder_ / run;
    spec.settings = {"collect.episodes=4",     "collect.max_steps=20",   "world.context=4",        "tokenizer.patch=16",    "tokenizer.width=16",
                     "tokenizer.latents=4",    "tokenizer.heads=2",      "dynamics.width=16",      "dynamics.layers=2",     "dynamics.heads=2",
                     "heads.units=16",         "heads.bins=41",          "tokenizer.updates=6",    "dynamics.updates=8",    "agent.updates=6",
                     "imagination.updates=6",  "tokenizer.batch=4",      "dynamics.batch=8",       "agent.batch=4",         "imagination.batch=4",
                     "imagination.horizon=3",  "imagination.steps=2",    "learn.short=3",          "learn.long=6",          "learn.long_every=3",
                     "learn.bootstrap_after=4", "train.measured=4",      "train.measure_every=3",  "train.bfloat16=false",  "train.evaluate_episodes=2"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_dreamer4(spec);
  }
  std::map<std::string, torch::Tensor> saved(const std::string& run) {
    return Checkpoint::load(folder_ / run / "checkpoint.safetensors").tensors;
  }

  test::TempFolder folder_;
};

TEST_F(Dreamer4Run, GoesThroughItsPhasesAndDrawsEveryCurve) {
  Trainer trainer(make("run"), {}, false);
  while (trainer.advance()) {
  }
  EXPECT_EQ(trainer.system().phases.size(), 6u);
  for (const auto& view : trainer.system().metrics.views(nullptr)) {
    EXPECT_FALSE(view.y.empty()) << view.name;
    if (view.name == "dynamics/bootstrap") { EXPECT_EQ(view.x.front(), 5) << "not before its fourth update is done"; }
    if (view.name == "evaluate/reward") { EXPECT_EQ(view.y.size(), 2u); }
  }
}

TEST_F(Dreamer4Run, EachStageLearnsItsOwnAlone) {
  auto system = make("run");
  const auto weights_of = [&](const std::string& part) {
    Checkpoint all;
    system->store_weights(all);
    std::vector<torch::Tensor> found;
    for (const auto& [name, tensor] : all.tensors)
      if (name.starts_with(part) && tensor.is_floating_point()) found.push_back(tensor.flatten().clone());
    return torch::cat(found);
  };
  const std::vector<std::string> parts = {"model/tokenizer", "model/dynamics", "model/reward", "model/end", "behaviour/policy", "behaviour/prior", "behaviour/value"};
  const std::map<std::string, std::string> learns = {{"collect", "0000000"}, {"tokenizer", "1000000"}, {"dynamics", "0100000"},
                                                     {"agent", "0111100"},   {"imagination", "0000111"}, {"evaluate", "0000000"}};
  for (const auto& phase : system->phases) {
    std::vector<torch::Tensor> before;
    for (const auto& part : parts) before.push_back(weights_of(part));
    phase->begin();
    while (phase->progress() < 1) phase->step();
    phase->end();
    for (std::size_t i = 0; i < parts.size(); ++i)
      EXPECT_NE(torch::equal(before[i], weights_of(parts[i])), learns.at(phase->name())[i] == '1') << phase->name() << ", " << parts[i];
  }
}

TEST_F(Dreamer4Run, AnInterruptedOneGoesOnBitForBit) {
  {
    Trainer trainer(make("whole", {"collect.episodes=8"}, "Catch"), {1e9, ""}, false);  // whose episodes are evaluated within the seven steps
    while (trainer.advance()) {
    }
    trainer.close();
  }
  for (bool more = true, resume = false; more; resume = true) {
    Trainer trainer(make("torn", {"collect.episodes=8"}, "Catch"), {1e9, ""}, resume);
    for (int i = 0; i < 7 && more; ++i) more = trainer.advance();
    trainer.close();
  }
  const auto whole = saved("whole"), torn = saved("torn");
  EXPECT_EQ(whole.size(), torn.size());
  for (const auto& [name, tensor] : whole) {
    ASSERT_TRUE(torn.contains(name)) << name;
    EXPECT_TRUE(torch::equal(tensor, torn.at(name))) << name;
  }
}

TEST_F(Dreamer4Run, EpisodesShorterThanAPieceServeAsWell) {
  Trainer trainer(make("run", {"collect.episodes=12"}, "Catch"), {}, false);
  while (trainer.advance()) {
  }
  EXPECT_EQ(trainer.system().phases.back()->progress(), 1);
}

TEST_F(Dreamer4Run, AContinuousWorldIsLearnedAndActedInToo) {
  Trainer trainer(make("run", {}, "CarRacing"), {}, false);
  for (int i = 0; i < 200 && trainer.system().phases[4]->progress() < 1; ++i) trainer.advance();
  EXPECT_EQ(trainer.system().phases[4]->progress(), 1) << "the policy has learned in imagination";
  trainer.close();
}

TEST_F(Dreamer4Run, ThePlayerDreamsAndShowsTheNoiseGo) {
  Player player;
  player.load(make("run"), "dreamer-v4");
  player.watch({"denoising/steps", "latent/z", "attention/time", "policy/action"});
  player.set_knob("steps", 2);
  for (int i = 1; i < 4; ++i) player.step(now_seconds() + i);
  const auto view = player.view();
  EXPECT_EQ(view->step, 3);
  ASSERT_EQ(view->probes.size(), 4u);
  EXPECT_EQ(std::get<Image>(*view->probes[0].value).width, 2 * 64) << "as many pictures as steps";
  player.edit("latent/z", 0, 0.5);
  player.step(now_seconds() + 5);
  EXPECT_EQ(player.view()->step, 4);
}

TEST_F(Dreamer4Run, ADamagedCheckpointIsRefusedInASentence) {
  {
    Trainer trainer(make("run"), {1e9, ""}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  const auto file = folder_ / "run" / "checkpoint.safetensors";
  const auto whole = Checkpoint::load(file);
  const auto refused = [&](const std::string& name, const std::function<void(torch::Tensor&)>& change) {
    auto damaged = whole;
    ASSERT_TRUE(damaged.tensors.contains(name)) << name;
    damaged.tensors[name] = damaged.tensors[name].clone();
    change(damaged.tensors[name]);
    damaged.save(file);
    const auto said = message_of<Error>([&] {
      Trainer trainer(make("run"), {1e9, ""}, true);
      for (int i = 0; i < 3; ++i) trainer.advance();
    });
    EXPECT_NE(said.find(name), std::string::npos) << name << ": " << said;
  };
  refused("dynamics.counters", [](torch::Tensor& t) { t[0] = -3; });
  refused("imagination.rng", [](torch::Tensor& t) { t.fill_(255); });
  refused("model/dynamics.level", [](torch::Tensor& t) { t = t.slice(0, 1).clone(); });
  refused("behaviour/prior.out.weight", [](torch::Tensor& t) { t.fill_(NAN); });
}

TEST_F(Dreamer4Run, SaysWhatIsMissing) {
  EXPECT_NE(message_of<Error>([&] { make("odd", {"tokenizer.patch=24"}); }).find("patches of 24 pixels do not cover"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { make("heads", {"dynamics.heads=3"}); }).find("they must divide it"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { make("pack", {"dynamics.pack=3"}); }).find("cannot be packed by 3"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { make("finest", {"dynamics.finest=6"}); }).find("a power of two"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { make("blind", {"dynamics.time_every=5"}); }).find("none looks back"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { make("steps", {"imagination.steps=64"}); }).find("at most 8 steps"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] {
              Trainer trainer(make("short", {"train.datasets=", "collect.episodes=2", "collect.max_steps=2"}), {}, false);
              while (trainer.advance()) {
              }
            }).find("a piece takes 6"),
            std::string::npos);
}

}  // namespace dreamer4_run_test
}  // namespace dream
