#include "ui/coupling.h"
#include "ui/lesson/deeds.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

#include "ui/panel_list.h"
#include "ui/pictures.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

double knob_of(const Ui& ui, const Watch&, const std::string& name) {
  for (const KnobView& k : ui.dream().knobs)
    if (k.knob.name == name) return k.value;
  return not_known;
}

/// One figure of a probe: a sum of bars, or a scalar.
double figure_of(const Ui& ui, const Watch&, const std::string& name) {
  for (const Probe& probe : ui.dream().probes) {
    if (probe.name != name || !probe.value) continue;
    if (const auto* bars = std::get_if<Vector>(&*probe.value))
      return std::accumulate(bars->values.begin(), bars->values.end(), 0.0);
    if (const auto* scalar = std::get_if<Scalar>(&*probe.value)) return scalar->value;
  }
  return not_known;
}

/// Where a training's curve stands.
double curve_of(const Ui& ui, const Watch&, const std::string& name) {
  for (const CurveView& curve : ui.train().curves)
    if (curve.name == name && !curve.y.empty()) return curve.y.back();
  return not_known;
}

/// "world.against=vicreg": whether the training has it so.
double is_set(const Ui& ui, const Watch&, const std::string& setting) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos) return 0;
  for (const Field& field : ui.train().fields)
    if (field.key == setting.substr(0, equals)) return setting_text(field.value) == setting.substr(equals + 1) ? 1 : 0;
  return 0;
}

double error_now(const Ui& ui, const Watch&, const std::string&) {
  const Frame* difference = find_frame(ui.dream().frames, "difference");
  return difference && difference->error >= 0 ? difference->error : not_known;
}

double steps_behind(const Ui& ui, const Watch&, const std::string&) {
  const TimelineView& timeline = ui.dream().timeline;
  return timeline.line.empty() ? 0 : static_cast<double>(timeline.line.size() - 1 - timeline.present);
}

std::vector<std::string> workspace_ids() {
  std::vector<std::string> ids;
  for (const Workspace& each : workspaces()) ids.push_back(each.id);
  return ids;
}

}  // namespace

const std::vector<Deed>& deeds() {
  using Kind = Deed::Kind;
  using Text = const std::string&;
  static const std::vector<Deed> all{
      {"steps", "steps", Kind::count, 1, 1e5, [](const Ui&, const Watch& w, Text) { return w.steps; }},
      {"driven", "steps", Kind::count, 1, 1e5, [](const Ui&, const Watch& w, Text) { return w.driven; }},
      {"error", "MSE", Kind::count, 0, 1, error_now},
      {"untrue", "", Kind::flag, 0, 1,
       [](const Ui& ui, const Watch&, Text) { return ui.dream().honesty.over ? 1.0 : 0.0; }},
      {"reward", "reward", Kind::count, -1e6, 1e6,
       [](const Ui& ui, const Watch&, Text) { return ui.dream().has_reward ? ui.dream().dream_reward : not_known; }},
      {"behind", "steps", Kind::count, 1, 1e5, steps_behind},
      {"branches", "branches", Kind::count, 1, 100,
       [](const Ui& ui, const Watch&, Text) { return static_cast<double>(ui.dream().timeline.branches.size()); }},
      {"visits", "", Kind::count, 1, 1000, [](const Ui&, const Watch& w, Text) { return 1.0 * w.visited; }},
      {"pills", "pills", Kind::count, 1, 1000, [](const Ui&, const Watch& w, Text) { return 1.0 * w.pills; }},
      {"goals", "goals", Kind::count, 1, 1000, [](const Ui&, const Watch& w, Text) { return 1.0 * w.goals; }},
      {"edits", "changes", Kind::count, 1, 1000,
       [](const Ui&, const Watch& w, Text) { return static_cast<double>(w.edited.size()); }},
      {"rolls", "", Kind::count, 1, 1000, [](const Ui&, const Watch& w, Text) { return 1.0 * w.rolls; }},
      {"starts", "starts", Kind::count, 1, 1000, [](const Ui&, const Watch& w, Text) { return 1.0 * w.starts; }},
      {"held", "held", Kind::count, 1, 4096,
       [](const Ui& ui, const Watch&, Text) { return static_cast<double>(ui.dream().held.size()); }},
      {"released", "", Kind::count, 1, 4096, [](const Ui&, const Watch& w, Text) { return 1.0 * w.released; }},
      {"twin", "", Kind::flag, 0, 1, [](const Ui& ui, const Watch&, Text) { return ui.dream().twin ? 1.0 : 0.0; }},
      {"playing", "", Kind::flag, 0, 1,
       [](const Ui& ui, const Watch&, Text) { return ui.dream().playing ? 1.0 : 0.0; }},
      {"anchor", "", Kind::exact, 0, 1e5,
       [](const Ui& ui, const Watch&, Text) { return 1.0 * anchor_of(ui.dream()); }},
      {"coupling", "", Kind::word, 0, 0,
       [](const Ui& ui, const Watch&, Text how) { return coupling_word(ui.dream().coupling) == how ? 1.0 : 0.0; }, coupling_words()},
      {"pilot",
       "",
       Kind::word,
       0,
       0,
       [](const Ui& ui, const Watch&, Text who) { return ui.dream().human_pilot == (who == "you") ? 1.0 : 0.0; },
       {"you", "agent"}},
      {"workspace", "", Kind::word, 0, 0,
       [](const Ui& ui, const Watch&, Text id) { return ui.settings.workspace == id ? 1.0 : 0.0; }, workspace_ids()},
      {"tab", "", Kind::word, 0, 0, [](const Ui&, const Watch& w, Text tab) { return w.tab == tab ? 1.0 : 0.0; }},
      {"run", "", Kind::word, 0, 0,
       [](const Ui& ui, const Watch&, Text run) {
         return std::filesystem::path(ui.dream().run).filename() == run ? 1.0 : 0.0;
       }},
      {"knob", "", Kind::named, -1e6, 1e6, knob_of},
      {"probe", "", Kind::named, -1e6, 1e6, figure_of},
      {"curve", "", Kind::named, -1e9, 1e9, curve_of},
      {"setting", "", Kind::word, 0, 0, is_set},
  };
  return all;
}

const Deed* find_deed(const std::string& name) {
  for (const Deed& deed : deeds())
    if (deed.name == name) return &deed;
  return nullptr;
}

}  // namespace dream::ui
