#include "core/env/car_racing/car.h"

#include <algorithm>
#include <cmath>

namespace dream::car_racing {
namespace {

constexpr double kEnginePower = 100000000 * kSize * kSize;
constexpr double kWheelInertia = 4000 * kSize * kSize;
constexpr double kFrictionLimit = 1000000 * kSize * kSize;
constexpr double kTyreStiffness = 205000 * kSize * kSize;
constexpr double kWheelX[kWheels] = {-55, 55, -55, 55};
constexpr double kWheelY[kWheels] = {80, 80, -82, -82};

// Box2D's tuning constants (b2Settings.h).
constexpr float kLinearSlop = 0.005f;
constexpr float kAngularSlop = 2.0f / 180.0f * 3.14159265359f;
constexpr float kMaxAngularCorrection = 8.0f / 180.0f * 3.14159265359f;
constexpr float kMaxTranslation = 2.0f;
constexpr float kMaxRotation = 0.5f * 3.14159265359f;
constexpr float kLinearSleep = 0.01f;
constexpr float kAngularSleep = 2.0f / 180.0f * 3.14159265359f;
constexpr float kTimeToSleep = 0.5f;

constexpr float kStep = static_cast<float>(1.0 / kFps);
constexpr float kStepRatio = (1.0f / kStep) * kStep;
constexpr int kVelocityIterations = 6 * 30, kPositionIterations = 2 * 30;
constexpr float kLimitAngle = 0.4f;
constexpr float kMaxMotorTorque = static_cast<float>(180 * 900 * kSize * kSize);

template <std::size_t N>
Polygon outline(const double (&points)[N][2]) {
  std::array<Vec2f, N> scaled;
  for (std::size_t i = 0; i < N; ++i) {
    scaled[i] = {static_cast<float>(points[i][0] * kSize), static_cast<float>(points[i][1] * kSize)};
  }
  return convex_hull(scaled);
}

struct Inertia {
  float inverse_mass = 0, inverse_inertia = 0;
  Vec2f centre;  // in the body's frame
};

struct Model {
  Polygon wheel = outline({{-14, 27}, {14, 27}, {14, -27}, {-14, -27}});
  Polygon hull[Car::kHullParts] = {
      outline({{-60, 130}, {60, 130}, {60, 110}, {-60, 110}}), outline({{-15, 120}, {15, 120}, {20, 20}, {-20, 20}}),
      outline({{25, 20}, {50, -10}, {50, -40}, {20, -90}, {-20, -90}, {-50, -40}, {-50, -10}, {-25, 20}}),
      outline({{-50, -120}, {50, -120}, {50, -90}, {-50, -90}})};
  Inertia wheel_inertia, hull_inertia;
  Vec2f anchor[kWheels];  // of the joints, from the hull's centre of mass

  Model() {
    const Polygon* wheels[] = {&wheel};
    wheel_inertia = inertia_of(wheels, 0.1f);
    // Box2D keeps a body's shapes newest first, and sums them in that order.
    const Polygon* parts[] = {&hull[3], &hull[2], &hull[1], &hull[0]};
    hull_inertia = inertia_of(parts, 1.0f);
    for (int i = 0; i < kWheels; ++i) {
      const Vec2f at{static_cast<float>(kWheelX[i] * kSize), static_cast<float>(kWheelY[i] * kSize)};
      anchor[i] = at - hull_inertia.centre;
    }
  }

  static Inertia inertia_of(std::span<const Polygon* const> parts, float density) {
    float mass = 0, about_origin = 0;
    Vec2f centre;
    for (const Polygon* part : parts) {
      const MassData data = polygon_mass(*part, density);
      mass += data.mass;
      centre = centre + data.mass * data.centre;
      about_origin += data.inertia;
    }
    Inertia result;
    result.inverse_mass = 1.0f / mass;
    result.centre = result.inverse_mass * centre;
    result.inverse_inertia = 1.0f / (about_origin - mass * dot(result.centre, result.centre));
    return result;
  }
};

const Model& model() {
  static const Model instance;
  return instance;
}

Rotation rotation_of(float angle) {
  return {std::sin(angle), std::cos(angle)};
}

double sign(double v) {
  return v > 0 ? 1 : v < 0 ? -1 : 0;
}

Polygon placed(const Polygon& polygon, const Body& body) {
  Polygon result = polygon;
  for (int i = 0; i < polygon.count; ++i) result.corner[i] = rotate(body.rotation, polygon.corner[i]) + body.origin;
  return result;
}

}  // namespace

std::uint32_t SkidMarks::start(Vec2f from, Vec2f to, bool on_grass) {
  Line& l = line[next_id % kLines];
  l = {};
  l.id = next_id++;
  l.on_grass = on_grass;
  l.count = 2;
  l.point[0] = from;
  l.point[1] = to;
  return l.id;
}

void SkidMarks::extend(std::uint32_t id, Vec2f to) {
  Line& l = line[id % kLines];
  if (l.id == id && l.count < kPoints) l.point[l.count++] = to;
}

const Polygon& Car::wheel_outline() {
  return model().wheel;
}
const Polygon& Car::hull_outline(int part) {
  return model().hull[part];
}
Polygon Car::wheel_shape(int wheel) const {
  return placed(model().wheel, bodies_[wheel]);
}
Polygon Car::hull_part(int part) const {
  return placed(model().hull[part], bodies_[kHull]);
}

Car::Car(double angle, double x, double y) {
  for (int i = 0; i <= kWheels; ++i) {
    Body& b = bodies_[i];
    b.angle = static_cast<float>(angle);
    b.rotation = rotation_of(b.angle);
    // The wheels start beside the hull without regard to its angle; the joints pull them home in the first step.
    b.origin = i == kHull
                   ? Vec2f{static_cast<float>(x), static_cast<float>(y)}
                   : Vec2f{static_cast<float>(x + kWheelX[i] * kSize), static_cast<float>(y + kWheelY[i] * kSize)};
    b.centre = i == kHull ? rotate(b.rotation, model().hull_inertia.centre) + b.origin : b.origin;
  }
}

void Car::steer(double s) {
  wheels_[0].steer = wheels_[1].steer = s;
}

void Car::gas(double g) {
  g = std::clamp(g, 0.0, 1.0);
  for (int i = 2; i < kWheels; ++i) wheels_[i].gas += std::min(g - wheels_[i].gas, 0.1);
}

void Car::brake(double b) {
  for (Wheel& w : wheels_) w.brake = b;
}

void Car::apply_tyres() {
  constexpr double dt = 1.0 / kFps;
  constexpr double radius = 1.0 * kWheelRadius * kSize;
  for (int i = 0; i < kWheels; ++i) {
    Wheel& w = wheels_[i];
    Body& body = bodies_[i];

    const double turn = w.steer - joint_angle(i);
    joints_[i].motor_speed = static_cast<float>(sign(turn) * std::min(50.0 * std::abs(turn), 3.0));

    const bool grass = !w.on_road;
    const double friction_limit = grass ? kFrictionLimit * 0.6 : kFrictionLimit;

    const Vec2f forward = rotate(body.rotation, {0, 1}), side = rotate(body.rotation, {1, 0});
    const double forward_x = forward.x, forward_y = forward.y, side_x = side.x, side_y = side.y;
    const double forward_speed = forward_x * body.velocity.x + forward_y * body.velocity.y;
    const double side_speed = side_x * body.velocity.x + side_y * body.velocity.y;

    w.omega += dt * kEnginePower * w.gas / kWheelInertia / (std::abs(w.omega) + 5.0);
    if (w.brake >= 0.9) {
      w.omega = 0;
    } else if (w.brake > 0) {
      const double slower = std::min(15 * w.brake, std::abs(w.omega));
      w.omega += -sign(w.omega) * slower;
    }
    w.phase += w.omega * dt;

    double along = (-forward_speed + w.omega * radius) * kTyreStiffness;
    double across = -side_speed * kTyreStiffness;
    double force = std::sqrt(along * along + across * across);

    if (force > 2.0 * friction_limit) {
      if (w.skid_mark != 0 && w.skid_on_grass == grass && w.skid_points < SkidMarks::kPoints) {
        skid_marks_.extend(w.skid_mark, body.origin);
        ++w.skid_points;
      } else if (!w.skid_started) {
        w.skid_started = true;
        w.skid_start = body.origin;
      } else {
        w.skid_mark = skid_marks_.start(w.skid_start, body.origin, grass);
        w.skid_on_grass = grass;
        w.skid_points = 2;
        w.skid_started = false;
      }
    } else {
      w.skid_started = false;
      w.skid_mark = 0;
    }

    if (force > friction_limit) {
      along /= force;
      across /= force;
      force = friction_limit;
      along *= force;
      across *= force;
    }
    w.omega -= dt * along * radius / kWheelInertia;
    body.force = body.force + Vec2f{static_cast<float>(across * side_x + along * forward_x),
                                    static_cast<float>(across * side_y + along * forward_y)};
  }
}

// One step of the island. The order of bodies, joints and sums is Box2D's: joints newest first. A wheel turns about
// its own centre of mass, so every lever arm on the wheel's side is zero and its terms are left out.
struct Car::Solver {
  struct Constraint {
    Vec2f arm;                     // from the hull's centre of mass to the joint
    float xx, xy, xz, yy, yz, zz;  // the effective mass, a symmetric 3 x 3 matrix
    float inverse_det2 = 0, inverse_det3 = 0;
    float motor_mass;
  };

  Car& car;
  float hull_m = model().hull_inertia.inverse_mass, hull_i = model().hull_inertia.inverse_inertia;
  float wheel_m = model().wheel_inertia.inverse_mass, wheel_i = model().wheel_inertia.inverse_inertia;
  std::array<Constraint, kWheels> constraints{};

  explicit Solver(Car& of) : car(of) {}

  void prepare(int index) {
    Joint& joint = car.joints_[index];
    Body &hull = car.bodies_[kHull], &wheel = car.bodies_[index];
    Constraint& c = constraints[index];
    const Vec2f r = c.arm = rotate(rotation_of(hull.angle), model().anchor[index]);
    c.xx = hull_m + wheel_m + r.y * r.y * hull_i;
    c.xy = -r.y * r.x * hull_i;
    c.xz = -r.y * hull_i;
    c.yy = hull_m + wheel_m + r.x * r.x * hull_i;
    c.yz = r.x * hull_i;
    c.zz = hull_i + wheel_i;
    c.motor_mass = 1.0f / c.zz;
    const float det2 = c.xx * c.yy - c.xy * c.xy;
    c.inverse_det2 = det2 != 0 ? 1.0f / det2 : det2;
    const float det3 =
        c.xx * (c.yy * c.zz - c.yz * c.yz) + c.xy * (c.yz * c.xz - c.xy * c.zz) + c.xz * (c.xy * c.yz - c.yy * c.xz);
    c.inverse_det3 = det3 != 0 ? 1.0f / det3 : det3;

    const float angle = wheel.angle - hull.angle;
    const Joint::Limit before = joint.limit;
    joint.limit = angle <= -kLimitAngle  ? Joint::Limit::lower
                  : angle >= kLimitAngle ? Joint::Limit::upper
                                         : Joint::Limit::inactive;
    if (joint.limit != before || joint.limit == Joint::Limit::inactive) joint.impulse_limit = 0;

    joint.impulse_x *= kStepRatio;
    joint.impulse_y *= kStepRatio;
    joint.impulse_limit *= kStepRatio;
    joint.impulse_motor *= kStepRatio;
    const Vec2f p{joint.impulse_x, joint.impulse_y};
    hull.velocity = hull.velocity - hull_m * p;
    hull.spin -= hull_i * (cross(r, p) + joint.impulse_motor + joint.impulse_limit);
    wheel.velocity = wheel.velocity + wheel_m * p;
    wheel.spin += wheel_i * (joint.impulse_motor + joint.impulse_limit);
  }

  Vec2f solve2(const Constraint& c, Vec2f b) const {
    return {c.inverse_det2 * (c.yy * b.x - c.xy * b.y), c.inverse_det2 * (c.xx * b.y - c.xy * b.x)};
  }

  void solve_velocity(int index) {
    Joint& joint = car.joints_[index];
    Body &hull = car.bodies_[kHull], &wheel = car.bodies_[index];
    const Constraint& c = constraints[index];

    {
      constexpr float most = kStep * kMaxMotorTorque;
      const float before = joint.impulse_motor;
      const float impulse = -c.motor_mass * (wheel.spin - hull.spin - joint.motor_speed);
      joint.impulse_motor = std::max(-most, std::min(before + impulse, most));
      const float applied = joint.impulse_motor - before;
      hull.spin -= hull_i * applied;
      wheel.spin += wheel_i * applied;
    }

    const Vec2f drift = wheel.velocity - hull.velocity - cross(hull.spin, c.arm);
    if (joint.limit == Joint::Limit::inactive) {
      const Vec2f impulse = solve2(c, {-drift.x, -drift.y});
      joint.impulse_x += impulse.x;
      joint.impulse_y += impulse.y;
      hull.velocity = hull.velocity - hull_m * impulse;
      hull.spin -= hull_i * cross(c.arm, impulse);
      wheel.velocity = wheel.velocity + wheel_m * impulse;
      return;
    }

    const float turning = wheel.spin - hull.spin;
    float px = -(c.inverse_det3 * (drift.x * (c.yy * c.zz - c.yz * c.yz) + drift.y * (c.yz * c.xz - c.xy * c.zz) +
                                   turning * (c.xy * c.yz - c.yy * c.xz)));
    float py = -(c.inverse_det3 * (c.xx * (drift.y * c.zz - turning * c.yz) + c.xy * (turning * c.xz - drift.x * c.zz) +
                                   c.xz * (drift.x * c.yz - drift.y * c.xz)));
    float pz = -(c.inverse_det3 * (c.xx * (c.yy * turning - c.yz * drift.y) + c.xy * (c.yz * drift.x - c.xy * turning) +
                                   c.xz * (c.xy * drift.y - c.yy * drift.x)));
    const float total = joint.impulse_limit + pz;
    if (joint.limit == Joint::Limit::lower ? total < 0 : total > 0) {
      // The limit may only push: drop what it holds, and solve the point constraint alone.
      const Vec2f rhs = Vec2f{-drift.x, -drift.y} + joint.impulse_limit * Vec2f{c.xz, c.yz};
      const Vec2f reduced = solve2(c, rhs);
      px = reduced.x;
      py = reduced.y;
      pz = -joint.impulse_limit;
      joint.impulse_x += px;
      joint.impulse_y += py;
      joint.impulse_limit = 0;
    } else {
      joint.impulse_x += px;
      joint.impulse_y += py;
      joint.impulse_limit += pz;
    }
    const Vec2f p{px, py};
    hull.velocity = hull.velocity - hull_m * p;
    hull.spin -= hull_i * (cross(c.arm, p) + pz);
    wheel.velocity = wheel.velocity + wheel_m * p;
    wheel.spin += wheel_i * pz;
  }

  static void advance(Body& body) {
    const Vec2f move = kStep * body.velocity;
    if (dot(move, move) > kMaxTranslation * kMaxTranslation) {
      body.velocity = (kMaxTranslation / std::sqrt(dot(move, move))) * body.velocity;
    }
    const float turn = kStep * body.spin;
    if (turn * turn > kMaxRotation * kMaxRotation) body.spin *= kMaxRotation / std::abs(turn);
    body.centre = body.centre + kStep * body.velocity;
    body.angle += kStep * body.spin;
  }

  bool solve_position(int index) {
    const Joint& joint = car.joints_[index];
    Body &hull = car.bodies_[kHull], &wheel = car.bodies_[index];

    float angular_error = 0;
    if (joint.limit != Joint::Limit::inactive) {
      const float angle = wheel.angle - hull.angle;
      float correction;
      if (joint.limit == Joint::Limit::lower) {
        const float over = angle + kLimitAngle;
        angular_error = -over;
        correction = std::max(-kMaxAngularCorrection, std::min(over + kAngularSlop, 0.0f));
      } else {
        const float over = angle - kLimitAngle;
        angular_error = over;
        correction = std::max(0.0f, std::min(over - kAngularSlop, kMaxAngularCorrection));
      }
      const float impulse = -constraints[index].motor_mass * correction;
      hull.angle -= hull_i * impulse;
      wheel.angle += wheel_i * impulse;
    }

    const Vec2f r = rotate(rotation_of(hull.angle), model().anchor[index]);
    const Vec2f apart = wheel.centre - hull.centre - r;
    const float kxx = hull_m + wheel_m + hull_i * r.y * r.y;
    const float kxy = -hull_i * r.x * r.y;
    const float kyy = hull_m + wheel_m + hull_i * r.x * r.x;
    float det = kxx * kyy - kxy * kxy;
    if (det != 0) det = 1.0f / det;
    const Vec2f impulse{-(det * (kyy * apart.x - kxy * apart.y)), -(det * (kxx * apart.y - kxy * apart.x))};
    hull.centre = hull.centre - hull_m * impulse;
    hull.angle -= hull_i * cross(r, impulse);
    wheel.centre = wheel.centre + wheel_m * impulse;
    return std::sqrt(dot(apart, apart)) <= kLinearSlop && angular_error <= kAngularSlop;
  }

  // What an iteration may change. Once an iteration changes nothing, all that follow would not either.
  std::array<float, 3 * (kWheels + 1) + 4 * kWheels> unknowns() const {
    std::array<float, 3 * (kWheels + 1) + 4 * kWheels> u;
    std::size_t n = 0;
    for (const Body& b : car.bodies_) {
      u[n++] = b.velocity.x;
      u[n++] = b.velocity.y;
      u[n++] = b.spin;
    }
    for (const Joint& j : car.joints_) {
      u[n++] = j.impulse_x;
      u[n++] = j.impulse_y;
      u[n++] = j.impulse_limit;
      u[n++] = j.impulse_motor;
    }
    return u;
  }
};

void Car::integrate() {
  Solver solver(*this);
  for (int i = 0; i <= kWheels; ++i) {
    Body& b = bodies_[i];
    const Inertia& inertia = i == kHull ? model().hull_inertia : model().wheel_inertia;
    b.velocity = b.velocity + kStep * (inertia.inverse_mass * b.force);
  }
  for (int i = kWheels - 1; i >= 0; --i) solver.prepare(i);
  auto before = solver.unknowns();
  for (int iteration = 0; iteration < kVelocityIterations; ++iteration) {
    for (int i = kWheels - 1; i >= 0; --i) solver.solve_velocity(i);
    const auto after = solver.unknowns();
    if (after == before) break;
    before = after;
  }
  for (Body& b : bodies_) Solver::advance(b);
  bool settled = false;
  for (int iteration = 0; iteration < kPositionIterations && !settled; ++iteration) {
    settled = true;
    for (int i = kWheels - 1; i >= 0; --i) settled = solver.solve_position(i) && settled;
  }

  float stillest = kTimeToSleep;
  for (int i = 0; i <= kWheels; ++i) {
    Body& b = bodies_[i];
    b.rotation = rotation_of(b.angle);
    b.origin = i == kHull ? b.centre - rotate(b.rotation, model().hull_inertia.centre) : b.centre;
    b.force = {};
    const bool moves =
        b.spin * b.spin > kAngularSleep * kAngularSleep || dot(b.velocity, b.velocity) > kLinearSleep * kLinearSleep;
    b.still_for = moves ? 0 : b.still_for + kStep;
    stillest = std::min(stillest, b.still_for);
  }
  if (stillest >= kTimeToSleep && settled) {
    // Asleep until the steering wakes it, at the beginning of the next step.
    for (Body& b : bodies_) {
      b.velocity = {};
      b.spin = 0;
      b.still_for = 0;
    }
  }
}

bool Car::plausible() const {
  bool good = true;
  // No drive comes near this bound; beyond it, arithmetic would lose its meaning. NaN fails too.
  auto check = [&good](auto... values) { good = (good && ... && (std::abs(values) < 1e6)); };
  for (const Body& b : bodies_) {
    check(b.centre.x, b.centre.y, b.angle, b.velocity.x, b.velocity.y, b.spin, b.force.x, b.force.y, b.origin.x,
          b.origin.y, b.rotation.sin, b.rotation.cos, b.still_for);
  }
  for (const Joint& j : joints_) {
    check(j.impulse_x, j.impulse_y, j.impulse_limit, j.impulse_motor, j.motor_speed);
    good = good && j.limit <= Joint::Limit::upper;
  }
  for (const Wheel& w : wheels_) {
    check(w.gas, w.brake, w.steer, w.phase, w.omega, w.skid_start.x, w.skid_start.y);
    good = good && w.skid_points <= SkidMarks::kPoints;
  }
  for (const SkidMarks::Line& line : skid_marks_.line) {
    good = good && line.count <= SkidMarks::kPoints;
    for (int i = 0; i < line.count && good; ++i) check(line.point[i].x, line.point[i].y);
  }
  return good;
}

}  // namespace dream::car_racing
