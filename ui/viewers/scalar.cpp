#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {

void draw_viewer(Ui& ui, const Probe& probe, const Scalar& value, ImVec2 size) {
  (void)size;
  mono(ui, ui.color().text, "%12s %s", short_number(value.value).c_str(), value.unit.c_str());
  tip(ui, probe.title.c_str(), probe.caption.c_str());
}

}  // namespace dream::ui
