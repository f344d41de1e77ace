// A piece of a dream that one program kept is lived again by another.
#include "core/dream/bundle.h"
#include "core/dream/player.h"
#include "core/engine/run_file.h"
#include "tests/cli/cli_fixture.h"

namespace dream {
namespace replay_test {

using test::CliTest;

TEST_F(CliTest, ReplayLivesAKeptPieceAgainInAnotherProgram) {
  torch::set_num_threads(1);
  const std::string run = DREAMSCOPE_SOURCE_DIR "/assets/runs/catch";
  auto system = std::shared_ptr<System>(load_system(load_run(checkpoint_path(run)), "cpu"));
  system->directory = run;
  Player player;
  player.load(system, run);
  player.control(DreamControl::Do::pause);
  double now = 1;
  for (int i = 0; i < 12; ++i) player.step(now += 0.1);
  auto bundle = player.keep(30);
  bundle.save(folder_ / "kept.safetensors");
  const auto said = good({"replay", path("kept.safetensors")});
  EXPECT_SAYS(said, "Catch");
  EXPECT_SAYS(said, "of " + std::to_string(bundle.exact("actions", {-1, 1}).size(0)) + " pictures the same to the last bit");

  // One picture is another: that is said, and the program does not end well.
  bundle.tensors["frames"] = bundle.tensors["frames"].clone();
  bundle.tensors["frames"][2].bitwise_xor_(64);
  bundle.save(folder_ / "other.safetensors");
  EXPECT_SAYS(this->run({"replay", path("other.safetensors")}).err, "not the same from step");
  bundle.metadata["weights"] = "0123456789abcdef";
  bundle.save(folder_ / "weights.safetensors");
  bad({"replay", path("weights.safetensors")}, "other weights");
  bundle.metadata["run"] = "gone/nowhere";
  bundle.save(folder_ / "gone.safetensors");
  bad({"replay", path("gone.safetensors")}, "gone/nowhere");
  bad({"replay", run + "/checkpoint.safetensors"}, "no bundle");
}

}  // namespace replay_test
}  // namespace dream
