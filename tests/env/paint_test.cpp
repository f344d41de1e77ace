#include "core/env/paint.h"

#include <gtest/gtest.h>

#include <vector>

namespace dream::paint {
namespace paint_test {

constexpr Colour kOn{200, 100, 50};

struct Picture {
  Picture(int w, int h) : width(w), height(h), bytes(static_cast<std::size_t>(w) * h * 3), canvas(w, h, bytes) {}
  int red(int x, int y) const { return bytes[3 * (static_cast<std::size_t>(y) * width + x)]; }
  // How many pixels the painted red amounts to.
  double area() const {
    double sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 3) sum += bytes[i] / 200.0;
    return sum;
  }
  int width, height;
  std::vector<std::uint8_t> bytes;
  Canvas canvas;
};

TEST(Paint, ShapesCoverTheirArea) {
  constexpr double side = 200, pi = 3.14159265;
  Picture disc(200, 200), line(200, 200), triangle(200, 200), ring(200, 200), arc(200, 200);
  disc.canvas.disc(0.5f, 0.4f, 0.2f, kOn);
  EXPECT_NEAR(disc.area(), pi * 0.04 * side * side, 30);
  line.canvas.line(0.2f, 0.2f, 0.6f, 0.5f, 0.05f, kOn);
  EXPECT_NEAR(line.area(), (0.5 * 0.1 + pi * 0.0025) * side * side, 30);
  triangle.canvas.triangle(0.1f, 0.1f, 0.1f, 0.6f, 0.7f, 0.3f, kOn);
  EXPECT_NEAR(triangle.area(), 0.5 * 0.5 * 0.6 * side * side, 30);
  ring.canvas.ring(0.5f, 0.5f, 0.3f, 0.05f, kOn);
  EXPECT_NEAR(ring.area(), 2 * pi * 0.3 * 0.1 * side * side, 60);
  arc.canvas.arc(0.5f, 0.5f, 0.3f, 0.05f, static_cast<float>(pi / 2), static_cast<float>(pi / 4), kOn);
  EXPECT_NEAR(arc.area(), ring.area() / 4, 60);
  EXPECT_EQ(arc.red(100, 40), 200);  // pi / 2 is up
  EXPECT_EQ(arc.red(100, 160), 0);
}

TEST(Paint, RectanglesSideBySideLeaveNoSeam) {
  for (const int side : {63, 64, 100, 301}) {
    Picture picture(side, side);
    for (int i = 0; i < 7; ++i) {
      const float x = static_cast<float>(i) / 7;
      picture.canvas.rectangle(x, 0, x + 1 / 7.0f, 1, kOn);
    }
    EXPECT_DOUBLE_EQ(picture.area(), static_cast<double>(side) * side);
  }
}

TEST(Paint, TheSquareIsCentredAndWhatLiesOutsideIsCutOff) {
  Picture wide(90, 30);
  wide.canvas.rectangle(0, 0, 1, 1, kOn);
  EXPECT_EQ(wide.red(29, 15), 0);
  EXPECT_EQ(wide.red(30, 0), 200);
  EXPECT_EQ(wide.red(59, 29), 200);
  EXPECT_EQ(wide.red(60, 15), 0);
  Picture all(20, 30);
  all.canvas.disc(0.5f, 0.5f, 50, kOn);
  EXPECT_DOUBLE_EQ(all.area(), 20 * 30);
  Picture none(20, 30);
  none.canvas.disc(5, -4, 1, kOn);
  none.canvas.rectangle(-9, -9, -8, 9, kOn);
  EXPECT_EQ(none.area(), 0);
}

}  // namespace paint_test
}  // namespace dream::paint
