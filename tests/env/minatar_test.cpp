// Against the real MinAtar: golden files by tests/golden/make_minatar.py.
#include "core/env/minatar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "api/error.h"
#include "core/base/npy.h"

namespace dream {
namespace minatar_test {

using minatar::RandomState;

Npz golden(const std::string& name) {
  return read_npz(std::string(DREAMSCOPE_SOURCE_DIR) + "/tests/golden/minatar/" + name + ".npz");
}

TEST(RandomState, EqualsNumPysLegacyStreams) {
  const Npz data = golden("numpy");
  for (const std::uint64_t seed : {0ULL, 1ULL, 42ULL, (1ULL << 32) - 1, (1ULL << 32) + 5, ~0ULL}) {
    RandomState random(seed);
    const std::string name = std::to_string(seed);
    for (const double expected : data.at("rand_" + name).view<double>("rand"))
      ASSERT_EQ(random.rand(), expected) << seed;
    int i = 0;
    for (const std::int64_t expected : data.at("randint_" + name).view<std::int64_t>("randint")) {
      ASSERT_EQ(random.randint(1 + i++ % 9), expected) << "seed " << seed << ", draw " << i;
    }
  }
}

struct Named {
  MinAtarGame game;
  const char* file;
  int channels;
};

class MinAtar : public testing::TestWithParam<Named> {
 protected:
  MinAtarEnv env_{GetParam().game};
  std::vector<std::uint8_t> planes_ = std::vector<std::uint8_t>(100 * GetParam().channels);
};

INSTANTIATE_TEST_SUITE_P(Games, MinAtar,
                         testing::Values(Named{MinAtarGame::breakout, "breakout", 4},
                                         Named{MinAtarGame::asterix, "asterix", 4},
                                         Named{MinAtarGame::freeway, "freeway", 7},
                                         Named{MinAtarGame::seaquest, "seaquest", 10},
                                         Named{MinAtarGame::space_invaders, "space_invaders", 6}),
                         [](const auto& test) { return std::string(test.param.file); });

TEST_P(MinAtar, FollowsThePackageStepByStep) {
  const Npz data = golden(GetParam().file);
  const auto seeds = data.at("seed").view<std::int64_t>("seed"),
             lengths = data.at("length").view<std::int64_t>("length");
  const auto plain = data.at("plain").view<std::uint8_t>("plain"),
             actions = data.at("action").view<std::uint8_t>("action");
  const auto rewards = data.at("reward").view<std::uint8_t>("reward");
  const auto terminals = data.at("terminal").view<std::uint8_t>("terminal");
  const auto states = data.at("state").view<std::uint8_t>("state");
  const std::size_t packed = data.at("state").bytes.size() / (actions.size() + seeds.size());
  ASSERT_EQ(packed, (planes_.size() + 7) / 8);

  std::size_t at = 0, state_at = 0;
  for (std::size_t episode = 0; episode < seeds.size(); ++episode) {
    MinAtarOptions options;
    if (plain[episode] != 0) options = {.sticky = 0, .ramping = false};
    MinAtarEnv env(GetParam().game, options);
    auto compare_state = [&] {
      env.planes(planes_);
      const auto state = states.subspan(state_at++ * packed, packed);
      for (std::size_t i = 0; i < planes_.size(); ++i) {
        if (planes_[i] != ((state[i / 8] >> (7 - i % 8)) & 1)) return env.spaces().vector_names[i];
      }
      return std::string();
    };
    env.reset(static_cast<std::uint64_t>(seeds[episode]));
    ASSERT_EQ(compare_state(), "") << "at the start of episode " << episode;
    for (std::int64_t t = 0; t < lengths[episode]; ++t, ++at) {
      const float action = actions[at];
      const StepResult result = env.step({&action, 1});
      ASSERT_EQ(result.reward, rewards[at]) << "episode " << episode << ", step " << t;
      ASSERT_EQ(result.terminated, terminals[at] != 0) << "episode " << episode << ", step " << t;
      ASSERT_EQ(compare_state(), "") << "episode " << episode << ", step " << t;
    }
  }
  EXPECT_EQ(at, actions.size());
}

// What the traces must hold to be worth following: the rare events of each game.
TEST(MinAtarTraces, ReachTheRareEvents) {
  const auto most = [](const Npz& data) {
    std::int64_t best = 0, at = 0;
    const auto rewards = data.at("reward").view<std::uint8_t>("reward");
    for (const std::int64_t length : data.at("length").view<std::int64_t>("length")) {
      std::int64_t sum = 0;
      for (std::int64_t t = 0; t < length; ++t) sum += rewards[at++];
      best = std::max(best, sum);
    }
    return best;
  };
  EXPECT_GT(most(golden("breakout")), 30);        // a second wall
  EXPECT_GT(most(golden("space_invaders")), 72);  // a fourth wave
  const Npz seaquest = golden("seaquest");
  const auto rewards = seaquest.at("reward").view<std::uint8_t>("reward");
  EXPECT_GT(*std::ranges::max_element(rewards), 4);  // six divers brought up
  const auto longest = [](const Npz& data) {
    return *std::ranges::max_element(data.at("length").view<std::int64_t>("length"));
  };
  EXPECT_GT(longest(golden("asterix")), 950);   // the end of the ramp
  EXPECT_EQ(longest(golden("freeway")), 2501);  // its own end
}

TEST_P(MinAtar, PicturesAreThePlanesInMinAtarsColours) {
  const Npz data = golden(GetParam().file);
  const auto palette = data.at("palette").view<std::uint8_t>("palette");
  const int n = GetParam().channels;
  std::vector<std::uint8_t> image(env_.spaces().image_bytes()), large(200 * 300 * 3);
  std::vector<float> vector(planes_.size());
  env_.reset(5);
  for (int step = 0; step < 60; ++step) {
    const float action = static_cast<float>(step % 6);
    if (env_.step({&action, 1}).done()) env_.reset(static_cast<std::uint64_t>(step));
    env_.planes(planes_);
    env_.observe_vector(vector);
    ASSERT_TRUE(std::ranges::equal(planes_, vector));
    env_.observe_image(image);
    env_.render(300, 200, large);
    for (int y = 0; y < 64; ++y) {
      for (int x = 0; x < 64; ++x) {
        std::array<std::uint8_t, 3> expected{48, 48, 48};
        const bool inside = std::min(x, y) >= 2 && std::max(x, y) < 62;
        if (inside) {
          expected = {};
          for (int c = 0; c < n; ++c) {
            if (planes_[((y - 2) / 6 * 10 + (x - 2) / 6) * n + c] != 0)
              std::copy_n(&palette[3 * c], 3, expected.begin());
          }
          // The same cell in the middle of a wide picture.
          const int big_x = 50 + (x - 2) / 6 * 20 + 19, big_y = (y - 2) / 6 * 20;
          ASSERT_TRUE(std::equal(expected.begin(), expected.end(), &large[(big_y * 300 + big_x) * 3]));
        }
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), &image[(y * 64 + x) * 3])) << x << ", " << y;
      }
    }
  }
  EXPECT_EQ(large[0], 48);
  std::vector<std::uint8_t> tiny(7 * 3 * 3);
  EXPECT_NO_THROW(env_.render(7, 3, tiny));
}

TEST_P(MinAtar, NamesAndKeysBelongToTheGame) {
  const Spaces& spaces = env_.spaces();
  ASSERT_EQ(spaces.vector_names.size(), planes_.size());
  EXPECT_EQ(std::set<std::string>(spaces.vector_names.begin(), spaces.vector_names.end()).size(), planes_.size());
  const auto n = static_cast<std::size_t>(GetParam().channels);
  EXPECT_TRUE(spaces.vector_names[34 * n].ends_with("[3,4]")) << spaces.vector_names[34 * n];
  EXPECT_EQ(spaces.action.choices, (std::vector<std::string>{"nothing", "left", "up", "right", "down", "fire"}));
  for (const KeyBinding& key : spaces.action.keys) {
    EXPECT_EQ(spaces.action.choices[static_cast<std::size_t>(key.value)], key.key == "space" ? "fire" : key.key);
  }
  EXPECT_GE(spaces.action.keys.size(), 2u);
}

TEST_P(MinAtar, BuffersOfAnotherSizeAreRefused) {
  env_.reset(1);
  std::vector<std::uint8_t> bytes(planes_.size() + 1);
  std::vector<float> floats(planes_.size() - 1);
  EXPECT_THROW(env_.planes(bytes), Error);
  EXPECT_THROW(env_.observe_vector(floats), Error);
}

TEST_P(MinAtar, StatesOfOtherGamesAndVariantsAreRefused) {
  env_.reset(1);
  const auto state = env_.save_state();
  for (const Named& other : {Named{MinAtarGame::breakout, "", 0}, Named{MinAtarGame::seaquest, "", 0}}) {
    if (other.game == GetParam().game) continue;
    MinAtarEnv env(other.game);
    EXPECT_THROW(env.load_state(state), Error);
  }
  MinAtarEnv calm(GetParam().game, {.sticky = 0}), flat(GetParam().game, {.ramping = false});
  EXPECT_THROW(calm.load_state(state), Error);
  EXPECT_THROW(flat.load_state(state), Error);
}

// Someone who knows the checksum can write any state. It is refused, or it can be played.
TEST_P(MinAtar, ForgedStatesAreRefusedOrPlayable) {
  env_.reset(1);
  const float up = 2;
  for (int i = 0; i < 60; ++i) {
    if (env_.step({&up, 1}).done()) env_.reset(2);
  }
  const auto state = env_.save_state();
  std::size_t refused = 0;
  for (std::size_t at = 20 + 624 * 4; at + 8 < state.size(); ++at) {
    for (const std::byte value : {std::byte{0xff}, std::byte{0x7f}, std::byte{0x09}, std::byte{0x00}}) {
      auto forged = state;
      forged[at] = value;
      std::uint64_t sum = 0xcbf29ce484222325ULL;
      for (std::size_t i = 0; i + 8 < forged.size(); ++i)
        sum = (sum ^ static_cast<std::uint64_t>(forged[i])) * 0x100000001b3ULL;
      std::memcpy(forged.data() + forged.size() - 8, &sum, 8);
      try {
        env_.load_state(forged);
      } catch (const Error&) {
        ++refused;
        continue;
      }
      env_.planes(planes_);
      for (int i = 0; i < 20; ++i) {
        const float action = static_cast<float>(i % 6);
        try {
          if (env_.step({&action, 1}).done()) break;
        } catch (const Error&) {
          break;  // saved at its end
        }
        env_.planes(planes_);
        ASSERT_TRUE(std::ranges::all_of(planes_, [](std::uint8_t v) { return v <= 1; }));
      }
    }
  }
  EXPECT_GT(refused, 20u);
}

}  // namespace minatar_test
}  // namespace dream
