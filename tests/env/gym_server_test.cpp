// Environments that do what they must not, and how their processes end.
#include "core/env/bridge/gym_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "api/platform_time.h"
#include "tests/support/python_worlds.h"

namespace dream {
namespace gym_server_test {

class GymServerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::gymnasium_is_there()) GTEST_SKIP() << test::without_gymnasium;
  }
};

std::unique_ptr<Env> world(const std::string& name) {
  return make_env("gym:gym_worlds:" + name);
}

void step(Env& env, float choice, int times = 1) {
  for (int i = 0; i < times; ++i) env.step({&choice, 1});
}

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// How many processes have this text among their arguments.
int processes_with(const std::string& text) {
  int count = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string line((std::istreambuf_iterator<char>(file)), {});
    count += line.find("gym_server") != std::string::npos && line.find(text) != std::string::npos ? 1 : 0;
  }
  return count;
}

bool none_within(double seconds, const std::string& text) {
  for (const double until = now_seconds() + seconds; now_seconds() < until; usleep(20000))
    if (processes_with(text) == 0) return true;
  return false;
}

TEST_F(GymServerTest, EveryMistakeIsOneSentence) {
  const auto stepped = [](const char* name, float choice, int times) {
    return error_of([&] {
      const auto env = world(name);
      env->reset(1);
      step(*env, choice, times);
      std::vector<float> seen(env->spaces().vector_names.size());
      env->observe_vector(seen);
    });
  };
  const std::string name = "gym:gym_worlds:";
  EXPECT_EQ(stepped("RaisesInMake", 0, 1), name + "RaisesInMake: FileNotFoundError: no level 'cellar'.");
  EXPECT_EQ(stepped("RaisesInReset", 0, 1), name + "RaisesInReset: reset(): RuntimeError: the door is shut.");
  EXPECT_EQ(stepped("Raises", 2, 3), name + "Raises: step(): ValueError: nobody can go there.");
  EXPECT_EQ(stepped("WrongShape", 0, 2),
            name + "WrongShape: step(): the observation has the shape (3,), expected (2,).");
  EXPECT_EQ(stepped("NotANumber", 0, 2), name + "NotANumber: '0' of the observation is nan, expected a finite number.");
  EXPECT_EQ(stepped("NoReward", 0, 1), name + "NoReward: step() gave the reward inf, expected a finite number.");
  EXPECT_EQ(
      stepped("Dies", 2, 1),
      name + "Dies: its Python process ended while stepping (exit code 7); the last that it printed: out of luck.");
  EXPECT_EQ(stepped("Crashes", 0, 1), name + "Crashes: its Python process ended while stepping (signal 11).");
  EXPECT_EQ(stepped("Prints", 0, 5), "no error");
  EXPECT_EQ(error_of([] { world("no_class"); }), name + "no_class: system is no class of environments.");
  EXPECT_NE(error_of([] { make_env("gym:CartPoleX-v1"); }).find("doesn't exist"), std::string::npos);
  EXPECT_NE(error_of([] { make_env("nowhere:Thing"); }).find("no module nowhere"), std::string::npos);
  EXPECT_NE(error_of([] { make_env("gym:"); }), "no error");
}

TEST_F(GymServerTest, AMistakeIsOneLanesAlone) {
  const auto good = world("Raises"), bad = world("Raises");
  good->reset(1), bad->reset(1);
  const float quiet = 0, loud = 2;
  for (int i = 0; i < 2; ++i) step(*good, quiet), step(*bad, loud);
  good->begin_step({&quiet, 1}), bad->begin_step({&loud, 1});
  EXPECT_THROW(bad->step({&loud, 1}), Error);
  EXPECT_NO_THROW(good->step({&quiet, 1}));
  EXPECT_THROW(step(*bad, quiet), Error);  // whose episode is over
  bad->reset(2);
  EXPECT_NO_THROW(step(*bad, quiet));
}

TEST_F(GymServerTest, AfterADeathTheNextEpisodeBeginsInAnotherProcess) {
  const auto first = world("Dies"), second = world("Dies");
  first->reset(1), second->reset(1);
  EXPECT_THROW(step(*first, 2), Error);
  EXPECT_THROW(step(*second, 0), Error);
  first->reset(1);
  EXPECT_NO_THROW(step(*first, 0));
  second->reset(1);
  EXPECT_NO_THROW(step(*second, 0));
}

TEST_F(GymServerTest, ManyLanesShareServersThatDieApart) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one core has one server";
  std::vector<std::unique_ptr<Env>> lanes;
  for (int i = 0; i < 6; ++i) lanes.push_back(world("Dies[limit=73]"));
  EXPECT_EQ(processes_with("limit=73"), 1) << "to ask for spaces opens none";
  for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i]->reset(i);
  EXPECT_EQ(processes_with("limit=73"), 2) << "four lanes are a server's before another is begun";
  const float quiet = 0, deadly = 2;
  for (auto& lane : lanes) lane->begin_step({&quiet, 1});
  for (auto& lane : lanes) EXPECT_NO_THROW(lane->step({&quiet, 1}));
  for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i]->begin_step({i == 4 ? &deadly : &quiet, 1});
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NO_THROW(lanes[i]->step({&quiet, 1})) << i;
  for (std::size_t i = 4; i < 6; ++i) EXPECT_THROW(lanes[i]->step({&quiet, 1}), Error) << i;
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NO_THROW(step(*lanes[i], quiet)) << i;
  for (std::size_t i = 4; i < 6; ++i) {
    lanes[i]->reset(i);
    EXPECT_NO_THROW(step(*lanes[i], quiet)) << i;
  }
  lanes.clear();
  EXPECT_TRUE(none_within(10, "limit=73"));
}

TEST_F(GymServerTest, WhoHangsIsEnded) {
  const auto env = world("Hangs[limit=71]");
  env->reset(1);
  setenv("DREAMSCOPE_GYM_TIMEOUT", "0.3", 1);
  EXPECT_NE(error_of([&] { step(*env, 2); }).find("gave no answer for 0.3 s while stepping"), std::string::npos);
  unsetenv("DREAMSCOPE_GYM_TIMEOUT");
  EXPECT_TRUE(none_within(5, "limit=71"));
  setenv("DREAMSCOPE_GYM_TIMEOUT", "soon", 1);
  EXPECT_NE(error_of([] { world("Hangs[limit=72]"); }).find("expected seconds"), std::string::npos);
  unsetenv("DREAMSCOPE_GYM_TIMEOUT");
}

TEST_F(GymServerTest, AStateThatCannotBeLivedAgainChangesNothing) {
  const auto env = world("Forgets"), other = world("Forgets");
  env->reset(1);
  step(*env, 1, 3);
  const auto state = env->save_state();
  other->reset(1);
  const auto before = other->save_state();
  EXPECT_NE(error_of([&] { other->load_state(state); }).find("does not repeat itself"), std::string::npos);
  EXPECT_EQ(other->save_state(), before);
  EXPECT_NO_THROW(step(*other, 0));
  env->load_state(state);  // where it stands already
  EXPECT_NO_THROW(step(*env, 0));
}

TEST_F(GymServerTest, ItInheritsNoFiles) {
  const auto path = std::filesystem::temp_directory_path() / ("not_for_children_" + std::to_string(getpid()));
  const int file = open(path.c_str(), O_RDWR | O_CREAT, 0600);
  const auto env = world("Files");
  env->reset(1);
  std::vector<float> seen(2);
  env->observe_vector(seen);
  EXPECT_EQ(seen[0], 0);
  close(file);
  std::filesystem::remove(path);
}

TEST_F(GymServerTest, ItEndsWithItsUser) {
  {
    GymServer server("gym:gym_worlds:Count[limit=73]");
    EXPECT_EQ(processes_with("limit=73"), 1);
  }
  EXPECT_EQ(processes_with("limit=73"), 0);  // and is no zombie
}

/// A user of `name` that is killed while it steps.
void kill_a_user(const std::string& name, float choice) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t user = fork();
  if (user == 0) {
    const auto env = world(name);
    env->reset(1);
    if (write(ends[1], "!", 1) != 1) _exit(1);
    for (;;) step(*env, choice), env->reset(1);
  }
  char byte = 0;
  ASSERT_EQ(read(ends[0], &byte, 1), 1);
  usleep(100000);
  kill(user, SIGKILL);
  waitpid(user, nullptr, 0);
  close(ends[0]), close(ends[1]);
}

TEST_F(GymServerTest, ItEndsWhenItsUserIsKilled) {
  kill_a_user("Count[limit=74]", 0);
  EXPECT_TRUE(none_within(5, "limit=74"));
  kill_a_user("Hangs[limit=75]", 2);  // whatever it is doing
  EXPECT_TRUE(none_within(5, "limit=75"));
}

}  // namespace gym_server_test
}  // namespace dream
