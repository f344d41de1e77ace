#include "core/env/car_racing/painter.h"

#include <algorithm>
#include <cmath>

#include "core/env/car_racing/digits.h"

namespace dream::car_racing {
namespace {

constexpr double kWindowWidth = 1000, kWindowHeight = 800;  // Gymnasium's, in which it places everything
constexpr double kZoom = 2.7;
constexpr double kGrassSide = kPlayfield / 20.0;
// SDL fills polygons up to and including their outline; half a pixel of its window outside the corners.
constexpr double kOutline = 0.5;

Float4 weight_of(Colour c) {
  return Float4{static_cast<float>(std::trunc(c.red)), static_cast<float>(std::trunc(c.green)),
                static_cast<float>(std::trunc(c.blue)), 1.0f};
}

double orientation(const std::array<Vec2, 4>& p) {
  return (p[2].x - p[0].x) * (p[3].y - p[1].y) - (p[3].x - p[1].x) * (p[2].y - p[0].y);
}

}  // namespace

// World to window to picture, as Gymnasium's _render() has it: the car stays below the middle, heading up.
struct Painter::Camera {
  double zoom, cos, sin, shift_x, shift_y, scale_x, scale_y, outline;
  bool snapped;

  Camera(const Painter& painter, const Scene& scene) {
    const Body& hull = scene.car.hull();
    const double angle = -static_cast<double>(hull.angle);
    zoom = 0.1 * kScale * std::max(1 - scene.time, 0.0) + kZoom * kScale * std::min(scene.time, 1.0);
    cos = std::cos(angle);
    sin = std::sin(angle);
    const double x = -hull.origin.x * zoom, y = -hull.origin.y * zoom;
    shift_x = kWindowWidth / 2 + (x * cos - y * sin);
    shift_y = kWindowHeight / 4 + (x * sin + y * cos);
    scale_x = painter.width_ / kWindowWidth;
    scale_y = painter.height_ / kWindowHeight;
    snapped = painter.view_ == View::observation;
    outline = snapped ? kOutline : 0;
  }

  Vec2 window(Vec2 world) const {
    const double x = (world.x * cos - world.y * sin) * zoom + shift_x;
    const double y = (world.x * sin + world.y * cos) * zoom + shift_y;
    // Gymnasium hands SDL whole pixels.
    if (snapped) return {std::trunc(x) + 0.5, std::trunc(y) + 0.5};
    return {x, y};
  }
  Vec2 picture(Vec2 w) const { return {w.x * scale_x, (kWindowHeight - w.y) * scale_y}; }
  Vec2 world(Vec2 w) const {
    const double x = (w.x - shift_x) / zoom, y = (w.y - shift_y) / zoom;
    return {x * cos + y * sin, -x * sin + y * cos};
  }
};

Painter::Painter(int width, int height, View view) : width_(width), height_(height), view_(view) {
  // smoothscale truncates twice, and once more for its reciprocal: 102 becomes 100.
  const float bias = view == View::observation ? -1.01f : 0.5f;
  bias_ = Float4{bias, bias, bias, 0};
  road_.resize(width, height);
  grass_.resize(width, height);
  field_.resize(width, height);
  overlay_.resize(width, height);
  ring_.reserve(1024);
  glyph_strokes(0);  // the glyphs are made on first use, which must not be within a step
}

void Painter::draw(const Scene& scene, std::span<std::uint8_t> out) {
  const Camera camera(*this, scene);
  add_ground(scene, camera);
  add_road(scene, camera);

  const Vec2 corners[] = {camera.world({0, 0}), camera.world({kWindowWidth, 0}), camera.world({0, kWindowHeight}),
                          camera.world({kWindowWidth, kWindowHeight})};
  const bool all_field = std::ranges::all_of(
      corners, [](Vec2 c) { return std::abs(c.x) < kPlayfield - 1 && std::abs(c.y) < kPlayfield - 1; });
  if (!all_field) {
    std::array<Vec2, 4> field;
    const double signs[4][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
    for (int i = 0; i < 4; ++i) {
      const double side = kPlayfield + camera.outline / camera.zoom;
      field[i] = camera.picture(camera.window({signs[i][0] * side, signs[i][1] * side}));
    }
    field_.polygon(field, 1.0f);
  }
  resolve_world(scene, all_field, out);
  if (view_ == View::people) draw_skid_marks(scene, camera, out);
  draw_car(scene, camera, out);
  draw_panel(scene, out);
  draw_number(scene.reward, out);
}

void Painter::add_ground(const Scene&, const Camera& camera) {
  // Lighter squares on every second row and column. Only those in sight.
  const Vec2 middle = camera.world({kWindowWidth / 2, kWindowHeight / 2});
  const double half_width = kWindowWidth / 2 / camera.zoom, half_height = kWindowHeight / 2 / camera.zoom;
  const double reach_x = std::abs(camera.cos) * half_width + std::abs(camera.sin) * half_height;
  const double reach_y = std::abs(camera.sin) * half_width + std::abs(camera.cos) * half_height;
  auto first = [](double low) { return std::max(-20, 2 * static_cast<int>(std::floor(low / kGrassSide / 2))); };
  auto last = [](double high) { return std::min(18, 2 * static_cast<int>(std::floor(high / kGrassSide / 2))); };
  const double e = camera.outline;
  const double along_x = camera.cos * e, along_y = camera.sin * e;
  for (int i = first(middle.x - reach_x - 1); i <= last(middle.x + reach_x); i += 2) {
    for (int j = first(middle.y - reach_y - 1); j <= last(middle.y + reach_y); j += 2) {
      std::array<Vec2, 4> square;
      const int steps[4][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
      for (int k = 0; k < 4; ++k) {
        Vec2 w = camera.window({kGrassSide * (i + steps[k][0]), kGrassSide * (j + steps[k][1])});
        const int sx = 2 * steps[k][0] - 1, sy = 2 * steps[k][1] - 1;
        w.x += sx * along_x - sy * along_y;
        w.y += sx * along_y + sy * along_x;
        square[k] = camera.picture(w);
      }
      grass_.polygon(square, 1.0f);
    }
  }
}

void Painter::add_road(const Scene& scene, const Camera& camera) {
  const auto& points = scene.track.points;
  const auto& tiles = scene.track.tiles;
  const std::size_t n = tiles.size();
  const Vec2 middle = camera.world({kWindowWidth / 2, kWindowHeight / 2});
  const double reach = std::hypot(kWindowWidth, kWindowHeight) / 2 / camera.zoom + kTrackWidth + kBorder + 1;
  ring_.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double dx = points[i].x - middle.x, dy = points[i].y - middle.y;
    ring_[i].near = dx * dx + dy * dy < reach * reach;
  }
  auto visible = [&](std::size_t tile) { return ring_[tile].near || ring_[tile == 0 ? n - 1 : tile - 1].near; };
  auto next = [n](std::size_t i) { return i + 1 == n ? 0 : i + 1; };

  for (std::size_t i = 0; i < n; ++i) {
    if (!visible(i) && !visible(next(i))) continue;
    Vec2 left = camera.window(tiles[i].left), right = camera.window(tiles[i].right);
    const double dx = left.x - right.x, dy = left.y - right.y;
    const double k = camera.outline / std::max(std::sqrt(dx * dx + dy * dy), 1e-9);
    ring_[i].left = camera.picture({left.x + k * dx, left.y + k * dy});
    ring_[i].right = camera.picture({right.x - k * dx, right.y - k * dy});
  }

  auto shade = [&](std::size_t tile) -> Float4 {
    if (!visible(tile)) return Float4{};
    const double lighter = scene.repainted[tile] != 0 ? 0 : 0.01 * static_cast<double>(tile % 3) * 255;
    const Colour& c = scene.palette.road;
    return weight_of({c.red + lighter, c.green + lighter, c.blue + lighter});
  };
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t after = next(i);
    const bool here = visible(i);
    if (!here && !visible(after)) continue;
    const Float4 colour = shade(i);
    // The line across the road between tile i and the next one: only the change of shade counts.
    const Float4 change = colour - shade(after);
    if (change[0] != 0 || change[3] != 0) road_.edge(ring_[i].right, ring_[i].left, change);
    if (!here) continue;
    const RingPoint& before = ring_[i == 0 ? n - 1 : i - 1];
    road_.edge(ring_[i].left, before.left, colour);
    road_.edge(before.right, ring_[i].right, colour);
    if (!tiles[i].has_kerb) continue;
    std::array<Vec2, 4> kerb;
    for (int k = 0; k < 4; ++k) kerb[k] = camera.window(tiles[i].kerb[k]);
    if (camera.outline > 0) {
      for (const auto& [inner, outer] : {std::pair{0, 1}, std::pair{3, 2}}) {
        const double dx = kerb[outer].x - kerb[inner].x, dy = kerb[outer].y - kerb[inner].y;
        const double k = camera.outline / std::max(std::sqrt(dx * dx + dy * dy), 1e-9);
        // The road already reaches half a pixel under the kerb.
        kerb[inner] = {kerb[inner].x + k * dx, kerb[inner].y + k * dy};
        kerb[outer] = {kerb[outer].x + k * dx, kerb[outer].y + k * dy};
      }
    }
    const double turn = orientation(kerb);  // in the window, where y points up
    for (Vec2& corner : kerb) corner = camera.picture(corner);
    const Float4 paint = i % 2 == 0 ? Float4{255, 255, 255, 1} : Float4{255, 0, 0, 1};
    road_.polygon(kerb, turn > 0 ? paint : -paint);
  }
}

void Painter::resolve_world(const Scene& scene, bool all_field, std::span<std::uint8_t> out) {
  const Float4 background = weight_of(scene.palette.background);
  const Float4 lighter = weight_of(scene.palette.grass) - background;
  const Float4 bias = bias_, zero{};
  std::uint8_t* pixel = out.data();
  for (int y = 0; y < height_; ++y) {
    Float4* road = road_.row(y);
    float* grass = grass_.row(y);
    float* field = field_.row(y);
    Float4 road_sum{};
    float grass_sum = 0, field_sum = all_field ? 1.0f : 0.0f;
    for (int x = 0; x < width_; ++x, pixel += 3) {
      road_sum += road[x];
      grass_sum += grass[x];
      if (!all_field) field_sum += field[x];
      Float4 colour = background * field_sum + lighter * grass_sum;
      const float covered = road_sum[3];
      if (covered > 1e-4f) {
        // Where stretches of road overlap, their mean.
        colour = covered < 1 ? road_sum + colour * (1 - covered) : road_sum * (1 / covered);
      }
      colour += bias;
      colour = colour > zero ? colour : zero;
      pixel[0] = static_cast<std::uint8_t>(static_cast<int>(colour[0]));
      pixel[1] = static_cast<std::uint8_t>(static_cast<int>(colour[1]));
      pixel[2] = static_cast<std::uint8_t>(static_cast<int>(colour[2]));
    }
  }
  road_.clear();
  grass_.clear();
  field_.clear();
}

void Painter::flush_overlay(Colour colour, std::span<std::uint8_t> out) {
  const float c[3] = {std::max(static_cast<float>(colour.red) + bias_[0], 0.0f),
                      std::max(static_cast<float>(colour.green) + bias_[0], 0.0f),
                      std::max(static_cast<float>(colour.blue) + bias_[0], 0.0f)};
  for (int y = overlay_.touched_top(); y < overlay_.touched_bottom(); ++y) {
    const float* cells = overlay_.row(y);
    std::uint8_t* pixel = out.data() + static_cast<std::size_t>(y) * width_ * 3;
    float sum = 0;
    for (int x = 0; x < width_; ++x, pixel += 3) {
      sum += cells[x];
      if (std::abs(sum) < 1e-4f) continue;
      const float cover = std::min(std::abs(sum), 1.0f);
      for (int k = 0; k < 3; ++k) {
        const float was = pixel[k];
        pixel[k] = static_cast<std::uint8_t>(std::clamp(was + cover * (c[k] - was) + 0.5f, 0.0f, 255.0f));
      }
    }
  }
  overlay_.clear();
}

void Painter::add_polygon(const Polygon& shape, const Body& body, const Camera& camera) {
  std::array<Vec2, 8> corner;
  const int n = shape.count;
  for (int i = 0; i < n; ++i) {
    const Vec2f world = rotate(body.rotation, shape.corner[i]) + body.origin;
    corner[i] = camera.window({world.x, world.y});
  }
  std::array<Vec2, 8> grown = corner;
  for (int i = 0; i < n && camera.outline > 0; ++i) {
    // Move each side outwards by the outline, and the corner to where its two sides then meet.
    const Vec2 a = corner[(i + n - 1) % n], b = corner[i], c = corner[(i + 1) % n];
    const double l1 = std::hypot(b.x - a.x, b.y - a.y), l2 = std::hypot(c.x - b.x, c.y - b.y);
    if (l1 < 1e-6 || l2 < 1e-6) continue;
    const Vec2 n1{(b.y - a.y) / l1, (a.x - b.x) / l1}, n2{(c.y - b.y) / l2, (b.x - c.x) / l2};
    const double k = camera.outline / std::max(1 + n1.x * n2.x + n1.y * n2.y, 0.5);
    grown[i] = {b.x + k * (n1.x + n2.x), b.y + k * (n1.y + n2.y)};
  }
  for (int i = 0; i < n; ++i) {
    overlay_.edge(camera.picture(grown[i]), camera.picture(grown[(i + 1) % n]), 1.0f);
  }
}

void Painter::draw_car(const Scene& scene, const Camera& camera, std::span<std::uint8_t> out) {
  constexpr Colour tyre{0, 0, 0}, rim{77, 77, 77}, paint{204, 0, 0};
  for (int i = 0; i < kWheels; ++i) {
    const Body& body = scene.car.wheel_body(i);
    add_polygon(Car::wheel_outline(), body, camera);
    flush_overlay(tyre, out);

    // A white stripe rolls over the wheel.
    const double a1 = scene.car.wheel(i).phase, a2 = a1 + 1.2;
    const double s1 = std::sin(a1), s2 = std::sin(a2);
    double c1 = std::cos(a1), c2 = std::cos(a2);
    if (s1 > 0 && s2 > 0) continue;
    if (s1 > 0) c1 = c1 > 0 ? 1 : -1;
    if (s2 > 0) c2 = c2 > 0 ? 1 : -1;
    const auto half = static_cast<float>(kWheelWidth * kSize);
    const auto y1 = static_cast<float>(kWheelRadius * std::max(c1, c2) * kSize);
    const auto y2 = static_cast<float>(kWheelRadius * std::min(c1, c2) * kSize);
    Polygon stripe;
    stripe.count = 4;
    stripe.corner = {Vec2f{half, y2}, Vec2f{half, y1}, Vec2f{-half, y1}, Vec2f{-half, y2}};
    add_polygon(stripe, body, camera);
    flush_overlay(rim, out);
  }
  for (int part = 0; part < Car::kHullParts; ++part) add_polygon(Car::hull_outline(part), scene.car.hull(), camera);
  flush_overlay(paint, out);
}

void Painter::draw_skid_marks(const Scene& scene, const Camera& camera, std::span<std::uint8_t> out) {
  const SkidMarks& marks = scene.car.skid_marks();
  // Oldest first.
  for (std::uint32_t age = SkidMarks::kLines; age > 0; --age) {
    if (age >= marks.next_id) continue;
    const SkidMarks::Line& line = marks.line[(marks.next_id - age) % SkidMarks::kLines];
    for (int i = 0; i + 1 < line.count; ++i) {
      const Vec2 a = camera.window({line.point[i].x, line.point[i].y});
      const Vec2 b = camera.window({line.point[i + 1].x, line.point[i + 1].y});
      const double dx = b.x - a.x, dy = b.y - a.y, length = std::hypot(dx, dy);
      if (length < 1e-6) continue;
      const double nx = -dy / length, ny = dx / length;  // half the width of 2 window pixels
      overlay_.polygon(std::array<Vec2, 4>{camera.picture({a.x - nx, a.y - ny}), camera.picture({b.x - nx, b.y - ny}),
                                           camera.picture({b.x + nx, b.y + ny}), camera.picture({a.x + nx, a.y + ny})},
                       1.0f);
    }
    flush_overlay(line.on_grass ? Colour{102, 102, 0} : Colour{0, 0, 0}, out);
  }
}

void Painter::fill_rectangle(double x0, double y0, double x1, double y1, Colour colour, std::span<std::uint8_t> out) {
  if (x0 > x1) std::swap(x0, x1);
  if (y0 > y1) std::swap(y0, y1);
  if (view_ == View::observation) {
    // Whole pixels of the window, the last one included.
    x0 = std::trunc(x0), y0 = std::trunc(y0), x1 = std::trunc(x1) + 1, y1 = std::trunc(y1) + 1;
  }
  const double sx = width_ / kWindowWidth, sy = height_ / kWindowHeight;
  overlay_.polygon(std::array<Vec2, 4>{Vec2{x0 * sx, y0 * sy}, Vec2{x0 * sx, y1 * sy}, Vec2{x1 * sx, y1 * sy},
                                       Vec2{x1 * sx, y0 * sy}},
                   1.0f);
  flush_overlay(colour, out);
}

void Painter::draw_panel(const Scene& scene, std::span<std::uint8_t> out) {
  constexpr double unit_x = kWindowWidth / 40, unit_y = kWindowHeight / 40;
  fill_rectangle(0, kWindowHeight - 5 * unit_y, kWindowWidth, kWindowHeight, {0, 0, 0}, out);
  auto upright = [&](int place, double value, double scale, Colour colour) {
    if (std::abs(value) <= 1e-4) return;
    fill_rectangle(place * unit_x, kWindowHeight - (unit_y + unit_y * scale * value), (place + 1) * unit_x,
                   kWindowHeight - unit_y, colour, out);
  };
  auto lying = [&](int place, double value, double scale, Colour colour) {
    if (std::abs(value) <= 1e-4) return;
    fill_rectangle(place * unit_x, kWindowHeight - 4 * unit_y, (place + scale * value) * unit_x,
                   kWindowHeight - 2 * unit_y, colour, out);
  };
  const Body& hull = scene.car.hull();
  const double vx = hull.velocity.x, vy = hull.velocity.y;
  upright(5, std::sqrt(vx * vx + vy * vy), 0.02, {255, 255, 255});
  upright(7, scene.car.wheel(0).omega, 0.01, {0, 0, 255});
  upright(8, scene.car.wheel(1).omega, 0.01, {0, 0, 255});
  upright(9, scene.car.wheel(2).omega, 0.01, {51, 0, 255});
  upright(10, scene.car.wheel(3).omega, 0.01, {51, 0, 255});
  lying(20, scene.car.joint_angle(0), -10.0, {0, 255, 0});
  lying(30, hull.spin, -0.8, {255, 0, 0});
}

void Painter::draw_number(double reward, std::span<std::uint8_t> out) {
  const double sx = width_ / kWindowWidth, sy = height_ / kWindowHeight;
  const NumberLayout layout = lay_out_number(reward);
  for (int i = 0; i < layout.count; ++i) {
    for (const auto& stroke : glyph_strokes(layout.glyph[i])) {
      std::array<Vec2, 4> corners;
      for (int k = 0; k < 4; ++k) corners[k] = {(layout.x[i] + stroke[k].x) * sx, (layout.y + stroke[k].y) * sy};
      overlay_.polygon(corners, 1.0f);
    }
  }
  flush_overlay({255, 255, 255}, out);
}

}  // namespace dream::car_racing
