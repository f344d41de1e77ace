// The agent of one shipped run drives in the dream of another.
#include "core/engine/guests.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "core/dream/player.h"
#include "core/engine/run_file.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace guests_test {

std::filesystem::path shipped(const std::string& run) {
  return std::filesystem::path(DREAMSCOPE_SOURCE_DIR "/assets/runs") / run;
}

std::shared_ptr<System> system_of(const std::string& run) {
  auto checkpoint = load_run(checkpoint_path(shipped(run)));
  checkpoint.metadata.erase(std::string(fact_prefix) + driver_fact);
  return load_system(checkpoint, "cpu");
}

struct Driven {
  double dreamt = 0;
  Checkpoint kept;
};

Driven driven(const std::shared_ptr<System>& system, int steps) {
  torch::set_num_threads(1);
  Player player;
  player.load(system, "dream");
  player.start_at(3, 3);
  for (int i = 0; i < steps; ++i) player.step(i * 0.02);
  return {player.view()->dream_reward, player.keep(30)};
}

TEST(Guests, DriveWhereTheRunsOwnAgentHasLearnedNothing) {
  const auto alone = system_of("car_racing_delta_iris"), visited = system_of("car_racing_delta_iris");
  invite_driver(*visited, shipped("car_racing"));
  constexpr int steps = 100;
  const auto by_itself = driven(alone, steps), by_guest = driven(visited, steps);
  EXPECT_GT(by_guest.dreamt, by_itself.dreamt + 10) << "tiles and what a step costs, as the dream has them";
  EXPECT_EQ(fingerprint(*alone), fingerprint(*visited)) << "no weight of the run is another";
  Player again;
  again.load(visited, "dream");
  const auto lived = again.replay(by_guest.kept);
  EXPECT_EQ(lived.equal, lived.steps + 1) << "what it drove is lived again to the last bit";
}

TEST(Guests, AreAskedForByAFileFromItsOwnFolder) {
  const test::TempFolder folder;
  auto checkpoint = load_run(checkpoint_path(shipped("catch_iris")));
  const auto file = folder.path() / "checkpoint.safetensors";
  const auto asks = [&](const std::string& whom) {
    checkpoint.metadata[std::string(fact_prefix) + driver_fact] = whom;
    checkpoint.save(file);
    std::string away;
    const auto system = load_with_driver(load_run(file), "cpu", {}, &away);
    EXPECT_EQ(system->facts.at(driver_fact), whom) << "a missing driver is asked for the next time again";
    return away;
  };
  EXPECT_EQ(asks(std::filesystem::proximate(shipped("catch"), folder.path()).generic_string()), "");
  EXPECT_NE(asks("gone").find("gone does not exist"), std::string::npos);
  EXPECT_NE(asks(shipped("car_racing").string()).find("drives in CarRacing, and this run is of Catch"), std::string::npos);
}

TEST(Guests, AreRefusedInWords) {
  const auto refused = [](const std::string& here, const std::string& run) {
    const auto system = system_of(here);
    const auto before = system->who_drives();
    const auto said = test::message_of<Error>([&] { invite_driver(*system, shipped(run)); });
    EXPECT_EQ(system->who_drives(), before);
    return said;
  };
  EXPECT_NE(refused("key_door", "key_door_transdreamer").find("does not drive by pictures alone"), std::string::npos);
  EXPECT_NE(refused("key_door", "key_door_decision_transformer").find("has nobody who drives by what a model sees"), std::string::npos);
}

}  // namespace guests_test
}  // namespace dream
