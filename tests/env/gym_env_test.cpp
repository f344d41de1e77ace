// Environments that live in Python: what they show, what they are asked by options, and how they are driven side by
// side.
#include "core/env/bridge/gym_env.h"

#include <gtest/gtest.h>

#include <numeric>

#include "core/base/rng.h"
#include "core/env/cart_pole.h"
#include "core/env/resized.h"
#include "tests/support/python_worlds.h"

namespace dream {
namespace gym_env_test {

class GymEnvTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::gymnasium_is_there()) GTEST_SKIP() << test::without_gymnasium;
  }
};

std::unique_ptr<Env> world(const std::string& name) {
  return make_env("gym:gym_worlds:" + name);
}

std::vector<float> numbers(Env& env) {
  std::vector<float> seen(env.spaces().vector_names.size());
  env.observe_vector(seen);
  return seen;
}

std::vector<std::uint8_t> picture(Env& env) {
  std::vector<std::uint8_t> seen(env.spaces().image_bytes());
  env.observe_image(seen);
  return seen;
}

StepResult step(Env& env, float choice) {
  return env.step({&choice, 1});
}

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(GymEnvTest, CartPoleIsOurOwnBitForBit) {
  const auto bridged = make_env("gym:CartPole-v1");
  CartPole own;
  EXPECT_EQ(bridged->spaces().max_episode_steps, own.spaces().max_episode_steps);
  EXPECT_EQ(bridged->spaces().natural_rate, own.spaces().natural_rate);
  Rng rng(1);
  int steps = 0;
  for (const std::uint64_t seed : {0ull, 1ull, 77ull, (1ull << 31) + 5, (1ull << 32) - 1}) {
    bridged->reset(seed), own.reset(seed);
    for (bool done = false; !done; ++steps) {
      ASSERT_EQ(numbers(*bridged), numbers(own)) << seed << ", step " << steps;
      float action = static_cast<float>(rng.integers(2));
      if (seed == 77) own.expert({&action, 1});  // holds it until the time limit
      const auto here = own.step({&action, 1}), there = step(*bridged, action);
      ASSERT_EQ(here.reward, there.reward);
      ASSERT_EQ(here.terminated, there.terminated);
      ASSERT_EQ(here.truncated, there.truncated);
      done = here.done();
    }
    ASSERT_EQ(numbers(*bridged), numbers(own));
  }
  EXPECT_GT(steps, 500);
}

// Its reward is the choice: 0 nothing, 1 right, 2 left. The axis's thirds are doomrnn's.
TEST_F(GymEnvTest, AChoiceOfSidesIsAnAxisWhereItIsAskedFor) {
  const auto env = world("Sides[axis=true]");
  const auto& space = env->spaces().action;
  EXPECT_FALSE(space.discrete());
  EXPECT_EQ(space.low, std::vector<float>{-1});
  EXPECT_EQ(space.high, std::vector<float>{1});
  EXPECT_EQ(space.idle, std::vector<float>{0});
  ASSERT_EQ(space.keys.size(), 2u);
  EXPECT_EQ(space.keys[0].key + std::to_string(space.keys[0].value), "left" + std::to_string(-1.0f));
  EXPECT_EQ(space.keys[1].key + std::to_string(space.keys[1].value), "right" + std::to_string(1.0f));
  env->reset(1);
  for (const auto& [action, choice] : std::vector<std::pair<float, float>>{{-1, 2}, {-0.34f, 2}, {-0.33f, 0}, {0, 0}, {0.33f, 0}, {0.34f, 1}, {1, 1}})
    EXPECT_EQ(step(*env, action).reward, choice) << action;
  // And lived again from a saved state.
  const auto state = env->save_state();
  const auto here = numbers(*env);
  const auto other = world("Sides[axis=true]");
  other->reset(5);
  other->load_state(state);
  EXPECT_EQ(numbers(*other), here);
  EXPECT_NE(error_of([] { world("Count[axis=true]"); }).find("left, noop and right"), std::string::npos);
}

// The worlds themselves refuse an action that is none of their space's; their rewards tell what was done.
TEST_F(GymEnvTest, ActionsOfSeveralKinds) {
  const auto car = world("Car");
  const auto& axes = car->spaces().action;
  EXPECT_EQ(axes.axes, (std::vector<std::string>{"arm 0", "arm 1", "gear = 1", "gear = 2", "gear = 3", "lights 0 = 0", "lights 0 = 1", "lights 1 = 0", "lights 1 = 1", "steer"}));
  EXPECT_EQ(axes.low, (std::vector<float>{-1, -1, 0, 0, 0, 0, 0, 0, 0, -2}));
  EXPECT_EQ(axes.high, std::vector<float>(10, 1));
  car->reset(1);
  EXPECT_EQ(car->step(std::vector<float>{0, 1, 0, 0.1f, 0.9f, 0, 0.2f, 1, 0, -0.5f}).reward, 310 + 1 / 8.0f - 0.5f);
  EXPECT_EQ(car->step(axes.idle).reward, 100) << "of what is equally far out the first";
  const auto state = car->save_state();
  const auto here = numbers(*car);
  const auto other = world("Car");
  other->load_state(state);
  EXPECT_EQ(numbers(*other), here);

  const auto buttons = world("Buttons");
  const auto& choices = buttons->spaces().action.choices;
  ASSERT_EQ(choices.size(), 48u);
  EXPECT_EQ(choices[41], "0 2, 1/arrow 1-1, 1/pad 0-1");
  buttons->reset(1);
  EXPECT_EQ(step(*buttons, 41).reward, 2111);
  EXPECT_NE(error_of([] { world("Speaks"); }).find("its action 'say' is of the space Text, expected Discrete, MultiDiscrete, MultiBinary or Box"), std::string::npos);
}

// What is seen first tells what the numbers are; one far outside of that is an error later.
TEST_F(GymEnvTest, PicturesWithoutBounds) {
  const auto seen = [](const std::string& options) {
    const auto env = world("Boundless[" + options + "]");
    env->reset(1);
    step(*env, 0);
    const auto pixels = picture(*env);
    return std::vector(pixels.begin(), pixels.begin() + 4);
  };
  EXPECT_EQ(seen("low=0,high=1,later=0.2"), (std::vector<std::uint8_t>{255, 128, 51, 0}));
  EXPECT_EQ(seen("low=-1,high=1,later=-1.1"), (std::vector<std::uint8_t>{255, 128, 0, 0}));
  EXPECT_EQ(seen("low=20,high=220,later=7"), (std::vector<std::uint8_t>{220, 120, 7, 20}));
  EXPECT_NE(error_of([&] { seen("low=0,high=1,later=7"); }).find("its picture holds 7, and what was seen first had numbers from 0 to 1: its space has no bounds"), std::string::npos);
  EXPECT_EQ(GymEnv("gym:gym_worlds:Boundless").left_out(),
            std::vector<std::string>{"all (what is finer than 8 bits, of its numbers from 0 to 1, as those seen first: no bounds are declared)"});
  const GymEnv numbers("gym:gym_worlds:Boundless[low=-3,high=4]");  // as many as a vector may have
  EXPECT_EQ(numbers.spaces().vector_names.size(), 4096u);
  EXPECT_TRUE(numbers.left_out().empty());

  const GymEnv depths("gym:gym_worlds:Depths");
  EXPECT_EQ(depths.spaces().image_bytes(), 64u * 64 * 3);
  EXPECT_EQ(depths.left_out().front(), "depth (its numbers go from 9.5 to 9.5 at first, and its space has no bounds for them)");
  EXPECT_NE(error_of([] { world("Far"); }).find("it shows neither a picture nor numbers: all (its numbers go from 9.5 to 9.5 at first"), std::string::npos);
}

TEST_F(GymEnvTest, LanesThatMoveAtOnceLiveAsAlone) {
  std::vector<std::unique_ptr<Env>> lanes;
  for (int i = 0; i < 10; ++i) lanes.push_back(make_env("gym:CartPole-v1"));
  CartPole own;
  for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i]->begin_reset(i);
  for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i]->reset(i);
  const float right = 1;
  for (int t = 0; t < 5; ++t) {  // ten lanes are in several processes where there are cores for them
    for (auto& lane : lanes) lane->begin_step({&right, 1});
    for (auto& lane : lanes) lane->step({&right, 1});
  }
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    own.reset(i);
    for (int t = 0; t < 5; ++t) step(own, right);
    EXPECT_EQ(numbers(*lanes[i]), numbers(own)) << i;
  }
  // One that was told of a step and then begins anew instead has not moved.
  lanes[0]->begin_step({&right, 1});
  lanes[0]->reset(3);
  own.reset(3);
  EXPECT_EQ(numbers(*lanes[0]), numbers(own));
}

TEST_F(GymEnvTest, EveryKindOfObservation) {
  auto env = world("Cells");
  EXPECT_EQ(env->spaces().states, 120);
  env->reset(5);
  const auto first = numbers(*env);
  step(*env, 0);
  EXPECT_EQ(numbers(*env), std::vector{first[0] + 1});

  env = world("Stack");
  EXPECT_EQ(env->spaces().image_height, 20);
  EXPECT_EQ(env->spaces().image_width, 24);
  EXPECT_EQ(env->spaces().image_channels, 1);
  env->reset(5);
  for (int i = 0; i < 6; ++i) step(*env, 0);
  EXPECT_EQ(picture(*env), std::vector<std::uint8_t>(20 * 24, 6));

  env = world("Colours");
  ASSERT_EQ(env->spaces().image_bytes(), 32u * 48 * 3);
  EXPECT_EQ(env->spaces().natural_rate, 12);
  env->reset(5);
  step(*env, 0);
  const auto seen = picture(*env);
  EXPECT_EQ(std::vector(&seen[(7 * 48 + 9) * 3], &seen[(7 * 48 + 9) * 3 + 3]), (std::vector<std::uint8_t>{7, 9, 1}));

  env = world("Shades");
  EXPECT_EQ(env->spaces().image_bytes(), 16u * 16);
  env->reset(5);
  step(*env, 0);
  EXPECT_EQ(picture(*env), std::vector<std::uint8_t>(16 * 16, 26));

  env = world("Alpha");
  ASSERT_EQ(env->spaces().image_bytes(), 16u * 16 * 3);
  env->reset(5);
  step(*env, 0);
  const auto coloured = picture(*env);
  EXPECT_EQ(std::vector(coloured.begin(), coloured.begin() + 6), (std::vector<std::uint8_t>{1, 20, 30, 1, 20, 30}));

  env = world("Signed");
  ASSERT_EQ(env->spaces().image_bytes(), 32u * 32);
  env->reset(5);
  EXPECT_EQ(picture(*env), std::vector<std::uint8_t>(32 * 32, 0));
  for (const int expected : {128, 255}) {
    step(*env, 0);
    EXPECT_EQ(picture(*env), std::vector<std::uint8_t>(32 * 32, static_cast<std::uint8_t>(expected)));
  }

  // As a dataset's parts (core/data/foreign_spaces.h): by name, choices as one-hots.
  const GymEnv parts("gym:gym_worlds:Parts");
  EXPECT_EQ(parts.spaces().vector_names, (std::vector<std::string>{"ear/left 0", "ear/left 1", "hand = 2", "hand = 3",
                                                                   "hand = 4", "joints 0", "joints 1", "joints 2"}));
  EXPECT_EQ(parts.left_out(), (std::vector<std::string>{"map (more than 4096 numbers)", "words (Text)"}));
  env = world("Parts");
  env->reset(5);
  step(*env, 0);
  EXPECT_EQ(numbers(*env), (std::vector<float>{1, 0, 0, 0, 1, 0.1f, 0.2f, 0.3f}));
  EXPECT_EQ(picture(*env), std::vector<std::uint8_t>(16 * 16 * 3, 1));
}

TEST_F(GymEnvTest, EveryKindOfAction) {
  auto env = world("Late");
  EXPECT_EQ(env->spaces().action.choices.size(), 2u);
  env->reset(1);
  EXPECT_EQ(step(*env, 1).reward, 6);

  env = world("Grid");
  EXPECT_EQ(env->spaces().action.choices, (std::vector<std::string>{"0-0", "0-1", "0-2", "1-0", "1-1", "1-2"}));
  env->reset(1);
  EXPECT_EQ(step(*env, 5).reward, 12);

  env = world("Arm");
  const auto& action = env->spaces().action;
  EXPECT_EQ(action.low, (std::vector<float>{-1, 0, -2, -1}));  // what has no bound is pushed by one
  EXPECT_EQ(action.high, (std::vector<float>{1, 3, 2, 1}));
  EXPECT_EQ(action.idle, (std::vector<float>{0, 0, 0, 0}));
  ASSERT_EQ(action.keys.size(), 5u);
  EXPECT_EQ(action.keys[2].key, "up");  // an axis that idles at its lower end takes one key
  EXPECT_EQ(action.keys[2].value, 3);
  env->reset(1);
  const std::vector<float> push{0.5f, 1, -2, 9};
  EXPECT_EQ(env->step(push).reward, 0.5f);

  EXPECT_EQ(make_env("gym:CartPole-v1")->spaces().action.keys.size(), 2u);
  EXPECT_NE(error_of([] { world("Words"); }).find("Text, expected Discrete"), std::string::npos);
}

TEST_F(GymEnvTest, OptionsOfAName) {
  auto env = world("Colours[crop=4:20,size=8x12,grey=true]");
  EXPECT_EQ(env->spaces().image_height, 8);
  EXPECT_EQ(env->spaces().image_width, 12);
  EXPECT_EQ(env->spaces().image_channels, 1);
  env->reset(1);
  EXPECT_GT(picture(*env).back(), picture(*env).front());

  env = world("Count[repeat=4]");
  env->reset(1);
  EXPECT_EQ(step(*env, 2).reward, 8);
  step(*env, 2);
  const auto last = step(*env, 2);  // the episode ends within it
  EXPECT_EQ(last.reward, 4);
  EXPECT_TRUE(last.terminated);

  env = world("Count[limit=3]");
  EXPECT_EQ(env->spaces().max_episode_steps, 3);
  env->reset(1);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(step(*env, 0).done());
  EXPECT_TRUE(step(*env, 0).truncated);

  env = world("Registered-v0[far=true,repeat=2]");  // far is the environment's own
  EXPECT_EQ(env->spaces().max_episode_steps, 2);
  env->reset(1);
  EXPECT_GE(numbers(*env)[1], 1000);

  env = world("Flicker[repeat=4,max=true,life_loss=true]");
  env->reset(1);
  step(*env, 0);
  EXPECT_EQ(picture(*env), std::vector<std::uint8_t>(16 * 16, 100));
  EXPECT_TRUE(step(*env, 0).terminated);  // a life is lost at its eighth step

  env = world("Count[noop=5]");
  env->reset(1);
  EXPECT_GE(numbers(*env)[1], 1);
  EXPECT_LE(numbers(*env)[1], 5);

  env = world("Count[sticky=0.5]");
  std::vector<float> rewards[2];
  for (auto& run : rewards) {
    env->reset(4);
    for (int i = 0; i < 9; ++i) run.push_back(step(*env, static_cast<float>(i % 3)).reward);
  }
  EXPECT_EQ(rewards[0], rewards[1]);
  EXPECT_NE(rewards[0], (std::vector<float>{0, 1, 2, 0, 1, 2, 0, 1, 2}));

  env = world("Colours[pixels=true,size=6]");
  env->reset(1);
  step(*env, 0);
  const auto seen = picture(*env);
  EXPECT_EQ(std::vector(seen.begin(), seen.begin() + 3), (std::vector<std::uint8_t>{200, 100, 1}));

  for (const auto* wrong :
       {"Count[sticky=2]", "Count[repeat=0]", "Colours[crop=9]", "Colours[size=0]", "Count[size=64]",
        "Count[pixels=true]", "Count[limit]", "Count[limit=3", "Count[mood=good]", "Colours[crop=40:50]"}) {
    EXPECT_NE(error_of([&] { world(wrong); }), "no error") << wrong;
  }
}

TEST_F(GymEnvTest, ARecipesSizeIsPassedOn) {
  ResizedEnv env(world("Colours"), 0, 16, 16);
  env.begin_reset(1);
  env.reset(1);
  const float none = 0;
  env.begin_step({&none, 1});
  env.step({&none, 1});
  EXPECT_EQ(picture(env)[2], 1);
}

TEST_F(GymEnvTest, PeopleSeeWhatItRenders) {
  auto env = world("Colours");
  env->reset(1);
  std::vector<std::uint8_t> shown(40 * 40 * 3);
  env->render(40, 40, shown);
  EXPECT_EQ(shown[(20 * 40 + 20) * 3], 200);  // twice as wide as high: dark above and below
  EXPECT_LT(shown[(2 * 40 + 20) * 3], 50);
  env = world("Colours[picture=false]");  // then what the agent sees
  env->reset(1);
  env->render(40, 40, shown);
  EXPECT_LT(shown[(20 * 40 + 20) * 3], 50);
  env = world("Count");
  env->reset(1);
  env->render(40, 40, shown);
}

}  // namespace gym_env_test
}  // namespace dream
