// One episode of a dataset: a frame to scrub, what was done and rewarded there, the return.
#include <algorithm>
#include <cmath>
#include <span>

#include "imgui.h"
#include "ui/panels/data.h"
#include "ui/pictures.h"
#include "ui/plots.h"
#include "ui/slider.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

std::vector<double> summed(const std::vector<double>& each) {
  std::vector<double> sums{0};
  for (const double value : each) sums.push_back(sums.back() + value);
  return sums;
}

/// What is computed once of each episode, and once of each frame.
void prepare(const DataView& data, DataPanel& panel) {
  const auto& e = *data.episode;
  if (panel.seen != data.episode) {
    panel.seen = data.episode;
    panel.framed = -1;
    panel.returns = summed(e.rewards);
    panel.spent = e.costs.empty() ? std::vector<double>() : summed(e.costs);
    panel.steps.resize(panel.returns.size());
    for (std::size_t t = 0; t < panel.steps.size(); ++t) panel.steps[t] = static_cast<double>(t);
  }
  panel.step = std::clamp<std::int64_t>(panel.step, 0, e.steps);
  if (!e.frames || panel.framed == panel.step / e.stride) return;
  panel.framed = panel.step / e.stride;
  const auto pixels = static_cast<std::size_t>(e.width) * static_cast<std::size_t>(e.height), channels = static_cast<std::size_t>(e.channels);
  const auto* from = e.frames->data() + static_cast<std::size_t>(panel.framed) * pixels * channels;
  Image image{e.width, e.height, e.channels >= 3 ? 3 : 1, {}};
  const auto kept = static_cast<std::size_t>(image.channels);
  image.pixels.resize(pixels * kept);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = from[i / kept * channels + i % kept];
  panel.frame = std::make_shared<const Image>(std::move(image));
}

std::string action_in_words(const DataView& data, const DataEpisodeView& e, std::int64_t step) {
  const auto& action = data.spaces.action;
  const auto size = action.size();
  std::string words;
  for (std::size_t k = 0; k < size && static_cast<std::size_t>(step) * size + k < e.actions.size(); ++k) {
    const float value = e.actions[static_cast<std::size_t>(step) * size + k];
    const auto choice = static_cast<std::size_t>(value);
    if (action.discrete()) return choice < action.choices.size() ? action.choices[choice] : short_number(static_cast<double>(value));
    words += (words.empty() ? "" : ", ") + action.axes[k] + ' ' + axis_number(static_cast<double>(value));
  }
  return words;
}

/// What stands between this moment and the next.
std::string deed_of(const DataView& data, const DataEpisodeView& e, std::int64_t step) {
  if (step >= e.steps) return "the end";
  std::string words = action_in_words(data, e, step);
  words += (words.empty() ? "reward " : " → reward ") + short_number(e.rewards[static_cast<std::size_t>(step)]);
  if (!e.costs.empty()) words += ", cost " + short_number(e.costs[static_cast<std::size_t>(step)]);
  return words;
}

/// Each number between the least and the greatest that the dataset has of it.
void draw_numbers(const DataView& data, Ui& ui, std::span<const float> values, ImVec2 size) {
  const Palette& p = ui.color();
  ImGui::BeginChild("numbers", size);
  const float wide = ImGui::GetContentRegionAvail().x, name = wide * 0.34f, figure = ui.px(58), high = ui.px(7);
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(values.size()), ImGui::GetTextLineHeightWithSpacing());
  while (clipper.Step()) {
    for (auto k = static_cast<std::size_t>(clipper.DisplayStart); k < static_cast<std::size_t>(clipper.DisplayEnd); ++k) {
      const auto& title = data.spaces.vector_names[k];
      const double value = static_cast<double>(values[k]);
      const ImVec2 at = ImGui::GetCursorScreenPos();
      ImGui::Dummy({wide, ImGui::GetTextLineHeight()});
      std::string reach;
      ImDrawList* list = ImGui::GetWindowDrawList();
      list->AddText(at, p.muted, fitted(title, name - ui.px(6)).c_str());
      right_text(list, at.x + wide, at.y, p.text, axis_number(value).c_str());
      const float left = at.x + name, room = std::max(wide - name - figure, 1.0f), y = at.y + (ImGui::GetTextLineHeight() - high) / 2;
      list->AddRectFilled({left, y}, {left + room, y + high}, p.well, high / 2);
      if (k < data.vector.size() && data.vector[k].high > data.vector[k].low) {
        const auto& spread = data.vector[k];
        const auto share = static_cast<float>(std::clamp((value - spread.low) / (spread.high - spread.low), 0.0, 1.0));
        list->AddRectFilled({left, y}, {left + std::max(share * room, high), y + high}, p.real, high / 2);
        reach = "\nIn this dataset from " + short_number(spread.low) + " to " + short_number(spread.high) + ".";
      }
      tip(ui, title.c_str(), (short_number(value) + reach).c_str());
    }
  }
  ImGui::EndChild();
}

void draw_seen(const DataView& data, Ui& ui, ImVec2 size) {
  const auto& e = *data.episode;
  if (e.frames) {
    const Frame frame{"real", e.name, -1, ui.data.frame};
    const ImVec2 fit = fit_picture(e.width, e.height, {size.x, std::max(size.y - caption_height(ui), ui.px(32))});
    return draw_picture(ui, "data/real", {}, &frame, "real", fit, "");
  }
  const auto numbers = data.spaces.vector_names.size();
  const auto at = static_cast<std::size_t>(ui.data.step) * numbers;
  const ImVec2 place = ImGui::GetCursorScreenPos();
  if (!e.vectors || at + numbers > e.vectors->size())
    return centred_note(ui, place, {place.x + size.x, place.y + size.y}, "Nothing is seen here.");
  header(ui, "seen", ui.color().real, counted(static_cast<std::int64_t>(numbers), "number"), size.x);
  draw_numbers(data, ui, {e.vectors->data() + at, numbers}, {size.x, std::max(size.y - ImGui::GetTextLineHeightWithSpacing(), ui.px(40))});
}

void draw_return(const DataView& data, Ui& ui, ImVec2 size) {
  DataPanel& panel = ui.data;
  const auto& e = *data.episode;
  const Palette& p = ui.color();
  const auto at = static_cast<std::size_t>(panel.step);
  const float down = caption_height(ui) - ImGui::GetTextLineHeight() - ui.px(4);  // level with the picture's own
  ImGui::SetCursorPosY(ImGui::GetCursorPosY() + down);
  header(ui, "return so far", p.text, axis_number(panel.returns[at]) + " of " + axis_number(panel.returns.back()), size.x);
  std::vector<PlotLine> others;
  if (!panel.spent.empty()) others.push_back({&panel.spent, p.warning, "cost"});
  Elements places;
  places.says = [&](int i) { return deed_of(data, e, i); };
  CurveLook look;
  look.colour = p.real, look.x_unit = "step", look.y_unit = "reward", look.others = &others, look.label = "return", look.axes = true;
  look.title = "Return so far", look.caption = "The sum of the rewards until each step. A click shows that step.", look.elements = &places;
  look.mark = &panel.steps[at];
  draw_curve(ui, "##return", panel.steps, panel.returns, {size.x, std::max(size.y - down - ImGui::GetTextLineHeightWithSpacing(), ui.px(40))}, look);
  if (places.clicked >= 0) panel.step = places.clicked;
}

}  // namespace

void draw_data_episode(const DataView& data, Ui& ui, ImVec2 size) {
  DataPanel& panel = ui.data;
  const Palette& p = ui.color();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const auto note = [&](const std::string& words) {
    centred_note(ui, at, {at.x + size.x, at.y + std::min(size.y, ui.px(120))}, words);
    ImGui::Dummy({size.x, std::min(size.y, ui.px(120))});
  };
  if (panel.current.empty()) return note(data.episodes->empty() ? "This dataset holds no episode." : "A click on an episode shows it here.");
  if (!data.episode || data.episode->name != panel.current) return note("It is being read.");
  if (!data.episode->wrong.empty()) return note(data.episode->wrong);
  prepare(data, panel);
  ImGui::BeginChild("episode", size, 0, ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoScrollWithMouse);
  const auto& e = *data.episode;
  const float gap = ui.px(12), line = ImGui::GetTextLineHeightWithSpacing(), below = ImGui::GetFrameHeightWithSpacing() + line;
  const bool beside = size.x > 1.25f * (size.y - below);  // frame and curve side by side, or one above the other
  const float wide = beside ? (size.x - gap) * 0.46f : size.x;
  const float high = beside ? size.y - below : (size.y - below) * 0.62f;
  ImGui::BeginGroup();
  draw_seen(data, ui, {wide, high});
  ImGui::EndGroup();
  const float used = ImGui::GetItemRectSize().x;
  if (beside) ImGui::SameLine(0, gap);
  ImGui::BeginGroup();
  const float rest = beside ? size.x - std::max(used, ui.px(40)) - gap : size.x;
  draw_return(data, ui, {rest, beside ? high : size.y - below - high - ImGui::GetStyle().ItemSpacing.y});
  ImGui::EndGroup();
  double step = static_cast<double>(panel.step);
  slider(ui, "##step", &step, {0, std::max(1.0, static_cast<double>(e.steps)), false, true}, 0, size.x, p.real);
  tip(ui, "Step", "Which moment of the episode is shown; Left and Right go one on. Double-click: the first.");
  panel.step = std::clamp<std::int64_t>(std::llround(step), 0, e.steps);
  if (data_takes_keys(ui) && !ImGui::GetIO().WantTextInput) {
    panel.step += ImGui::IsKeyPressed(ImGuiKey_RightArrow) - ImGui::IsKeyPressed(ImGuiKey_LeftArrow);
    panel.step = std::clamp<std::int64_t>(panel.step, 0, e.steps);
  }
  const std::string moment = "step " + with_separators(panel.step) + " of " + with_separators(e.steps) + ": ";
  {
    WithFont small(ui.fonts.text, 0.92f);
    text(p.muted, "%s", fitted(moment + deed_of(data, e, panel.step), size.x).c_str());
  }
  const std::string thinned = e.stride > 1 ? "\nIt is long: one frame is kept of every " + std::to_string(e.stride) + "." : "";
  tip(ui, "This step", (moment + deed_of(data, e, panel.step) + thinned).c_str());
  ImGui::EndChild();
}

}  // namespace dream::ui
