#include "core/env/catch.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace dream {

namespace {

constexpr int kStart = Catch::kColumns / 2;

Spaces catch_spaces() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64;
  spaces.image_channels = 3;
  spaces.vector_names = {"ball_x", "ball_y", "paddle_x"};
  spaces.natural_rate = 5;
  spaces.action.choices = {"left", "stay", "right"};
  spaces.action.axes = {"choice"};
  spaces.action.low = {0};
  spaces.action.high = {2};
  spaces.action.idle = {1};
  spaces.action.keys = {{"left", 0, 0, "left"}, {"right", 0, 2, "right"}};
  return spaces;
}

}  // namespace

Catch::Catch() : SmallEnv("Catch", catch_spaces()) {}

void Catch::begin(Rng& rng) {
  ball_x_ = static_cast<int>(rng.integers(kColumns));
  ball_y_ = 0;
  paddle_x_ = kStart;
}

SmallEnv::Outcome Catch::advance(std::span<const float> action) {
  paddle_x_ = std::clamp(paddle_x_ + static_cast<int>(action[0]) - 1, 0, kColumns - 1);
  if (++ball_y_ < kRows - 1) return {};
  return {ball_x_ == paddle_x_ ? 1.0f : -1.0f, true};
}

bool Catch::expert(std::span<float> action) const {
  action[0] = ball_x_ < paddle_x_ ? 0 : ball_x_ > paddle_x_ ? 2 : 1;
  return true;
}

void Catch::write_vector(std::span<float> out) const {
  out[0] = static_cast<float>(ball_x_) / (kColumns - 1);
  out[1] = static_cast<float>(ball_y_) / (kRows - 1);
  out[2] = static_cast<float>(paddle_x_) / (kColumns - 1);
}

void Catch::paint_observation(paint::Canvas& canvas) const {
  // In pixels of the 64 x 64 picture.
  constexpr float pixel = 1 / 64.0f, border = 2 * pixel, cell = 6 * pixel;
  canvas.clear(paint::kNight);
  canvas.rectangle(border, border, border + kColumns * cell, border + kRows * cell, paint::kGround);
  for (int column = 1; column < kColumns; column += 2) {
    const float x = border + static_cast<float>(column) * cell;
    canvas.rectangle(x, border, x + cell, border + kRows * cell, paint::kRaised);
  }
  const float paddle = border + static_cast<float>(paddle_x_) * cell, floor = border + (kRows - 1) * cell;
  canvas.rectangle(paddle, floor + 3 * pixel, paddle + cell, floor + cell, paint::kSky);
  const bool landed = ball_y_ == kRows - 1, caught = landed && ball_x_ == paddle_x_;
  canvas.disc(border + (static_cast<float>(ball_x_) + 0.5f) * cell,
              border + (static_cast<float>(ball_y_) + (caught ? 0.1f : 0.5f)) * cell, 2.9f * pixel,
              landed && !caught ? paint::kRose : paint::kAmber);
}

std::vector<double> Catch::numbers() const {
  return {static_cast<double>(ball_x_), static_cast<double>(ball_y_), static_cast<double>(paddle_x_)};
}

bool Catch::take(std::span<const double> numbers, int steps, bool done) {
  if (!whole_within(numbers[0], 0, kColumns - 1) || numbers[1] != steps || steps > kRows - 1 ||
      !whole_within(numbers[2], 0, kColumns - 1) || std::abs(numbers[2] - kStart) > steps ||
      done != (steps == kRows - 1)) {
    return false;
  }
  ball_x_ = static_cast<int>(numbers[0]);
  ball_y_ = static_cast<int>(numbers[1]);
  paddle_x_ = static_cast<int>(numbers[2]);
  return true;
}

std::vector<NamedArray> Catch::describe() const {
  return {{"ball", {2}, {static_cast<double>(ball_x_), static_cast<double>(ball_y_)}},
          {"paddle", {1}, {static_cast<double>(paddle_x_)}}};
}

}  // namespace dream
