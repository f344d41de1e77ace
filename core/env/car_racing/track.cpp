#include "core/env/car_racing/track.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

namespace dream::car_racing {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr int kCheckpoints = 12;

struct Checkpoint {
  double alpha, x, y;
};

std::array<Checkpoint, kCheckpoints> draw_checkpoints(Rng& rng) {
  std::array<Checkpoint, kCheckpoints> checkpoints{};
  for (int c = 0; c < kCheckpoints; ++c) {
    const double noise = rng.uniform(0, 2 * kPi * 1 / kCheckpoints);
    double alpha = 2 * kPi * c / kCheckpoints + noise;
    double radius = rng.uniform(kTrackRadius / 3, kTrackRadius);
    if (c == 0) {
      alpha = 0;
      radius = 1.5 * kTrackRadius;
    }
    if (c == kCheckpoints - 1) {
      alpha = 2 * kPi * c / kCheckpoints;
      radius = 1.5 * kTrackRadius;
    }
    checkpoints[c] = {alpha, radius * std::cos(alpha), radius * std::sin(alpha)};
  }
  return checkpoints;
}

// Steers a point around the checkpoints for a few laps; the second lap becomes the track.
std::vector<TrackPoint> walk(const std::array<Checkpoint, kCheckpoints>& checkpoints) {
  std::vector<TrackPoint> track;
  double x = 1.5 * kTrackRadius, y = 0, beta = 0;
  int destination = 0, laps = 0;
  bool visited_other_side = false;
  for (int left = 2500; left > 0; --left) {
    double alpha = std::atan2(y, x);
    if (visited_other_side && alpha > 0) {
      ++laps;
      visited_other_side = false;
    }
    if (alpha < 0) {
      visited_other_side = true;
      alpha += 2 * kPi;
    }
    const Checkpoint* target = nullptr;
    for (bool found = false; !found;) {
      for (;;) {
        target = &checkpoints[destination % kCheckpoints];
        if (alpha <= target->alpha) {
          found = true;
          break;
        }
        if (++destination % kCheckpoints == 0) break;
      }
      if (!found) alpha -= 2 * kPi;
    }

    const double r1x = std::cos(beta), r1y = std::sin(beta);
    const double p1x = -r1y, p1y = r1x;
    double projection = r1x * (target->x - x) + r1y * (target->y - y);
    while (beta - alpha > 1.5 * kPi) beta -= 2 * kPi;
    while (beta - alpha < -1.5 * kPi) beta += 2 * kPi;
    const double previous_beta = beta;
    projection *= kScale;
    if (projection > 0.3) beta -= std::min(kTrackTurnRate, std::abs(0.001 * projection));
    if (projection < -0.3) beta += std::min(kTrackTurnRate, std::abs(0.001 * projection));
    x += p1x * kTrackDetailStep;
    y += p1y * kTrackDetailStep;
    track.push_back({alpha, previous_beta * 0.5 + beta * 0.5, x, y});
    if (laps > 4) break;
  }
  return track;
}

// The last whole lap between two crossings of the start; empty when it does not close.
std::vector<TrackPoint> closed_loop(const std::vector<TrackPoint>& track) {
  const double start_alpha = 2 * kPi * (-0.5) / kCheckpoints;
  int first = -1, last = -1;
  for (int i = static_cast<int>(track.size()) - 1; first < 0; --i) {
    if (i <= 0) return {};
    if (track[i].alpha > start_alpha && track[i - 1].alpha <= start_alpha) (last < 0 ? last : first) = i;
  }
  std::vector<TrackPoint> loop(track.begin() + first, track.begin() + last - 1);
  if (loop.empty()) return {};

  const double perpendicular_x = std::cos(loop.front().beta), perpendicular_y = std::sin(loop.front().beta);
  const double dx = perpendicular_x * (loop.front().x - loop.back().x);
  const double dy = perpendicular_y * (loop.front().y - loop.back().y);
  if (std::sqrt(dx * dx + dy * dy) > kTrackDetailStep) return {};
  return loop;
}

double sign_of(double v) {
  return v > 0 ? 1 : v < 0 ? -1 : 0;
}

// Kerbs stand where the road turned hard, and to the same side, four times in a row.
std::vector<char> kerbs(const std::vector<TrackPoint>& track) {
  const int n = static_cast<int>(track.size());
  auto wrap = [n](int i) { return ((i % n) + n) % n; };
  std::vector<char> kerb(n, 0);
  for (int i = 0; i < n; ++i) {
    bool good = true;
    double one_side = 0;
    for (int back = 0; back < kBorderMinCount; ++back) {
      const double turn = track[wrap(i - back)].beta - track[wrap(i - back - 1)].beta;
      good &= std::abs(turn) > kTrackTurnRate * 0.2;
      one_side += sign_of(turn);
    }
    kerb[i] = good && std::abs(one_side) == kBorderMinCount;
  }
  for (int i = 0; i < n; ++i) {
    for (int back = 0; back < kBorderMinCount; ++back) kerb[wrap(i - back)] |= kerb[i];
  }
  return kerb;
}

Vec2 beside(const TrackPoint& p, double distance) {
  return {p.x + distance * std::cos(p.beta), p.y + distance * std::sin(p.beta)};
}

Vec2f narrow(Vec2 v) {
  return {static_cast<float>(v.x), static_cast<float>(v.y)};
}

std::vector<Tile> make_tiles(const std::vector<TrackPoint>& track) {
  const std::size_t n = track.size();
  const std::vector<char> kerb = kerbs(track);
  std::vector<Tile> tiles(n);
  for (std::size_t i = 0; i < n; ++i) {
    tiles[i].left = beside(track[i], -kTrackWidth);
    tiles[i].right = beside(track[i], kTrackWidth);
  }
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t before = i == 0 ? n - 1 : i - 1;
    const TrackPoint &here = track[i], &there = track[before];
    const std::array<Vec2f, 4> corners{narrow(tiles[i].left), narrow(tiles[i].right), narrow(tiles[before].right),
                                       narrow(tiles[before].left)};
    tiles[i].shape = convex_hull(corners);
    if (kerb[i] != 0) {
      const double side = sign_of(there.beta - here.beta);
      tiles[i].has_kerb = side != 0;
      tiles[i].kerb = {beside(here, side * kTrackWidth), beside(here, side * (kTrackWidth + kBorder)),
                       beside(there, side * (kTrackWidth + kBorder)), beside(there, side * kTrackWidth)};
    }
  }
  return tiles;
}

}  // namespace

Track create_track(Rng& rng) {
  Track track;
  while (track.points.empty()) track.points = closed_loop(walk(draw_checkpoints(rng)));
  track.tiles = make_tiles(track.points);
  return track;
}

}  // namespace dream::car_racing
