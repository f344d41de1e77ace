#include "ui/curve_files.h"

#include <algorithm>
#include <cstdio>

#include "ui/plot_data.h"

namespace dream::ui {
namespace {

std::string quoted(const std::string& words) {
  if (words.find_first_of(",\"\r\n") == std::string::npos) return words;
  std::string out = "\"";
  for (const char c : words) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string exact(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.12g", value);
  return out;
}

}  // namespace

std::string csv_of(const std::string& run, const CurveView& curve, double smoothing) {
  std::string out = "run," + quoted(curve.x_unit) + "," +
                    quoted(curve.name + (curve.unit.empty() ? "" : " [" + curve.unit + "]")) + ",smoothed\r\n";
  const auto rows = [&](const std::string& whose, const std::vector<double>& x, const std::vector<double>& y,
                        const std::vector<double>* mean) {
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
      out += quoted(whose) + "," + exact(x[i]) + "," + exact(y[i]) + "," + (mean ? exact((*mean)[i]) : "") + "\r\n";
  };
  std::vector<double> mean;
  smooth(curve.y, smoothing, mean);
  rows(run, curve.x, curve.y, &mean);
  rows("shipped run", curve.reference_x, curve.reference_y, nullptr);
  for (const RunLine& other : curve.others) rows(other.run, other.x, other.y, nullptr);
  return out;
}

}  // namespace dream::ui
