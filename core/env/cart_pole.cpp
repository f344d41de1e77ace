#include "core/env/cart_pole.h"

#include <cmath>
#include <numbers>

namespace dream {

namespace {

constexpr double kTick = 0.02, kPush = 10;                     // seconds, newtons
constexpr double kMostLean = 12 * 2 * std::numbers::pi / 360;  // in Gymnasium's order of operations
constexpr int kBalanceTimeLimit = 500;
constexpr float kTrackMetre = 0.4f / static_cast<float>(CartPoleBody::kTrack);  // in pictures

Spaces cart_pole_spaces() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64;
  spaces.image_channels = 3;
  spaces.vector_names = {"x", "x_dot", "theta", "theta_dot"};
  spaces.max_episode_steps = kBalanceTimeLimit;
  spaces.natural_rate = 50;
  spaces.action.choices = {"left", "right"};
  spaces.action.axes = {"choice"};
  spaces.action.low = {0};
  spaces.action.high = {1};
  spaces.action.idle = {0};  // there is no third choice
  spaces.action.keys = {{"left", 0, 0, "push left"}, {"right", 0, 1, "push right"}};
  return spaces;
}

Spaces swing_up_spaces() {
  Spaces spaces = cart_pole_spaces();
  spaces.vector_names = {"x", "x_dot", "cos", "sin", "theta_dot"};
  spaces.action.choices = {};
  spaces.action.axes = {"force"};
  spaces.action.low = {-1};
  spaces.action.keys = {{"left", 0, -1, "push left"}, {"right", 0, 1, "push right"}};
  return spaces;
}

CartPoleBody near_rest(Rng& rng) {
  CartPoleBody body;
  for (double* part : {&body.x, &body.x_dot, &body.theta, &body.theta_dot}) *part = rng.uniform(-0.05, 0.05);
  return body;
}

}  // namespace

void CartPoleBody::push(double force, Euler integrator) {
  constexpr double gravity = 9.8, cart = 1.0, pole = 0.1, total = pole + cart;
  constexpr double length = 0.5, moment = pole * length;  // half the pole's length
  const double cosine = std::cos(theta), sine = std::sin(theta);
  const double pushed = (force + moment * (theta_dot * theta_dot) * sine) / total;
  const double turn = (gravity * sine - cosine * pushed) / (length * (4.0 / 3.0 - pole * (cosine * cosine) / total));
  const double slide = pushed - moment * turn * cosine / total;
  if (integrator == Euler::plain) {
    x = x + kTick * x_dot;
    theta = theta + kTick * theta_dot;
  }
  x_dot = x_dot + kTick * slide;
  theta_dot = theta_dot + kTick * turn;
  if (integrator == Euler::semi_implicit) {
    x = x + kTick * x_dot;
    theta = theta + kTick * theta_dot;
  }
}

// The cart stands on a rail at the height `rail`; the posts are where its centre leaves the track.
void CartPoleWorld::paint_cart(paint::Canvas& canvas, float rail, float pole) const {
  constexpr float middle = 0.5f, end = static_cast<float>(CartPoleBody::kTrack) * kTrackMetre;
  constexpr float half = 0.055f, high = 0.034f, thick = 0.025f;
  canvas.clear(paint::kNight);
  canvas.rectangle(0.03125f, 0.03125f, 0.96875f, 0.96875f, paint::kGround);
  canvas.line(middle - end, rail, middle + end, rail, 0.008f, paint::kWall);
  for (const float post : {middle - end, middle + end}) {
    canvas.line(post, rail - 0.06f, post, rail + 0.06f, 0.012f, paint::kWall);
  }
  const float x = middle + static_cast<float>(body_.x) * kTrackMetre;
  const auto theta = static_cast<float>(std::remainder(body_.theta, 2 * std::numbers::pi));
  canvas.line(x - half, rail, x + half, rail, high, paint::kSky);
  canvas.line(x, rail, x + pole * std::sin(theta), rail - pole * std::cos(theta), thick, paint::kAmber);
  canvas.disc(x, rail, thick, paint::kChalk);
}

std::vector<double> CartPoleWorld::numbers() const {
  return {body_.x, body_.x_dot, body_.theta, body_.theta_dot};
}

bool CartPoleWorld::take(std::span<const double> numbers, int steps, bool done) {
  const CartPoleBody body{numbers[0], numbers[1], numbers[2], numbers[3]};
  constexpr double fastest = 1000;  // beyond what swinging can reach
  if (std::abs(body.x_dot) > fastest || std::abs(body.theta_dot) > fastest ||
      std::abs(body.x) > CartPoleBody::kTrack + fastest * kTick ||
      std::abs(body.theta) > 4 + kBalanceTimeLimit * fastest * kTick ||
      done != (failed(body) || steps == kBalanceTimeLimit)) {
    return false;
  }
  body_ = body;
  return true;
}

std::vector<NamedArray> CartPoleWorld::describe() const {
  return {{"state", {4}, numbers()}};
}

CartPole::CartPole() : CartPoleWorld("CartPole", cart_pole_spaces()) {}

void CartPole::begin(Rng& rng) {
  body_ = near_rest(rng);
}

SmallEnv::Outcome CartPole::advance(std::span<const float> action) {
  body_.push(action[0] == 1 ? kPush : -kPush, CartPoleBody::Euler::plain);
  return {1, failed(body_)};
}

bool CartPole::expert(std::span<float> action) const {
  const double side = body_.x + 1.6 * body_.x_dot + 18.7 * body_.theta + 3.5 * body_.theta_dot;
  action[0] = side > 0 ? 1 : 0;
  return true;
}

bool CartPole::failed(const CartPoleBody& body) const {
  return body.off_track() || body.theta < -kMostLean || body.theta > kMostLean;
}

void CartPole::write_vector(std::span<float> out) const {
  out[0] = static_cast<float>(body_.x);
  out[1] = static_cast<float>(body_.x_dot);
  out[2] = static_cast<float>(body_.theta);
  out[3] = static_cast<float>(body_.theta_dot);
}

void CartPole::paint_observation(paint::Canvas& canvas) const {
  paint_cart(canvas, 0.75f, 3 * kTrackMetre);
}

CartPoleSwingUp::CartPoleSwingUp() : CartPoleWorld("CartPoleSwingUp", swing_up_spaces()) {}

void CartPoleSwingUp::begin(Rng& rng) {
  body_ = near_rest(rng);
  body_.theta += std::numbers::pi;
}

SmallEnv::Outcome CartPoleSwingUp::advance(std::span<const float> action) {
  body_.push(kPush * action[0], CartPoleBody::Euler::semi_implicit);
  if (failed(body_)) return {0, true};
  return {static_cast<float>((1 + std::cos(body_.theta)) / 2), false};
}

void CartPoleSwingUp::write_vector(std::span<float> out) const {
  out[0] = static_cast<float>(body_.x);
  out[1] = static_cast<float>(body_.x_dot);
  out[2] = static_cast<float>(std::cos(body_.theta));
  out[3] = static_cast<float>(std::sin(body_.theta));
  out[4] = static_cast<float>(body_.theta_dot);
}

void CartPoleSwingUp::paint_observation(paint::Canvas& canvas) const {
  paint_cart(canvas, 0.5f, 0.34f);
}

}  // namespace dream
