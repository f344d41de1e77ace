// What is remembered of the replay's frames stays with them.
#include "core/engine/priorities.h"

#include <gtest/gtest.h>

#include "core/nn/generator.h"

namespace dream {
namespace priorities_test {

Episode episode_of(std::size_t steps, std::uint64_t seed) {
  Episode episode;
  episode.seed = seed;
  episode.height = episode.width = 2, episode.channels = 1, episode.action_size = 1;
  episode.frames.assign((steps + 1) * 4, static_cast<std::uint8_t>(seed));
  episode.actions.assign(steps, 0.0f);
  episode.rewards.assign(steps, 0.0f);
  episode.terminated.assign(steps, 0), episode.truncated.assign(steps, 0);
  episode.truncated.back() = 1;
  return episode;
}

/// Twelve episodes came, and there is room for five.
Replay overflown() {
  Replay replay(5 * episode_of(10, 0).bytes());
  for (std::uint64_t seed = 0; seed < 12; ++seed) replay.add(episode_of(10, seed));
  return replay;
}

TEST(Priorities, WhatIsGoneIsForgottenOnceAlsoAfterARestart) {
  const auto replay = overflown();
  ASSERT_GT(replay.dropped(), 0);
  Priorities before(1, 0.4), after(1, 0.4), old(1, 0.4);
  auto rng = make_generator(torch::kCPU, 3);
  for (int i = 0; i < 30; ++i) {  // the first frames are seldom wrong, the last ones often
    const auto drawn = before.draw(replay, 8, rng);
    auto errors = torch::empty({8});
    for (std::int64_t lane = 0; lane < 8; ++lane) errors[lane] = drawn.begins[static_cast<std::size_t>(lane)] < 28 ? 0.01 : 0.9;
    before.set(errors);
  }
  Checkpoint kept, without;
  before.save(kept, "p/");
  without = kept;
  without.tensors.erase("p/dropped");  // as earlier versions kept it
  after.load(kept, "p/"), old.load(without, "p/");
  auto one = make_generator(torch::kCPU, 5), two = make_generator(torch::kCPU, 5), three = make_generator(torch::kCPU, 5);
  const auto wanted = before.draw(replay, 64, one);
  const auto again = overflown();  // read anew from the disk
  EXPECT_EQ(after.draw(again, 64, two).begins, wanted.begins);
  EXPECT_EQ(old.draw(again, 64, three).begins, wanted.begins);
  EXPECT_GT(std::ranges::count_if(wanted.begins, [](auto frame) { return frame >= 28; }), 40) << "and they are not all alike";
}

}  // namespace priorities_test
}  // namespace dream
