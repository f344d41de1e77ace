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
void draw_viewer(Ui& ui, const Probe& probe, const Tree& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Attention& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Points& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Table& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Diagram& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Text& value, ImVec2 size);
void draw_viewer(Ui& ui, const Probe& probe, const Tokens& value, ImVec2 size);

/// A sheet of pictures of one size, side by side and above each other, each at a whole multiple of its pixels where it
/// is twice as large or more; what does not fit side by side goes on below. The columns are Ui::elements.
struct SheetLook {
  int columns = 1, rows = 1;
  std::vector<std::string> row_labels, column_labels;
  bool film = false;  // large at the left the columns play, or the one under the mouse stands
};
float sheet_height(const Ui& ui, const Image& value, const SheetLook& look, ImVec2 size);  // of `size`, that it takes
void draw_sheet(Ui& ui, const Probe& probe, const Image& value, const SheetLook& look, ImVec2 size);

/// A bar from `low` to `high` with its ends' figures, upright, `width` wide with them.
void draw_colour_bar(const Ui& ui, ImVec2 at, ImVec2 size, double low, double high, const std::string& unit,
                     const std::function<ImU32(float)>& colour);

/// The tooltip of the last item, for the element of a probe that the mouse is on. Of an editable one it has pictures of
/// this moment with the element at other values, as soon as the engine has made them.
void explain(Ui& ui, const Probe& probe, int index, const std::string& sentence);

/// Asks for a probe of the dream; gives what was last drawn of it, null before the first time. A step that saw the real frame draws nothing:
/// so it keeps its place, and nothing jumps.
const Probe* wanted_probe(Ui& ui, const DreamView& dream, const std::string& name);

/// The viewer of whatever the probe holds. A new member of Value does not compile until it has one.
void draw_value(Ui& ui, const Probe& probe, ImVec2 size);

/// Heights in pixels: the least at which the value can be read and edited in this width, and how much of spare room it
/// should get. `half`: half of a column's width will do, so that two may stand side by side.
struct HeightWish {
  float least = 40, weight = 1;
  bool half = false;
};
HeightWish height_wish(const Ui& ui, const Probe& probe, float width);

/// The height in which a figure shows all that it has, `most` for one that fills whatever there is.
float figure_height(const Ui& ui, const Value& value, float most);

/// What all sliders of a vector take, one per element.
float sliders_height(const Ui& ui, const Vector& value, float width);

/// A code that hardly anything is: below a twentieth of what each would have, were all alike.
bool is_dead_code(const Tokens& value, float share);

/// The least height of the grids of a Categorical whose cells can be clicked: 10 pixels each.
float grids_height(const Categorical& value, float width);

/// "+1.25"; nothing is 0, not -0.
std::string signed_figure(double value, int decimals);

/// What stands at the right of the header ("32 elements").
std::string note_of(const Probe& probe);

/// The largest picture rectangle of w x h pixels in `space`, at an integer scale where that costs no more than a fifth.
ImVec2 fit_picture(int width, int height, ImVec2 space);

}  // namespace dream::ui
