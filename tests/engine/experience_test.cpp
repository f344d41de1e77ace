#include "core/engine/experience.h"

#include <gtest/gtest.h>

#include "core/data/replay.h"
#include "tests/data/temp_folder.h"
#include "tests/support/toy.h"

namespace dream {
namespace experience_test {

/// Remembers how many steps of its episode it has driven, and leaves that for the replay.
class Counting : public Behaviour {
 public:
  Carry initial(std::int64_t lanes) const override { return {{"driven", torch::zeros({lanes, 1})}}; }
  Decision decide(const Seen& seen, const Carry& memory, Mode, at::Generator) override {
    const auto& driven = memory.at("driven");
    return {torch::zeros({seen.lanes(), 3}), {{"driven", driven + 1}}, {{"driven", torch::cat({driven, -driven}, 1)}}};
  }
};

class ExperienceTest : public ::testing::Test {
 protected:
  ExperienceTest() {
    torch::set_num_threads(1);
    system_ = test::toy_system({6, 0});
    system_->behaviour = std::make_shared<Counting>();
  }
  std::unique_ptr<Experience> experience(const char* name, Replay& replay) {
    Experience::Options options;
    options.directory = folder_ / name;
    options.lanes = 2;
    options.prefill = 4;  // two steps of each lane
    return std::make_unique<Experience>(options, *system_, [&](const Episode& piece) { replay.extend(piece); });
  }
  test::TempFolder folder_;
  std::shared_ptr<System> system_;
};

/// A lane's memory begins anew with its episode; what a behaviour leaves is beside its steps in the replay and on the
/// disk. Interrupted in the middle of an episode, all of it goes on.
TEST_F(ExperienceTest, RecordsAndMemoriesOfABehaviour) {
  Replay whole(1 << 24), torn(1 << 24);
  {
    const auto run = experience("whole", whole);
    for (int step = 0; step < 15; ++step) run->step();
  }
  Checkpoint saved;
  {
    Replay first(1 << 24);
    const auto run = experience("torn", first);
    for (int step = 0; step < 9; ++step) run->step();
    run->save(saved, "x/");
    run->step();
  }
  {
    const auto run = experience("torn", torn);
    run->load(saved, "x/", 12);
    for (int step = 9; step < 15; ++step) run->step();
  }
  const Dataset left(folder_ / "whole"), again(folder_ / "torn");
  ASSERT_EQ(left.episodes(), 4u);
  ASSERT_EQ(again.episodes(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto column = left.read(i).extra.at("driven");
    EXPECT_EQ(column.width, 2);
    EXPECT_FALSE(column.per_frame);
    const auto expected = i < 2 ? std::vector<float>{0, 0, 0, 0, 0, 0, 1, -1, 2, -2, 3, -3}
                                : std::vector<float>{0, 0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5};
    EXPECT_EQ(column.values, expected) << i;
    EXPECT_EQ(again.read(i).extra.at("driven").values, expected) << i;
    EXPECT_EQ(again.read(i).frames, left.read(i).frames) << i;
    EXPECT_EQ(left.read(i).lane, static_cast<int>(i % 2));
  }
  // Three steps of each lane's third episode are under way.
  for (const auto* replay : {&whole, &torn}) {
    const auto& open = replay->episode(replay->position(replay->frames() - 1).episode);
    EXPECT_EQ(open.length(), 3u);
    EXPECT_EQ(open.extra.at("driven").values, (std::vector<float>{0, 0, 1, -1, 2, -2}));
  }
}

}  // namespace experience_test
}  // namespace dream
