#include "core/engine/recorder.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "core/data/replay.h"

namespace dream {
namespace recorder_test {

Spaces spaces_of_numbers() {
  Spaces spaces;
  spaces.vector_names = {"x"};
  spaces.action.axes = {"a"};
  spaces.action.low = {-1}, spaces.action.high = {1}, spaces.action.idle = {0};
  return spaces;
}

Observation seeing(float x) {
  Observation observation;
  observation.vector = torch::tensor({x});
  return observation;
}

/// Told piece by piece, a learner's episode is the recorder's own, also where a column begins in the middle.
TEST(Recorder, ItsNewsMakeTheSameEpisode) {
  Recorder recorder(spaces_of_numbers(), 2);
  Replay replay(1 << 20, 1);
  recorder.begin(7, seeing(0));
  for (int t = 0; t < 6; ++t) {
    const auto state = torch::tensor({static_cast<float>(t)}).to(torch::kBFloat16);
    recorder.remember(state);
    Carry record;
    if (t >= 3) record["visits"] = torch::tensor({t + 0.5f, t + 0.25f});
    recorder.add(torch::tensor({0.1f * static_cast<float>(t)}), {static_cast<float>(t), false, t == 5},
                 seeing(static_cast<float>(t + 1)), record);
    if (t % 2 == 0 || t == 5) replay.extend(recorder.news());
  }
  const auto whole = recorder.take();
  ASSERT_EQ(replay.episodes(), 1u);
  const auto& told = replay.episode(0);
  EXPECT_EQ(told.seed, 7u);
  EXPECT_EQ(told.lane, 2);
  EXPECT_EQ(told.vectors, whole.vectors);
  EXPECT_EQ(told.actions, whole.actions);
  EXPECT_EQ(told.rewards, whole.rewards);
  EXPECT_EQ(told.truncated, whole.truncated);
  EXPECT_EQ(told.extra.at("visits").values, whole.extra.at("visits").values);
  EXPECT_EQ(whole.extra.at("visits").values,
            (std::vector<float>{0, 0, 0, 0, 0, 0, 3.5f, 3.25f, 4.5f, 4.25f, 5.5f, 5.25f}));
  auto states = whole.states;
  states.resize(7);  // nobody looked at the last frame
  EXPECT_EQ(told.states, states);
}

TEST(Recorder, ARecordThatChangesItsShapeIsAnError) {
  Recorder recorder(spaces_of_numbers());
  recorder.begin(1, seeing(0));
  recorder.add(torch::zeros({1}), {}, seeing(1), {{"visits", torch::zeros({2})}});
  EXPECT_THROW(recorder.add(torch::zeros({1}), {}, seeing(1), {{"visits", torch::zeros({3})}}), Error);
}

/// Who takes an episode that would have gone on cuts it; an end of its own stays what it is.
TEST(Recorder, WhatIsTakenHasAnEnd) {
  for (const bool terminated : {false, true}) {
    Recorder recorder(spaces_of_numbers());
    recorder.begin(1, seeing(0));
    recorder.add(torch::zeros({1}), {0, false, false}, seeing(1));
    recorder.add(torch::zeros({1}), {0, terminated, false}, seeing(2));
    const auto episode = recorder.take();
    EXPECT_EQ(episode.terminated, (std::vector<std::uint8_t>{0, terminated}));
    EXPECT_EQ(episode.truncated, (std::vector<std::uint8_t>{0, !terminated}));
  }
}

}  // namespace recorder_test
}  // namespace dream
