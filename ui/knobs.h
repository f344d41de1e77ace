#pragma once
#include <string>
#include <utility>
#include <vector>

#include "ui/control_row.h"
#include "ui/ui.h"

namespace dream::ui {

/// The knobs of the present dream that can be moved together: those of the first group that it has.
std::vector<const KnobView*> group_of_knobs(const DreamView& dream);
/// Sets knobs of the dream and shows them as set at once. `before`, where it is not empty, is what undoing sets.
using KnobSettings = std::vector<std::pair<std::string, double>>;
void set_knobs(Ui& ui, const KnobSettings& after, const KnobSettings& before = {});
/// Those that choose among names: each a list of its own, beside who drives.
std::vector<const KnobView*> choices_of(const DreamView& dream);
float choice_width(Ui& ui, const KnobView& view);
void draw_choice(Ui& ui, const KnobView& view, float width);
/// The worlds that the same weights act in, as a list: choosing one opens the run there.
float world_list_width(Ui& ui, const DreamView& dream);
void draw_world_list(Ui& ui, const DreamView& dream, float width);
/// A slider for every other knob that the model and its behaviour offer; linked ones share one.
std::vector<Control> knob_controls(Ui& ui, const DreamView& dream);

}  // namespace dream::ui
