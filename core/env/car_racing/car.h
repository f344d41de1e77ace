#pragma once
#include <array>
#include <cstdint>

#include "core/env/car_racing/geometry.h"

namespace dream::car_racing {

inline constexpr double kFps = 50;
inline constexpr double kSize = 0.02;  // metres per unit of the car's drawing
inline constexpr double kWheelRadius = 27, kWheelWidth = 14;
inline constexpr int kWheels = 4;  // front left, front right, rear left, rear right

/// A rigid body as Box2D 2.3 keeps it: the pose of its centre of mass, and of its origin derived from that.
struct Body {
  Vec2f centre;     // of mass, in the world
  float angle = 0;  // radians
  Vec2f velocity;   // of the centre
  float spin = 0;   // radians per second
  Vec2f force;      // until the next step
  Vec2f origin;     // what Gymnasium calls `position`
  Rotation rotation;
  float still_for = 0;  // seconds below the sleep tolerances
};

/// The steering joint between hull and wheel: a revolute joint with a motor and limits of ±0.4 radians.
struct Joint {
  enum class Limit : std::uint8_t { inactive, lower, upper };
  float impulse_x = 0, impulse_y = 0, impulse_limit = 0, impulse_motor = 0;  // kept to warm-start the next step
  float motor_speed = 0;
  Limit limit = Limit::inactive;
};

struct Wheel {
  double gas = 0, brake = 0, steer = 0;
  double phase = 0;  // angle of rolling, for the picture
  double omega = 0;  // speed of rolling, radians per second
  bool on_road = false;
  // The skid mark under way, for people's view only. Mark 0 means none.
  bool skid_started = false;
  Vec2f skid_start;
  std::uint32_t skid_mark = 0;
  bool skid_on_grass = false;
  std::uint8_t skid_points = 0;
};

/// The latest skid marks (Gymnasium's particles): at most 30 lines of at most 30 points.
struct SkidMarks {
  static constexpr int kLines = 30, kPoints = 30;
  struct Line {
    std::uint32_t id = 0;  // 0 = empty
    bool on_grass = false;
    std::uint8_t count = 0;
    std::array<Vec2f, kPoints> point{};
  };
  std::array<Line, kLines> line{};  // a ring
  std::uint32_t next_id = 1;

  std::uint32_t start(Vec2f from, Vec2f to, bool on_grass);
  void extend(std::uint32_t id, Vec2f to);
};

/// Gymnasium's car (car_dynamics.py, version 1.2.3) on a solver for its one island of five bodies and four joints that
/// follows Box2D 2.3 operation by operation in float32, so that trajectories agree bit for bit. Nothing else is
/// needed of Box2D here: the road's tiles are sensors, and the parts of the car never collide with one another.
///
/// A plain value: copying it saves the whole mechanical state.
class Car {
 public:
  Car() = default;
  Car(double angle, double x, double y);

  void steer(double s);
  void gas(double g);
  void brake(double b);

  /// Tyre forces on the wheels for 1/50 s: Gymnasium's Car.step().
  void apply_tyres();
  /// One Box2D step with 180 velocity and at most 60 position iterations. Contacts are the caller's matter.
  void integrate();

  const Body& hull() const { return bodies_[kHull]; }
  const Body& wheel_body(int wheel) const { return bodies_[wheel]; }
  const Wheel& wheel(int wheel) const { return wheels_[wheel]; }
  float joint_angle(int wheel) const { return bodies_[wheel].angle - bodies_[kHull].angle; }
  const SkidMarks& skid_marks() const { return skid_marks_; }
  void set_on_road(int wheel, bool on_road) { wheels_[wheel].on_road = on_road; }

  /// Shapes in the world, as the contact tests see them.
  Polygon wheel_shape(int wheel) const;
  static constexpr int kHullParts = 4;
  Polygon hull_part(int part) const;

  /// The same for every car: in the body's own frame.
  static const Polygon& wheel_outline();
  static const Polygon& hull_outline(int part);

  /// Whether every number is within reason and every index in range; a loaded state must pass this.
  bool plausible() const;

  template <class Archive>
  void visit(Archive& archive);

 private:
  static constexpr int kHull = kWheels;
  struct Solver;

  std::array<Body, kWheels + 1> bodies_{};  // wheels, then hull
  std::array<Joint, kWheels> joints_{};
  std::array<Wheel, kWheels> wheels_{};
  SkidMarks skid_marks_;
};

template <class Archive>
void Car::visit(Archive& archive) {
  for (Body& b : bodies_) {
    archive(b.centre.x, b.centre.y, b.angle, b.velocity.x, b.velocity.y, b.spin, b.force.x, b.force.y, b.origin.x,
            b.origin.y, b.rotation.sin, b.rotation.cos, b.still_for);
  }
  for (Joint& j : joints_) {
    archive(j.impulse_x, j.impulse_y, j.impulse_limit, j.impulse_motor, j.motor_speed, j.limit);
  }
  for (Wheel& w : wheels_) {
    archive(w.gas, w.brake, w.steer, w.phase, w.omega, w.on_road, w.skid_started, w.skid_start.x, w.skid_start.y,
            w.skid_mark, w.skid_on_grass, w.skid_points);
  }
  archive(skid_marks_.next_id);
  for (SkidMarks::Line& line : skid_marks_.line) {
    archive(line.id, line.on_grass, line.count);
    for (int i = 0; i < line.count && i < SkidMarks::kPoints; ++i) archive(line.point[i].x, line.point[i].y);
  }
}

}  // namespace dream::car_racing
