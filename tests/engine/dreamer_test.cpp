// The Dreamer recipes as a whole, on real environments, as small as they get.
#include "core/engine/dreamer/dreamer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/error.h"
#include "core/data/dataset.h"
#include "core/engine/lanes.h"
#include "core/engine/trainer.h"
#include "core/models/rssm.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace dreamer_test {

using test::all_of;
using test::expect_same;
using test::message_of;
using test::TempFolder;
using Run = test::DreamerRun;

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

const Run v3 = {"dreamer-v3", "Catch", {}};
const Run v3_23 = {"dreamer-v3", "Catch", {"constants=2023", "size=xs"}};
const Run v2 = {"dreamer-v2", "Catch", {}};
const Run v1 = {"dreamer-v1", "Pendulum", {"env.repeat=20"}};
const Run v1_choices = {"dreamer-v1", "Catch", {}};
const Run v3_vector = {"dreamer-v3", "Catch", {"world.observe=vector", "world.paint=false"}};
const Run v3_painting = {"dreamer-v3", "Catch", {"world.observe=vector"}};
const Run v3_both = {"dreamer-v3", "Catch", {"world.observe=both"}};
const Run planet = {"planet",
                    "Pendulum",
                    {"env.repeat=20", "planner.candidates=6", "planner.elites=2", "planner.iterations=2",
                     "planner.horizon=2", "world.overshooting=3"}};

class DreamerTest : public ::testing::Test {
 protected:
  DreamerTest() { torch::set_num_threads(1); }
  TempFolder folder_;
};

/// Interrupted after every few steps, each time with everything built anew from the checkpoint: weights, optimisers,
/// random streams, curves, environments and replay end as those of a run that was left alone, bit for bit.
TEST_F(DreamerTest, EveryRecipeResumesBitForBit) {
  for (const auto& run : {v3, v3_23, v2, v1, planet, v1_choices, v3_vector, v3_painting, v3_both}) {
    TempFolder folder;
    int advances = 0;
    std::int64_t updates = 0;
    {
      Trainer trainer(test::tiny_dreamer(run, folder / "whole"), {1e9, ""}, false);
      while (trainer.advance()) ++advances;
      trainer.close();
      updates = std::static_pointer_cast<DreamerParts>(trainer.system().parts)->updates;
      EXPECT_SAYS(trainer.system().facts.at("score"), "over 2 unseen episodes");
      EXPECT_GT(trainer.system().starts.at("h").size(0), 0);
    }
    EXPECT_EQ(updates, 1 + (70 - 40) * 4 / 12)
        << run.recipe;  // one at once; 30 steps, 4 replayed for each, 12 in an update
    int resumptions = 0;
    for (bool more = true; more; ++resumptions) {
      Trainer trainer(test::tiny_dreamer(run, folder / "torn"), {1e9, ""}, true);
      for (int i = 0; i < 5 && more; ++i) {
        more = trainer.advance();
        if (more && trainer.current()) trainer.current()->frames();  // to watch changes nothing
      }
      trainer.close();
    }
    EXPECT_GT(resumptions, 2) << run.recipe << " " << advances;
    expect_same(folder / "whole", folder / "torn");
  }
}

/// Stopped while the replay is still being read, and saved: what was collected before is taken up all the same.
TEST_F(DreamerTest, StoppingBeforeTheReplayIsReadLosesNothing) {
  for (const auto& name : {"left alone", "stopped"}) {
    Trainer trainer(test::tiny_dreamer(v3, folder_ / name), {1e9, ""}, false);
    for (int i = 0; i < 4; ++i) trainer.advance();
    trainer.close();
  }
  {
    Trainer trainer(test::tiny_dreamer(v3, folder_ / "stopped"), {1e9, ""}, true);
    const auto& phases = trainer.system().phases;
    ASSERT_EQ(phases.front()->name(), "learn");
    auto& learn = *phases.front();
    learn.begin();
    EXPECT_SAYS(learn.detail(), "reading episodes");
    learn.end();
    trainer.save();
  }
  for (const auto& name : {"left alone", "stopped"}) {
    Trainer trainer(test::tiny_dreamer(v3, folder_ / name), {1e9, ""}, true);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  expect_same(folder_ / "left alone", folder_ / "stopped");
}

TEST_F(DreamerTest, TheSameSeedIsTheSameRunAndAnotherIsNot) {
  for (const auto& [name, seed] : {std::pair{"a", "seed=3"}, {"b", "seed=3"}, {"c", "seed=4"}}) {
    Trainer trainer(test::tiny_dreamer(v3, folder_ / name, {seed}), {1e9, "learn"}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  expect_same(folder_ / "a", folder_ / "b");
  const auto a = all_of(folder_ / "a"), c = all_of(folder_ / "c");
  EXPECT_FALSE(torch::equal(a.at("model/cell.gates.weight"), c.at("model/cell.gates.weight")));
}

/// An actor that is certain of the utmost torque says 2, Pendulum's bound, and nothing from before the squashing.
TEST_F(DreamerTest, ThePolicyOfABoxIsShownAsTheEnvironmentTakesIt) {
  for (const auto* head : {"normal", "tanh_normal", "truncated_normal"}) {
    const auto system = test::tiny_dreamer(v1, folder_ / head, {std::string("behaviour.continuous=") + head});
    const auto parts = std::static_pointer_cast<DreamerParts>(system->parts);
    {
      torch::NoGradGuard no_grad;
      const auto bias = parts->actor_critic->actor_parameters().back();  // mean and deviation before their functions
      ASSERT_EQ(bias.numel(), 2);
      bias.copy_(torch::tensor({20.0f, -20.0f}));
    }
    ProbeSink sink({"policy/action"});
    system->behaviour->report({system->model.get(), system->model->initial(1)}, {}, sink,
                              make_generator(system->device, 1));
    const auto probes = sink.take();
    ASSERT_EQ(probes.size(), 1u);
    const auto& bars = std::get<Vector>(*probes[0].value);
    ASSERT_EQ(bars.values.size(), 1u);
    EXPECT_EQ(bars.labels, std::vector<std::string>{"torque"});
    EXPECT_LE(bars.values[0], 2);
    EXPECT_GT(bars.values[0], 1.8) << head;
    EXPECT_LT(bars.deviation[0], 0.2) << head;
  }
}

/// V1 and PlaNet have no continue head by default: nothing but the clock ends their dreams.
TEST_F(DreamerTest, WithoutAContinueHeadDreamsAreScoredToTheirLongest) {
  for (const auto& run : {v1, planet}) {
    Trainer trainer(test::tiny_dreamer(run, folder_ / run.recipe), {1e9, "learn"}, false);
    while (trainer.advance()) {
    }
    auto& system = trainer.system();
    DreamLanes dreams(system.model, system.starts, 2, 4, {}, 1);
    for (int lane = 0; lane < 2; ++lane) dreams.start(lane, static_cast<std::uint64_t>(lane));
    auto rng = make_generator(system.device, 1);
    for (int step = 1; step <= 4; ++step) {
      const auto action = system.behaviour->decide(dreams.look(), {}, Mode::judge, rng).action;
      for (const auto& result : dreams.step(action, {1, 1})) {
        EXPECT_FALSE(result.terminated) << run.recipe;
        EXPECT_EQ(result.truncated, step == 4) << run.recipe;
        EXPECT_NE(result.reward, 0) << run.recipe;
      }
    }
  }
}

TEST_F(DreamerTest, OneUpdateForAsManyStepsAsTheRatioSays) {
  Trainer trainer(test::tiny_dreamer(v3, folder_ / "run", {"train.steps=200"}), {1e9, "learn"}, false);
  const auto parts = std::static_pointer_cast<DreamerParts>(trainer.system().parts);
  while (parts->updates < 10 && trainer.advance()) {
  }
  const auto at_ten = trainer.current()->detail();
  trainer.set("train.train_ratio", 12.0);  // an update for every step from here on
  while (parts->updates < 40 && trainer.advance()) {
  }
  EXPECT_SAYS(at_ten, "68 steps");  // 40 random ones, then 3 for each of the 9 updates after the first, by two lanes
  EXPECT_SAYS(trainer.current()->detail(), "98 steps");
}

/// The steps of a given dataset are owed updates like steps that were collected; nothing else is collected.
TEST_F(DreamerTest, LearnsFromGivenEpisodesAlone) {
  {
    Trainer collected(test::tiny_dreamer(v3, folder_ / "first"), {1e9, "learn"}, false);
    while (collected.advance()) {
    }
  }
  const auto given = folder_ / "first" / "data" / "own";
  const auto steps = Dataset(given).steps();
  ASSERT_GT(steps, 50);
  const std::vector<std::string> more = {"train.datasets=" + given.string(), "train.prefill=0",
                                         "train.steps=" + std::to_string(steps), "train.train_ratio=2"};
  for (const auto* name : {"whole", "torn"}) {
    std::int64_t updates = 0;
    for (bool going = true; going;) {
      Trainer trainer(test::tiny_dreamer(v3, folder_ / name, more), {1e9, "learn"}, true);
      const auto parts = std::static_pointer_cast<DreamerParts>(trainer.system().parts);
      double progress = 0;
      for (int i = 0; going && (i < 12 || name == std::string("whole")); ++i) {
        going = trainer.advance();
        if (!going) break;
        EXPECT_GE(trainer.current()->progress(), progress);
        progress = trainer.current()->progress();
      }
      updates = parts->updates;
      trainer.close();
    }
    EXPECT_EQ(updates, (steps * 2 + 11) / 12) << name;
    EXPECT_EQ(Dataset(folder_ / name / "data" / "own").steps(), 0) << "nothing is collected";
  }
  expect_same(folder_ / "whole", folder_ / "torn");
  const auto message = message_of<Error>([&] {
    Trainer trainer(test::tiny_dreamer(v1, folder_ / "other", {"train.datasets=" + given.string()}), {1e9, "learn"},
                    false);
    trainer.advance();
  });
  EXPECT_SAYS(message, given.string());
  EXPECT_SAYS(message, "Pendulum");
}

TEST_F(DreamerTest, SettingsChangedByHandReachTheLearner) {
  Trainer trainer(test::tiny_dreamer(v3, folder_ / "run"), {1e9, "learn"}, false);
  const auto parts = std::static_pointer_cast<DreamerParts>(trainer.system().parts);
  while (parts->updates < 2) trainer.advance();
  trainer.set("world.free_nats", 7.0);
  trainer.set("world_optimiser.learning_rate", 1e-8);
  trainer.set("behaviour.horizon", std::int64_t{2});
  while (parts->updates < 3) trainer.advance();
  EXPECT_GE(trainer.system().metrics.last("world/dynamics"), 7);
  for (const auto& curve : trainer.system().metrics.views(nullptr)) {
    if (curve.name.starts_with("gauges/")) continue;  // their bands are no settings
    const bool divergence =
        curve.name == "world/dynamics" || curve.name == "world/representation" || curve.name == "world/kl";
    EXPECT_EQ(curve.has_floor, divergence) << curve.name;
    if (divergence) {
      EXPECT_EQ(curve.floor, 7) << curve.name;
    }
  }
  trainer.set("behaviour.entropy", 0.25);
  trainer.set("world.kl_balance", 0.6);
  trainer.set("world.dynamics_scale", 2.5);
  trainer.advance();
  EXPECT_EQ(parts->actor_critic->live_options().entropy, 0.25);
  const auto& world = std::dynamic_pointer_cast<Rssm>(parts->model)->options();
  EXPECT_EQ(world.kl_balance, 0.6);
  EXPECT_EQ(world.dynamics_scale, 2.5);
  const auto before = trainer.weights()->tensors.at("model/prior.out.weight");
  while (parts->updates < 6) trainer.advance();
  EXPECT_LT((trainer.weights()->tensors.at("model/prior.out.weight") - before).abs().max().item<double>(), 1e-6);
}

TEST_F(DreamerTest, ALossThatIsNotFiniteNamesItsTermAndKeepsTheCheckpoint) {
  Trainer trainer(test::tiny_dreamer(v3, folder_ / "run"), {1e9, "learn"}, false);
  const auto parts = std::static_pointer_cast<DreamerParts>(trainer.system().parts);
  while (parts->updates < 2) trainer.advance();
  trainer.save();
  const auto kept = test::read_bytes(folder_ / "run" / "checkpoint.safetensors");
  {
    torch::NoGradGuard no_grad;
    parts->model->named_parameters()["reward.out.bias"].fill_(NAN);
  }
  std::string message;
  for (int i = 0; i < 50 && message.empty(); ++i) message = message_of<Error>([&] { trainer.advance(); });
  EXPECT_SAYS(message, "world/reward is not finite");
  trainer.close();
  EXPECT_EQ(test::read_bytes(folder_ / "run" / "checkpoint.safetensors"), kept);
  const auto weight = parts->actor_critic->actor_parameters().front();
  weight.mutable_grad() = torch::full_like(weight, NAN);  // as a step that failed half-way leaves them
  trainer.take();  // back to the checkpoint
  EXPECT_FALSE(weight.grad().defined());
  EXPECT_EQ(parts->updates, 2);
  while (parts->updates < 3) EXPECT_TRUE(trainer.advance());
}

TEST_F(DreamerTest, StepsThatAreAllRandomAreRefused) {
  Trainer trainer(test::tiny_dreamer(v3, folder_ / "run", {"train.steps=40"}), {1e9, ""}, false);
  EXPECT_SAYS(message_of<Error>([&] { trainer.advance(); }),
              "train.steps = 40 leaves no step to learn with after train.prefill = 40");
}

/// A phase that could do nothing says so; nothing is called done or scored.
TEST_F(DreamerTest, WithoutAnUpdateNothingIsDone) {
  const auto ended = [&](const std::string& name, const std::vector<std::string>& more, const std::string& only) {
    Trainer trainer(test::tiny_dreamer(v3, folder_ / name, more), {1e9, only}, false);
    const auto message = message_of<Error>([&] {
      while (trainer.advance()) {
      }
    });
    for (const auto& phase : trainer.phases(false)) EXPECT_LT(phase.progress, 1) << phase.name;
    EXPECT_FALSE(trainer.system().facts.contains("score"));
    return message;
  };
  EXPECT_SAYS(ended("ratio", {"train.train_ratio=0"}, ""), "train.train_ratio = 0 asks for no update");
  EXPECT_SAYS(ended("length", {"train.length=200"}, ""), "at least 200 (by train.length)");
  const auto given = "train.datasets=" + (folder_ / "length" / "data" / "own").string();
  const auto said = ended("given", {given, "train.steps=20", "train.prefill=4000"}, "");
  EXPECT_SAYS(said, "train.prefill asks for 4000 before the first update; raise train.steps or lower train.prefill");
  EXPECT_SAYS(ended("both", {given, "train.steps=20", "train.prefill=4000", "train.length=900"}, ""),
              "(by train.length); raise train.steps or lower train.prefill and train.length");
  EXPECT_SAYS(ended("evaluated", {}, "evaluate"), "nothing to evaluate");
}

/// Pendulum's episodes have 200 steps: none ends in a run of 100, and all of them are experience.
TEST_F(DreamerTest, EpisodesUnderWayAreLearnedFromAndResumeBitForBit) {
  const test::DreamerRun run = {"dreamer-v3", "Pendulum", {"train.steps=140"}};
  for (const auto& [name, every] : {std::pair{"whole", 1000}, {"torn", 3}}) {
    for (bool more = true; more;) {
      Trainer trainer(test::tiny_dreamer(run, folder_ / name), {1e9, "learn"}, true);
      const auto parts = std::static_pointer_cast<DreamerParts>(trainer.system().parts);
      for (int i = 0; i < every && more; ++i) more = trainer.advance();
      EXPECT_EQ(parts->feed->replay().episodes(), 0u);
      trainer.close();
      if (!more) {
        EXPECT_EQ(parts->updates, 1 + (140 - 40) * 4 / 12);
      }
    }
    EXPECT_EQ(Dataset(folder_ / name / "data" / "own").episodes(), 0u);
  }
  expect_same(folder_ / "whole", folder_ / "torn");
}

/// A crash loses what came after the checkpoint; a run that then goes on otherwise, here with a bolder actor, must not
/// find the lost episodes in its replay later.
TEST_F(DreamerTest, WhatWasLostDoesNotComeBack) {
  const std::vector<std::string> longer = {"train.steps=300", "train.prefill=30"};
  {
    Trainer trainer(test::tiny_dreamer(v3, folder_ / "whole", longer), {1e9, "learn"}, false);
    for (int i = 0; i < 12; ++i) trainer.advance();
    trainer.save();
    for (int i = 0; i < 25; ++i) trainer.advance();
  }  // gone, without a word
  const auto lost = Dataset(folder_ / "whole" / "data" / "own").episodes();
  std::filesystem::copy(folder_ / "whole", folder_ / "torn", std::filesystem::copy_options::recursive);
  auto bolder = longer;
  bolder.insert(bolder.end(),
                {"actor_optimiser.learning_rate=0.3", "actor_optimiser.warm_up=0", "behaviour.entropy=0"});
  for (const auto& [name, stop] : {std::pair{"whole", 1000}, {"torn", 20}, {"torn", 1000}}) {
    Trainer trainer(test::tiny_dreamer(v3, folder_ / name, bolder), {1e9, "learn"}, true);
    for (int i = 0; i < stop && trainer.advance(); ++i) {
    }
    trainer.close();
    if (stop == 20) {
      EXPECT_LT(Dataset(folder_ / name / "data" / "own").episodes(), lost);
    }
  }
  expect_same(folder_ / "whole", folder_ / "torn");
}

TEST_F(DreamerTest, AKlThatExplodesIsFlaggedInWords) {
  Trainer trainer(
      test::tiny_dreamer({"dreamer-v1", "Pendulum", {"train.steps=1000", "train.prefill=400"}}, folder_ / "run"),
      {1e9, "learn"}, false);
  const auto& system = trainer.system();
  const auto& learn = *system.phases.front();
  const auto parts = std::static_pointer_cast<DreamerParts>(system.parts);
  {
    torch::NoGradGuard no_grad;
    parts->model->named_parameters()["prior.out.bias"].slice(0, 0, 3).fill_(100);  // the means: far from any posterior
  }
  while (parts->updates < 1 && trainer.advance()) {
  }
  EXPECT_GT(system.metrics.last("world/kl"), 1000);
  ASSERT_EQ(learn.warnings().size(), 1u);
  EXPECT_SAYS(learn.warnings()[0], "the KL between posterior and prior explodes");
}

TEST_F(DreamerTest, WhatARecipeCannotServeIsRefusedWithTheReason) {
  const auto message = message_of<Error>([&] { test::tiny_dreamer({"planet", "Catch", {}}, folder_ / "run"); });
  EXPECT_SAYS(message, "planet cannot serve Catch");
  EXPECT_SAYS(message, "continuous");
  EXPECT_SAYS(message, "Recipes that serve it: dreamer-v1, dreamer-v2, dreamer-v3");
  const auto vmc =
      message_of<Error>([&] { make_system({"vmc", "MinAtarBreakout", folder_ / "run", {}, "", "", "cpu"}); });
  EXPECT_SAYS(vmc, "vmc cannot serve MinAtarBreakout");
  EXPECT_SAYS(vmc, "Recipes that serve it: dreamer-v1, dreamer-v2, dreamer-v3");
  EXPECT_SAYS(message_of<Error>([&] { test::tiny_dreamer({"dreamer-v3", "Catch", {"size=xl"}}, folder_ / "run"); }),
              "12m");
  EXPECT_SAYS(message_of<Error>([&] {
                test::tiny_dreamer({"dreamer-v3", "Catch", {"constants=2023", "size=12m"}}, folder_ / "run");
              }),
              "xs");
  EXPECT_NO_THROW(test::tiny_dreamer({"dreamer-v3", "Catch", {"constants=2023"}}, folder_ / "run"))
      << "the smallest of its sizes";
}

TEST_F(DreamerTest, WhatDepartsFromThePublishedConstantsIsKnown) {
  RunSpec spec;
  spec.recipe = "planet";
  spec.environment = "Pendulum";
  EXPECT_TRUE(make_system(spec)->config.departures().empty());
  spec.settings = {"planner.candidates=200", "world.deter=8", "env.repeat=2"};
  spec.toml = make_system(spec)->config.to_toml();  // as a checkpoint has it
  spec.settings.clear();
  EXPECT_EQ(
      make_system(spec)->config.departures(),
      (std::vector<std::string>{"env.repeat = 2 (1)", "world.deter = 8 (200)", "planner.candidates = 200 (1000)"}));
}

/// The table of the papers, by the official code: see core/engine/dreamer/published.cpp for the sources.
TEST_F(DreamerTest, PublishedConstants) {
  const auto of = [](const char* recipe, bool discrete, const char* constants = "2024") {
    DreamerOptions o;
    o.constants = choice_of<Constants>(constants);
    if (o.constants == Constants::first_2023) o.size = Size::s;
    set_published(o, recipe, discrete);
    return o;
  };
  const auto p = of("planet", false), one = of("dreamer-v1", false), two = of("dreamer-v2", true),
             dmc = of("dreamer-v2", false);
  const auto old = of("dreamer-v3", true, "2023"), three = of("dreamer-v3", true);
  EXPECT_EQ(p.world.free_per, FreePer::excess);
  EXPECT_EQ(one.world.free_per, FreePer::mean);
  EXPECT_EQ(three.world.free_per, FreePer::step);
  EXPECT_EQ(p.world.reward_scale, 10);
  EXPECT_EQ(p.world_optimiser.eps, 1e-4);
  EXPECT_EQ(one.world_optimiser.learning_rate, 6e-4);
  EXPECT_EQ(one.behaviour.exploration_noise, 0.3);
  EXPECT_NEAR(two.world.dynamics_scale / (two.world.dynamics_scale + two.world.representation_scale), 0.8, 1e-12);
  EXPECT_EQ(two.world.free_nats, 0);
  EXPECT_EQ(dmc.world.free_nats, 1);
  EXPECT_EQ(two.behaviour.gradient, Gradient::reinforce);
  EXPECT_EQ(dmc.behaviour.gradient, Gradient::dynamics);
  // danijar/dreamerv2 shrinks its weights by 1e-6 at every step, whatever the learning rate.
  for (const auto* o : {&two.world_optimiser, &two.actor_optimiser, &dmc.critic_optimiser})
    EXPECT_NEAR(o->weight_decay * o->learning_rate, 1e-6, 1e-15);
  EXPECT_EQ(two.train.train_ratio * 16, two.train.batch * two.train.length);
  EXPECT_EQ(dmc.train.train_ratio * 5, dmc.train.batch * dmc.train.length);
  EXPECT_EQ(two.world.kl_balance, 0.8);
  EXPECT_EQ(dmc.world.deviation, Deviation::sigmoid);
  EXPECT_EQ(of("dreamer-v1", true).behaviour.exploration_noise, 0.1);
  EXPECT_EQ(three.train.train_ratio, 32);
  EXPECT_EQ(old.train.train_ratio, 64);
  EXPECT_EQ(of("dreamer-v3", false, "2023").train.train_ratio, 512);
  EXPECT_EQ(old.world.dynamics_scale, 0.5);
  EXPECT_EQ(three.world.dynamics_scale, 1);
  for (const auto* o : {&old, &three}) {
    EXPECT_EQ(o->world.representation_scale, 0.1);
    EXPECT_EQ(o->world.unimix, 0.01);
    EXPECT_EQ(o->world.groups, 32);
    EXPECT_EQ(o->behaviour.entropy, 3e-4);
    EXPECT_EQ(o->behaviour.horizon, 15);
    EXPECT_NEAR(o->behaviour.discount, 0.997, 1e-5);
    EXPECT_EQ(o->train.batch * o->train.length, 1024);
  }
  const auto in = [](Benchmark benchmark, Constants constants = Constants::nature_2024) {
    DreamerOptions o;
    o.benchmark = benchmark, o.constants = constants;
    set_published(o, "dreamer-v3", benchmark == Benchmark::atari100k || benchmark == Benchmark::crafter);
    return o;
  };
  const auto pong = in(Benchmark::atari100k), walker = in(Benchmark::dmc_proprio), seen = in(Benchmark::dmc_vision), crafter = in(Benchmark::crafter);
  EXPECT_EQ(pong.train.train_ratio, 256);
  EXPECT_EQ(pong.train.steps, 110'000);
  EXPECT_EQ(pong.train.lanes, 1);
  EXPECT_EQ(pong.world.deter, 8192);
  EXPECT_EQ(crafter.train.train_ratio, 512);
  EXPECT_EQ(walker.train.train_ratio, 1024);
  EXPECT_EQ(walker.world.observe, Sees::vector);
  EXPECT_EQ(walker.world.deter, 512);
  EXPECT_EQ(seen.train.train_ratio, 256);
  EXPECT_EQ(seen.world.observe, Sees::image);
  EXPECT_EQ(seen.train.lanes, 16);
  EXPECT_EQ(in(Benchmark::atari100k, Constants::first_2023).train.train_ratio, 1024);
  EXPECT_EQ(published_world(Benchmark::atari100k, "gym:ALE/Pong-v5"), "gym:ALE/Pong-v5[size=64,repeat=4,max=true,noop=30,sticky=0]");
  EXPECT_EQ(published_world(Benchmark::atari100k, "gym:ALE/Pong-v5[grey=true]"), "gym:ALE/Pong-v5[grey=true]");
  EXPECT_EQ(published_world(Benchmark::dmc_vision, "dmc:walker-walk"), "dmc:walker-walk[size=64,pixels=true]");
  EXPECT_EQ(published_world(Benchmark::dmc_proprio, "dmc:walker-walk"), "dmc:walker-walk");
  EXPECT_EQ(published_world(Benchmark::none, "gym:ALE/Pong-v5"), "gym:ALE/Pong-v5");
  EXPECT_TRUE(three.train.online_queue && three.train.replay_context);
  for (const auto* o : {&p, &one, &two, &old}) EXPECT_FALSE(o->train.online_queue || o->train.replay_context);
  EXPECT_EQ(three.world_optimiser.kind, OptimiserKind::laprop);
  EXPECT_EQ(three.world_optimiser.learning_rate, 4e-5);
  EXPECT_EQ(old.world_optimiser.clip_norm, 1000);
}

}  // namespace dreamer_test
}  // namespace dream
