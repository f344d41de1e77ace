#include <algorithm>
#include <cmath>

#include "ui/plots.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {

void draw_viewer(Ui& ui, const Probe& probe, const Curve& value, ImVec2 size) {
  CurveLook look;
  look.colour = ui.color().dream;
  look.y_unit = value.y_unit.c_str();
  look.x_unit = value.x_unit.c_str();
  draw_curve(ui, "curve", value.x, value.y, size, look);
  tip(ui, probe.title.c_str(), probe.caption.c_str());
}

}  // namespace dream::ui
