// That memory is needed, and that it is enough.
#include "core/env/key_door.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace dream {
namespace key_door_test {

struct Seen {
  std::vector<std::uint8_t> image;
  std::vector<float> vector;
  auto operator<=>(const Seen&) const = default;
};

Seen look(Env& env) {
  Seen seen{std::vector<std::uint8_t>(env.spaces().image_bytes()),
            std::vector<float>(env.spaces().vector_names.size())};
  env.observe_image(seen.image);
  env.observe_vector(seen.vector);
  return seen;
}

double truth(const Env& env, const std::string& name) {
  for (const NamedArray& array : env.diagnostics()) {
    if (array.name == name) return array.values[0];
  }
  throw std::out_of_range(name);
}

StepResult act(Env& env, int choice) {
  const float action = static_cast<float>(choice);
  return env.step(std::span(&action, 1));
}

// The two episodes that there are, as saved states, by the key's colour.
using Beginnings = std::array<std::vector<std::byte>, 2>;
Beginnings beginnings() {
  Beginnings states;
  KeyDoor env;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    env.reset(seed);
    states[static_cast<std::size_t>(truth(env, "key"))] = env.save_state();
  }
  return states;
}

TEST(KeyDoor, BothKeysAreAlikeOften) {
  KeyDoor env;
  int blue = 0;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    env.reset(seed);
    blue += static_cast<int>(truth(env, "key"));
  }
  EXPECT_NEAR(blue, 2000, 160);  // five standard deviations
}

// Sees what the agent sees, and keeps the colour of the key.
class Rememberer {
 public:
  int operator()(const std::vector<float>& view) {
    constexpr int plane = KeyDoor::kView * KeyDoor::kView, reach = KeyDoor::kView / 2;
    auto is = [&](int what, int column, int row) {
      return view[what * plane + (row + reach) * KeyDoor::kView + column + reach] == 1;
    };
    for (int colour = 0; colour < 2; ++colour) {
      if (is(1 + colour, 1, 0)) key_ = colour;
    }
    if (is(3 + key_, 0, -1)) return KeyDoor::up;
    if (is(3 + key_, 0, 1)) return KeyDoor::down;
    return KeyDoor::right;
  }

 private:
  int key_ = 0;
};

TEST(KeyDoor, WhoRemembersOpensTheRightDoorAlwaysInSixSteps) {
  KeyDoor env;
  for (const auto& state : beginnings()) {
    env.load_state(state);
    Rememberer policy;
    StepResult result;
    int steps = 0;
    for (; !result.done(); ++steps) {
      EXPECT_EQ(result.reward, 0);
      result = act(env, policy(look(env).vector));
    }
    EXPECT_EQ(result.reward, 1);
    EXPECT_TRUE(result.terminated);
    EXPECT_EQ(steps, 6);
  }
}

// Two episodes that differ in the key alone, side by side through every state that any actions reach: what is seen is
// the same as soon as the key is in the pocket, and the doors answer in opposite ways. So nothing that acts on what it
// sees can tell them apart; what it gains with one key it loses with the other.
TEST(KeyDoor, OnceTheKeyIsTakenNothingShowsItsColour) {
  const auto [with_amber, with_blue] = beginnings();
  KeyDoor amber, blue;
  std::set<std::pair<double, bool>> visited;  // position and pocket
  std::vector<std::pair<std::vector<std::byte>, std::vector<std::byte>>> open{{with_amber, with_blue}};
  int doors = 0;
  while (!open.empty()) {
    const auto [a, b] = open.back();
    open.pop_back();
    for (int choice = 0; choice < 5; ++choice) {
      amber.load_state(a);
      blue.load_state(b);
      const StepResult one = act(amber, choice), other = act(blue, choice);
      EXPECT_EQ(one.done(), other.done());
      const bool taken = truth(amber, "taken") == 1;
      EXPECT_EQ(truth(blue, "taken") == 1, taken);
      EXPECT_EQ(look(amber) == look(blue), taken);
      if (one.terminated) {
        EXPECT_TRUE(taken);
        EXPECT_EQ(one.reward + other.reward, 1);  // one of them opens
        EXPECT_EQ(one.reward * other.reward, 0);
        ++doors;
      } else if (!one.done()) {
        EXPECT_EQ(one.reward, 0);
        EXPECT_EQ(other.reward, 0);
        if (visited.emplace(truth(amber, "position"), taken).second) {
          open.emplace_back(amber.save_state(), blue.save_state());
        }
      }
    }
  }
  EXPECT_EQ(doors, 2);
  EXPECT_EQ(visited.size(), 7u);  // six cells with the key in the pocket, the first also before
}

// All deterministic policies without memory: a policy is grown as episodes meet observations it has no answer for. It
// reads the vector; the picture tells the same (below).
class Memoryless {
 public:
  Memoryless() : start_(beginnings()) {}
  // The best number of right doors in the two episodes.
  int best() {
    grow(0);
    return best_;
  }
  int policies() const { return policies_; }

 private:
  void grow(int episode) {
    if (best_ > 1) return;  // refuted
    if (episode == 2) {
      ++policies_;
      best_ = std::max(best_, right_);
      return;
    }
    env_.load_state(start_[static_cast<std::size_t>(episode)]);
    walk(episode);
  }

  void walk(int episode) {
    for (;;) {
      std::vector<float> seen(env_.spaces().vector_names.size());
      env_.observe_vector(seen);
      const auto known = policy_.find(seen);
      if (known != policy_.end()) {
        if (!follow(episode, known->second)) return;
        continue;
      }
      const std::vector<std::byte> here = env_.save_state();
      for (const int choice : {KeyDoor::right, KeyDoor::up, KeyDoor::down, KeyDoor::left, KeyDoor::stay}) {
        if (best_ > 1) break;
        env_.load_state(here);
        policy_[seen] = choice;
        if (follow(episode, choice)) walk(episode);
      }
      policy_.erase(seen);
      return;
    }
  }

  // False when the episode ended (and the ones after it were played).
  bool follow(int episode, int choice) {
    const StepResult result = act(env_, choice);
    if (!result.done()) return true;
    right_ += result.reward == 1;
    grow(episode + 1);
    right_ -= result.reward == 1;
    return false;
  }

  KeyDoor env_;
  Beginnings start_;
  std::map<std::vector<float>, int> policy_;
  int right_ = 0, best_ = 0, policies_ = 0;
};

TEST(KeyDoor, EveryPolicyWithoutMemoryFailsInHalfOfTheEpisodes) {
  Memoryless all;
  EXPECT_EQ(all.best(), 1);  // of two
  EXPECT_GT(all.policies(), 200);
}

TEST(KeyDoor, PictureAndVectorTellTheSame) {
  std::map<std::vector<float>, std::vector<std::uint8_t>> by_vector;
  std::set<std::vector<std::uint8_t>> pictures;
  KeyDoor env;
  for (const auto& state : beginnings()) {
    env.load_state(state);
    for (const int choice : {0, 2, 2, 2, 2, 2, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3}) {
      const Seen seen = look(env);
      pictures.insert(seen.image);
      by_vector[seen.vector] = seen.image;
      act(env, choice);
    }
  }
  std::set<std::vector<std::uint8_t>> matched;
  for (const auto& [vector, image] : by_vector) matched.insert(image);
  EXPECT_EQ(matched, pictures);
  EXPECT_EQ(by_vector.size(), matched.size());
}

TEST(KeyDoor, TheTimeLimitIsATruncationWithoutReward) {
  KeyDoor env;
  env.reset(0);
  StepResult result;
  for (int i = 0; i < KeyDoor::kTimeLimit; ++i) {
    EXPECT_FALSE(result.done());
    result = act(env, KeyDoor::stay);
    EXPECT_EQ(result.reward, 0);
  }
  EXPECT_TRUE(result.truncated);
  EXPECT_FALSE(result.terminated);
}

}  // namespace key_door_test
}  // namespace dream
