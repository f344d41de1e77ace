#pragma once
#include <map>
#include <string>

#include "core/base/choice.h"
#include "core/env/small_env.h"

namespace dream {

/// Where wall and door are: always at the same place, or at others in every episode.
enum class RoomLayout { fixed, moving };
constexpr auto choice_names(RoomLayout) {
  return names_of_choice("fixed", "moving");
}
enum class DotColour { chalk, amber, rose };
constexpr auto choice_names(DotColour) {
  return names_of_choice("chalk", "amber", "rose");
}
/// What the rooms' floor shows: nothing, nothing but brighter, or stripes that mean nothing.
enum class RoomFloor { dark, light, stripes };
constexpr auto choice_names(RoomFloor) {
  return names_of_choice("dark", "light", "stripes");
}

/// Factors of variation: what of the picture may be otherwise, to see what a representation clings to.
struct TwoRoomOptions {
  RoomLayout layout = RoomLayout::fixed;
  double wall = 32, door = 18;  // pixels: the middle of wall and door, where they are fixed
  double dot = 1.3;             // pixels: σ of the dot
  DotColour colour = DotColour::chalk;
  RoomFloor floor = RoomFloor::dark;

  /// From texts. Throws dream::Error for a name or value that is none.
  static TwoRoomOptions from(const std::map<std::string, std::string>& factors);
};

/// Two rooms and a door between (facebookresearch/eb_jepa, two_rooms): a dot is to be brought to where a picture shows it,
/// in the other room. Pixels are the unit, x to the right and y down, 0 to 64; the border's lines are at 4 and 60, the wall
/// is 3 wide and its door 8 high. Action: a step (dx, dy), up to 2.45 each way; one that would touch a wall is not taken at
/// all, as in eb_jepa's data (its own environment lets the dot rebound). 200 steps; the last one rewards 1 where the dot is
/// less than 4.5 pixels from the goal, so that the mean return is the published rate of success.
///
/// The 64 x 64 picture is eb_jepa's without its last row and column, which nothing ever reaches; its two channels (a dot
/// exp(−r²/2σ²), walls) are blended into colours. Diagnostics: position [2], goal [2], layout [2] (wall, door).
class TwoRoom final : public SmallEnv {
 public:
  static constexpr int kSteps = 200;
  static constexpr double kNear = 4.5, kStep = 2.45;
  struct Point {
    double x = 0, y = 0;
  };
  struct Layout {
    double wall = 32, door = 18;
  };

  explicit TwoRoom(const TwoRoomOptions& options = {});
  bool stand_at(double x, double y) override;
  bool goal_at(double x, double y) override;
  void observe_goal(std::span<std::uint8_t> out) override;
  bool expert(std::span<float> action) const override;

  /// Where a step from `at` by `step` leads: there, or nowhere.
  static Point moved(Point at, Point step, const Layout& layout);

 private:
  void begin(Rng& rng) override;
  Outcome advance(std::span<const float> action) override;
  void write_vector(std::span<float>) const override {}
  void paint_observation(paint::Canvas& canvas) const override { paint_rooms(canvas, at_); }
  void paint_people(paint::Canvas& canvas) const override;
  std::vector<double> numbers() const override;
  bool take(std::span<const double> numbers, int steps, bool done) override;
  std::vector<NamedArray> describe() const override;
  void paint_rooms(paint::Canvas& canvas, Point dot) const;
  bool inside(Point p) const;

  TwoRoomOptions options_;
  Layout layout_;
  Point at_, goal_;
};

}  // namespace dream
