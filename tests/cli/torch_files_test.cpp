// What clients/torch make of our runs: PyTorch's own networks, held against dreams of the same weights. check.py says how.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/cli_fixture.h"
#include "tests/cli/python_with_torch.h"
#include "tests/cli/torch_says.h"

namespace dream {
namespace torch_files_test {

TEST(TorchFiles, MakeOfARunOfEveryFamilyWhatWeMakeOfIt) {
  const auto python = test::python_with_torch();
  if (python.empty())
    GTEST_SKIP() << "no Python here can import torch: scripts/setup --with readers brings what the Torch of scripts/setup needs for that";
  const test::TempFolder folder;
  const std::string source = DREAMSCOPE_SOURCE_DIR, given = (folder / "given").string(), out = (folder / "said").string();
  std::vector<std::string> runs;
  for (const std::string name : {"car_racing", "doom_take_cover", "pendulum_planet", "pendulum_dreamer_v1", "minatar_breakout_v2", "catch", "point_goal_safe_dreamer",
                                 "control_trio_td_mpc2", "cartpole_muzero", "minatar_breakout_muzero", "pendulum_decision_transformer", "gato",
                                 "two_room_jepa", "two_room_lecun", "bouncing_square_genie", "dyna_maze", "catch_iris", "car_racing_delta_iris", "car_racing_storm",
                                 "key_door_transdreamer", "car_racing_diamond", "point_maze_planner"})
    runs.push_back(source + "/assets/runs/" + name);
  for (const auto* some : {&test::random_runs(), &test::random_runs_of_tokens()})
    for (const auto& run : *some) runs.push_back(test::make_random_run(run, folder / "runs").string());
  for (const auto& run : runs) test::keep_what_is_said(run, given);
  std::string line = python + " '" + source + "/clients/torch/check.py'";
  for (const auto& run : runs) line += " '" + run + "'";
  line += " --program '" DREAMSCOPE_BIN_DIR "/dreamscope-cli' --steps 4 --given '" + given + "' > '" + out + "' 2>&1";
  EXPECT_EQ(std::system(line.c_str()), 0) << test::read_bytes(out);
  const auto text = test::read_bytes(out);
  for (const auto& run : runs) EXPECT_SAYS(text, run + ": the same");
  std::istringstream lines(text);
  for (std::string said; std::getline(lines, said);)
    if (said.find("not compared") != std::string::npos) std::printf("%s\n", said.c_str());
}

}  // namespace torch_files_test
}  // namespace dream
