#include "core/env/key_door.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace dream {

using namespace paint;

namespace {

constexpr int kReach = KeyDoor::kView / 2;
constexpr const char* kPlanes[] = {"wall", "amber key", "blue key", "amber door", "blue door"};

Spaces key_door_spaces() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64;
  spaces.image_channels = 3;
  for (const char* plane : kPlanes) {
    for (int row = -kReach; row <= kReach; ++row) {
      for (int column = -kReach; column <= kReach; ++column) {
        spaces.vector_names.push_back(fmt::format("{} at {:+} {:+}", plane, column, row));
      }
    }
  }
  spaces.max_episode_steps = KeyDoor::kTimeLimit;
  spaces.natural_rate = 5;
  spaces.action.choices = {"stay", "left", "right", "up", "down"};
  spaces.action.axes = {"choice"};
  spaces.action.low = {0};
  spaces.action.high = {4};
  spaces.action.idle = {0};
  spaces.action.keys = {{"left", 0, 1, "left"}, {"right", 0, 2, "right"}, {"up", 0, 3, "up"}, {"down", 0, 4, "down"}};
  return spaces;
}

// A key or door is drawn within the cell whose upper left corner is (x, y) and whose side is `s`.
void paint_key(Canvas& canvas, float x, float y, float s, paint::Colour colour) {
  canvas.ring(x + 0.3f * s, y + 0.5f * s, 0.15f * s, 0.065f * s, colour);
  canvas.line(x + 0.47f * s, y + 0.5f * s, x + 0.85f * s, y + 0.5f * s, 0.06f * s, colour);
  canvas.line(x + 0.68f * s, y + 0.5f * s, x + 0.68f * s, y + 0.66f * s, 0.055f * s, colour);
  canvas.line(x + 0.83f * s, y + 0.5f * s, x + 0.83f * s, y + 0.66f * s, 0.055f * s, colour);
}

void paint_door(Canvas& canvas, float x, float y, float s, paint::Colour colour, paint::Colour hole) {
  canvas.rectangle(x + s / 12, y + s / 12, x + 11 * s / 12, y + 11 * s / 12, colour);
  canvas.disc(x + 0.5f * s, y + 0.43f * s, 0.11f * s, hole);
  canvas.line(x + 0.5f * s, y + 0.43f * s, x + 0.5f * s, y + 0.68f * s, 0.05f * s, hole);
}

void paint_agent(Canvas& canvas, float x, float y, float s, paint::Colour colour) {
  canvas.disc(x + 0.5f * s, y + 0.5f * s, 0.34f * s, colour);
  canvas.disc(x + 0.39f * s, y + 0.45f * s, 0.06f * s, kNight);
  canvas.disc(x + 0.61f * s, y + 0.45f * s, 0.06f * s, kNight);
}

paint::Colour ink(int colour) {
  return colour == 0 ? kAmber : kSky;
}

}  // namespace

KeyDoor::KeyDoor() : SmallEnv("KeyDoor", key_door_spaces()) {}

void KeyDoor::begin(Rng& rng) {
  key_ = static_cast<int>(rng.integers(2));
  x_ = y_ = 0;
  taken_ = false;
}

SmallEnv::Outcome KeyDoor::advance(std::span<const float> action) {
  const auto choice = static_cast<Choice>(action[0]);
  if (choice == left || choice == right) {
    x_ = std::clamp(x_ + (choice == right ? 1 : -1), 0, kJunction);
    taken_ = taken_ || x_ == kKeyAt;
  } else if (choice != stay && x_ == kJunction) {
    y_ = choice == up ? -1 : 1;
    return {door(y_) == key_ ? 1.0f : 0.0f, true};
  }
  return {};
}

bool KeyDoor::expert(std::span<float> action) const {
  action[0] = x_ < kJunction ? right : key_ == door(-1) ? up : down;
  return true;
}

KeyDoor::Cell KeyDoor::cell(int x, int y) const {
  if (x == kJunction && std::abs(y) == 1) return door(y) == 0 ? Cell::amber_door : Cell::blue_door;
  if (y != 0 || x < 0 || x > kJunction) return Cell::wall;
  if (x == kKeyAt && !taken_) return key_ == 0 ? Cell::amber_key : Cell::blue_key;
  return Cell::floor;
}

void KeyDoor::write_vector(std::span<float> out) const {
  std::ranges::fill(out, 0.0f);
  for (int row = 0; row < kView; ++row) {
    for (int column = 0; column < kView; ++column) {
      const int plane = static_cast<int>(cell(x_ + column - kReach, y_ + row - kReach)) - 1;
      if (plane >= 0) out[(plane * kView + row) * kView + column] = 1;
    }
  }
}

void KeyDoor::paint_observation(Canvas& canvas) const {
  constexpr float pixel = 1 / 64.0f, border = 2 * pixel, side = 12 * pixel;
  canvas.clear(kNight);
  for (int row = 0; row < kView; ++row) {
    for (int column = 0; column < kView; ++column) {
      const int at = x_ + column - kReach;
      paint_cell(canvas, at, y_ + row - kReach, border + static_cast<float>(column) * side,
                 border + static_cast<float>(row) * side, side, true);
    }
  }
  paint_agent(canvas, border + kReach * side, border + kReach * side, side, kChalk);
}

void KeyDoor::paint_people(Canvas& canvas) const {
  constexpr int columns = kJunction + 3, rows = 5;
  constexpr float side = 1.0f / columns, above = 0.08f;
  canvas.clear(kNight);
  auto left_of = [](int x) { return static_cast<float>(x + 1) * side; };
  auto top_of = [](int y) { return above + static_cast<float>(y + 2) * side; };
  for (int y = -2; y < rows - 2; ++y) {
    for (int x = -1; x < columns - 1; ++x) {
      const bool seen = std::abs(x - x_) <= kReach && std::abs(y - y_) <= kReach;
      paint_cell(canvas, x, y, left_of(x), top_of(y), side, seen);
    }
  }
  // At the end the agent blushes when the door was the wrong one.
  paint_agent(canvas, left_of(x_), top_of(y_), side, y_ != 0 && door(y_) != key_ ? kRose : kChalk);
  // The pocket.
  canvas.rectangle(left_of(0), 0.78f, left_of(0) + 1.5f * side, 0.78f + 1.5f * side, kGround);
  if (taken_) paint_key(canvas, left_of(0) + 0.15f * side, 0.78f + 0.15f * side, 1.2f * side, ink(key_));
}

void KeyDoor::paint_cell(Canvas& canvas, int x, int y, float at_x, float at_y, float side, bool seen) const {
  auto lit = [seen](paint::Colour c) {
    if (seen) return c;
    auto dim = [](std::uint8_t v, std::uint8_t night) { return static_cast<std::uint8_t>((2 * v + 3 * night) / 5); };
    return paint::Colour{dim(c.red, kNight.red), dim(c.green, kNight.green), dim(c.blue, kNight.blue)};
  };
  const Cell here = cell(x, y);
  const paint::Colour ground = here == Cell::wall ? kWall : (x + y) % 2 == 0 ? kGround : kRaised;
  canvas.rectangle(at_x, at_y, at_x + side, at_y + side, lit(ground));
  if (here == Cell::amber_key || here == Cell::blue_key) {
    paint_key(canvas, at_x, at_y, side, lit(ink(here == Cell::blue_key)));
  } else if (here == Cell::amber_door || here == Cell::blue_door) {
    paint_door(canvas, at_x, at_y, side, lit(ink(here == Cell::blue_door)), lit(kNight));
  }
}

std::vector<double> KeyDoor::numbers() const {
  return {static_cast<double>(key_), static_cast<double>(x_), static_cast<double>(y_), taken_ ? 1.0 : 0.0};
}

bool KeyDoor::take(std::span<const double> numbers, int steps, bool done) {
  if (!whole_within(numbers[0], 0, 1) || !whole_within(numbers[1], 0, kJunction) || !whole_within(numbers[2], -1, 1) ||
      !whole_within(numbers[3], 0, 1)) {
    return false;
  }
  const bool at_door = numbers[2] != 0, taken = numbers[3] == 1;
  if ((at_door && numbers[1] != kJunction) || numbers[1] + at_door > steps || (numbers[1] >= kKeyAt && !taken) ||
      (taken && steps < kKeyAt) || done != (at_door || steps == kTimeLimit)) {
    return false;
  }
  key_ = static_cast<int>(numbers[0]);
  x_ = static_cast<int>(numbers[1]);
  y_ = static_cast<int>(numbers[2]);
  taken_ = taken;
  return true;
}

std::vector<NamedArray> KeyDoor::describe() const {
  return {{"position", {2}, {static_cast<double>(x_), static_cast<double>(y_)}},
          {"key", {1}, {static_cast<double>(key_)}, false},
          {"taken", {1}, {taken_ ? 1.0 : 0.0}}};
}

}  // namespace dream
