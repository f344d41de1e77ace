// V-M-C as it was published for DoomTakeCover: whole episodes, an end that is foreseen, a search inside the dream.
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "api/error.h"
#include "core/behaviours/linear_controller.h"
#include "core/engine/lanes.h"
#include "core/engine/trainer.h"
#include "core/engine/vmc/episode_batches.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "tests/data/temp_folder.h"
#include "tests/support/hashed.h"
#include "tests/support/toy.h"

namespace dream {
namespace vmc_doom_test {

TEST(EpisodeBatches, HaveEveryEpisodeOnceAnEpochBesideOthersOfItsLength) {
  std::vector<std::int64_t> lengths;
  Rng rng(1);
  for (int i = 0; i < 300; ++i) lengths.push_back(20 + static_cast<std::int64_t>(rng.integers(400)));
  const auto total = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  EpisodeBatches batches(lengths, Rng(2), {});
  std::set<std::vector<std::size_t>> company;
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<int> seen(lengths.size());
    std::int64_t count = 0, padded = 0;
    for (std::size_t left = lengths.size(); left > 0; ++count) {
      const auto batch = batches.next(2000);
      std::int64_t longest = 0, steps = 0;
      for (const auto episode : batch) ++seen.at(episode), longest = std::max(longest, lengths[episode]), steps += lengths[episode];
      EXPECT_LT(steps, 2000 + 420);
      padded += longest * static_cast<std::int64_t>(batch.size()) - steps;
      ASSERT_LE(batch.size(), left);
      left -= batch.size();
      company.insert(batch);
    }
    EXPECT_EQ(std::ranges::count(seen, 1), static_cast<std::ptrdiff_t>(lengths.size())) << "epoch " << epoch;
    EXPECT_LT(padded, total / 3);
    EXPECT_EQ(batches.place().epoch, epoch);
  }
  EXPECT_GT(company.size(), 60u) << "no two epochs are alike";
}

TEST(EpisodeBatches, GoOnFromAPlace) {
  const std::vector<std::int64_t> lengths = {5, 9, 7, 30, 12, 8, 22, 16, 40, 3};
  EpisodeBatches whole(lengths, Rng(3), {});
  for (int step = 0; step < 40; ++step) {
    const auto place = whole.place();
    const auto expected = whole.next(40);
    EXPECT_EQ(EpisodeBatches(lengths, Rng(3), place).next(40), expected) << step;
  }
  EXPECT_GT(whole.place().epoch, 3);
}

class VmcDoom : public ::testing::Test {
 protected:
  VmcDoom() { torch::set_num_threads(1); }
  /// The recipe in a world of ours, as small as it gets.
  std::unique_ptr<System> system(const std::string& name, std::vector<std::string> more = {}) const {
    RunSpec spec;
    spec.recipe = "vmc-doom", spec.environment = "CarRacing", spec.directory = folder_ / name;
    spec.settings = {"collect.episodes=5", "collect.max_steps=40", "collect.lanes=2", "v.epochs=1", "v.batch=20", "v.latent_size=4",
                     "v.bfloat16=false", "m.bfloat16=false", "m.hidden_size=8", "m.steps=7", "m.sequence=20", "m.batch=3", "m.gauges=false",
                     "c.generations=2", "c.population=4", "c.episodes=2", "c.max_steps=30", "c.lanes=4", "evaluate.episodes=2"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_system(spec);
  }
  test::TempFolder folder_;
};

TEST_F(VmcDoom, ResumesBitForBitAndWatchingChangesNothing) {
  std::vector<double> scores;
  {
    Trainer trainer(system("whole"), {}, false);
    while (trainer.advance()) {
    }
    trainer.close();
    EXPECT_TRUE(std::isfinite(trainer.system().metrics.last("m/done")));
    EXPECT_TRUE(std::isfinite(trainer.system().metrics.last("c/mean")));
    EXPECT_EQ(trainer.system().starts.at("first").min().item<double>(), 1) << "dreams begin where episodes do";
    EXPECT_EQ(trainer.system().starts.at("h").abs().max().item<double>(), 0);
  }
  int resumptions = 0;
  for (bool more = true; more; ++resumptions) {
    Trainer trainer(system("torn"), {}, true);
    for (int i = 0; i < 14 && more; ++i) {  // to read and to encode the data anew takes some
      more = trainer.advance();
      if (more && trainer.current()) trainer.current()->frames();
    }
    trainer.close();
  }
  EXPECT_GT(resumptions, 5);
  const auto first = Checkpoint::load(folder_ / "whole" / "checkpoint.safetensors").tensors,
             second = Checkpoint::load(folder_ / "torn" / "checkpoint.safetensors").tensors;
  ASSERT_EQ(first.size(), second.size());
  for (const auto& [name, tensor] : first) EXPECT_TRUE(torch::equal(tensor, second.at(name))) << name;
}

// A dream pays one a step and ends where M gives the end more than even odds: with a bias towards it, at once.
TEST_F(VmcDoom, ADreamLastsUntilMForeseesItsEnd) {
  Trainer trainer(system("run"), {}, false);
  while (trainer.advance()) {
  }
  trainer.close();
  auto& system = trainer.system();
  const auto lengths = [&] {
    DreamLanes lanes(system.model, system.starts, 3, 25, {}, 1);
    lanes.start_all({{0, 0}, {1, 1}, {2, 2}});
    std::vector<std::int64_t> steps(3);
    std::vector<char> going(3, 1);
    while (std::ranges::count(going, 1) > 0) {
      lanes.look();
      const auto results = lanes.step(torch::zeros({3, 3}), going);
      for (std::size_t lane = 0; lane < 3; ++lane) {
        if (!going[lane]) continue;
        EXPECT_EQ(results[lane].reward, 1);
        ++steps[lane];
        going[lane] = !results[lane].done();
      }
    }
    return steps;
  };
  torch::NoGradGuard no_grad;
  auto bias = std::dynamic_pointer_cast<VmcModel>(system.model)->m()->named_parameters()["output_bias"];
  bias[-1] = -20;
  EXPECT_EQ(lengths(), (std::vector<std::int64_t>{25, 25, 25}));
  bias[-1] = 20;
  EXPECT_EQ(lengths(), (std::vector<std::int64_t>{1, 1, 1}));
}

// One search after the other, from the calmest on; all are kept, scored in reality and in their dreams, and a knob says which one drives.
TEST_F(VmcDoom, FindsAControllerAtEachTemperature) {
  const std::vector<std::string> settings = {"c.taus=1.3,0.1,1", "c.tau=0.2"};
  {
    Trainer trainer(system("whole", settings), {}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  int resumptions = 0;
  for (bool more = true; more; ++resumptions) {
    Trainer trainer(system("torn", settings), {}, true);
    for (int i = 0; i < 14 && more; ++i) more = trainer.advance();
    trainer.close();
  }
  EXPECT_GT(resumptions, 5);
  const auto made = Checkpoint::load(folder_ / "whole" / "checkpoint.safetensors");
  const auto torn = Checkpoint::load(folder_ / "torn" / "checkpoint.safetensors").tensors;
  for (const auto& [name, tensor] : made.tensors) EXPECT_TRUE(torch::equal(tensor, torn.at(name))) << name;

  const auto loaded = load_system(made, "cpu");
  const auto controller = std::dynamic_pointer_cast<LinearController>(loaded->behaviour);
  EXPECT_EQ(controller->temperatures(), (std::vector<double>{0.1, 1, 1.3}));
  EXPECT_EQ(controller->usual(), 0u);
  const auto found = controller->all();
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < a; ++b) EXPECT_FALSE(torch::equal(found[a], found[b]));
  EXPECT_EQ(loaded->metrics.last("c/mean") > 0, true);
  for (const auto& view : loaded->metrics.views(nullptr)) {
    if (view.name == "temperatures/dream" || view.name == "temperatures/real") {
      EXPECT_EQ(view.x, (std::vector<double>{10, 100, 130})) << view.name;
    }
    if (view.name == "c/mean") { EXPECT_EQ(view.x, (std::vector<double>{1, 2, 3, 4, 5, 6})); }
  }
  EXPECT_NE(loaded->facts.at("temperatures").find("found at \xcf\x84 = 1.3: dream"), std::string::npos) << loaded->facts.at("temperatures");

  ASSERT_EQ(controller->knobs().size(), 1u);
  EXPECT_EQ(controller->knobs()[0].choices[2], "C of \xcf\x84 = 1.30");
  torch::NoGradGuard no_grad;
  Seen seen{loaded->model.get(), loaded->starts};
  for (int chosen = 0; chosen < 3; ++chosen) {
    seen.knobs = {{"found_at", chosen}};
    const auto action = controller->decide(seen, {}, Mode::judge, make_generator(torch::kCPU, 1)).action;
    EXPECT_TRUE(torch::equal(action, controller->act_with(found[chosen], seen.features()))) << chosen;
  }
  seen.knobs = {};
  EXPECT_TRUE(torch::equal(controller->decide(seen, {}, Mode::judge, make_generator(torch::kCPU, 1)).action,
                           controller->act_with(found[0], seen.features())));
}

TEST_F(VmcDoom, TemperaturesThatAreNoneAreNamed) {
  const auto said = [&](const std::string& taus, std::vector<std::string> more = {}) {
    more.push_back("c.taus=" + taus);
    return test::message_of<Error>([&] { system("run", more); });
  };
  EXPECT_NE(said("0.1,warm").find("c.taus is '0.1,warm'"), std::string::npos);
  EXPECT_NE(said("0.1,20").find("0.01 to 10"), std::string::npos);
  EXPECT_NE(said("1,1.0").find("twice"), std::string::npos);
  EXPECT_NE(said("0.1,1", {"c.world=real"}).find("c.world"), std::string::npos);
}

// In a calm dream everybody learns to last as long as a dream may: the search at that temperature is over, and the next one begins.
TEST_F(VmcDoom, ASearchInWhichAllHaveLearnedToLastIsOver) {
  auto made = system("run", {"c.taus=0.5,1", "c.tau=1", "c.generations=9"});
  Trainer trainer(std::move(made), {}, false);
  while (trainer.advance() && trainer.phases(true)[2].progress < 1) {
  }
  // Ends at the whim of what M remembers; and after a generation no dream ends before its time.
  torch::NoGradGuard no_grad;
  const auto model = std::dynamic_pointer_cast<VmcModel>(trainer.system().model);
  auto parameters = model->m()->named_parameters();
  auto bias = parameters["output_bias"], weight = parameters["output_weight"];
  weight.select(1, -1).copy_(test::hashed_float(3, {8}, 1));
  bias[-1] = -1000;
  DreamLanes lanes(trainer.system().model, trainer.system().starts, 20, 1000, {}, 1);
  std::vector<torch::Tensor> logits;
  for (std::int64_t lane = 0; lane < 20; ++lane) lanes.start(lane, static_cast<std::uint64_t>(lane));
  for (int step = 0; step < 30; ++step) {
    lanes.look();
    lanes.step(torch::zeros({20, 3}), std::vector<char>(20, 1));
    logits.push_back(model->m()->outcome(lanes.carry().at("h")).done_logit + 1000);
  }
  bias[-1] = -torch::quantile(torch::cat(logits), 0.95).item<float>();  // one step in twenty is the last
  while (trainer.advance() && trainer.phases(true)[3].progress < 0.06) {
  }
  ASSERT_GT(trainer.system().metrics.last("c/best"), trainer.system().metrics.last("c/mean")) << "there was something to choose by";
  weight.select(1, -1).zero_();
  bias[-1] = -20;
  while (trainer.advance() && trainer.phases(true)[3].progress < 1) {
  }
  // The first search has had something to choose by and is over; in the second everybody has lasted from the beginning.
  EXPECT_EQ(trainer.phases(false)[3].progress, 1);
  EXPECT_NE(trainer.phases(false)[3].detail.find("at \xcf\x84 = 1, "), std::string::npos) << trainer.phases(false)[3].detail;
  for (const auto& view : trainer.system().metrics.views(nullptr))
    if (view.name == "c/mean") { EXPECT_LT(view.x.size(), 9u) << "neither took its nine generations"; }
}

TEST_F(VmcDoom, ASearchInWhichEverybodyEndsAtOnceFails) {
  Trainer trainer(system("run", {"c.generations=9"}), {}, false);
  while (trainer.advance() && trainer.phases(true)[2].progress < 1) {
  }
  torch::NoGradGuard no_grad;
  std::dynamic_pointer_cast<VmcModel>(trainer.system().model)->m()->named_parameters()["output_bias"][-1] = 20;
  const auto said = test::message_of<Error>([&] {
    while (trainer.advance()) {
    }
  });
  EXPECT_NE(said.find("nothing to choose by"), std::string::npos) << said;
}

TEST_F(VmcDoom, CIsFoundInsideTheDreamOfAnotherRun) {
  {
    Trainer trainer(system("first"), {}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  const auto first = Checkpoint::load(folder_ / "first" / "checkpoint.safetensors");
  const auto from = "vm.from=" + (folder_ / "first").string();
  // Its sizes are the other's, whatever this recipe's are.
  const auto made = [&](const std::string& name, std::vector<std::string> more) {
    RunSpec spec;
    spec.recipe = "vmc-doom", spec.environment = "CarRacing", spec.directory = folder_ / name;
    spec.settings = {from, "v.bfloat16=false", "m.bfloat16=false", "c.generations=3", "c.population=4", "c.episodes=2", "c.max_steps=30", "c.lanes=4", "c.tau=0.4", "evaluate.episodes=2"};
    spec.settings.insert(spec.settings.end(), more.begin(), more.end());
    return make_system(spec);
  };
  {
    Trainer trainer(made("whole", {}), {}, false);
    ASSERT_EQ(trainer.phases(false).size(), 3u);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  for (bool more = true; more;) {
    Trainer trainer(made("torn", {}), {}, true);
    for (int i = 0; i < 5 && more; ++i) more = trainer.advance();
    trainer.close();
  }
  std::filesystem::remove_all(folder_ / "first");  // it is needed no longer
  const auto whole = Checkpoint::load(folder_ / "whole" / "checkpoint.safetensors"), torn = Checkpoint::load(folder_ / "torn" / "checkpoint.safetensors");
  for (const auto& [name, tensor] : whole.tensors) EXPECT_TRUE(torch::equal(tensor, torn.tensors.at(name))) << name;
  for (const auto& [name, tensor] : first.tensors)
    if (name.starts_with("model/") || name.starts_with("starts/")) { EXPECT_TRUE(torch::equal(tensor, whole.tensors.at(name))) << name; }
  const auto opened = Trainer::open(folder_ / "whole", {}, "cpu");
  EXPECT_TRUE(opened->system().facts.contains("score"));
  EXPECT_FALSE(torch::equal(first.tensors.at("behaviour/parameters"), whole.tensors.at("behaviour/parameters")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "whole" / "data")) << "nothing is collected";
  EXPECT_TRUE(torch::equal(first.tensors.at("curve/m/nll"), whole.tensors.at("curve/m/nll"))) << "how M learned is still to be seen";

  EXPECT_NE(test::message_of<Error>([&] { made("none", {}); }).find("does not exist"), std::string::npos);
  const auto own = "vm.from=" + (folder_ / "whole").string();
  RunSpec other;
  other.recipe = "vmc-doom", other.environment = "Pendulum", other.directory = folder_ / "other", other.settings = {own};
  EXPECT_NE(test::message_of<Error>([&] { make_system(other); }).find("knows CarRacing, not Pendulum"), std::string::npos);
  other.environment = "CarRacing", other.settings = {own, "m.hidden_size=16"};
  Trainer larger(make_system(other), {}, false);
  EXPECT_NE(test::message_of<Error>([&] { larger.advance(); }).find("shape"), std::string::npos);
}

TEST_F(VmcDoom, NeedsAnMThatEndsEpisodes) {
  const auto message = test::message_of<Error>([&] { system("run", {"m.restarts=false"}); });
  EXPECT_NE(message.find("m.restarts"), std::string::npos) << message;
}

TEST_F(VmcDoom, HasThePublishedSizes) {
  RunSpec spec;
  spec.recipe = "vmc-doom", spec.environment = "Pendulum", spec.settings = {"preset=paper"};
  const auto made = make_system(spec);
  const auto model = std::dynamic_pointer_cast<VmcModel>(made->model);
  EXPECT_EQ(std::dynamic_pointer_cast<LinearController>(made->behaviour)->count(), 1088);
  std::int64_t v = 0, m = 0;
  for (const auto& parameter : model->v()->parameters()) v += parameter.numel();
  for (const auto& parameter : model->m()->parameters()) m += parameter.numel();
  EXPECT_EQ(v, 4446915);
  EXPECT_EQ(m, 1678785);
  EXPECT_EQ(std::static_pointer_cast<VmcParts>(made->parts)->options.m.steps, 24400);
}

}  // namespace vmc_doom_test
}  // namespace dream
