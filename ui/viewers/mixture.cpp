#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr int points = 120;

float normal(float x, float mean, float deviation) {
  const float z = (x - mean) / deviation;
  return std::exp(-0.5f * z * z) / (deviation * 2.5066283f);
}

/// An axis grows at once, with a little room, and comes back over some hundred steps of the dream: it never breathes.
void settle_axis(float& axis, float wanted, bool anew, bool stepped) {
  constexpr float room = 1.1f, back = 1 / 200.0f;
  if (!std::isfinite(wanted) || wanted <= 0) return;
  if (anew || wanted > axis)
    axis = room * wanted;
  else if (stepped)
    axis += (room * wanted - axis) * back;
}

struct Dimension {
  const float *weights, *means, *deviations;
  int components;
};

constexpr float least_weight = 0.002f;  // of a component that is drawn

/// The component whose line is nearest to this place of the axes, of those that are not flat there; -1: none is.
int component_at(const Dimension& d, float x, float density) {
  int nearest = -1;
  float least = 0;
  for (int k = 0; k < d.components; ++k) {
    if (d.weights[k] < least_weight || std::abs(x - d.means[k]) > 2.5f * d.deviations[k]) continue;
    const float off = std::abs(d.weights[k] * normal(x, d.means[k], d.deviations[k]) - density);
    if (nearest < 0 || off < least) nearest = k, least = off;
  }
  return nearest;
}

/// The density of one dimension: the mixture in white, its components in colour, the draw as a dashed line. Gives the
/// component under the mouse, which is lit; -1: none.
int draw_density(Ui& ui, const Well& box, const Dimension& d, int drawn, float draw, bool has_draw, ViewState& state) {
  static constexpr float margin = 6;
  const Palette& p = ui.color();
  ImDrawList* list = ImGui::GetWindowDrawList();
  float reach = 0.6f;
  for (int k = 0; k < d.components; ++k)
    if (d.weights[k] > 0.01f) reach = std::max(reach, std::abs(d.means[k]) + 2.5f * d.deviations[k]);
  if (has_draw) reach = std::max(reach, std::abs(draw) * 1.05f);
  const bool anew = state.axis_of != state.selected, stepped = state.moment != ui.dream().version;
  state.axis_of = state.selected, state.moment = ui.dream().version;
  settle_axis(state.range, std::min(reach, 1e4f), anew, stepped);
  const float low = -state.range, high = state.range;
  const auto x_of = [&](float v) { return box.min.x + (v - low) / (high - low) * box.width(); };

  static thread_local std::vector<float> total;
  static thread_local std::vector<std::vector<float>> each;
  total.assign(points + 1, 0);
  each.resize(static_cast<std::size_t>(d.components));
  float most = 0;
  for (int k = 0; k < d.components; ++k) {
    auto& curve = each[static_cast<std::size_t>(k)];
    curve.resize(points + 1);
    const float deviation = std::max(d.deviations[k], state.range / points);  // a spike keeps its place
    for (int i = 0; i <= points; ++i) {
      const std::size_t at = static_cast<std::size_t>(i);
      curve[at] = d.weights[k] * normal(low + (high - low) * static_cast<float>(i) / points, d.means[k], deviation);
      total[at] += curve[at];
      most = std::max(most, total[at]);
    }
  }
  if (!(most > 0) || !std::isfinite(most)) return -1;
  settle_axis(state.top, most, anew, stepped);
  const float unit = (box.height() - ui.px(margin) * 2) / state.top, base = box.max.y - ui.px(2);
  static thread_local std::vector<ImVec2> line;
  const auto trace = [&](const std::vector<float>& curve) {
    line.clear();
    for (int i = 0; i <= points; ++i)
      line.push_back(
          {box.min.x + box.width() * static_cast<float>(i) / points, base - curve[static_cast<std::size_t>(i)] * unit});
  };
  const ImVec2 mouse = ImGui::GetMousePos();
  const int under = !box.hovered ? -1
                                 : component_at(d, low + (high - low) * (mouse.x - box.min.x) / box.width(),
                                                (base - mouse.y) / unit);
  const ImU32 colours[] = {p.dream, p.blue, p.pink, p.warning, p.grey};  // green is the real world alone
  list->PushClipRect(box.min, box.max, true);
  for (int k = 0; k < d.components; ++k) {
    if (d.weights[k] < least_weight) continue;
    const ImU32 colour = k == drawn ? p.dream : colours[1 + k % 4];
    trace(each[static_cast<std::size_t>(k)]);
    const bool lit = k == under;
    fill_under(list, line, base, fade(colour, lit ? 0.6f : k == drawn ? 0.34f : 0.13f));
    list->AddPolyline(line.data(), static_cast<int>(line.size()), fade(colour, lit || k == drawn ? 1.0f : 0.75f), 0,
                      ui.px(lit ? 2.2f : 1.2f));
  }
  trace(total);
  list->AddPolyline(line.data(), static_cast<int>(line.size()), p.text, 0, ui.px(1.7f));
  if (has_draw && std::isfinite(draw)) {
    const float x = x_of(draw);
    for (float y = box.min.y + 3; y < base; y += ui.px(7))
      list->AddLine({x, y}, {x, y + ui.px(4)}, p.pink, ui.px(1.5f));
    const float t = std::clamp((draw - low) / (high - low), 0.0f, 1.0f) * points;
    list->AddCircleFilled({x, base - total[static_cast<std::size_t>(t)] * unit}, ui.px(4), p.pink);
  }
  list->PopClipRect();
  WithFont small(ui.fonts.mono, 0.75f);
  char number[24];
  std::snprintf(number, sizeof number, "%.1f", static_cast<double>(low));
  list->AddText({box.min.x + ui.px(5), box.min.y + ui.px(2)}, p.muted, number);
  std::snprintf(number, sizeof number, "+%.1f", static_cast<double>(high));
  right_text(list, box.max.x - ui.px(5), box.min.y + ui.px(2), p.muted, number);
  return under;
}

/// The latent of the dream's present that this mixture was drawn for; null where none can be edited.
const Probe* latent_of(Ui& ui, const Probe& probe, const Mixture& value) {
  const DreamView& dream = ui.dream();
  if (std::ranges::none_of(dream.probes, [&](const Probe& each) { return each.value == probe.value; })) return nullptr;
  for (const std::string& name : dream.probe_names)
    if (name.starts_with("latent")) ui.wanted_probes.insert(name);
  for (const Probe& each : dream.probes) {
    const auto* latent = each.editable && each.value ? std::get_if<Vector>(&*each.value) : nullptr;
    if (latent && latent->values.size() == static_cast<std::size_t>(value.dims)) return &each;
  }
  return nullptr;
}

/// The road not taken: a click on a component dreams on as if it had been drawn.
void draw_other_road(Ui& ui, const Dimension& d, int dim, int under, const Probe* latent) {
  char figures[160];
  std::snprintf(figures, sizeof figures, "k %d: weight π %.3f, mean μ %+.3f, deviation σ %.3f.\n", under,
                static_cast<double>(d.weights[under]), static_cast<double>(d.means[under]),
                static_cast<double>(d.deviations[under]));
  const std::string title = "A component of z" + subscript(dim);
  tip(ui, title.c_str(),
      (figures + std::string(latent ? "Click: dream on as if this one had been drawn."
                                    : "This moment drew from no mixture, or its latent cannot be edited."))
          .c_str());
  if (!latent || !ImGui::IsItemActivated()) return;
  const float before = std::get<Vector>(*latent->value).values[static_cast<std::size_t>(dim)];
  ui.send(EditLatent{latent->name, dim, d.means[under]});
  ui.undoable(title, EditLatent{latent->name, dim, before}, EditLatent{latent->name, dim, d.means[under]});
}

/// One bar per dimension; a click or a drag chooses the dimension that is drawn above.
void draw_entropy(Ui& ui, const Probe& probe, const Mixture& value, ViewState& state, ImVec2 size) {
  const Palette& p = ui.color();
  const Well box = well(ui, "entropy", size);
  const float most = std::log(static_cast<float>(std::max(value.components, 2)));
  const float step = box.width() / static_cast<float>(value.dims);
  const int under = std::clamp(static_cast<int>((ImGui::GetMousePos().x - box.min.x) / step), 0, value.dims - 1);
  if (box.active) state.selected = under;
  ImDrawList* list = ImGui::GetWindowDrawList();
  for (int i = 0; i < value.dims; ++i) {
    const float x = std::round(box.min.x + step * static_cast<float>(i) + step * 0.12f);
    const float t = std::clamp(value.entropy[static_cast<std::size_t>(i)] / most, 0.0f, 1.0f);
    const float top = box.max.y - ui.px(1) - t * (box.height() - ui.px(5));
    const bool lit = i == state.selected || (box.hovered && i == under);
    list->AddRectFilled({x, top}, {std::round(x + step * 0.76f), box.max.y - 1}, lit ? p.pink : fade(p.dream, 0.85f),
                        1);
  }
  if (!box.hovered) return;
  char line[140];
  std::snprintf(
      line, sizeof line,
      "Dimension %d: %.3f of %.3f nats. 0: one component is certain; the top: all are as likely. Click to see it.",
      under, static_cast<double>(value.entropy[static_cast<std::size_t>(under)]), static_cast<double>(most));
  tip(ui, probe.title.c_str(), line);
}

}  // namespace

void draw_viewer(Ui& ui, const Probe& probe, const Mixture& value, ImVec2 size) {
  const std::size_t cells = static_cast<std::size_t>(std::max(value.dims, 0)) * std::max(value.components, 0);
  if (cells == 0 || value.weights.size() != cells || value.means.size() != cells || value.deviations.size() != cells) {
    const Well box = well(ui, "density", size);
    centred_note(ui, box.min, box.max, "No mixture.");
    return;
  }
  const Palette& p = ui.color();
  ViewState& state = ui.views[probe.name];
  state.selected = std::clamp(state.selected, 0, value.dims - 1);
  const std::size_t dims = static_cast<std::size_t>(value.dims);
  const float line = ImGui::GetTextLineHeight(), gap = ImGui::GetStyle().ItemSpacing.y;
  const bool with_entropy = value.entropy.size() == dims;
  const float entropy = with_entropy ? std::clamp(size.y * 0.26f, ui.px(32), ui.px(90)) : 0;
  const float density = size.y - line - gap - (with_entropy ? entropy + line + 2 * gap : 0);
  const Well box = well(ui, "density", {size.x, density});
  if (box.hovered) {
    const float wheel = ImGui::GetIO().MouseWheel;
    if (wheel != 0) state.selected = std::clamp(state.selected + (wheel > 0 ? -1 : 1), 0, value.dims - 1);
  }
  const std::size_t dim = static_cast<std::size_t>(state.selected),
                    at = dim * static_cast<std::size_t>(value.components);
  const int drawn = dim < value.drawn.size() ? value.drawn[dim] : -1;
  const bool has_draw = dim < value.draw.size();
  const float draw = has_draw ? value.draw[dim] : 0;
  const Dimension shown{&value.weights[at], &value.means[at], &value.deviations[at], value.components};
  const Probe* latent = latent_of(ui, probe, value);
  const int under = draw_density(ui, box, shown, drawn, draw, has_draw, state);
  if (under >= 0)
    draw_other_road(ui, shown, state.selected, under, latent);
  else if (box.hovered)
    tip(ui, probe.title.c_str(), probe.caption.c_str());

  // The figures of the drawn component, with arrows to go from dimension to dimension.
  const auto arrow = [&](const char* id, ImGuiDir direction, int by) {
    ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {0, 0});
    ImGui::PushStyleColor(ImGuiCol_Button, IM_COL32_BLACK_TRANS);
    if (ImGui::ArrowButton(id, direction)) state.selected = (state.selected + by + value.dims) % value.dims;
    ImGui::PopStyleColor();
    ImGui::PopStyleVar();
    tip(ui, by < 0 ? "The dimension before" : "The next dimension", "Click a bar below, or turn the wheel here.");
  };
  arrow("before", ImGuiDir_Left, -1);
  ImGui::SameLine(0, ui.px(2));
  {
    WithFont bold(ui.fonts.bold, 0.92f);
    text(p.text, "z%s", subscript(state.selected).c_str());
  }
  ImGui::SameLine(0, ui.px(2));
  arrow("next", ImGuiDir_Right, 1);
  ImGui::SameLine(0, ui.px(8));
  if (drawn >= 0 && drawn < value.components) {
    const std::size_t k = at + static_cast<std::size_t>(drawn);
    char figures[96];
    const std::string mean = signed_figure(static_cast<double>(value.means[k]), 2),
                      z = signed_figure(static_cast<double>(draw), 2);
    std::snprintf(figures, sizeof figures, "k %d  π %.2f  μ %s  σ %.2f  z %s", drawn,
                  static_cast<double>(value.weights[k]), mean.c_str(), static_cast<double>(value.deviations[k]),
                  z.c_str());
    const float room = ImGui::GetContentRegionAvail().x, base = 16;
    float size_now = 14 / base;
    const auto fits = [&](float relative) {
      WithFont font(ui.fonts.mono, relative);
      return ImGui::CalcTextSize(figures).x <= room;
    };
    // Smaller by whole pixels where the column is narrow, and without k (which the colour shows too) where it is
    // narrower.
    const float steps[] = {14, 13, 12, 11};
    bool found = false;
    for (const float step : steps)
      if (!found) size_now = step / base, found = fits(size_now);
    if (!found) {
      std::snprintf(figures, sizeof figures, "π%.2f μ%s σ%.2f z%s", static_cast<double>(value.weights[k]), mean.c_str(),
                    static_cast<double>(value.deviations[k]), z.c_str());
      for (const float step : steps)
        if (!found) size_now = step / base, found = fits(size_now);
    }
    WithFont font(ui.fonts.mono, size_now);
    text(p.muted, "%s", figures);
    tip(ui, "The drawn component",
        "k: which component was drawn; π: its weight after τ; μ: its mean; σ: its deviation after τ; z: the value "
        "drawn.");
  } else {
    mono(ui, p.muted, "nothing drawn yet");
  }
  if (!with_entropy) return;
  header(ui, "Mixture entropy", p.text, std::to_string(value.dims) + " dimensions · nats", size.x);
  draw_entropy(ui, probe, value, state, {size.x, entropy});
}

}  // namespace dream::ui
