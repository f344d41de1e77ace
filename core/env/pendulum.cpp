#include "core/env/pendulum.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dream {

namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kGravity = 10, kMass = 1, kLength = 1, kInterval = 0.05, kMaxSpeed = 8;
constexpr float kMaxTorque = 2;
constexpr int kSwingTimeLimit = 200;

Spaces pendulum_spaces() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64;
  spaces.image_channels = 3;
  spaces.vector_names = {"cos", "sin", "velocity"};
  spaces.max_episode_steps = kSwingTimeLimit;
  spaces.natural_rate = 20;
  spaces.action.axes = {"torque"};
  spaces.action.low = {-kMaxTorque};
  spaces.action.high = {kMaxTorque};
  spaces.action.idle = {0};
  spaces.action.keys = {{"left", 0, kMaxTorque, "turn counter-clockwise"}, {"right", 0, -kMaxTorque, "turn clockwise"}};
  return spaces;
}

// Into [-pi, pi), with Python's %.
double wrapped(double angle) {
  double turned = std::fmod(angle + kPi, 2 * kPi);
  if (turned < 0) turned += 2 * kPi;
  return turned - kPi;
}

}  // namespace

Pendulum::Pendulum() : SmallEnv("Pendulum", pendulum_spaces()) {}

void Pendulum::begin(Rng& rng) {
  theta_ = rng.uniform(-kPi, kPi);
  theta_dot_ = rng.uniform(-1, 1);
  torque_ = 0;
}

SmallEnv::Outcome Pendulum::advance(std::span<const float> action) {
  torque_ = action[0];
  // NumPy keeps products of a Python number and the float32 action in float32; so do we.
  const double angle = wrapped(theta_);
  const double cost = angle * angle + 0.1 * (theta_dot_ * theta_dot_) + 0.001f * (torque_ * torque_);
  const float push = static_cast<float>(3.0 / (kMass * kLength * kLength)) * torque_;
  const double acceleration = 3 * kGravity / (2 * kLength) * std::sin(theta_) + push;
  theta_dot_ = std::clamp(theta_dot_ + acceleration * kInterval, -kMaxSpeed, kMaxSpeed);
  theta_ += theta_dot_ * kInterval;
  return {static_cast<float>(-cost), false};
}

bool Pendulum::expert(std::span<float> action) const {
  const double angle = wrapped(theta_);
  // Of the rod; a torque u changes it by u·θ' a second. Upright and still it has the second part alone.
  const double energy = theta_dot_ * theta_dot_ / 6 + kGravity / 2 * std::cos(angle), missing = kGravity / 2 - energy;
  constexpr double near_angle = 0.5, near_speed = 3;
  double torque = missing * (theta_dot_ == 0 ? 1 : 2 * theta_dot_);
  if (std::abs(angle) < near_angle && std::abs(theta_dot_) < near_speed) torque = -(12 * angle + 3 * theta_dot_);
  action[0] = static_cast<float>(std::clamp(torque, -2.0, 2.0));
  return true;
}

void Pendulum::write_vector(std::span<float> out) const {
  out[0] = static_cast<float>(std::cos(theta_));
  out[1] = static_cast<float>(std::sin(theta_));
  out[2] = static_cast<float>(theta_dot_);
}

void Pendulum::paint_observation(paint::Canvas& canvas) const {
  constexpr float middle = 0.5f, rod = 0.36f, thick = 0.045f, orbit = 0.2f, up = static_cast<float>(kPi / 2);
  canvas.clear(paint::kNight);
  canvas.disc(middle, middle, rod + 0.09f, paint::kGround);
  // Where the rod shall be.
  canvas.triangle(middle - 0.03f, 0.015f, middle + 0.03f, 0.015f, middle, 0.06f, paint::kWall);

  const auto theta = static_cast<float>(wrapped(theta_));
  canvas.line(middle, middle, middle - rod * std::sin(theta), middle - rod * std::cos(theta), thick, paint::kAmber);

  // From upright round towards where the torque pulls, as far as it is strong: 2 is 135 degrees.
  const float sweep = torque_ / kMaxTorque * 0.75f * static_cast<float>(kPi);
  if (std::abs(sweep) > 0.02f) {
    canvas.arc(middle, middle, orbit, 0.018f, up + sweep / 2, std::abs(sweep) / 2, paint::kSky);
    const float end = up + sweep, size = 0.035f + 0.03f * std::abs(torque_) / kMaxTorque;
    const float way = sweep < 0 ? -1.0f : 1.0f, along = 1.4f * size / orbit * way;
    auto x = [&](float angle, float radius) { return middle + radius * std::cos(angle); };
    auto y = [&](float angle, float radius) { return middle - radius * std::sin(angle); };
    canvas.triangle(x(end, orbit - size), y(end, orbit - size), x(end, orbit + size), y(end, orbit + size),
                    x(end + along, orbit), y(end + along, orbit), paint::kSky);
  }
  canvas.disc(middle, middle, 0.035f, paint::kChalk);
}

std::vector<double> Pendulum::numbers() const {
  return {theta_, theta_dot_, torque_};
}

bool Pendulum::take(std::span<const double> numbers, int steps, bool done) {
  const double furthest = kPi + steps * kMaxSpeed * kInterval + 1e-9;
  if (std::abs(numbers[0]) > furthest || std::abs(numbers[1]) > kMaxSpeed || std::abs(numbers[2]) > kMaxTorque ||
      done != (steps == kSwingTimeLimit)) {
    return false;
  }
  theta_ = numbers[0];
  theta_dot_ = numbers[1];
  torque_ = static_cast<float>(numbers[2]);
  return true;
}

std::vector<NamedArray> Pendulum::describe() const {
  return {{"theta", {1}, {theta_}}, {"theta_dot", {1}, {theta_dot_}}};
}

}  // namespace dream
