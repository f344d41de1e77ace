#pragma once
#include <array>
#include <span>

namespace dream::car_racing {

struct Vec2 {
  double x = 0, y = 0;
};

/// Box2D computes in float32; so does everything that decides a trajectory.
struct Vec2f {
  float x = 0, y = 0;
};
inline Vec2f operator+(Vec2f a, Vec2f b) {
  return {a.x + b.x, a.y + b.y};
}
inline Vec2f operator-(Vec2f a, Vec2f b) {
  return {a.x - b.x, a.y - b.y};
}
inline Vec2f operator*(float s, Vec2f a) {
  return {s * a.x, s * a.y};
}
inline float dot(Vec2f a, Vec2f b) {
  return a.x * b.x + a.y * b.y;
}
inline float cross(Vec2f a, Vec2f b) {
  return a.x * b.y - a.y * b.x;
}
inline Vec2f cross(float s, Vec2f a) {
  return {-s * a.y, s * a.x};
}

struct Rotation {
  float sin = 0, cos = 1;
};
inline Vec2f rotate(Rotation q, Vec2f v) {
  return {q.cos * v.x - q.sin * v.y, q.sin * v.x + q.cos * v.y};
}

/// A convex polygon, counter-clockwise, at most 8 corners.
struct Polygon {
  std::array<Vec2f, 8> corner{};
  int count = 0;
  std::span<const Vec2f> corners() const { return {corner.data(), static_cast<std::size_t>(count)}; }
};

/// The convex hull, counter-clockwise from the rightmost (then lowest) corner: the order that Box2D 2.3 gives its
/// polygons, which matters because float sums depend on it.
Polygon convex_hull(std::span<const Vec2f> points);

struct MassData {
  float mass = 0;
  Vec2f centre;       // of mass
  float inertia = 0;  // about the origin
};
/// Integrals over the triangles around the corners' mean, in float32.
MassData polygon_mass(const Polygon& polygon, float density);

/// Whether two convex polygons are nearer than Box2D's skin (0.01 around each): its sensors' test.
bool touching(const Polygon& a, const Polygon& b);

}  // namespace dream::car_racing
