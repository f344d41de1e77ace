// Weights that are held to weights that remember: the two speeds in closed form, and a run that is torn and goes on.
#include "core/engine/elastic.h"

#include <gtest/gtest.h>

#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace elastic_test {

using test::all_of;
using test::expect_same;
using test::TempFolder;

std::unique_ptr<System> tiny(const std::filesystem::path& directory, std::vector<std::string> settings = {}) {
  RunSpec spec;
  spec.recipe = "dyna-neural", spec.environment = "CartPole", spec.directory = directory;
  spec.settings = {"train.steps=120", "train.prefill=40",         "train.lanes=2",     "train.batch=8",
                   "world.units=8",   "train.train_ratio=4",      "behaviour.units=8", "dyna.planning_steps=1",
                   "view.depth=2",    "train.evaluate_episodes=2"};
  spec.settings.insert(spec.settings.end(), settings.begin(), settings.end());
  return make_system(spec);
}

void set_weights(System& system, double by, bool add) {
  torch::NoGradGuard no_grad;
  for (const auto* module :
       {static_cast<torch::nn::Module*>(system.model.get()), static_cast<torch::nn::Module*>(system.behaviour.get())})
    for (auto& parameter : module->parameters()) add ? parameter.add_(by) : parameter.fill_(by);
}

class ElasticTest : public ::testing::Test {
 protected:
  ElasticTest() { torch::set_num_threads(1); }
  TempFolder folder_;
};

TEST_F(ElasticTest, WeightsArePulledBackAndWhatIsRememberedFollows) {
  const auto system = tiny(folder_ / "run");
  Elastic elastic;
  set_weights(*system, 1, false);
  elastic.after_update(*system, 0.5, 4);  // now 1 is remembered
  const auto weight = system->model->parameters().front();
  const auto one = [&] { return weight.flatten()[0].item<double>(); };
  set_weights(*system, 1, true);
  elastic.after_update(*system, 0.5, 4);
  EXPECT_DOUBLE_EQ(one(), 1.5);  // of 2, half way back; 1 + 0.5 / 4 is remembered
  set_weights(*system, 1, true);
  elastic.after_update(*system, 0.5, 4);
  EXPECT_DOUBLE_EQ(one(), 1.8125);  // of 2.5, half way to 1.125
  elastic.after_update(*system, 0, 4);
  EXPECT_FALSE(elastic.holds());
  EXPECT_DOUBLE_EQ(one(), 1.8125);
}

/// Held for good, the weights stay where they were when it began, however much is learned.
TEST_F(ElasticTest, WhoIsHeldForGoodLearnsNothing) {
  const auto weights = [&](const char* name, const char* steps, const char* pull) {
    Trainer trainer(tiny(folder_ / name, {std::string("train.steps=") + steps, std::string("train.elastic=") + pull,
                                          "train.elastic_memory=1e9"}),
                    {1e9, "learn"}, false);
    while (trainer.advance()) {
    }
    Checkpoint now;
    store_module(now, "model", *trainer.system().model);
    return now.tensors;
  };
  const auto few = weights("few", "80", "1"), many = weights("many", "160", "1"), free = weights("free", "160", "0");
  bool moved = false;
  for (const auto& [name, tensor] : few) {
    if (name.find("viewer") != std::string::npos || !name.ends_with("weight")) continue;
    EXPECT_LT((tensor - many.at(name)).abs().max().item<double>(), 1e-5) << name;
    moved = moved || (tensor - free.at(name)).abs().max().item<double>() > 1e-3;
  }
  EXPECT_TRUE(moved);
}

TEST_F(ElasticTest, ResumesBitForBit) {
  const std::vector<std::string> held = {"train.elastic=0.1", "train.elastic_memory=20"};
  {
    Trainer trainer(tiny(folder_ / "whole", held), {1e9, "learn"}, false);
    while (trainer.advance()) {
    }
    trainer.close();
  }
  int resumptions = 0;
  for (bool more = true; more; ++resumptions) {
    Trainer trainer(tiny(folder_ / "torn", held), {1e9, "learn"}, true);
    for (int k = 0; k < 6 && more; ++k) more = trainer.advance();
    trainer.close();
  }
  EXPECT_GT(resumptions, 2);
  expect_same(folder_ / "whole", folder_ / "torn");
  const auto saved = all_of(folder_ / "whole");
  EXPECT_TRUE(saved.contains("learn.elastic/model/trunk.layer0.linear.weight"));
  EXPECT_FALSE(saved.contains("learn.elastic/behaviour/slow.layer0.linear.weight"));
  EXPECT_TRUE(saved.contains("behaviour/slow.layer0.linear.weight"));
}

}  // namespace elastic_test
}  // namespace dream
