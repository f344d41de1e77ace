#pragma once
#include <string>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

struct PlotLine {
  const std::vector<double>* y = nullptr;  // over the same x
  ImU32 colour = 0;
  const char* label = "";
};

struct CurveLook {
  ImU32 colour = 0;
  const char* x_unit = "";
  const char* y_unit = "";
  const std::vector<double>* reference_x = nullptr;  // drawn behind in grey: what normal looks like
  const std::vector<double>* reference_y = nullptr;
  const std::vector<PlotLine>* others = nullptr;  // more lines over the same axis, dashed
  const char* label = "";                         // of the first line, where there are others
  const char* title = "";                         // of the tooltip, with what the curve is
  const char* caption = "";
  bool has_floor = false;
  double floor = 0;  // a dashed line
  const char* floor_label = "";
  bool may_log =
      false;  // positive values whose largest is far above their median stand on a logarithmic axis, which says so
  bool axes = false;    // tick labels (large plots)
  bool y_axis = false;  // tick labels of the upright axis alone
};

/// A line plot of at most 500 drawn points per line, its axes fitted to the data in the same frame.
void draw_curve(Ui& ui, const char* id, const std::vector<double>& x, const std::vector<double>& y, ImVec2 size,
                const CurveLook& look);

/// At most `most` points that keep every bucket's lowest and highest value, so that no spike is lost.
void thin_out(const std::vector<double>& x, const std::vector<double>& y, std::size_t most, std::vector<double>& out_x,
              std::vector<double>& out_y);

}  // namespace dream::ui
