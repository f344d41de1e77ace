#pragma once
#include <string>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

struct PlotLine {
  const std::vector<double>* y = nullptr;
  ImU32 colour = 0;
  const char* label = "";
  const std::vector<double>* x = nullptr;  // null: those of the first line
  float dash = 5;                          // length, at 1×; 0: a solid line
  const std::vector<double>*low = nullptr, *high = nullptr;  // a band around it; null or empty: none
};

struct CurveLook {
  ImU32 colour = 0;
  const char* x_unit = "";
  const char* y_unit = "";
  const std::vector<double>* reference_x = nullptr;  // drawn behind in grey: what normal looks like
  const std::vector<double>* reference_y = nullptr;
  const std::vector<PlotLine>* others = nullptr;  // more lines, dashed
  const char* label = "";                         // of the first line, where there are others
  const std::vector<double>*low = nullptr, *high = nullptr;  // of the first line: a band around it
  float dash = 0;                                 // of the first line; 0: solid
  const char* title = "";                         // of the tooltip, with what the curve is
  const char* caption = "";
  bool has_floor = false;
  double floor = 0;  // a dashed line
  const char* floor_label = "";
  const double* mark = nullptr;  // an upright line stands there
  bool may_log =
      false;  // positive values whose largest is far above their median stand on a logarithmic axis, which says so
  bool log_y = false;          // the upright axis is logarithmic, and what is not above 0 is left out
  bool axes = false;           // tick labels (large plots)
  bool named_axes = false;     // the units stand at the axes
  bool y_axis = false;         // tick labels of the upright axis alone
  Elements* elements = nullptr;  // the places on the x axis, where they lead somewhere
  PlotState* state = nullptr;  // wheel, drag and double click change it; null: the axes are fitted to all lines
};

/// A line plot, drawn with at most two points per pixel column and line; a value that is no number is a gap. Under the
/// mouse, every line's value there.
void draw_curve(Ui& ui, const char* id, const std::vector<double>& x, const std::vector<double>& y, ImVec2 size,
                const CurveLook& look);

/// Why this axis cannot be logarithmic; empty: it can.
std::string why_no_log(const std::vector<double>& values);

}  // namespace dream::ui
