#include "ui/home.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>

#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/pictures.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr const char* kinds[] = {"all", "shipped", "mine", "training now"};
constexpr double honest_at_full = 100;  // steps: a bar that is full

bool trains_now(const Ui& ui, const RunView& run) {
  return !run.trained_by.empty() || (ui.train().run == run.path && ui.train().busy);
}

bool is_of_kind(const Ui& ui, const RunView& run, int kind) {
  return kind == 0 || (kind == 1 && run.shipped) || (kind == 2 && !run.shipped) || (kind == 3 && trains_now(ui, run));
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Whether every word that was typed is somewhere in what the card says.
bool matches(const RunView& run, const std::string& typed) {
  const std::string said = lower(run.environment + ' ' + run.recipe + ' ' + run.model + ' ' + run.title + ' ' + run.detail);
  const std::string words = lower(typed);
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    if (said.find(words.substr(at, end - at)) == std::string::npos) return false;
    at = end + 1;
  }
  return true;
}

const PreviewView* preview_of(const Ui& ui, const RunView& run) {
  const auto& all = ui.snapshot->previews->all;
  const auto found = std::find_if(all.begin(), all.end(), [&](const PreviewView& p) { return p.path == run.path; });
  return found == all.end() ? nullptr : &*found;
}

/// The whole picture in the middle of a box, its pixels crisp.
void draw_fitted(Ui& ui, const std::string& slot, const std::shared_ptr<const Image>& image, ImVec2 min, ImVec2 max) {
  const float w = static_cast<float>(image->width), h = static_cast<float>(image->height);
  const float scale = std::min((max.x - min.x) / w, (max.y - min.y) / h);
  const ImVec2 at{(min.x + max.x - scale * w) / 2, (min.y + max.y - scale * h) / 2};
  draw_image(ui, slot, image, at, {at.x + scale * w, at.y + scale * h});
}

float card_height(const Ui& ui, float width) {
  return width + ui.px(82);
}

void bar(const Ui& ui, ImVec2 at, float width, double share, ImU32 colour) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float height = ui.px(3), full = width * static_cast<float>(std::clamp(share, 0.0, 1.0));
  list->AddRectFilled(at, {at.x + width, at.y + height}, ui.color().well, height / 2);
  if (full > height) list->AddRectFilled(at, {at.x + full, at.y + height}, colour, height / 2);
}

/// Gives whether it was clicked.
bool draw_card(Ui& ui, const RunView& run, bool chosen, float width) {
  const Palette& p = ui.color();
  const float pad = ui.px(11), picture = width;
  const ImVec2 min = ImGui::GetCursorScreenPos(), max{min.x + width, min.y + card_height(ui, width)};
  ImGui::PushID(run.path.c_str());
  const bool clicked = ImGui::InvisibleButton("card", {width, max.y - min.y}) && run.usable;
  const bool hovered = ImGui::IsItemHovered();
  ImGui::PopID();
  const PreviewView* preview = preview_of(ui, run);
  const std::string why_not = !run.usable ? run.detail : preview ? preview->fault : "";
  if (!why_not.empty()) tip(ui, run.title.c_str(), why_not.c_str());
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(min, max, p.panel, ui.px(8));
  const ImVec2 below{max.x, min.y + picture};
  list->AddRectFilled(min, below, p.well, ui.px(8), ImDrawFlags_RoundCornersTop);
  if (preview && preview->dream) {
    draw_fitted(ui, "home/dream/" + run.path, preview->dream, min, below);
  } else {
    centred_note(ui, min, below,
                 !why_not.empty()                   ? "cannot be dreamt"
                 : preview && preview->real         ? "this model paints no pictures"
                                                    : "falling asleep …");
  }
  if (preview && preview->real) {
    const float inset = width * 0.31f;
    const ImVec2 to{below.x - ui.px(8), below.y - ui.px(8)}, from{to.x - inset, to.y - inset};
    list->AddRectFilled(from, to, p.well);
    draw_fitted(ui, "home/real/" + run.path, preview->real, from, to);
    list->AddRect(from, to, p.real, 0, ui.px(2));
  }
  if (chosen || hovered)
    list->AddRect(min, max, chosen ? p.dream : fade(p.dream, 0.5f), ui.px(8), ui.px(2));

  float y = below.y + ui.px(8);
  const auto line = [&](ImFont* font, float size, ImU32 colour, const std::string& said, float from, float room) {
    WithFont with(font, size);
    list->AddText({min.x + from, y}, colour, fitted(said, room).c_str());
  };
  line(ui.fonts.bold, 1, p.text, run.environment.empty() ? run.title : run.environment, pad, width - 2 * pad);
  y += ui.px(21);
  const std::string model = run.model.empty() ? run.recipe : run.model;
  line(ui.fonts.text, 0.86f, p.muted, run.shipped ? model : run.name + " · " + model, pad, width - 2 * pad);
  y += ui.px(20);
  const float half = (width - 3 * pad) / 2, second = 2 * pad + half;
  char honest[48] = "honest ·";
  const bool known = preview && preview->honest_count > 0;
  if (known) std::snprintf(honest, sizeof honest, "honest %.1f steps", preview->honest);
  line(ui.fonts.text, 0.82f, p.text, honest, pad, half);
  std::string score = run.usable ? "not evaluated" : run.detail;
  if (run.score.known) {
    char figures[64];
    std::snprintf(figures, sizeof figures, "score %.3g ± %.2g", run.score.mean, run.score.deviation);
    score = figures;
  }
  const bool trains = trains_now(ui, run);
  if (trains) score = run.progress >= 0 ? "training, " + std::to_string(std::lround(100 * run.progress)) + " %" : "training now";
  line(ui.fonts.text, 0.82f, run.usable ? p.text : p.warning, score, second, half);
  y += ui.px(18);
  bar(ui, {min.x + pad, y}, half, known ? preview->honest / honest_at_full : 0, p.dream);
  if (trains && run.progress >= 0) bar(ui, {min.x + second, y}, half, run.progress, p.real);
  return clicked;
}

bool draw_new_card(Ui& ui, bool chosen, float width) {
  const Palette& p = ui.color();
  const ImVec2 min = ImGui::GetCursorScreenPos(), max{min.x + width, min.y + card_height(ui, width)};
  const bool clicked = ImGui::InvisibleButton("new run", {width, max.y - min.y});
  const bool hovered = ImGui::IsItemHovered();
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRect(min, max, chosen || hovered ? p.dream : fade(p.muted, 0.4f), ui.px(8), ui.px(chosen ? 2.0f : 1.0f));
  const ImVec2 mid{(min.x + max.x) / 2, min.y + width * 0.5f};
  const float arm = ui.px(20);
  list->AddLine({mid.x - arm, mid.y}, {mid.x + arm, mid.y}, p.dream, ui.px(4));
  list->AddLine({mid.x, mid.y - arm}, {mid.x, mid.y + arm}, p.dream, ui.px(4));
  centred_note(ui, {min.x, min.y + width}, max, "new run: collect, then learn");
  return clicked;
}

void leave(Ui& ui) {
  ui.show_home = false;
  ui.texts["home/search"].clear();
}

void enter(Ui& ui, const RunView& run) {
  if (!run.usable) return;
  ui.send(OpenRun{run.path});
  ui.want_workspace = "play";
  leave(ui);
}

void begin_new_run(Ui& ui) {
  leave(ui);
  ui.run("new_run");
}

}  // namespace

void draw_home(Ui& ui, ImVec2 pos, ImVec2 size) {
  const Palette& p = ui.color();
  ImGui::SetNextWindowPos(pos);
  ImGui::SetNextWindowSize(size);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {ui.px(40), ui.px(18)});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 0);
  ImGui::Begin("Home", nullptr,
               ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoDocking |
                   ImGuiWindowFlags_NoBackground | ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoNavInputs);
  ImGui::PopStyleVar(2);
  const bool opened = ImGui::IsWindowAppearing();
  {
    WithFont title(ui.fonts.bold, 1.75f);
    text(p.text, "Worlds to dream in");
  }
  text(p.muted, "Every picture is being imagined now. Enter one; the small picture is the real world under the same actions.");
  ImGui::Dummy({0, ui.px(2)});
  std::string& typed = ui.texts["home/search"];
  int& kind = ui.views["home/kind"].selected;
  ViewState& state = ui.views["home"];
  ImGui::SetNextItemWidth(std::min(ui.px(420), size.x * 0.35f));
  if (opened) ImGui::SetKeyboardFocusHere();
  if (ImGui::InputTextWithHint("##search", "find a world, a model, a run …", &typed)) state.selected = 0;
  ImGui::SameLine(0, ui.px(12));
  std::vector<std::string> names;
  for (int i = 0; i < 4; ++i) {
    const auto count = std::count_if(ui.snapshot->runs->begin(), ui.snapshot->runs->end(),
                                     [&](const RunView& run) { return is_of_kind(ui, run, i); });
    names.push_back(std::string(kinds[i]) + ' ' + std::to_string(count));
  }
  if (const int next = segmented(ui, "kind", names, kind); next >= 0) kind = next, state.selected = 0;

  std::vector<const RunView*> shown;
  for (const RunView& run : *ui.snapshot->runs)
    if (is_of_kind(ui, run, kind) && matches(run, typed)) shown.push_back(&run);
  const int cards = static_cast<int>(shown.size()) + 1;  // and the new run
  const float gap = ui.px(18), hints = ImGui::GetFrameHeight() + ui.px(10);
  ImGui::Dummy({0, ui.px(4)});
  ImGui::BeginChild("wall", {0, -hints});
  const float room = ImGui::GetContentRegionAvail().x - ui.px(14);
  const int columns = std::max(2, static_cast<int>((room + gap) / (ui.px(214) + gap)));
  const float width = (room - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns);

  const auto pressed = [](ImGuiKey key) { return ImGui::IsKeyPressed(key); };
  const int move = static_cast<int>(pressed(ImGuiKey_RightArrow)) - static_cast<int>(pressed(ImGuiKey_LeftArrow)) +
                   columns * (static_cast<int>(pressed(ImGuiKey_DownArrow)) - static_cast<int>(pressed(ImGuiKey_UpArrow)));
  if (opened) {
    const auto here = std::find_if(shown.begin(), shown.end(), [&](const RunView* run) {
      return run->path == ui.dream().run;
    });
    state.selected = here == shown.end() ? 0 : static_cast<int>(here - shown.begin());
  }
  state.selected = std::clamp(state.selected + move, 0, cards - 1);
  const bool entered = ImGui::IsKeyPressed(ImGuiKey_Enter, false) || ImGui::IsKeyPressed(ImGuiKey_KeypadEnter, false);
  for (int i = 0; i < cards; ++i) {
    if (i % columns > 0) ImGui::SameLine(0, gap);
    else if (i > 0) ImGui::Dummy({0, gap - ImGui::GetStyle().ItemSpacing.y});
    const bool chosen = i == state.selected;
    const bool is_run = i + 1 < cards;
    const bool clicked = is_run ? draw_card(ui, *shown[static_cast<std::size_t>(i)], chosen, width)
                                : draw_new_card(ui, chosen, width);
    if (chosen && move != 0) ImGui::SetScrollHereY();
    if (is_run && ImGui::IsItemVisible() && shown[static_cast<std::size_t>(i)]->usable)
      ui.wanted_previews.push_back(shown[static_cast<std::size_t>(i)]->path);
    if (!clicked && !(chosen && entered)) continue;
    is_run ? enter(ui, *shown[static_cast<std::size_t>(i)]) : begin_new_run(ui);
  }
  ImGui::EndChild();

  if (opened == false && pressed(ImGuiKey_Escape)) leave(ui);
  for (const auto& [key, does] : {std::pair{"↵", "enter"}, {"← ↑ → ↓", "choose"}, {"Esc", "back"}}) {
    keycap(ui, key, 0);
    ImGui::SameLine(0, ui.px(6));
    text(p.muted, "%s", does);
    ImGui::SameLine(0, ui.px(16));
  }
  text(p.muted, "drop a run, a dataset or a picture anywhere");
  const PreviewsView& previews = *ui.snapshot->previews;
  char pace[96];
  std::snprintf(pace, sizeof pace, "%zu previews · %.0f frames/s together · %.0f %% of one core", previews.all.size(),
                previews.frames_per_second, 100 * previews.share);
  right_text(ImGui::GetWindowDrawList(), pos.x + size.x - ui.px(40), ImGui::GetItemRectMin().y, p.muted, pace);
  ImGui::End();
}

}  // namespace dream::ui
