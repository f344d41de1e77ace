#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "core/env/minatar/random_state.h"

namespace dream::minatar {

inline constexpr int kSide = 10, kCells = kSide * kSide;

/// MinAtar's six actions, in its order.
enum class Act { none, left, up, right, down, fire };

/// What one action brought.
struct Turn {
  int reward = 0;
  bool over = false;
};

/// One bit per cell, ten to a row: bit x of rows[y].
struct Board {
  static constexpr std::uint16_t kFull = (1 << kSide) - 1;
  std::array<std::uint16_t, kSide> rows{};

  bool at(int x, int y) const { return (rows[y] >> x & 1) != 0; }
  void set(int x, int y) { rows[y] = static_cast<std::uint16_t>(rows[y] | 1 << x); }
  void clear(int x, int y) { rows[y] = static_cast<std::uint16_t>(rows[y] & ~(1 << x)); }
  int count() const {
    int sum = 0;
    for (const std::uint16_t row : rows) sum += std::popcount(row);
    return sum;
  }
  bool empty() const {
    return std::ranges::all_of(rows, [](std::uint16_t row) { return row == 0; });
  }
  bool plausible() const {
    for (const std::uint16_t row : rows) {
      if (row > kFull) return false;
    }
    return true;
  }
};

/// Where a game shows itself: planes as [10, 10, channels] values of 0 or 1, bytes or floats, all 0 at first.
class Planes {
 public:
  Planes(std::span<std::uint8_t> out, int channels) : bytes_(out.data()), channels_(channels) {
    std::ranges::fill(out, 0);
  }
  Planes(std::span<float> out, int channels) : floats_(out.data()), channels_(channels) {
    std::ranges::fill(out, 0.0f);
  }

  void set(int channel, int x, int y) { write(channel, x, y); }
  /// Does nothing to the left and to the right of the board.
  void set_inside(int channel, int x, int y) {
    if (x >= 0 && x < kSide) write(channel, x, y);
  }
  void set(int channel, const Board& board) {
    bytes_ != nullptr ? write(bytes_ + channel, board) : write(floats_ + channel, board);
  }

 private:
  void write(int channel, int x, int y) {
    const int i = (kSide * y + x) * channels_ + channel;
    if (bytes_ != nullptr) {
      bytes_[i] = 1;
    } else {
      floats_[i] = 1;
    }
  }
  template <class T>
  void write(T* plane, const Board& board) {
    for (int y = 0; y < kSide; ++y, plane += kSide * channels_) {
      for (unsigned row = board.rows[y]; row != 0; row &= row - 1) plane[std::countr_zero(row) * channels_] = 1;
    }
  }

  std::uint8_t* bytes_ = nullptr;
  float* floats_ = nullptr;
  int channels_;
};

/// What does not change.
struct Facts {
  const char* name = "";
  std::vector<const char*> channels;  // later ones are painted over earlier ones
  std::vector<Act> acts;              // those that do something: MinAtar's minimal_action_set
};

/// The rules of one game. All of its state is plain data behind bytes().
class Game {
 public:
  virtual ~Game() = default;
  virtual Facts facts() const = 0;
  virtual void reset(RandomState& random) = 0;
  virtual Turn act(Act act, RandomState& random) = 0;
  virtual void show(Planes planes) const = 0;
  virtual std::span<std::byte> bytes() = 0;
  /// False when bytes() were set to something that show() or, unless the game is over, act() cannot go on from.
  virtual bool plausible(bool over) const = 0;
};

template <class State>
class GameOf : public Game {
 public:
  std::span<std::byte> bytes() final {
    static_assert(std::is_trivially_copyable_v<State> && std::has_unique_object_representations_v<State>);
    return std::as_writable_bytes(std::span(&state_, 1));
  }

 protected:
  State state_{};
};

/// Whether low <= value <= high for every value.
template <class... T>
constexpr bool within(int low, int high, T... values) {
  return ((values >= low && values <= high) && ...);
}

std::unique_ptr<Game> make_breakout();
std::unique_ptr<Game> make_asterix(bool ramping);
std::unique_ptr<Game> make_freeway();
std::unique_ptr<Game> make_seaquest(bool ramping);
std::unique_ptr<Game> make_space_invaders(bool ramping);

}  // namespace dream::minatar
