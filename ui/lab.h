#pragma once
#include <string>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

// What the panels of the Lab share.

const LabView& lab_of(const Snapshot& snapshot);

/// The question that is looked at; null where the laboratory has none yet.
const LabQuestionView* lab_question(const Ui& ui);
/// The runs that it is about: those that were chosen, in the order of the list, else the one that is dreamt with.
std::vector<std::string> lab_runs(const Ui& ui);

/// How a question stands for these runs.
struct LabStanding {
  const LabAnswer* answer = nullptr;  // the last one, or the first figures of the one that is coming
  int place = -1;                     // in the queue: 0 is being answered; < 0: nobody has asked
  bool answering() const { return place == 0; }
  bool waiting() const { return place > 0; }
  bool done() const { return answer && answer->complete && answer->fault.empty(); }
};
LabStanding lab_standing(const LabView& lab, const std::string& question, const std::vector<std::string>& runs);

/// Why nothing can be asked now; empty: it can.
std::string why_not_ask(const Ui& ui);
/// Asks the question that is looked at; one that is kept is measured again if `anew`.
void ask_lab(Ui& ui, bool anew);
/// Every question that has no answer yet.
void ask_whole_lab(Ui& ui);

void add_lab_actions(std::vector<Action>& all);

/// "car", or "car, walker and 2 more".
std::string lab_names(const Ui& ui, const std::vector<std::string>& runs);
std::string lab_run_name(const Ui& ui, const std::string& run);

/// "0.42", with as many digits as tell something; "cannot tell" where nothing can be told.
std::string lab_value(double value);
std::string lab_interval(const LabNumber& number);  // "0.31 … 0.55"; empty: none
/// What the tooltip of a number says: how it is measured and judged, its interval, what stands beside it.
std::string lab_explanation(const LabNumber& number);

/// What is shown of how far the question under way is: "40 % · 20 s left".
std::string lab_progress(const LabView& lab);

/// A figure as a viewer draws it, in the place below the cursor. A click on an element begins a dream at its moment.
void draw_lab_figure(Ui& ui, const LabAnswer& answer, const LabFigure& figure, ImVec2 size);
/// The height, `most` at most, in which such a figure shows all that it has.
float lab_figure_height(const Ui& ui, const LabFigure& figure, ImVec2 most);
/// What was found, one below the other.
void draw_lab_findings(Ui& ui, const LabAnswer& answer, float width);

}  // namespace dream::ui
