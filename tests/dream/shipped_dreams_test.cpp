// Every shipped run dreams on, longer than anything that it remembers.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/data/dataset.h"
#include "core/engine/lanes.h"
#include "core/engine/run_file.h"
#include "core/engine/system.h"
#include "core/nn/checkpoint.h"
#include "core/nn/generator.h"

namespace dream {
namespace shipped_dreams_test {

constexpr int steps = 140;  // the longest window is of 48 moments

/// The first frame of an episode; of a world that is not on this machine, of a recorded one.
Observation first_seen(const System& system, const Env& world) {
  if (const auto* away = world.away()) {
    auto episode = Dataset(away->clips).read(0);
    episode.frames.resize(episode.frame_bytes());
    return {torch::tensor(episode.frames, torch::kUInt8).view({1, episode.height, episode.width, episode.channels}), {}, {}};
  }
  EnvLanes env(system.make_env, 1);
  env.start(0, 1);
  return env.observation(torch::kCPU);
}

TEST(ShippedDreams, GoOnPastEveryWindow) {
  torch::NoGradGuard no_grad;
  torch::set_num_threads(1);
  int dreams = 0;
  for (const auto& folder : std::filesystem::directory_iterator(DREAMSCOPE_SOURCE_DIR "/assets/runs")) {
    SCOPED_TRACE(folder.path().filename().string());
    const auto system = load_system(load_run(folder.path() / "checkpoint.safetensors"), "cpu");
    if (!system->model) continue;
    auto& model = *system->model;
    const auto rng = make_generator(torch::kCPU, 3);
    const auto world = system->make_env();
    const auto idle = torch::tensor(model.actions(world->spaces()).idle).unsqueeze(0);
    auto carry = model.observe(model.initial(1), idle, first_seen(*system, *world), rng);
    for (int step = 0; step < steps; ++step) ASSERT_NO_THROW(carry = model.imagine(carry, idle, {}, rng)) << step;
    const auto last = model.predict(carry);
    for (const auto& what : {last.frame, last.reward, last.done})
      if (what.defined()) { EXPECT_TRUE(what.isfinite().all().item<bool>()); }
    ++dreams;
  }
  EXPECT_GE(dreams, 15);
}

}  // namespace shipped_dreams_test
}  // namespace dream
