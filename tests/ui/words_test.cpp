// What the window says of a run is so.
#include "ui/words.h"

#include <gtest/gtest.h>

namespace dream::ui {
namespace words_test {

TEST(Words, ARateIsThatOfADreamThatMoves) {
  DreamView dream;
  dream.measured_rate = 51.9f;
  EXPECT_EQ(pace_of(dream), "·");
  dream.ready = true;
  EXPECT_EQ(pace_of(dream), "paused") << "A dream that stands still has no 52 fps.";
  dream.playing = true;
  EXPECT_EQ(pace_of(dream), "52 fps");
}

TEST(Words, TheTimeSinceTheLastCheckpointGoesOnBetweenTwoViews) {
  TrainView train;
  train.run = "runs/car";
  EXPECT_EQ(state_of(train, 1000), "runs/car") << "Never saved: nothing is said.";
  train.saved_seconds_ago = 12, train.published_at = 1000;
  EXPECT_EQ(state_of(train, 1000), "runs/car · saved 12 s ago");
  EXPECT_EQ(state_of(train, 1030), "runs/car · saved 42 s ago");
  train.trained_by = "process 42 on alpha, since 2026-11-26 14:05:10";
  EXPECT_EQ(state_of(train, 1030), "runs/car · trained by process 42 · saved 42 s ago");
}

TEST(Words, SilenceIsNoPraise) {
  TrainView train;
  EXPECT_EQ(no_warning(train), "");
  train.open = true;
  train.curves.resize(2);
  EXPECT_EQ(no_warning(train), "Nothing has been trained yet.");
  train.curves[1].y = {300, 250};
  EXPECT_EQ(no_warning(train), "Too early to say what looks wrong.");
  train.curves[1].y.assign(100, 20.0);
  EXPECT_EQ(no_warning(train), "No warnings.");
  train.phases.resize(3);
  train.phases[0].progress = 1, train.phases[1].progress = 0.043;  // collect, learn; evaluate has not begun
  EXPECT_EQ(no_warning(train), "No warnings yet, which says little after 4 % of this phase.");
  train.phases[1].progress = 0.1;
  EXPECT_EQ(no_warning(train), "No warnings.");
}

TEST(Words, AWorldOfPythonsIsCalledByItsName) {
  EXPECT_EQ(world_label("gym:ALE/Pong-v5[size=64,grey=true] · Dreamer V3"), "ALE/Pong-v5 · Dreamer V3");
  EXPECT_EQ(world_label("gym:VizdoomTakeCover-v1[crop=20:220,axis=true]"), "VizdoomTakeCover-v1");
  EXPECT_EQ(world_label("dmc:walker-walk"), "walker-walk");
  EXPECT_EQ(world_label("gym:my_module:My-v0 · PlaNet"), "my_module:My-v0 · PlaNet");
  EXPECT_EQ(world_label("TwoRoom[dot=2] · JEPA"), "TwoRoom[dot=2] · JEPA") << "factors are the world";
  EXPECT_EQ(world_label("CarRacing · World Models: a title"), "CarRacing · World Models: a title");
  EXPECT_EQ(world_label(""), "");
}

}  // namespace words_test
}  // namespace dream::ui
