// Every shipped run dreams on, longer than anything that it remembers.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/engine/lanes.h"
#include "core/engine/system.h"
#include "core/nn/checkpoint.h"
#include "core/nn/generator.h"

namespace dream {
namespace shipped_dreams_test {

constexpr int steps = 140;  // the longest window is of 48 moments

TEST(ShippedDreams, GoOnPastEveryWindow) {
  torch::NoGradGuard no_grad;
  torch::set_num_threads(1);
  int dreams = 0;
  for (const auto& folder : std::filesystem::directory_iterator(DREAMSCOPE_SOURCE_DIR "/assets/runs")) {
    SCOPED_TRACE(folder.path().filename().string());
    const auto system = load_system(Checkpoint::load(folder.path() / "checkpoint.safetensors"), "cpu");
    if (!system->model) continue;
    auto& model = *system->model;
    const auto rng = make_generator(torch::kCPU, 3);
    EnvLanes env(system->make_env, 1);
    env.start(0, 1);
    const auto idle = torch::tensor(model.actions(env.spaces()).idle).unsqueeze(0);
    auto carry = model.observe(model.initial(1), idle, env.observation(torch::kCPU), rng);
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
