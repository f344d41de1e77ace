#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/env/car_racing/car.h"
#include "core/env/car_racing/coverage.h"
#include "core/env/car_racing/track.h"

namespace dream::car_racing {

struct Colour {
  double red = 0, green = 0, blue = 0;
};

struct Palette {
  Colour road{102, 102, 102}, background{102, 204, 102}, grass{102, 230, 102};
};

/// All that a frame shows.
struct Scene {
  const Track& track;
  std::span<const std::uint8_t> repainted;  // per tile: the car has been there, so its shade is the plain road's
  const Palette& palette;
  const Car& car;
  double time = 0;    // seconds since the episode's start: the camera zooms in during the first
  double reward = 0;  // shown in the corner
};

enum class View {
  observation,  // what Gymnasium's smoothscale of its 1000 x 800 window gives, its rounding and all; no skid marks
  people        // true colours, skid marks
};

/// Draws the scene at any size with exact-area anti-aliasing, straight at the target's resolution. Gymnasium's window
/// of 1000 x 800 is stretched over the whole picture, as in its 96 x 96 observation.
class Painter {
 public:
  Painter(int width, int height, View view);

  int width() const { return width_; }
  int height() const { return height_; }

  /// `out`: height x width x 3. Allocates nothing.
  void draw(const Scene& scene, std::span<std::uint8_t> out);

 private:
  struct Camera;

  void add_ground(const Scene& scene, const Camera& camera);
  void add_road(const Scene& scene, const Camera& camera);
  void resolve_world(const Scene& scene, bool all_field, std::span<std::uint8_t> out);
  void draw_skid_marks(const Scene& scene, const Camera& camera, std::span<std::uint8_t> out);
  void draw_car(const Scene& scene, const Camera& camera, std::span<std::uint8_t> out);
  void draw_panel(const Scene& scene, std::span<std::uint8_t> out);
  void draw_number(double reward, std::span<std::uint8_t> out);

  void add_polygon(const Polygon& shape, const Body& body, const Camera& camera);
  /// Blends `colour` over the picture where overlay_ has coverage, and clears it.
  void flush_overlay(Colour colour, std::span<std::uint8_t> out);
  void fill_rectangle(double x0, double y0, double x1, double y1, Colour colour, std::span<std::uint8_t> out);

  int width_, height_;
  View view_;
  Float4 bias_;                   // added before truncation to a byte
  CoveragePlane<Float4> road_;    // tiles and kerbs: premultiplied colour and coverage
  CoveragePlane<float> grass_;    // the lighter squares
  CoveragePlane<float> field_;    // the playfield, where its border is in sight
  CoveragePlane<float> overlay_;  // one thing at a time: a wheel, the hull, a bar, the digits
  struct RingPoint {
    Vec2 left, right;  // the road's edges on the screen
    bool near = false;
  };
  std::vector<RingPoint> ring_;
};

}  // namespace dream::car_racing
