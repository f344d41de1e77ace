#include "core/env/bouncing_square.h"

#include <array>
#include <cmath>

namespace dream {

namespace {

constexpr int kLeastSide = 2, kMostSide = 4;  // cells
constexpr std::array kColours = {paint::kChalk, paint::kAmber, paint::kSky, paint::kRose};

Spaces bouncing_square_spaces() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = BouncingSquare::kCells * BouncingSquare::kCell;
  spaces.image_channels = 3;
  spaces.vector_names = {"x", "y", "side"};
  spaces.max_episode_steps = BouncingSquare::kTimeLimit;
  spaces.natural_rate = 8;
  spaces.action.choices = {"stay", "left", "right", "up", "down"};
  spaces.action.axes = {"choice"};
  spaces.action.low = {0};
  spaces.action.high = {4};
  spaces.action.idle = {0};
  spaces.action.keys = {{"left", 0, 1, "left"}, {"right", 0, 2, "right"}, {"up", 0, 3, "up"}, {"down", 0, 4, "down"}};
  return spaces;
}

int reflected(int at, int last) {
  return at < 0 ? -at : at > last ? 2 * last - at : at;
}

}  // namespace

BouncingSquare::BouncingSquare() : SmallEnv("BouncingSquare", bouncing_square_spaces()) {}

void BouncingSquare::begin(Rng& rng) {
  side_ = kLeastSide + static_cast<int>(rng.integers(kMostSide - kLeastSide + 1));
  colour_ = static_cast<int>(rng.integers(kColours.size()));
  x_ = static_cast<int>(rng.integers(static_cast<std::uint64_t>(room() + 1)));
  y_ = static_cast<int>(rng.integers(static_cast<std::uint64_t>(room() + 1)));
}

SmallEnv::Outcome BouncingSquare::advance(std::span<const float> action) {
  const int act = static_cast<int>(action[0]);
  x_ = reflected(x_ + (act == 2) - (act == 1), room());
  y_ = reflected(y_ + (act == 4) - (act == 3), room());
  std::array<float, 3> seen{};
  write_vector(seen);
  return {-std::hypot(seen[0] - 0.5f, seen[1] - 0.5f)};
}

bool BouncingSquare::expert(std::span<float> action) const {
  const int right = room() - 2 * x_, down = room() - 2 * y_;  // half cells to go
  action[0] = right < -1 ? 1 : right > 1 ? 2 : down < -1 ? 3 : down > 1 ? 4 : 0;
  return true;
}

void BouncingSquare::write_vector(std::span<float> out) const {
  const auto half = static_cast<float>(side_) / 2;
  out[0] = (static_cast<float>(x_) + half) / kCells;
  out[1] = (static_cast<float>(y_) + half) / kCells;
  out[2] = static_cast<float>(side_) / kCells;
}

void BouncingSquare::paint_observation(paint::Canvas& canvas) const {
  constexpr float cell = 1.0f / kCells;
  canvas.clear(paint::kGround);
  canvas.rectangle(static_cast<float>(x_) * cell, static_cast<float>(y_) * cell, static_cast<float>(x_ + side_) * cell,
                   static_cast<float>(y_ + side_) * cell, kColours[static_cast<std::size_t>(colour_)]);
}

std::vector<double> BouncingSquare::numbers() const {
  return {static_cast<double>(x_), static_cast<double>(y_), static_cast<double>(side_), static_cast<double>(colour_)};
}

bool BouncingSquare::take(std::span<const double> numbers, int steps, bool done) {
  if (!whole_within(numbers[2], kLeastSide, kMostSide) ||
      !whole_within(numbers[3], 0, static_cast<int>(kColours.size()) - 1))
    return false;
  const int last = kCells - static_cast<int>(numbers[2]);
  if (!whole_within(numbers[0], 0, last) || !whole_within(numbers[1], 0, last) || done != (steps == kTimeLimit))
    return false;
  x_ = static_cast<int>(numbers[0]), y_ = static_cast<int>(numbers[1]);
  side_ = static_cast<int>(numbers[2]), colour_ = static_cast<int>(numbers[3]);
  return true;
}

std::vector<NamedArray> BouncingSquare::describe() const {
  const double half = side_ / 2.0;
  return {{"middle", {2}, {(x_ + half) * kCell, (y_ + half) * kCell}}};
}

}  // namespace dream
