// Real worlds through the bridge do what they do in Python alone: the same rewards, ends, pictures and numbers, bit for bit.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "api/error.h"
#include "core/env/bridge/gym_python.h"
#include "core/env/registry.h"
#include "tests/support/python_worlds.h"

namespace dream {
namespace brought_worlds_test {

constexpr int steps = 120;

/// Holds each choice for three steps; pushes axes to and fro.
void act(const Spaces& spaces, int at, std::vector<float>& action) {
  for (std::size_t axis = 0; axis < action.size(); ++axis)
    action[axis] = spaces.action.discrete() ? static_cast<float>(static_cast<std::size_t>(at / 3) % spaces.action.choices.size())
                                            : static_cast<float>((at * 13 + static_cast<int>(axis) * 5) % 17 - 8) / 8;
}

class BroughtWorlds : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!test::gymnasium_is_there()) GTEST_SKIP() << test::without_gymnasium;
  }
};

std::string text_in(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What tests/support/world_trace.py wrote, one piece after another.
class Trace {
 public:
  explicit Trace(std::string bytes) : bytes_(std::move(bytes)) {}
  template <typename Value>
  std::vector<Value> next(std::size_t count) {
    std::vector<Value> values(count);
    const auto size = count * sizeof(Value);
    if (at_ + size > bytes_.size()) throw std::runtime_error("the trace is too short: the spaces differ");
    std::memcpy(values.data(), bytes_.data() + at_, size);
    at_ += size;
    return values;
  }
  bool ended() const { return at_ == bytes_.size(); }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

TEST_P(BroughtWorlds, DoAsInPythonAlone) {
  const std::string name = GetParam();
  const auto folder = std::filesystem::temp_directory_path() / ("dreamscope_brought_" + std::to_string(std::hash<std::string>{}(name)));
  std::filesystem::create_directories(folder);
  const auto file = folder / "trace", said = folder / "said";
  const auto command = "'" + gym_python() + "' '" DREAMSCOPE_SOURCE_DIR "/tests/support/world_trace.py' '" + name + "' 7 " + std::to_string(steps) + " '" +
                       file.string() + "' > '" + said.string() + "' 2>&1";
  const int status = std::system(command.c_str()), code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  const auto words = text_in(said);
  Trace trace(text_in(file));
  std::filesystem::remove_all(folder);
  if (code == 3) GTEST_SKIP() << words << "scripts/setup --tests brings it";
  if (code == 4) GTEST_SKIP() << "this machine does not run it: " << words;
  ASSERT_EQ(code, 0) << words;

  const auto env = make_env(name);
  const auto& spaces = env->spaces();
  std::vector<std::uint8_t> picture(spaces.image_bytes());
  std::vector<float> numbers(spaces.vector_names.size()), action(spaces.action.size());
  std::uint64_t seed = 7;
  const auto expect_as_traced = [&](const StepResult& result, const std::string& where) {
    if (!picture.empty()) env->observe_image(picture);
    if (!numbers.empty()) env->observe_vector(numbers);
    EXPECT_EQ(trace.next<float>(1)[0], result.reward) << where;
    EXPECT_EQ(trace.next<std::uint8_t>(2), (std::vector<std::uint8_t>{result.terminated, result.truncated})) << where;
    EXPECT_TRUE(trace.next<std::uint8_t>(picture.size()) == picture) << where << ": another picture";
    EXPECT_EQ(trace.next<float>(numbers.size()), numbers) << where;
  };
  env->reset(seed);
  expect_as_traced({}, "the first observation");
  for (int at = 0; at < steps && !HasFailure(); ++at) {
    act(spaces, at, action);
    const auto result = env->step(action);
    expect_as_traced(result, "step " + std::to_string(at));
    if (!result.done()) continue;
    env->reset(++seed);
    expect_as_traced({}, "the first observation after step " + std::to_string(at));
  }
  EXPECT_TRUE(trace.ended() || HasFailure()) << "more was traced than was lived";
}

// A seed and actions make the world again: what rewinding and branches live by.
TEST_P(BroughtWorlds, GoOnFromASavedState) {
  std::unique_ptr<Env> env;
  try {
    env = make_env(GetParam());
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  const auto& spaces = env->spaces();
  std::vector<float> action(spaces.action.size());
  const auto live = [&](Env& world, int from, int to) {
    std::vector<float> seen;
    for (int at = from; at < to; ++at) {
      act(spaces, at, action);
      const auto result = world.step(action);
      std::vector<std::uint8_t> picture(spaces.image_bytes());
      std::vector<float> numbers(spaces.vector_names.size());
      if (!picture.empty()) world.observe_image(picture);
      if (!numbers.empty()) world.observe_vector(numbers);
      seen.insert(seen.end(), numbers.begin(), numbers.end());
      seen.insert(seen.end(), picture.begin(), picture.end());
      seen.push_back(result.reward);
      if (result.done()) break;
    }
    return seen;
  };
  env->reset(3);
  live(*env, 0, 35);
  const auto saved = env->save_state();
  const auto first = live(*env, 35, 55);
  const auto other = make_env(GetParam());
  other->load_state(saved);
  EXPECT_TRUE(live(*other, 35, 55) == first);
}

INSTANTIATE_TEST_SUITE_P(Real, BroughtWorlds,
                         testing::Values("gym:ALE/Pong-v5", "gym:ALE/Breakout-v5", "gym:ALE/Boxing-v5[repeat=4,max=true,sticky=0]",
                                         "gym:VizdoomTakeCover-v1", "gym:VizdoomBasic-v1", "gym:VizdoomHealthGathering-v1", "crafter:reward",
                                         "dmc:walker-walk", "dmc:cartpole-swingup", "dmc:walker-walk[size=64,pixels=true]",
                                         "gym:MiniGrid-DoorKey-5x5-v0", "procgen:starpilot"),
                         [](const auto& world) {
                           std::string name;
                           for (const char* at = world.param; *at; ++at)
                             if (std::isalnum(static_cast<unsigned char>(*at))) name += *at;
                           return name;
                         });

}  // namespace brought_worlds_test
}  // namespace dream
