#include "core/env/two_room.h"

#include <algorithm>
#include <charconv>

#include "api/error.h"

namespace dream {

namespace {

constexpr double kNearLine = 4, kFarLine = 60, kHalfWall = 1, kHalfDoor = 4;
constexpr double kMargin = 2.6;  // of starts and goals to every wall
constexpr float kRoomPixel = 1 / 64.0f;

Spaces room_spaces() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64;
  spaces.image_channels = 3;
  spaces.places = spaces.goals = true;
  spaces.max_episode_steps = TwoRoom::kSteps;
  spaces.natural_rate = 20;
  const auto step = static_cast<float>(TwoRoom::kStep);
  spaces.action.axes = {"step x", "step y"};
  spaces.action.low = {-step, -step};
  spaces.action.high = {step, step};
  spaces.action.idle = {0, 0};
  spaces.action.keys = {
      {"left", 0, -1.5f, "left"}, {"right", 0, 1.5f, "right"}, {"up", 1, -1.5f, "up"}, {"down", 1, 1.5f, "down"}};
  return spaces;
}

double number_between(const std::string& name, const std::string& text, double low, double high) {
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || !(value >= low && value <= high))
    throw Error("TwoRoom: " + name + " = '" + text + "': a number from " + std::to_string(static_cast<int>(low)) + " to " +
                std::to_string(static_cast<int>(high)) + " was expected");
  return value;
}

bool between(double value, double low, double high) {
  return value >= low && value <= high;
}

}  // namespace

TwoRoomOptions TwoRoomOptions::from(const std::map<std::string, std::string>& factors) {
  TwoRoomOptions options;
  for (const auto& [name, text] : factors) {
    if (name == "layout") {
      options.layout = choice_of<RoomLayout>(text);
    } else if (name == "colour") {
      options.colour = choice_of<DotColour>(text);
    } else if (name == "floor") {
      options.floor = choice_of<RoomFloor>(text);
    } else if (name == "wall") {
      options.wall = number_between(name, text, 20, 44);
    } else if (name == "door") {
      options.door = number_between(name, text, 10, 54);
    } else if (name == "dot") {
      options.dot = number_between(name, text, 1, 4);
    } else {
      throw Error("TwoRoom has no factor '" + name + "'; it has layout, wall, door, dot, colour, floor");
    }
  }
  return options;
}

TwoRoom::TwoRoom(const TwoRoomOptions& options) : SmallEnv("TwoRoom", room_spaces()), options_(options) {}

void TwoRoom::begin(Rng& rng) {
  layout_ = {options_.wall, options_.door};
  if (options_.layout == RoomLayout::moving)
    layout_ = {20.0 + static_cast<double>(rng.integers(25)), 10.0 + static_cast<double>(rng.integers(45))};
  const double low = kNearLine + kMargin, high = kFarLine - kMargin, left = layout_.wall - kHalfWall - kMargin,
               right = layout_.wall + kHalfWall + kMargin;
  at_ = {rng.uniform(low, left), rng.uniform(low, high)};
  goal_ = {rng.uniform(right, high), rng.uniform(low, high)};
  if (rng.integers(2) == 1) std::swap(at_, goal_);
}

TwoRoom::Point TwoRoom::moved(Point at, Point step, const Layout& layout) {
  const Point to{at.x + step.x, at.y + step.y};
  const auto crosses = [](double from, double there, double line) { return (from - line) * (there - line) <= 0; };
  for (const double line : {kNearLine, kFarLine})
    if (crosses(at.x, to.x, line) || crosses(at.y, to.y, line)) return at;
  const double left = layout.wall - kHalfWall, right = layout.wall + kHalfWall;
  const double top = layout.door - kHalfDoor, bottom = layout.door + kHalfDoor;
  // Within the door: its upper and lower end.
  for (const double line : {top, bottom}) {
    const bool outwards = line == top ? step.y < 0 : step.y > 0;
    if (!outwards || (at.y - line) * (to.y - line) >= 0) continue;
    const double x = at.x + step.x * (line - at.y) / step.y;
    if (x > left && x < right) return at;
  }
  // Into the wall, out of it or across: only through the door.
  const bool from_within = between(at.x, left, right), to_within = between(to.x, left, right);
  const bool across = (at.x <= right) != (to.x <= right) && (at.x >= left) != (to.x >= left);
  if (from_within == to_within && !across) return to;
  for (const double line : {left, right}) {
    if ((line - at.x) * (line - to.x) >= 0) continue;
    if (!between(at.y + step.y * (line - at.x) / step.x, top, bottom)) return at;
  }
  return to;
}

SmallEnv::Outcome TwoRoom::advance(std::span<const float> action) {
  at_ = moved(at_, {action[0], action[1]}, layout_);
  const bool there = std::hypot(at_.x - goal_.x, at_.y - goal_.y) < kNear;
  return {steps() + 1 == kSteps && there ? 1.0f : 0.0f, false};
}

bool TwoRoom::inside(Point p) const {
  const bool within = p.x > kNearLine && p.x < kFarLine && p.y > kNearLine && p.y < kFarLine;
  const bool in_wall = between(p.x, layout_.wall - kHalfWall, layout_.wall + kHalfWall);
  return within && (!in_wall || between(p.y, layout_.door - kHalfDoor, layout_.door + kHalfDoor));
}

bool TwoRoom::stand_at(double x, double y) {
  const Point p{x * 64 - 0.5, y * 64 - 0.5};
  if (!inside(p)) return false;
  at_ = p;
  return true;
}

bool TwoRoom::goal_at(double x, double y) {
  const Point p{x * 64 - 0.5, y * 64 - 0.5};
  if (!inside(p)) return false;
  goal_ = p;
  return true;
}

bool TwoRoom::expert(std::span<float> action) const {
  // Straight to the goal within a room, else to the middle of the door, first in front of it.
  constexpr double before = 2.5;
  const auto side = [&](double x) { return x < layout_.wall - kHalfWall ? -1 : x > layout_.wall + kHalfWall ? 1 : 0; };
  Point to = goal_;
  const int here = side(at_.x), there = side(goal_.x);
  const bool level = std::abs(at_.y - layout_.door) < 1;
  if (here != there) {
    const double way = here != 0 ? here : -there;  // from the wall towards where it comes from
    to = {layout_.wall + way * (kHalfWall + before), layout_.door};
    if (level && std::abs(at_.x - layout_.wall) < kHalfWall + 2 * before) to.x = layout_.wall - way * (kHalfWall + before);
    if (here == 0) to.y = at_.y;
    if (there == 0 && level) to = goal_;
  }
  const double dx = to.x - at_.x, dy = to.y - at_.y, most = std::max({std::abs(dx), std::abs(dy), kStep});
  action[0] = static_cast<float>(dx * kStep / most);
  action[1] = static_cast<float>(dy * kStep / most);
  return true;
}

void TwoRoom::paint_rooms(paint::Canvas& canvas, Point dot) const {
  constexpr paint::Colour floors[] = {paint::kNight, {96, 104, 122}, paint::kNight};
  constexpr paint::Colour dots[] = {paint::kChalk, paint::kAmber, paint::kRose};
  canvas.clear(floors[static_cast<int>(options_.floor)]);
  if (options_.floor == RoomFloor::stripes)
    for (int stripe = 0; stripe < 8; ++stripe)
      canvas.rectangle(static_cast<float>(8 * stripe) * kRoomPixel, 0, static_cast<float>(8 * stripe + 4) * kRoomPixel, 1,
                       paint::kWall);
  const auto at = [](double pixel) { return static_cast<float>(pixel) * kRoomPixel; };
  const auto column = [&](double from, double to) { canvas.rectangle(at(from), 0, at(to + 1), 1, paint::kSky); };
  column(kNearLine, kNearLine), column(kFarLine, kFarLine);
  for (const double line : {kNearLine, kFarLine}) canvas.rectangle(0, at(line), 1, at(line + 1), paint::kSky);
  const double left = layout_.wall - kHalfWall, right = layout_.wall + kHalfWall + 1;
  canvas.rectangle(at(left), 0, at(right), at(layout_.door - kHalfDoor), paint::kSky);
  canvas.rectangle(at(left), at(layout_.door + kHalfDoor + 1), at(right), 1, paint::kSky);
  canvas.glow(at(dot.x + 0.5), at(dot.y + 0.5), at(options_.dot), dots[static_cast<int>(options_.colour)]);
}

void TwoRoom::paint_people(paint::Canvas& canvas) const {
  paint_rooms(canvas, at_);
  const auto at = [](double pixel) { return static_cast<float>(pixel + 0.5) * kRoomPixel; };
  canvas.ring(at(goal_.x), at(goal_.y), static_cast<float>(kNear) * kRoomPixel, 0.4f * kRoomPixel, paint::kAmber);
}

void TwoRoom::observe_goal(std::span<std::uint8_t> out) {
  paint::Canvas canvas(spaces().image_width, spaces().image_height, out);
  paint_rooms(canvas, goal_);
}

std::vector<double> TwoRoom::numbers() const {
  return {layout_.wall, layout_.door, at_.x, at_.y, goal_.x, goal_.y};
}

bool TwoRoom::take(std::span<const double> numbers, int steps, bool done) {
  if (!between(numbers[0], 20, 44) || !between(numbers[1], 10, 54) || done != (steps == kSteps)) return false;
  const auto before = layout_;
  layout_ = {numbers[0], numbers[1]};
  const Point at{numbers[2], numbers[3]}, goal{numbers[4], numbers[5]};
  if (!inside(at) || !inside(goal)) {
    layout_ = before;
    return false;
  }
  at_ = at, goal_ = goal;
  return true;
}

std::vector<NamedArray> TwoRoom::describe() const {
  return {{"position", {2}, {at_.x, at_.y}},
          {"goal", {2}, {goal_.x, goal_.y}},
          {"layout", {2}, {layout_.wall, layout_.door}, false}};
}

}  // namespace dream
