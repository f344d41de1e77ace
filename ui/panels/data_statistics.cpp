// A dataset in figures.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "imgui.h"
#include "ui/panels/data.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

constexpr std::size_t most_rows = 256;  // of a vector

std::string percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, share < 0.0995 ? "%.1f %%" : "%.0f %%", 100 * share);
  return text;
}

std::string in_words(const DataSpread& s) {
  return short_number(s.mean) + " ± " + short_number(s.deviation);
}
std::string reach(const DataSpread& s) {
  return short_number(s.low) + " to " + short_number(s.high);
}

struct Row {
  std::string name, value, more, help;
  ImU32 colour;
};

void draw_rows(const Ui& ui, const char* id, const std::vector<Row>& rows) {
  if (!ImGui::BeginTable(id, 3, ImGuiTableFlags_SizingStretchProp | ImGuiTableFlags_RowBg)) return;
  ImGui::TableSetupColumn("name", 0, 1.1f), ImGui::TableSetupColumn("value", 0, 1.3f), ImGui::TableSetupColumn("more", 0, 1.4f);
  for (const Row& row : rows) {
    ImGui::TableNextRow();
    const auto cell = [&](ImU32 colour, const std::string& words) {
      ImGui::TableNextColumn();
      text(colour, "%s", fitted(words, std::max(ImGui::GetContentRegionAvail().x, 1.0f)).c_str());
      tip(ui, row.name.c_str(), (row.value + (row.more.empty() ? "" : ", " + row.more) + "\n" + row.help).c_str());
    };
    cell(ui.color().muted, row.name), cell(row.colour, row.value), cell(ui.color().muted, row.more);
  }
  ImGui::EndTable();
}

/// What a bar stands for.
std::string bar_name(const DataHistogram& h, std::size_t i) {
  if (!h.labels.empty()) return i < h.labels.size() ? h.labels[i] : std::to_string(i);
  const double width = (h.high - h.low) / static_cast<double>(h.shares.size());
  return axis_number(h.low + width * static_cast<double>(i)) + " to " + axis_number(h.low + width * static_cast<double>(i + 1));
}

void draw_histogram(const Ui& ui, const DataHistogram& h, ImVec2 size) {
  const Palette& p = ui.color();
  const double most = h.shares.empty() ? 0 : *std::max_element(h.shares.begin(), h.shares.end());
  header(ui, h.name, p.text, "up to " + percent(most) + " of steps", size.x);
  const float line = ImGui::GetTextLineHeight();
  const Well at = well(ui, ("##" + h.name).c_str(), {size.x, std::max(size.y - 2 * line - 2 * ImGui::GetStyle().ItemSpacing.y, ui.px(36))});
  if (most <= 0) return centred_note(ui, at.min, at.max, "Nothing was read yet.");
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float pad = ui.px(4), each = (at.width() - 2 * pad) / static_cast<float>(h.shares.size()), space = std::min(each * 0.15f, ui.px(4));
  for (std::size_t i = 0; i < h.shares.size(); ++i) {
    const float left = at.min.x + pad + each * static_cast<float>(i), top = at.max.y - (at.height() - pad) * static_cast<float>(h.shares[i] / most);
    if (h.shares[i] > 0) list->AddRectFilled({left + space / 2, std::min(top, at.max.y - 1)}, {left + each - space / 2, at.max.y}, p.real, ui.px(2));
  }
  const auto under = static_cast<std::size_t>(std::clamp((ImGui::GetMousePos().x - at.min.x - pad) / each, 0.0f, static_cast<float>(h.shares.size()) - 0.5f));
  tip(ui, bar_name(h, under).c_str(), (percent(h.shares[under]) + " of all steps").c_str());
  WithFont small(ui.fonts.text, 0.82f);
  const ImVec2 from = ImGui::GetCursorScreenPos();
  if (h.labels.empty()) {
    list->AddText(from, p.muted, axis_number(h.low).c_str());
    right_text(list, at.max.x, from.y, p.muted, axis_number(h.high).c_str());
  } else if (each > ui.px(18)) {
    for (std::size_t i = 0; i < std::min(h.labels.size(), h.shares.size()); ++i) {
      const std::string name = fitted(h.labels[i], each - ui.px(2));
      list->AddText({at.min.x + pad + each * (static_cast<float>(i) + 0.5f) - ImGui::CalcTextSize(name.c_str()).x / 2, from.y}, p.muted, name.c_str());
    }
  }
  ImGui::Dummy({size.x, ImGui::GetTextLineHeight()});
}

}  // namespace

void draw_data_statistics(const DataView& data, Ui& ui, ImVec2 size) {
  const Palette& p = ui.color();
  const auto& all = *data.episodes;
  const auto count = [&](auto&& of) { return std::count_if(all.begin(), all.end(), of); };
  const auto twins = count([](const DataEpisode& e) { return !e.twin.empty(); });
  const auto still = count([](const DataEpisode& e) { return e.read && e.still == e.steps; });
  const auto ended = count([](const DataEpisode& e) { return e.end == "terminated"; });
  std::int64_t steps = 0, unmoved = 0;
  for (const DataEpisode& e : all) steps += e.steps, unmoved += e.still;
  ImGui::BeginChild("statistics", size);
  std::vector<Row> rows;
  const auto whole = static_cast<std::int64_t>(all.size());
  rows.push_back({"episodes", with_separators(whole),
                  data.read < whole ? with_separators(data.read) + " have been read so far" : with_separators(ended) + " terminated",
                  "What follows is of those that have been read.", p.text});
  rows.push_back({"steps", with_separators(data.steps), in_words(data.lengths) + " each", "Mean ± deviation of the episodes' lengths.", p.text});
  rows.push_back({"return", in_words(data.returns), reach(data.returns), "The sum of an episode's rewards: mean ± deviation, least to greatest.", p.text});
  rows.push_back({"reward", in_words(data.reward), reach(data.reward), "Of a step: mean ± deviation, least to greatest.", p.text});
  if (!data.actions.empty())
    rows.push_back({"coverage", percent(data.coverage), "of what actions can vary",
                    "How evenly everything was done that can be: the entropy of the actions as a share of the most that there can be, of choices, "
                    "or of each axis's twenty equal parts on average. 100 %: everything as often. 0 %: always the same.", p.text});
  rows.push_back({"stands still", percent(steps > 0 ? static_cast<double>(unmoved) / static_cast<double>(steps) : 0), "of all steps",
                  "Steps that change nothing that is seen.", p.text});
  rows.push_back({"nothing moves", with_separators(still), still == 1 ? "episode" : "episodes",
                  "Episodes in which all frames are the same.", still > 0 ? p.warning : p.text});
  rows.push_back({"twins", with_separators(twins), twins == 1 ? "episode" : "episodes",
                  "Episodes with the same observations and actions as an earlier one.", twins > 0 ? p.warning : p.text});
  rows.push_back({"held out", with_separators(data.held_out), data.held_out == 1 ? "episode" : "episodes", "Nobody learns from these.", p.text});
  draw_rows(ui, "figures", rows);
  ImGui::Dummy({0, ui.px(4)});
  if (!data.actions.empty()) header(ui, "What was done", p.text, data.actions.size() > 1 ? std::to_string(data.actions.size()) + " axes" : "");
  const float gap = ui.px(14), room = ImGui::GetContentRegionAvail().x;
  const int columns = data.actions.size() > 1 && room > ui.px(380) ? 2 : 1;
  const float each = (room - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns);
  int at = 0;
  for (const DataHistogram& h : data.actions) {
    if (at++ % columns) ImGui::SameLine(0, gap);
    ImGui::BeginGroup();
    draw_histogram(ui, h, {each, ui.px(128)});
    ImGui::EndGroup();
  }
  if (!data.vector.empty()) {
    ImGui::Dummy({0, ui.px(4)});
    header(ui, "What was seen", p.text, counted(static_cast<std::int64_t>(data.vector.size()), "number"));
    rows.clear();
    for (std::size_t i = 0; i < std::min(data.vector.size(), most_rows); ++i)
      rows.push_back({data.vector[i].name, in_words(data.vector[i]), reach(data.vector[i]), "Mean ± deviation, least to greatest.", p.text});
    draw_rows(ui, "vector", rows);
  }
  ImGui::EndChild();
}

}  // namespace dream::ui
