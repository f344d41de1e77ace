// TorchScript files on the command line: asked for once, then like any run.
#include <gtest/gtest.h>

#include "tests/cli/cli_fixture.h"
#include "tests/support/trusting.h"

namespace dream {
namespace script_cli_test {

class ScriptCliTest : public test::CliTest {
 protected:
  static std::string golden(const std::string& name) { return test::script_golden(name).string(); }
  static Arguments eval(const std::string& file, const Arguments& more = {}) {
    Arguments words = {"eval", file, "--episodes", "2", "--lanes", "2", "--max-steps", "30", "--horizon", "0", "--threads", "1", "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  test::Trusting user_;
};

TEST_F(ScriptCliTest, IsRefusedUntilItIsTrustedOnce) {
  bad(eval(golden("good.pt")), "--trust");
  bad({"info", golden("good.pt")}, "SHA-256");
  EXPECT_FALSE(std::filesystem::exists(user_.list()));
  EXPECT_SAYS(good(eval(golden("good.pt"), {"--trust"})), "return");
  EXPECT_SAYS(good(eval(golden("good.pt"))), "return");
  bad(eval(golden("wrong_batch.pt")), "--trust");
  bad(eval(golden("wrong_batch.pt"), {"--trust"}), "`imagine`");
}

TEST_F(ScriptCliTest, OpensLikeARun) {
  user_.agree(golden("dreamerv3.pt"));
  std::filesystem::copy_file(golden("dreamerv3.pt"), path("dreamerv3.pt"));  // answers are kept beside it
  EXPECT_SAYS(good(eval(golden("dreamerv3.pt"), {"--random"})), "random actions");
  EXPECT_SAYS(good({"eval", golden("dreamerv3.pt"), "--episodes", "2", "--lanes", "2", "--max-steps", "90", "--horizon", "5", "--threads", "1", "--quiet"}), "imagined steps");
  EXPECT_SAYS(good(eval(golden("dreamerv3.pt"), {"--behaviour", "cem", "--plan", "candidates=8", "--plan", "iterations=1", "--plan", "horizon=3"})), "return");
  const auto info = good({"info", golden("dreamerv3.pt")});
  EXPECT_SAYS(info, "torchscript");
  EXPECT_SAYS(info, "Pendulum");
  EXPECT_SAYS(info, "learns nothing here");
  EXPECT_SAYS(info, "SHA-256");
  good({"export", golden("dreamerv3.pt"), "--out", path("mine.safetensors")});
  EXPECT_SAYS(good(eval(path("mine.safetensors"))), "return");
  EXPECT_SAYS(good({"lab", "horizon", path("dreamerv3.pt"), "--seconds", "2", "--threads", "1", "--quiet"}), "");
  EXPECT_SAYS(good({"collect", "--policy", golden("dreamerv3.pt"), "--env", "Pendulum", "--episodes", "1", "--max-steps", "10", "--out", path("data"), "--threads", "1", "--quiet"}), "");
}

/// Like a run's controller, a program may drive while V-M-C collects.
TEST_F(ScriptCliTest, DrivesWhatOthersLearnFrom) {
  const Arguments train = {"train", "vmc", "--env", "Pendulum", "--out", path("taught"), "--phase", "collect", "--threads", "1", "--quiet", "--set", "collect.policy=mixed",
                           "collect.driver=" + golden("dreamerv3.pt"), "collect.episodes=3", "collect.max_steps=8", "collect.lanes=1"};
  bad(train, "--trust");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "taught"));
  user_.agree(golden("dreamerv3.pt"));
  good(train);
  EXPECT_SAYS(good({"info", path("taught")}), "collect    100 %");
}

TEST_F(ScriptCliTest, WhatItIsNot) {
  bad({"train", "torchscript", "--out", path("run")}, "learns nothing");
  bad({"info", golden("exported.pt2")}, "torch.export");
  bad(eval(golden("exported.pt2")), "torch.jit.save");
  bad(eval(golden("../state_dict/plain.pt")), "without the code");
  EXPECT_SAYS(good({"info", golden("../state_dict/plain.pt")}), "0.weight");
}

}  // namespace script_cli_test
}  // namespace dream
