#include "ui/plot_data.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dream::ui {

void smooth(const std::vector<double>& y, double weight, std::vector<double>& out) {
  out.resize(y.size());
  double mean = 0, share = 0;  // share: of the weights so far, without which the mean would begin at 0
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (std::isfinite(y[i])) {
      mean = weight * mean + (1 - weight) * y[i];
      share = weight * share + (1 - weight);
    }
    out[i] = share > 0 ? mean / share : y[i];
  }
}

double Columns::edge(int column) const {
  const double part = static_cast<double>(column) / count;
  return logarithmic ? from * std::pow(to / from, part) : from + (to - from) * part;
}

void pick_points(const std::vector<double>& x, const std::vector<double>& y, const Columns& columns,
                 std::vector<double>& out_x, std::vector<double>& out_y) {
  out_x.clear(), out_y.clear();
  const auto begin = x.begin(), end = begin + static_cast<std::ptrdiff_t>(std::min(x.size(), y.size()));
  auto first = static_cast<std::size_t>(std::lower_bound(begin, end, columns.from) - begin);
  auto last = static_cast<std::size_t>(std::upper_bound(begin, end, columns.to) - begin);
  if (first > 0) --first;
  if (last < static_cast<std::size_t>(end - begin)) ++last;
  const auto take = [&](std::size_t i) { out_x.push_back(x[i]), out_y.push_back(y[i]); };
  if (last <= first || last - first <= 2 * static_cast<std::size_t>(std::max(columns.count, 1))) {
    for (std::size_t i = first; i < last; ++i) take(i);
    return;
  }
  std::size_t at = first;
  for (int column = 0; at < last; ++column) {
    const double edge = column < columns.count ? columns.edge(column + 1) : std::numeric_limits<double>::infinity();
    const std::size_t here = at;
    std::size_t low = last, high = last;
    for (; at < last && (x[at] < edge || column >= columns.count); ++at) {
      if (!std::isfinite(y[at])) continue;
      if (low == last || y[at] < y[low]) low = at;
      if (high == last || y[at] > y[high]) high = at;
    }
    if (at == here) continue;
    if (low == last) {  // nothing but a gap
      take(here);
      continue;
    }
    take(std::min(low, high));
    if (low != high) take(std::max(low, high));
  }
}

double value_at(const std::vector<double>& x, const std::vector<double>& y, double at) {
  const auto begin = x.begin(), end = begin + static_cast<std::ptrdiff_t>(std::min(x.size(), y.size()));
  const auto above = std::lower_bound(begin, end, at);
  if (above == end) return std::numeric_limits<double>::quiet_NaN();
  const auto i = static_cast<std::size_t>(above - begin);
  if (*above == at) return y[i];
  if (i == 0) return std::numeric_limits<double>::quiet_NaN();
  const double part = (at - x[i - 1]) / (x[i] - x[i - 1]);
  return y[i - 1] + part * (y[i] - y[i - 1]);
}

Span::Span() : low(std::numeric_limits<double>::infinity()), high(-low) {}

void Span::add(double value) {
  if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
}

void Span::add(const std::vector<double>& values) {
  for (const double value : values) add(value);
}

}  // namespace dream::ui
