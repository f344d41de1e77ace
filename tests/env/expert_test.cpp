// The worlds' own experts reach what can be reached where that is known.
#include <gtest/gtest.h>

#include "core/env/registry.h"

namespace dream {
namespace expert_test {

TEST(Expert, NeverFailsWhereNobodyHasTo) {
  const std::pair<const char*, float> best[] = {{"Catch", 1}, {"KeyDoor", 1}, {"CartPole", 500}};
  for (const auto& [world, wanted] : best) {
    const auto env = make_env(world);
    std::vector<float> action(env->spaces().action.size());
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      env->reset(seed);
      float sum = 0;
      for (StepResult result; !result.done(); sum += result.reward) {
        ASSERT_TRUE(env->expert(action));
        result = env->step(action);
      }
      EXPECT_EQ(sum, wanted) << world << ", seed " << seed;
    }
  }
}

}  // namespace expert_test
}  // namespace dream
