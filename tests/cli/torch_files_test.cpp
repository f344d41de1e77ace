// What clients/torch make of our runs: PyTorch's own networks, held against dreams of the same weights. check.py says how.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/platform.h"
#include "core/engine/run_file.h"
#include "core/engine/system.h"
#include "core/models/genie.h"
#include "core/nn/checkpoint.h"
#include "tests/cli/cli_fixture.h"
#include "tests/cli/python_with_torch.h"

namespace dream {
namespace torch_files_test {

/// What Genie's networks say of pictures, which no dream shows: its world stands still, as it does not know the model's actions.
void keep_what_genie_says(const std::string& run, const std::filesystem::path& file) {
  torch::NoGradGuard no_grad;
  const auto system = load_system(load_run(checkpoint_path(run)), "cpu");
  auto& model = dynamic_cast<GenieModel&>(*system->model);
  model.eval();
  torch::manual_seed(1);
  const auto pictures = torch::rand({2, model.frames(), 3, 64, 64});
  Checkpoint said;
  said.tensors = {{"pictures", pictures}, {"tokens", model.tokenizer()->tokens(pictures)}, {"codes", model.latent_actions()->codes_of(pictures)}};
  said.tensors["rebuilt"] = model.tokenizer()->pictures(said.tensors["tokens"]);
  said.tensors["painted"] = model.latent_actions()->painted(pictures.slice(1, 0, -1), said.tensors["codes"]);
  said.save(file);
}

TEST(TorchFiles, MakeOfARunOfEveryFamilyWhatWeMakeOfIt) {
  const auto python = test::python_with_torch();
  if (python.empty())
    GTEST_SKIP() << "no Python here can import torch: scripts/setup --with readers brings what the Torch of scripts/setup needs for that";
  const test::TempFolder folder;
  const std::string source = DREAMSCOPE_SOURCE_DIR, given = (folder / "genie.safetensors").string(), out = (folder / "said").string();
  keep_what_genie_says(source + "/assets/runs/bouncing_square_genie", given);
  std::vector<std::string> runs;
  for (const std::string name : {"car_racing", "doom_take_cover", "pendulum_planet", "pendulum_dreamer_v1", "minatar_breakout_v2", "catch", "point_goal_safe_dreamer",
                                 "control_trio_td_mpc2", "cartpole_muzero", "minatar_breakout_muzero", "pendulum_decision_transformer", "gato",
                                 "two_room_jepa", "two_room_lecun", "bouncing_square_genie", "dyna_maze"})
    runs.push_back(source + "/assets/runs/" + name);
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
