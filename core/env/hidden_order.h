#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/base/choice.h"
#include "core/env/small_env.h"

namespace dream {

/// knows: is told the order. seeks: is not; remembers what it has met, takes what it knows and then the nearest thing that has not been
/// the wrong one there. Nobody who sees no more than the world shows does much better.
enum class OrderExpert { knows, seeks };
constexpr auto choice_names(OrderExpert) {
  return names_of_choice("knows", "seeks");
}

struct HiddenOrderOptions {
  int things = 3;
  OrderExpert expert = OrderExpert::knows;

  /// From texts. Throws dream::Error for a name or value that is none.
  static HiddenOrderOptions from(const std::map<std::string, std::string>& factors);
};

/// A world in which an order has to be found and remembered, after TransDreamer's Hidden Order Discovery (Chen et al. 2022) in small. Three
/// things (or two to five: things=5) lie on 5 x 5 cells, and are to be collected in an order that nobody shows. The right one is worth 1 and
/// is gone; a wrong one brings all of them back. Once all are collected they come back as well, in the same places and to be taken in the
/// same order, until 20 steps a thing are over. The next episode has other places and another order.
///
/// The picture shows who is where and what has been collected, which is all of the present; the order is in the past alone. Whoever
/// looks at the present must guess the first of n and the second of n - 1, again and again; whoever remembers errs n (n - 1) / 2 times at most.
///
/// Vector: place of the agent, then of each thing with whether it lies there, all in [0, 1]. The people's picture shows the order above,
/// what is collected filled. Diagnostics: order [n] (0 amber, 1 blue, 2 rose, 3 green, 4 violet), found [1]: how many of them are collected,
/// known [1]: how many of the first ones have been met in this episode, so that whoever remembers knows them.
class HiddenOrder final : public SmallEnv {
 public:
  static constexpr int kSide = 5, kMostThings = 5, kStepsPerThing = 20;
  enum Choice { stay, left, right, up, down };
  explicit HiddenOrder(const HiddenOrderOptions& options = {});

  /// Walks round what would be wrong.
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

  using PerThing = std::vector<int>;
  static bool apart(const PerThing& places);
  static int moved(int cell, int choice);
  bool lies_there(int thing) const;
  int thing_at(int cell) const;  // -1: none
  bool sought(int thing) const;  // by the expert, now
  void meet(int thing);
  void paint_grid(paint::Canvas& canvas, float left, float top, float side) const;

  int things_;
  OrderExpert expert_;
  PerThing places_;                // cells, row by row
  PerThing order_;                 // things, the first to be collected first
  int found_ = 0;                  // of the order, collected
  int known_ = 0, refuted_ = 0;    // of the order, met once; bit i: thing i has been the wrong one after those
  int agent_ = kSide * kSide / 2;  // its cell
};

}  // namespace dream
