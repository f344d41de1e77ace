// How long a dream is nearer to the truth than a picture that stands still, and who is put back on a real frame.
#include <gtest/gtest.h>

#include <algorithm>

#include "api/platform_time.h"
#include "core/dream/player.h"
#include "tests/support/toy.h"

namespace dream {
namespace honesty_test {

using Do = DreamControl::Do;

class Honesty : public ::testing::Test {
 protected:
  Honesty() { torch::set_num_threads(1); }
  static void load(Player& player, test::ToyOptions options, double motion) {
    player.load(test::toy_system(options, motion), "toy");
    player.set_knob("tau_sigma", 0);  // the dream is exact
  }
  void run(Player& player, int count) {
    for (int i = 0; i < count; ++i) player.step(now_ += 0.02), player.view();
  }
  double now_ = now_seconds();
};

/// Who dreams beside another is put back as that one is: on what it makes of all real frames, not of one after what it dreamt.
TEST_F(Honesty, WhoFollowsIsPutBackAsTheLeaderIs) {
  Player lead, guest;
  load(lead, {.length = 600}, 0.1);
  load(guest, {.length = 600}, 0.02);  // which dreams something else
  lead.control(Do::restart);
  lead.set_coupling(Coupling::anchored, 4);
  lead.drive({true, {0.5f, 0, 0}, 0});
  run(lead, 4);
  const auto line = lead.line();
  guest.begin_beside(*line);
  const auto picture = [&](const char* name) {
    const auto view = guest.view();
    return std::ranges::find(view->frames, std::string(name), &Frame::name)->image->pixels;
  };
  for (const auto& step : line->steps) {
    guest.go_beside(step);
    EXPECT_EQ(picture("dream") == picture("reconstruction"), step.anchored);
  }
  EXPECT_TRUE(line->steps.back().anchored);
  EXPECT_EQ(guest.view()->honesty.now, 0);
}

/// A dream that is right is not called wrong because nothing moves.
TEST_F(Honesty, WhereNothingMovesTheHonestyClockGoesOn) {
  Player player;
  load(player, {.length = 600}, 0.1);
  player.control(Do::restart);
  player.drive({true, {0, 0, 0}, 0});
  run(player, 12);
  EXPECT_FALSE(player.view()->honesty.over);
  EXPECT_EQ(player.view()->honesty.now, 12);
}

TEST_F(Honesty, TheHonestyClockStopsWhereAStillPictureIsNearer) {
  Player player;
  const auto clock = [&](double motion, int steps) {
    load(player, {.length = 600}, motion);
    player.control(Do::restart);
    player.drive({true, {0.5f, 0, 0}, 0});
    EXPECT_TRUE(player.view()->honesty.known);
    run(player, steps);
    return player.view()->honesty;
  };
  const auto slow = clock(0.02, 8);  // a fifth of the way is nearer than none
  EXPECT_FALSE(slow.over);
  EXPECT_EQ(slow.now, 8);
  EXPECT_EQ(slow.stretches, 1);
  EXPECT_EQ(slow.usual, 8);
  EXPECT_FALSE(slow.crossed);
  const auto wrong = clock(-0.1, 8);  // the other way
  EXPECT_TRUE(wrong.over);
  EXPECT_EQ(wrong.now, 3) << "three steps are looked at before it is judged";
  EXPECT_EQ(wrong.stretches, 1);
  EXPECT_EQ(wrong.usual, 3);
  EXPECT_TRUE(wrong.crossed);
  const auto line = player.view()->timeline.line;
  EXPECT_FALSE(line.front().untrusted);
  EXPECT_TRUE(line[line.size() - 3].untrusted);
  player.go_to(line.front().id);
  player.control(Do::play);
  run(player, 3);
  EXPECT_EQ(player.view()->honesty.stretches, 1) << "what is lived again is not counted again";
  player.set_coupling(Coupling::anchored, 2);
  run(player, 6);
  EXPECT_GE(player.view()->honesty.stretches, 3);
  EXPECT_EQ(player.view()->honesty.usual, 3);
  player.set_twin(false);
  run(player, 1);
  EXPECT_FALSE(player.view()->honesty.known);
}

}  // namespace honesty_test
}  // namespace dream
