// Where the pictures go, as rectangles alone.
#include "ui/places.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace dream::ui {
namespace places_test {

Room room_of(float width, float height, float scale, int frame_width = 64, int frame_height = 64) {
  return {.width = width,
          .height = height,
          .frame_width = frame_width,
          .frame_height = frame_height,
          .caption = 22 * scale,
          .gap = 16 * scale,
          .least = 84 * scale,
          .coupling = 26 * scale,
          .figures = 196 * scale};
}

bool overlap(const Place& a, const Place& b) {
  return a.shown() && b.shown() && a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom();
}

/// A picture with the caption above it.
Place captioned(Place picture, const Room& room) {
  if (!picture.shown()) return picture;
  return {picture.x, picture.y - room.caption, picture.width, picture.height + room.caption};
}

TEST(Places, InEveryRoomTheDreamIsTheLargestAndNothingOverlapsOrLeavesIt) {
  for (const float scale : {1.0f, 1.5f, 1.875f}) {
    for (float width = 120; width < 2000; width += 83) {
      for (float height = 100; height < 1300; height += 61) {
        for (const auto& [fw, fh] : std::vector<std::pair<int, int>>{{64, 64}, {160, 210}, {96, 64}}) {
          const Room room = room_of(width, height, scale, fw, fh);
          const Places all = arrange(room);
          const std::string where = std::to_string(width) + "x" + std::to_string(height) + " at " +
                                    std::to_string(scale) + ", frames " + std::to_string(fw);
          ASSERT_TRUE(all.dream.shown()) << where;
          for (const Place& other : {all.real, all.reconstruction, all.difference})
            ASSERT_LT(other.width, all.dream.width) << where;
          ASSERT_EQ(all.reconstruction.shown(), all.difference.shown()) << where;
          const std::vector<Place> places{captioned(all.dream, room),
                                          captioned(all.real, room),
                                          captioned(all.reconstruction, room),
                                          captioned(all.difference, room),
                                          all.coupling,
                                          all.figures};
          for (std::size_t i = 0; i < places.size(); ++i) {
            const Place& place = places[i];
            if (!place.shown()) continue;
            ASSERT_TRUE(place.x >= 0 && place.y >= -0.01f && place.right() <= width + 0.01f &&
                        place.bottom() <= height + 0.01f)
                << where << ", place " << i;
            for (std::size_t j = i + 1; j < places.size(); ++j)
              ASSERT_FALSE(overlap(place, places[j])) << where << ", places " << i << " and " << j;
          }
        }
      }
    }
  }
}

TEST(Places, PicturesAreWholeMultiplesWhereThatCostsLittle) {
  const Places large = arrange(room_of(1180, 570, 1));
  EXPECT_EQ(large.dream.width, 512) << "8 of 64 pixels, as many as the height has room for";
  EXPECT_TRUE(large.real.shown() && large.reconstruction.shown() && large.coupling.shown() && large.figures.shown());
  EXPECT_EQ(std::fmod(large.real.width, 64), 0);
  const Places small = arrange(room_of(400, 150, 1));
  EXPECT_GT(small.dream.width, 64 * 1.9f) << "A whole multiple would leave half of the room empty.";
}

TEST(Places, WhatHasNoRoomGoesInOrder) {
  const Places narrow = arrange(room_of(560, 420, 1));
  EXPECT_FALSE(narrow.figures.shown()) << "First the figures …";
  EXPECT_TRUE(narrow.real.shown() && narrow.reconstruction.shown());
  const Places low = arrange(room_of(330, 150, 1));
  EXPECT_FALSE(low.reconstruction.shown()) << "… then the small pictures …";
  EXPECT_TRUE(low.real.shown());
  const Places tiny = arrange(room_of(150, 150, 1));
  EXPECT_FALSE(tiny.real.shown()) << "… then the real one …";
  EXPECT_TRUE(tiny.dream.shown()) << "… and never the dream.";
}

TEST(Places, WithoutRoomNothingIsShown) {
  EXPECT_FALSE(arrange(room_of(200, 10, 1)).dream.shown()) << "lower than a caption";
  EXPECT_FALSE(arrange(room_of(0, 300, 1)).dream.shown());
}

}  // namespace places_test
}  // namespace dream::ui
