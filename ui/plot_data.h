#pragma once
#include <cstddef>
#include <vector>

namespace dream::ui {

/// A running mean of `y`, in which what came before weighs `weight` in [0, 1); it begins at the first value. Values
/// that are not finite are passed over.
void smooth(const std::vector<double>& y, double weight, std::vector<double>& out);

/// What a plot spans from left to right, and how many pixels it has for it.
struct Columns {
  double from = 0, to = 1;
  int count = 1;
  bool logarithmic = false;

  double edge(int column) const;  // where a column begins
};

/// The points of a line, its x rising, that a plot needs: those that it spans and one beyond either end; where they are
/// more than its pixels show, the least and the greatest of every column, so that no spike is lost.
void pick_points(const std::vector<double>& x, const std::vector<double>& y, const Columns& columns,
                 std::vector<double>& out_x, std::vector<double>& out_y);

/// The line at `at`, between its neighbours; not a number beyond its ends.
double value_at(const std::vector<double>& x, const std::vector<double>& y, double at);

/// What the finite ones among some values span; low > high while there is none.
struct Span {
  double low, high;

  Span();
  void add(double value);
  void add(const std::vector<double>& values);
  bool any() const { return low <= high; }
  double size() const { return high - low; }
};

}  // namespace dream::ui
