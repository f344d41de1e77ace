// A dream that begins at a moment of an episode lives it again, to the last bit.
#include <gtest/gtest.h>

#include "api/error.h"
#include "core/dream/player.h"
#include "tests/lab/known_world.h"

namespace dream {
namespace start_in_episode_test {

using test::Ring;

struct Scene {
  Scene() : env(system->make_env()) { env->reset(1); }
  Stage stage() { return {*system, *env, knobs, at::make_generator<at::CPUGeneratorImpl>(1)}; }
  std::shared_ptr<System> system = test::known_system(test::Wrong::nothing);
  std::unique_ptr<Env> env;
  KnobValues knobs;
};

std::shared_ptr<const std::vector<float>> wandering(int steps) {
  std::vector<float> actions;
  for (int i = 0; i < steps; ++i) actions.push_back(static_cast<float>((i * 7 + i / 3) % 3));
  return std::make_shared<const std::vector<float>>(actions);
}

TEST(StartInEpisode, TheWorldStandsWhereItStoodThen) {
  Scene scene;
  const auto actions = wandering(100);
  const auto start = start_in_episode(77, actions, 83, "there")->next(5, scene.stage());
  Ring again;
  again.reset(77);
  for (std::size_t i = 0; i < 83; ++i) again.step({actions->data() + i, 1});
  EXPECT_EQ(start.env, again.save_state());
  ASSERT_EQ(start.watched.size(), static_cast<std::size_t>(most_watched) + 1) << "what came last is watched";
  EXPECT_TRUE(start.watched.front().first);
  EXPECT_EQ(start.watched.back().action.item<float>(), (*actions)[82]);
  std::vector<std::uint8_t> frame(Ring::cells * Ring::cells * 3);
  again.observe_image(frame);
  EXPECT_EQ(start.watched.back().seen.image.flatten()[0].item<int>(), frame[0]);
  EXPECT_TRUE(start.carry.at("z").argmax(-1).equal(
      start.watched.back().seen.image.to(torch::kFloat32).mean({1, 3}).argmax(-1)));
}

TEST(StartInEpisode, AMomentThatIsNotOfThisWorldLeavesItAsItWas) {
  Scene scene;
  const auto before = scene.env->save_state();
  EXPECT_THROW(start_in_episode(77, wandering(20), 21, "beyond")->next(1, scene.stage()), Error);
  EXPECT_EQ(scene.env->save_state(), before);
  EXPECT_THROW(start_in_episode(77, wandering(Ring::limit + 5), Ring::limit + 2, "over")->next(1, scene.stage()),
               Error);
  EXPECT_EQ(scene.env->save_state(), before);
}

}  // namespace start_in_episode_test
}  // namespace dream
