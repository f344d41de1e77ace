#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// The dream stands on the real frame again every so many steps; 0: the dream leads, never corrected. And the other way
/// round, 0 for whatever else.
SetCoupling anchored_every(int steps);
int anchor_of(const DreamView& dream);
/// "drift", "anchored", "reality_leads" …: as lessons call them, and programs that are let in.
std::vector<std::string> coupling_words();
std::string coupling_word(Coupling how);
Coupling coupling_called(const std::string& word);  // one of those words
/// Steps that it has where nobody says; 0: it has none.
int usual_steps_of(Coupling how);

/// How dream and real world are tied together, in words: "re-anchored every 10 steps".
std::string coupling_text(const DreamView& dream);
std::string coupling_text(Coupling how, int steps);

/// A row of controls: the choice of it, the reality pill, and whether the real world is shown at all.
void draw_coupling(Ui& ui, const DreamView& dream, float width);

}  // namespace dream::ui
