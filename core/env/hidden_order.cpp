#include "core/env/hidden_order.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>

#include "api/error.h"

namespace dream {

using namespace paint;

namespace {

constexpr int kOrderCells = HiddenOrder::kSide * HiddenOrder::kSide;
constexpr int kOrderMiddle = kOrderCells / 2;
constexpr std::array<paint::Colour, HiddenOrder::kMostThings> kOrderInks = {
    {kAmber, kSky, kRose, {104, 190, 112}, {170, 122, 236}}};
constexpr std::array<const char*, HiddenOrder::kMostThings> kOrderNames = {"amber", "blue", "rose", "green", "violet"};

Spaces hidden_order_spaces(int things) {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64;
  spaces.image_channels = 3;
  spaces.vector_names = {"agent_x", "agent_y"};
  for (int thing = 0; thing < things; ++thing)
    for (const char* what : {"_x", "_y", "_there"}) spaces.vector_names.push_back(std::string(kOrderNames[static_cast<std::size_t>(thing)]) + what);
  spaces.max_episode_steps = HiddenOrder::kStepsPerThing * things;
  spaces.natural_rate = 5;
  spaces.action.choices = {"stay", "left", "right", "up", "down"};
  spaces.action.axes = {"choice"};
  spaces.action.low = {0};
  spaces.action.high = {4};
  spaces.action.idle = {0};
  spaces.action.keys = {{"left", 0, 1, "left"}, {"right", 0, 2, "right"}, {"up", 0, 3, "up"}, {"down", 0, 4, "down"}};
  return spaces;
}

int column_of(int cell) {
  return cell % HiddenOrder::kSide;
}
int row_of(int cell) {
  return cell / HiddenOrder::kSide;
}

}  // namespace

HiddenOrderOptions HiddenOrderOptions::from(const std::map<std::string, std::string>& factors) {
  HiddenOrderOptions options;
  for (const auto& [name, text] : factors) {
    if (name == "things") {
      if (text.size() != 1 || text[0] < '2' || text[0] > '0' + HiddenOrder::kMostThings)
        throw Error("HiddenOrder: things is a number from 2 to " + std::to_string(HiddenOrder::kMostThings) + ", not '" + text + "'");
      options.things = text[0] - '0';
    } else if (name == "expert") {
      options.expert = choice_of<OrderExpert>(text);
    } else {
      throw Error("HiddenOrder has no factor '" + name + "'; it has things, expert");
    }
  }
  return options;
}

HiddenOrder::HiddenOrder(const HiddenOrderOptions& options)
    : SmallEnv("HiddenOrder", hidden_order_spaces(options.things)),
      things_(options.things),
      expert_(options.expert),
      places_(static_cast<std::size_t>(options.things)),
      order_(places_) {}

/// Nothing lies in the middle, where the agent begins, and no two things touch: so there is always a way round.
bool HiddenOrder::apart(const PerThing& places) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i] == kOrderMiddle) return false;
    for (std::size_t j = 0; j < i; ++j) {
      const int across = std::abs(column_of(places[i]) - column_of(places[j])), along = std::abs(row_of(places[i]) - row_of(places[j]));
      if (std::max(across, along) < 2) return false;
    }
  }
  return true;
}

void HiddenOrder::begin(Rng& rng) {
  do {
    for (auto& place : places_) place = static_cast<int>(rng.integers(kOrderCells));
  } while (!apart(places_));
  std::iota(order_.begin(), order_.end(), 0);
  for (std::size_t i = order_.size() - 1; i > 0; --i) std::swap(order_[i], order_[rng.integers(i + 1)]);
  found_ = known_ = refuted_ = 0, agent_ = kOrderMiddle;
}

int HiddenOrder::moved(int cell, int choice) {
  const int across = choice == left ? -1 : choice == right ? 1 : 0, along = choice == up ? -1 : choice == down ? 1 : 0;
  const int x = std::clamp(column_of(cell) + across, 0, kSide - 1), y = std::clamp(row_of(cell) + along, 0, kSide - 1);
  return y * kSide + x;
}

bool HiddenOrder::lies_there(int thing) const {
  return std::find(order_.begin(), order_.begin() + found_, thing) == order_.begin() + found_;
}

int HiddenOrder::thing_at(int cell) const {
  for (int thing = 0; thing < things_; ++thing)
    if (places_[static_cast<std::size_t>(thing)] == cell && lies_there(thing)) return thing;
  return -1;
}

SmallEnv::Outcome HiddenOrder::advance(std::span<const float> action) {
  const int to = moved(agent_, static_cast<int>(action[0]));
  if (to == agent_) return {};
  agent_ = to;
  const int thing = thing_at(to);
  if (thing < 0) return {};
  const int before = found_;
  meet(thing);
  return {found_ == (before + 1) % things_ ? 1.0f : 0.0f};
}

void HiddenOrder::meet(int thing) {
  const bool right_one = thing == order_[static_cast<std::size_t>(found_)];
  if (found_ == known_) {  // nobody could know it
    known_ += right_one;
    refuted_ = right_one ? 0 : refuted_ | 1 << thing;
  }
  found_ = right_one ? (found_ + 1) % things_ : 0;
}

bool HiddenOrder::sought(int thing) const {
  if (!lies_there(thing)) return false;
  if (expert_ == OrderExpert::knows || found_ < known_) return thing == order_[static_cast<std::size_t>(found_)];
  return (refuted_ >> thing & 1) == 0;
}

bool HiddenOrder::expert(std::span<float> action) const {
  // How far each cell is from what is sought, by ways that touch nothing else.
  std::array<int, kOrderCells> far;
  far.fill(kOrderCells);
  const auto at = [&far](int cell) -> int& { return far[static_cast<std::size_t>(cell)]; };
  for (int thing = 0; thing < things_; ++thing)
    if (sought(thing)) at(places_[static_cast<std::size_t>(thing)]) = 0;
  for (int round = 0; round < kOrderCells; ++round) {
    for (int cell = 0; cell < kOrderCells; ++cell) {
      if (const int thing = thing_at(cell); thing >= 0 && !sought(thing) && cell != agent_) continue;
      for (int choice = left; choice <= down; ++choice) at(cell) = std::min(at(cell), at(moved(cell, choice)) + 1);
    }
  }
  int best = stay;
  for (int choice = left; choice <= down; ++choice)
    if (at(moved(agent_, choice)) < at(moved(agent_, best))) best = choice;
  action[0] = static_cast<float>(best);
  return true;
}

void HiddenOrder::write_vector(std::span<float> out) const {
  const auto place = [&out](std::size_t from, int cell) {
    out[from] = static_cast<float>(column_of(cell)) / (kSide - 1);
    out[from + 1] = static_cast<float>(row_of(cell)) / (kSide - 1);
  };
  place(0, agent_);
  for (std::size_t thing = 0; thing < places_.size(); ++thing) {
    place(2 + 3 * thing, places_[thing]);
    out[4 + 3 * thing] = lies_there(static_cast<int>(thing)) ? 1 : 0;
  }
}

void HiddenOrder::paint_grid(Canvas& canvas, float from_x, float from_y, float side) const {
  for (int cell = 0; cell < kOrderCells; ++cell) {
    const float x = from_x + static_cast<float>(column_of(cell)) * side, y = from_y + static_cast<float>(row_of(cell)) * side;
    canvas.rectangle(x, y, x + side, y + side, cell % 2 == 0 ? kGround : kRaised);
    if (const int thing = thing_at(cell); thing >= 0)
      canvas.rectangle(x + side / 6, y + side / 6, x + 5 * side / 6, y + 5 * side / 6, kOrderInks[static_cast<std::size_t>(thing)]);
    if (cell == agent_) canvas.disc(x + side / 2, y + side / 2, side / 4, kChalk);
  }
}

void HiddenOrder::paint_observation(Canvas& canvas) const {
  constexpr float pixel = 1 / 64.0f;
  canvas.clear(kNight);
  paint_grid(canvas, 2 * pixel, 2 * pixel, 12 * pixel);
}

void HiddenOrder::paint_people(Canvas& canvas) const {
  constexpr float side = 0.16f, from = 0.1f;
  canvas.clear(kNight);
  paint_grid(canvas, from, 0.17f, side);
  for (int i = 0; i < things_; ++i) {
    const float x = from + (static_cast<float>(i) + 0.5f) * side, y = 0.085f;
    const auto ink = kOrderInks[static_cast<std::size_t>(order_[static_cast<std::size_t>(i)])];
    if (i < found_)
      canvas.disc(x, y, 0.045f, ink);
    else
      canvas.ring(x, y, 0.04f, 0.015f, ink);
  }
}

std::vector<double> HiddenOrder::numbers() const {
  std::vector<double> all(places_.begin(), places_.end());
  all.insert(all.end(), order_.begin(), order_.end());
  for (const int each : {found_, known_, refuted_, agent_}) all.push_back(each);
  return all;
}

bool HiddenOrder::take(std::span<const double> numbers, int steps, bool done) {
  const auto n = places_.size();
  PerThing places(n), order(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (!whole_within(numbers[i], 0, kOrderCells - 1) || !whole_within(numbers[n + i], 0, things_ - 1)) return false;
    places[i] = static_cast<int>(numbers[i]);
    order[i] = static_cast<int>(numbers[n + i]);
  }
  const auto rest = numbers.subspan(2 * n);
  const int most[] = {things_ - 1, things_, (1 << things_) - 1, kOrderCells - 1};
  for (std::size_t i = 0; i < std::size(most); ++i)
    if (!whole_within(rest[i], 0, most[i])) return false;
  const int found = static_cast<int>(rest[0]), known = static_cast<int>(rest[1]), refuted = static_cast<int>(rest[2]),
            agent = static_cast<int>(rest[3]);
  for (int place = 0; place < things_; ++place) {
    if (std::ranges::count(order, place) != 1) return false;
    if (place <= known && place < things_ && refuted >> order[static_cast<std::size_t>(place)] & 1) return false;
  }
  const int walked = std::abs(column_of(agent) - kSide / 2) + std::abs(row_of(agent) - kSide / 2);
  const bool idle = known == things_ && refuted != 0;
  if (!apart(places) || found > known || idle || walked > steps || known > steps || done != (steps == kStepsPerThing * things_)) return false;
  places_ = places, order_ = order, found_ = found, known_ = known, refuted_ = refuted, agent_ = agent;
  return true;
}

std::vector<NamedArray> HiddenOrder::describe() const {
  return {{"order", {order_.size()}, std::vector<double>(order_.begin(), order_.end()), false},
          {"found", {1}, {static_cast<double>(found_)}},
          {"known", {1}, {static_cast<double>(known_)}}};
}

}  // namespace dream
