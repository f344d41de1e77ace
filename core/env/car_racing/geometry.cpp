#include "core/env/car_racing/geometry.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dream::car_racing {

Polygon convex_hull(std::span<const Vec2f> points) {
  // Gift wrapping.
  std::size_t start = 0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const bool further = points[i].x > points[start].x;
    if (further || (points[i].x == points[start].x && points[i].y < points[start].y)) start = i;
  }
  Polygon hull;
  std::size_t at = start;
  do {
    hull.corner[hull.count++] = points[at];
    std::size_t next = at == 0 ? 1 : 0;
    for (std::size_t j = next + 1; j < points.size(); ++j) {
      if (j == at) continue;
      const Vec2f candidate = points[j] - points[at], best = points[next] - points[at];
      const float turn = cross(best, candidate);
      if (turn < 0 || (turn == 0 && dot(candidate, candidate) > dot(best, best))) next = j;
    }
    at = next;
  } while (at != start && hull.count < static_cast<int>(std::min(points.size(), hull.corner.size())));
  return hull;
}

MassData polygon_mass(const Polygon& polygon, float density) {
  const auto corners = polygon.corners();
  Vec2f reference;
  for (const Vec2f& c : corners) reference = reference + c;
  reference = (1.0f / static_cast<float>(corners.size())) * reference;

  constexpr float third = 1.0f / 3.0f;
  Vec2f centre;
  float area = 0, inertia = 0;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const Vec2f e1 = corners[i] - reference, e2 = corners[i + 1 < corners.size() ? i + 1 : 0] - reference;
    const float doubled = cross(e1, e2);
    const float triangle = 0.5f * doubled;
    area += triangle;
    centre = centre + (triangle * third) * (e1 + e2);
    const float xx = e1.x * e1.x + e2.x * e1.x + e2.x * e2.x;
    const float yy = e1.y * e1.y + e2.y * e1.y + e2.y * e2.y;
    inertia += (0.25f * third * doubled) * (xx + yy);
  }
  MassData data;
  data.mass = density * area;
  centre = (1.0f / area) * centre;
  data.centre = centre + reference;
  data.inertia = density * inertia;
  data.inertia += data.mass * (dot(data.centre, data.centre) - dot(centre, centre));
  return data;
}

namespace {

// The largest distance by which b lies outside one edge of a; negative when b reaches inside every edge.
double widest_gap(const Polygon& a, const Polygon& b) {
  double widest = -std::numeric_limits<double>::infinity();
  for (int i = 0; i < a.count; ++i) {
    const Vec2f p = a.corner[i], q = a.corner[i + 1 < a.count ? i + 1 : 0];
    const double nx = static_cast<double>(q.y) - p.y, ny = static_cast<double>(p.x) - q.x;
    double nearest = std::numeric_limits<double>::infinity();
    for (int j = 0; j < b.count; ++j) {
      nearest = std::min(nearest, (b.corner[j].x - p.x) * nx + (b.corner[j].y - p.y) * ny);
    }
    const double length = std::sqrt(nx * nx + ny * ny);
    if (length > 0) widest = std::max(widest, nearest / length);
  }
  return widest;
}

double squared_distance_to_edges(const Polygon& a, const Polygon& b) {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < a.count; ++i) {
    const Vec2f p = a.corner[i], q = a.corner[i + 1 < a.count ? i + 1 : 0];
    const double ex = static_cast<double>(q.x) - p.x, ey = static_cast<double>(q.y) - p.y;
    const double ee = ex * ex + ey * ey;
    for (int j = 0; j < b.count; ++j) {
      const double dx = static_cast<double>(b.corner[j].x) - p.x, dy = static_cast<double>(b.corner[j].y) - p.y;
      const double t = ee > 0 ? std::clamp((dx * ex + dy * ey) / ee, 0.0, 1.0) : 0.0;
      const double rx = dx - t * ex, ry = dy - t * ey;
      best = std::min(best, rx * rx + ry * ry);
    }
  }
  return best;
}

}  // namespace

bool touching(const Polygon& a, const Polygon& b) {
  // Two skins of 0.01 and ten float epsilons, as b2TestOverlap has it.
  constexpr double reach = 0.02f + 1.1920929e-6;
  const double gap = std::max(widest_gap(a, b), widest_gap(b, a));
  if (gap <= 0) return true;
  if (gap > reach) return false;
  // Corner against corner: the gap along a normal is only a lower bound.
  return std::min(squared_distance_to_edges(a, b), squared_distance_to_edges(b, a)) <= reach * reach;
}

}  // namespace dream::car_racing
