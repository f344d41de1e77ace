#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "core/base/rng.h"
#include "core/env/car_racing/geometry.h"

namespace dream::car_racing {

// Gymnasium's names and values (gymnasium/envs/box2d/car_racing.py, version 1.2.3).
inline constexpr double kScale = 6.0;
inline constexpr double kTrackRadius = 900 / kScale;
inline constexpr double kPlayfield = 2000 / kScale;
inline constexpr double kTrackDetailStep = 21 / kScale;
inline constexpr double kTrackTurnRate = 0.31;
inline constexpr double kTrackWidth = 40 / kScale;
inline constexpr double kBorder = 8 / kScale;
inline constexpr int kBorderMinCount = 4;

/// One point of the centre line, as in Gymnasium's `env.track`.
struct TrackPoint {
  double alpha = 0, beta = 0, x = 0, y = 0;
};

/// A stretch of road between point i-1 and point i.
struct Tile {
  Polygon shape;     // what the simulator collides with (float32, convex hull)
  Vec2 left, right;  // the road's edge at point i; the other two corners belong to tile i-1
  // The red-white kerb beside a hard turn, as corners: inner and outer at point i, outer and inner at point i-1.
  std::array<Vec2, 4> kerb{};
  bool has_kerb = false;
};

struct Track {
  std::vector<TrackPoint> points;
  std::vector<Tile> tiles;
};

/// Draws tracks until one closes, as Gymnasium's reset() does; advances `rng` by the same draws.
Track create_track(Rng& rng);

}  // namespace dream::car_racing
