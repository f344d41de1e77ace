#include "core/env/linear_quadratic.h"

#include <algorithm>
#include <cmath>

namespace dream {

namespace {

Spaces puck_spaces() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64;
  spaces.image_channels = 3;
  spaces.vector_names = {"x", "y", "x_dot", "y_dot"};
  spaces.max_episode_steps = LinearQuadratic::kSteps;
  spaces.natural_rate = 5;
  spaces.action.axes = {"push x", "push y"};
  spaces.action.low = {-1, -1};
  spaces.action.high = {1, 1};
  spaces.action.idle = {0, 0};
  spaces.action.keys = {{"left", 0, -1, "push left"},
                        {"right", 0, 1, "push right"},
                        {"up", 1, 1, "push up"},
                        {"down", 1, -1, "push down"}};
  return spaces;
}

// to += matrix * from
template <std::size_t rows, std::size_t columns>
void add_product(const std::array<std::array<double, columns>, rows>& matrix, const std::array<double, columns>& from,
                 std::array<double, rows>& to) {
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) to[row] += matrix[row][column] * from[column];
  }
}

template <std::size_t n>
double quadratic(const std::array<std::array<double, n>, n>& matrix, const std::array<double, n>& x) {
  std::array<double, n> product{};
  add_product(matrix, x, product);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * product[i];
  return sum;
}

template <std::size_t rows, std::size_t columns>
std::vector<double> flat(const std::array<std::array<double, columns>, rows>& matrix) {
  std::vector<double> values;
  for (const auto& row : matrix) values.insert(values.end(), row.begin(), row.end());
  return values;
}

}  // namespace

LinearQuadratic::LinearQuadratic() : SmallEnv("LinearQuadratic", puck_spaces()) {}

void LinearQuadratic::begin(Rng& rng) {
  for (const int axis : {0, 1}) state_[axis] = rng.uniform(-kReach, kReach);
  for (const int axis : {2, 3}) state_[axis] = rng.uniform(-kSpeed, kSpeed);
}

SmallEnv::Outcome LinearQuadratic::advance(std::span<const float> action) {
  const std::array<double, 2> push{action[0], action[1]};
  const double cost = quadratic(kQ, state_) + quadratic(kR, push);
  std::array<double, 4> next{};
  add_product(kA, state_, next);
  add_product(kB, push, next);
  state_ = next;
  return {static_cast<float>(-cost), false};
}

bool LinearQuadratic::expert(std::span<float> action) const {
  std::array<double, 2> pull{};
  add_product(kGain, state_, pull);
  for (const int axis : {0, 1}) action[axis] = std::clamp(static_cast<float>(-pull[axis]), -1.0f, 1.0f);
  return true;
}

void LinearQuadratic::write_vector(std::span<float> out) const {
  std::ranges::transform(state_, out.begin(), [](double value) { return static_cast<float>(value); });
}

void LinearQuadratic::paint_observation(paint::Canvas& canvas) const {
  constexpr float pixel = 1 / 64.0f, border = 2 * pixel, middle = 0.5f, metre = 20 * pixel, puck = 3.2f * pixel;
  constexpr float edge = middle - border;
  canvas.clear(paint::kNight);
  canvas.rectangle(border, border, 1 - border, 1 - border, paint::kGround);
  canvas.line(middle, border, middle, 1 - border, 0.5f * pixel, paint::kRaised);
  canvas.line(border, middle, 1 - border, middle, 0.5f * pixel, paint::kRaised);
  canvas.ring(middle, middle, 5 * pixel, 0.8f * pixel, paint::kAmber);
  auto within = [&](double value) { return std::clamp(static_cast<float>(value) * metre, -edge, edge); };
  const float x = middle + within(state_[0]), y = middle - within(state_[1]);
  // Where it would be half a second later.
  canvas.line(x, y, middle + within(state_[0] + state_[2] / 2), middle - within(state_[1] + state_[3] / 2), pixel,
              paint::kSky);
  canvas.disc(x, y, puck, paint::kChalk);
}

std::vector<double> LinearQuadratic::numbers() const {
  return {state_.begin(), state_.end()};
}

bool LinearQuadratic::take(std::span<const double> numbers, int steps, bool done) {
  constexpr double interval = kA[0][2], fastest = kB[2][0] / (1 - kA[2][2]);
  const double furthest = kReach + steps * interval * fastest;
  for (const int axis : {0, 1}) {
    if (std::abs(numbers[axis]) > furthest || std::abs(numbers[axis + 2]) > fastest) return false;
  }
  if (done != (steps == kSteps)) return false;
  std::ranges::copy(numbers, state_.begin());
  return true;
}

std::vector<NamedArray> LinearQuadratic::describe() const {
  return {
      {"state", {4}, numbers()}, {"gain", {2, 4}, flat(kGain), false}, {"cost_to_go", {4, 4}, flat(kCostToGo), false}};
}

}  // namespace dream
