#pragma once
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
  bool plausible() const {
    for (const std::uint16_t row : rows) {
      if (row > kFull) return false;
    }
    return true;
  }
};

/// The marks that make up what a game shows: a list of set (cell, channel) pairs, which costs less than ten planes.
/// A mark may come twice.
class Marks {
 public:
  struct Mark {
    std::uint8_t cell, channel;  // cell = 10 y + x
  };

  void clear() { size_ = 0; }
  void add(int channel, int x, int y) {
    marks_[size_++] = {static_cast<std::uint8_t>(kSide * y + x), static_cast<std::uint8_t>(channel)};
  }
  /// Does nothing outside the board.
  void add_inside(int channel, int x, int y) {
    if (x >= 0 && x < kSide) add(channel, x, y);
  }
  void add(int channel, const Board& board) {
    for (int y = 0; y < kSide; ++y) {
      for (unsigned row = board.rows[y]; row != 0; row &= row - 1) add(channel, std::countr_zero(row), y);
    }
  }
  std::span<const Mark> all() const { return {marks_.data(), size_}; }

 private:
  std::array<Mark, 1024> marks_{};  // Seaquest, the fullest, has 429 at most
  std::size_t size_ = 0;
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
  virtual void show(Marks& marks) const = 0;
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
