#pragma once
#include <array>

#include "core/env/small_env.h"

namespace dream {

/// A world in which an order has to be found and remembered, after TransDreamer's Hidden Order Discovery (Chen et al. 2022) in small. Three
/// things lie on 5 x 5 cells, and are to be collected in an order that nobody shows. The right one is worth 1 and is gone; a wrong
/// one brings all of them back. Once all are collected they come back as well, in the same places and to be taken in the same order, until 60
/// steps are over. The next episode has other places and another order.
///
/// The picture shows who is where and what has been collected, which is all of the present; the order is in the past alone. Whoever
/// looks at the present must guess the first of three and the second of two, again and again; whoever remembers errs three times at most.
///
/// Vector: place of the agent, then of each thing with whether it lies there, all in [0, 1]. The people's picture shows the order above,
/// what is collected filled. Diagnostics: order [3] (0 amber, 1 blue, 2 rose), found [1]: how many of them are collected.
class HiddenOrder final : public SmallEnv {
 public:
  static constexpr int kSide = 5, kThings = 3, kTimeLimit = 60;
  enum Choice { stay, left, right, up, down };
  HiddenOrder();

  /// Knows the order, and walks round what would be wrong.
  bool expert(std::span<float> action) const override;

 private:
  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  void write_vector(std::span<float> out) const override;
  void paint_observation(paint::Canvas& canvas) const override;
  void paint_people(paint::Canvas& canvas) const override;
  std::vector<double> numbers() const override;
  bool take(std::span<const double> numbers, int steps, bool done) override;
  std::vector<NamedArray> describe() const override;

  using Places = std::array<int, kThings>;  // cells, row by row
  static bool apart(const Places& places);
  static int moved(int cell, int choice);
  bool lies_there(int thing) const;
  int thing_at(int cell) const;  // -1: none
  void paint_grid(paint::Canvas& canvas, float left, float top, float side) const;

  Places places_ = {}, order_ = {0, 1, 2};  // order: things, the first to be collected first
  int found_ = 0, agent_ = kSide * kSide / 2;
};

}  // namespace dream
