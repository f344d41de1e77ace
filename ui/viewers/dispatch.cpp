#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "ui/viewers/viewer.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

}  // namespace

void draw_value(Ui& ui, const Probe& probe, ImVec2 size) {
  ImGui::PushID(probe.name.c_str());
  ImGui::BeginGroup();
  std::visit([&](const auto& value) { draw_viewer(ui, probe, value, size); }, *probe.value);
  ImGui::EndGroup();
  mark(ui, probe.name);
  ImGui::PopID();
}

const Probe* wanted_probe(Ui& ui, const DreamView& dream, const std::string& name) {
  ui.wanted_probes.insert(name);
  const auto now = std::ranges::find_if(dream.probes, [&](const Probe& probe) { return probe.name == name && probe.value; });
  if (now != dream.probes.end()) ui.last_probes[name] = *now;
  const auto last = ui.last_probes.find(name);
  return last == ui.last_probes.end() ? nullptr : &last->second;
}

HeightWish height_wish(const Ui& ui, const Probe& probe, float width) {
  HeightWish wish = std::visit(
      Overload{[](const Image&) { return HeightWish{96, 2}; }, [](const Heatmap&) { return HeightWish{64, 1}; },
               [](const Categorical&) { return HeightWish{0, 2}; }, [](const Mixture&) { return HeightWish{196, 2}; },
               [&](const Vector& v) {
                 if (probe.editable) return HeightWish{96, 1.2f};
                 const float rows = v.labels.size() == v.values.size() ? static_cast<float>(v.labels.size()) : 0;
                 return HeightWish{rows > 0 && rows <= 10 ? std::max(15 * rows + 4, 56.0f) : 56, 0.7f, true};
               },
               [](const Scalar&) { return HeightWish{24, 0}; },
               [](const Curve& v) { return HeightWish{v.lines.size() > 1 ? 84.0f : 64.0f, 1, true}; },
               [](const Trajectories&) { return HeightWish{120, 1.5f}; },
               [](const Tree&) { return HeightWish{180, 2.5f}; }, [](const Attention&) { return HeightWish{140, 2}; },
               [](const Points&) { return HeightWish{160, 2}; }, [](const Table&) { return HeightWish{120, 1}; },
               [](const Diagram&) { return HeightWish{300, 4}; },
               [](const Text&) { return HeightWish{40, 0}; }, [](const Tokens&) { return HeightWish{140, 2}; }},
      *probe.value);
  wish.least = ui.px(wish.least);
  if (const auto* grids = std::get_if<Categorical>(&*probe.value)) wish.least = grids_height(*grids, width);
  if (const auto* bars = std::get_if<Vector>(&*probe.value); bars && probe.editable && ui.settings.sliders)
    wish.least += sliders_height(ui, *bars, width);
  return wish;
}

float figure_height(const Ui& ui, const Value& value, float most) {
  float wanted = most;
  if (const auto* rows = std::get_if<Vector>(&value); rows && !rows->values.empty() && rows->labels.size() == rows->values.size())
    wanted = ui.px(72) * static_cast<float>(rows->values.size()) + ui.px(4);
  if (const auto* table = std::get_if<Table>(&value)) {
    const float row = ImGui::GetTextLineHeight() + 2 * ImGui::GetStyle().CellPadding.y;
    wanted = row * static_cast<float>(table->rows.size() + 1) + ui.px(20) + (table->rows.size() > 3 ? ImGui::GetFrameHeightWithSpacing() : 0);
  }
  return std::min(wanted, most);
}

std::string signed_figure(double value, int decimals) {
  char out[48];
  std::snprintf(out, sizeof out, "%+.*f", decimals, value);
  if (std::strtod(out, nullptr) == 0) out[0] = ' ';
  return out;
}

std::string note_of(const Probe& probe) {
  return std::visit(
      Overload{[](const Image& v) { return std::to_string(v.width) + " × " + std::to_string(v.height) + " px"; },
               [](const Heatmap& v) { return std::to_string(v.rows * v.cols) + " units"; },
               [](const Categorical& v) {
                 return counted(v.groups, "group") + " × " + counted(v.classes, "class", "classes");
               },
               [](const Mixture& v) { return counted(v.components, "component"); },
               [&](const Vector& v) {
                 return std::string(probe.editable ? "drag to edit" : counted(static_cast<std::int64_t>(v.values.size()), "element")) +
                        (v.mean.empty()     ? ""
                         : v.labels.empty() ? " · green: frame seen, μ ± σ"
                                            : " · line: μ ± σ");
               },
               [](const Scalar&) { return std::string(); }, [](const Curve&) { return std::string(); },
               [](const Trajectories& v) { return counted(v.count, "candidate"); },
               [](const Tree& v) { return counted(v.nodes.empty() ? 0 : v.nodes[0].visits, "simulation"); },
               [](const Attention& v) {
                 return counted(v.layers, "layer") + " × " + counted(v.heads, "head");
               },
               [](const Points& v) { return counted(static_cast<std::int64_t>(v.x.size()), "point"); },
               [](const Table& v) { return counted(static_cast<std::int64_t>(v.rows.size()), "row"); },
               [](const Diagram&) { return std::string(); }, [](const Text&) { return std::string(); },
               [](const Tokens& v) {
                 const auto dead = std::ranges::count_if(v.use, [&](float share) { return is_dead_code(v, share); });
                 return counted(v.rows * v.cols, "token") + " of " + counted(v.vocabulary, "code") +
                        (dead > 0 ? ", " + std::to_string(dead) + " dead" : "");
               }},
      *probe.value);
}

ImVec2 fit_picture(int width, int height, ImVec2 space) {
  if (width <= 0 || height <= 0) return {0, 0};
  const float w = static_cast<float>(width), h = static_cast<float>(height);
  const float most = std::max(std::min(space.x / w, space.y / h), 0.0f);
  const float whole = std::floor(most), scale = whole >= 0.8f * most ? whole : most;  // the shader keeps others crisp too
  return {w * scale, h * scale};
}

}  // namespace dream::ui
