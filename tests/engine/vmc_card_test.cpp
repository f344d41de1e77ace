// The recipe as it trains on a graphics card: frames kept on the device, losses looked at in groups, cuDNN's LSTM. All
// of it runs on the processor too.
#include <gtest/gtest.h>

#include "core/data/dataset.h"
#include "core/engine/vmc/frame_source.h"
#include "core/nn/kernel_path.h"
#include "tests/data/temp_folder.h"
#include "tests/support/hashed.h"
#include "tests/support/tiny_run.h"
#include "tests/support/toy.h"

namespace dream {
namespace vmc_card_test {

Replay two_episodes() {
  Replay replay(1 << 20);
  for (const std::uint8_t length : {std::uint8_t{3}, std::uint8_t{5}}) {
    Episode episode;
    episode.height = episode.width = 2;
    episode.channels = 3;
    episode.action_size = 1;
    for (int i = 0; i < 12 * (length + 1); ++i) episode.frames.push_back(static_cast<std::uint8_t>(length * 31 + i));
    episode.actions.assign(length, 0);
    episode.rewards.assign(length, 0);
    episode.terminated.assign(length, 0);
    episode.truncated.assign(length, 0);
    replay.add(std::move(episode));
  }
  return replay;
}

TEST(FrameSource, GathersTheSameFromTheDeviceAndFromMemory) {
  const auto replay = two_episodes();
  FrameSource memory(torch::kCPU, false), device(torch::kCPU, true);
  EXPECT_FALSE(memory.prepare(replay));
  while (device.prepare(replay)) {
  }
  const auto which = torch::tensor({9, 0, 3, 4, 4}, torch::kInt64);
  const auto batch = memory.gather(replay, which);
  EXPECT_TRUE(batch.equal(device.gather(replay, which)));
  EXPECT_EQ(batch[3].flatten()[0].item<int>(), 5 * 31) << "the first of the second episode";
  EXPECT_EQ(memory.run(replay, 2, 100), 2) << "to the episode's end";
  EXPECT_EQ(device.run(replay, 2, 100), 8);
  EXPECT_EQ(device.run(replay, 2, 3), 3);
  EXPECT_TRUE(memory.slice(replay, 2, 2).equal(device.slice(replay, 2, 2)));
  device.clear();
  EXPECT_FALSE(memory.prepare(replay));
}

std::map<std::string, torch::Tensor> weights_of(const std::filesystem::path& run) {
  std::map<std::string, torch::Tensor> found;
  for (const auto& [name, tensor] : Checkpoint::load(run / "checkpoint.safetensors").tensors) {
    for (const char* prefix : {"model/", "curve/v", "curve/m", "starts/"}) {
      if (name.starts_with(prefix)) found[name] = tensor;
    }
  }
  return found;
}

void train(const std::filesystem::path& run, const std::string& epochs, int advances) {
  Trainer trainer(test::tiny_system(run, {"m.heads=true", "m.steps=12", "v.epochs=" + epochs}), {}, true);
  for (int i = 0; i < advances && trainer.advance(); ++i) trainer.current()->frames();
  trainer.close();
}

TEST(VmcOnACard, LearnsWhatTheProcessorLearns) {
  torch::set_num_threads(1);
  test::TempFolder folder;
  train(folder / "processor", "1", 100000);
  const WithoutKernels without;
  train(folder / "card", "1", 100000);
  const auto processor = weights_of(folder / "processor"), card = weights_of(folder / "card");
  ASSERT_EQ(processor.size(), card.size());
  for (const auto& [name, tensor] : processor) EXPECT_LT(test::relative_error(card.at(name), tensor), 5e-3) << name;
}

TEST(VmcOnACard, ResumesBitForBit) {
  torch::set_num_threads(1);
  test::TempFolder folder;
  const WithoutKernels without;
  train(folder / "whole", "10", 100000);  // 60 updates of V, 12 of M: more than are taken in one step
  for (int i = 0; i < 12; ++i) train(folder / "torn", "10", 7);
  train(folder / "torn", "10", 100000);
  const auto whole = weights_of(folder / "whole");
  for (const auto& [name, tensor] : weights_of(folder / "torn")) EXPECT_TRUE(tensor.equal(whole.at(name))) << name;
}

}  // namespace vmc_card_test
}  // namespace dream
