#pragma once
#include <array>
#include <memory>

#include "core/env/env.h"
#include "core/env/minatar/game.h"

namespace dream {

enum class MinAtarGame { breakout, asterix, freeway, seaquest, space_invaders };

struct MinAtarOptions {
  double sticky = 0.1;  // probability that the action before is repeated
  bool ramping = true;  // Asterix, Seaquest and Space Invaders get harder with time
};

/// MinAtar (Young & Tian 2019, arXiv:1903.03176; package 1.0.15): after reset(seed) the same planes, rewards and ends
/// as `env = Environment(game); env.seed(seed); env.reset()` under the same actions, draw for draw. All six actions in
/// MinAtar's order; keys for those that do something in the game. MinAtar has no time limit; ours truncates after 5000
/// steps.
///
/// Vector: the n planes of 10 x 10 cells as [10, 10, n] values of 0 or 1, "ball[3,4]" = row 3, column 4.
/// Picture: 64 x 64 in MinAtar's colours, 6 x 6 pixels to a cell, the last plane of a cell on top, within a grey edge
/// of 2 pixels.
class MinAtarEnv final : public Env {
 public:
  explicit MinAtarEnv(MinAtarGame game, MinAtarOptions options = {});

  const Spaces& spaces() const override { return spaces_; }
  void reset(std::uint64_t seed) override;
  StepResult step(std::span<const float> action) override;
  void observe_image(std::span<std::uint8_t> out) override;
  void observe_vector(std::span<float> out) override;
  void render(int width, int height, std::span<std::uint8_t> out) override;
  std::vector<std::byte> save_state() const override;
  void load_state(std::span<const std::byte> state) override;

  /// MinAtar's state(): the vector as bytes, [10, 10, n].
  void planes(std::span<std::uint8_t> out);
  int channels() const { return static_cast<int>(facts_.channels.size()); }

 private:
  using Rgb = std::array<std::uint8_t, 3>;

  std::unique_ptr<minatar::Game> make_game() const;
  template <class T>
  void write_planes(const char* what, std::span<T> out);
  void paint(int width, int height, std::span<std::uint8_t> out);
  void check_started(const char* what) const;

  MinAtarGame game_name_;
  MinAtarOptions options_;
  std::unique_ptr<minatar::Game> game_;
  minatar::Facts facts_;
  Spaces spaces_;
  std::vector<Rgb> colours_;           // per channel
  std::vector<std::uint8_t> painted_;  // the planes of the picture

  minatar::RandomState random_;
  std::int32_t last_action_ = 0, steps_ = 0;
  bool started_ = false, done_ = false;
};

}  // namespace dream
