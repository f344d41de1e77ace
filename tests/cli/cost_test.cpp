// What the command line says of a world with costs.
#include <filesystem>

#include "core/nn/checkpoint.h"
#include "tests/cli/cli_fixture.h"

namespace dream {
namespace cost_cli_test {

class CostCliTest : public test::CliTest {};

TEST_F(CostCliTest, TrainingAndScoringSayWhatAnEpisodeCosts) {
  Arguments words = {"train", "dreamer-v3", "--env", "PointGoal", "--out", path("run"), "--threads", "1", "--quiet"};
  for (const char* setting :
       {"world.deter=16", "world.hidden=8", "world.units=8", "world.depth=2", "world.groups=3", "world.observe=vector",
        "world.paint=false", "behaviour.units=8", "behaviour.horizon=3", "train.steps=520", "train.prefill=500",
        "train.lanes=2", "train.length=6", "train.batch=2", "train.evaluate_episodes=2", "train.gauges=false"})
    words.insert(words.end(), {"--set", setting});
  good(words);
  const auto facts = Checkpoint::peek(folder_ / "run" / "checkpoint.safetensors").metadata;
  ASSERT_TRUE(facts.contains("fact/cost"));
  EXPECT_SAYS(facts.at("fact/cost"), "over 2 unseen episodes");

  const auto said = good({"eval", path("run"), "--episodes", "3", "--horizon", "0", "--random", "--json",
                          path("score.json"), "--threads", "1", "--quiet"});
  EXPECT_SAYS(said, "of 25 that an episode may cost");
  const auto json = test::read_bytes(folder_ / "score.json");
  EXPECT_EQ(number(json, "cost_limit"), 25);
  EXPECT_GE(number(json, "cost"), 0);
  EXPECT_GE(number(json, "cost_deviation"), 0);
  EXPECT_GE(number(json, "random_cost"), 0);
}

}  // namespace cost_cli_test
}  // namespace dream
