#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// Viewers: one function per probe value, each in its own file. A viewer fills `size` (x: width; y: height, which it
/// may not exceed) below the cursor, header excluded. It knows nothing of the model that published the value.
void draw_viewer(Ui& ui, const Probe& probe, const Image& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Heatmap& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Categorical& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Mixture& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Vector& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Scalar& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Curve& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Trajectories& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Text& value, ImVec2 size);

/// The viewer of whatever the probe holds. A new member of Value does not compile until it has one.
void draw_value(Ui& ui, const Probe& probe, ImVec2 size);

/// Heights at 1×: the least at which the value can be read, and how much of spare room it should get. `half`: half of a
/// column's width will do, so that two may stand side by side.
struct HeightWish {
  float least = 40, weight = 1;
  bool half = false;
};
HeightWish height_wish(const Probe& probe);

/// What stands at the right of the header ("32 dimensions").
std::string note_of(const Probe& probe);

/// The largest picture rectangle of w x h pixels in `space`, at an integer scale where one fits.
ImVec2 fit_picture(int width, int height, ImVec2 space);

}  // namespace dream::ui
