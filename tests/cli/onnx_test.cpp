// What clients/torch/to_onnx.py writes of runs, run by ONNX Runtime and held against PyTorch, whose networks TorchFiles holds against ours.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/cli/cli_fixture.h"
#include "tests/cli/python_with_torch.h"
#include "tests/cli/torch_says.h"

namespace dream {
namespace onnx_test {

void expect_same(const std::vector<std::string>& shipped, const std::vector<std::string>& random) {
  const auto python = test::python_with_torch("torch, onnxscript, onnxruntime");
  if (python.empty()) GTEST_SKIP() << "no Python here can import torch and onnxruntime: scripts/setup --with readers,onnx brings what they need";
  const test::TempFolder folder;
  const std::string source = DREAMSCOPE_SOURCE_DIR, said = (folder / "said").string(), out = (folder / "onnx").string();
  std::vector<std::string> runs;
  for (const auto& name : shipped) runs.push_back(source + "/assets/runs/" + name);
  for (const auto* some : {&test::random_runs(), &test::random_runs_of_tokens()})
    for (const auto& run : *some)
      if (std::ranges::find(random, run.name) != random.end()) runs.push_back(test::make_random_run(run, folder / "runs").string());
  ASSERT_EQ(runs.size(), shipped.size() + random.size());
  std::string line = python + " '" + source + "/clients/torch/to_onnx.py'";
  for (const auto& run : runs) line += " '" + run + "'";
  EXPECT_EQ(std::system((line + " --out '" + out + "' > '" + said + "' 2>&1").c_str()), 0) << test::read_bytes(said);
  const auto text = test::read_bytes(said);
  for (const auto& run : runs) {
    const auto name = std::filesystem::path(run).filename().string();
    EXPECT_SAYS(text, out + "/" + name + ": written");
    EXPECT_FALSE(std::filesystem::is_empty(out + "/" + name)) << name;
  }
  EXPECT_SAYS(text, " off");  // they were run
}

TEST(Onnx, SaysWhatPyTorchSaysOfLatentsPlansAndPolicies) {
  expect_same({"catch", "car_racing", "pendulum_td_mpc2", "cartpole_muzero", "pendulum_decision_transformer", "gato", "two_room_lecun", "bouncing_square_genie"},
              {"random_h_jepa", "random_dyna_neural"});
}

TEST(Onnx, SaysWhatPyTorchSaysOfTokensAndNoise) {
  expect_same({}, {"random_iris", "random_delta_iris", "random_storm", "random_diamond", "random_dreamer4_of_a_box", "random_genie_2", "random_diffusion_forcing",
                   "random_forcing_planner", "random_i_jepa", "random_byol"});
}

}  // namespace onnx_test
}  // namespace dream
