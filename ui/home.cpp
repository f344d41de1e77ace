#include "ui/home.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

#include "imgui.h"
#include "imgui_internal.h"
#include "imgui_stdlib.h"
#include "ui/chrome.h"
#include "ui/pictures.h"
#include "ui/widgets.h"
#include "ui/words.h"

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

/// Whether every word that was typed is somewhere in what the card says.
bool matches(const RunView& run, const std::string& typed) {
  return holds(run.environment + ' ' + run.recipe + ' ' + run.model + ' ' + run.title + ' ' + run.detail, typed);
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

/// Of the best score in the same world; below 0, where less of it is better, the best one's of this.
double score_share(const Ui& ui, const RunView& run) {
  double best = run.score.mean;
  for (const RunView& other : *ui.snapshot->runs)
    if (other.score.known && other.environment == run.environment) best = std::max(best, other.score.mean);
  if (best > 0) return run.score.mean / best;
  return run.score.mean < 0 ? best / run.score.mean : 1;
}

std::string score_text(const RunView& run) {
  if (!run.score.known) return "not evaluated";
  const auto figure = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, std::abs(value) < 100 ? "%.3g" : "%.0f", value);
    return std::string(text);
  };
  return "score " + figure(run.score.mean) + " ± " + figure(run.score.deviation);
}

/// What the two bars say, in words.
void explain_card(const Ui& ui, const RunView& run, const PreviewView* preview) {
  char honest[192] = "Honest: not known yet, it is measured while you look.";
  if (preview && preview->honesty.stretches > 0)
    std::snprintf(honest, sizeof honest, "Honest for %s, over %s%s", usual_steps(preview->honesty).c_str(),
                  counted(preview->honesty.stretches, "stretch", "stretches").c_str(),
                  preview->honesty.crossed ? ": then a picture that stands still is nearer to the truth." : ", and then a real frame came.");
  const std::string score = !run.score.known ? "Its agent has not been evaluated."
                                             : "Its agent's " + score_text(run) + " " + run.score.of + "; a full bar is the best run of " +
                                                   run.environment + ".";
  tip(ui, run.title.c_str(), (std::string(honest) + "\n" + score).c_str());
}

/// What stands below a card's picture.
float figures_height(const Ui& ui) {
  return ui.px(82);
}

void bar(const Ui& ui, ImVec2 at, float width, double share, ImU32 colour) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float height = ui.px(3), full = width * static_cast<float>(std::clamp(share, 0.0, 1.0));
  list->AddRectFilled(at, {at.x + width, at.y + height}, ui.color().well, height / 2);
  if (full > height) list->AddRectFilled(at, {at.x + full, at.y + height}, colour, height / 2);
}

enum class Wish { nothing, enter, drive, compare };

/// What is asked of a card by the mouse: a click enters, the right button has the rest.
Wish mouse_wish(Ui& ui, const RunView& run, bool clicked) {
  Wish wish = clicked ? Wish::enter : Wish::nothing;
  if (run.usable && ImGui::BeginPopupContextItem("card menu")) {
    if (ImGui::Selectable("enter")) wish = Wish::enter;
    tip(ui, "Enter", "Dream with this run.");
    if (ImGui::Selectable("drive")) wish = Wish::drive;
    tip(ui, "Drive", "In its card, with your hands on the wheel: nobody else drives.");
    if (ImGui::Selectable("compare")) wish = Wish::compare;
    tip(ui, "Compare", "Mark it, then another: both are shown large, side by side.");
    ImGui::EndPopup();
  }
  return wish;
}

bool driven_here(const Ui& ui, const RunView& run) {
  return ui.home.driven == run.path && ui.dream().run == run.path && ui.dream().ready;
}

Wish draw_card(Ui& ui, const RunView& run, bool chosen, float width, float picture) {
  const Palette& p = ui.color();
  const float pad = ui.px(11);
  const ImVec2 min = ImGui::GetCursorScreenPos(), max{min.x + width, min.y + picture + figures_height(ui)};
  ImGui::PushID(run.path.c_str());
  const bool clicked = ImGui::InvisibleButton("card", {width, max.y - min.y}) && run.usable;
  const bool hovered = ImGui::IsItemHovered();
  // In its card the run is the one that the window dreams with: every step of it, not a few a second.
  const bool driven = driven_here(ui, run);
  PreviewView own;
  const PreviewView* preview = preview_of(ui, run);
  if (driven) {
    if (preview) own = *preview;
    for (const Frame& frame : ui.dream().frames)
      if (frame.name == "dream" || frame.name == "real") (frame.name == "dream" ? own.dream : own.real) = frame.image;
    preview = &own;
  }
  const std::string why_not = !run.usable ? run.detail : preview ? preview->fault : "";
  const bool on_figures = ImGui::GetMousePos().y > min.y + picture;
  if (!why_not.empty())
    tip(ui, run.title.c_str(), why_not.c_str());
  else if (on_figures)
    explain_card(ui, run, preview);
  const Wish wish = mouse_wish(ui, run, clicked);
  ImGui::PopID();
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(min, max, p.panel, ui.px(8));
  const ImVec2 below{max.x, min.y + picture};
  list->AddRectFilled(min, below, p.well, ui.px(8), ImDrawFlags_RoundCornersTop);
  if (preview && preview->dream) {
    draw_fitted(ui, "home/dream/" + run.path, preview->dream, min, below);
  } else {
    const bool asleep = why_not.empty() && !(preview && preview->real);
    if (asleep && preview && preview->world) {  // its world, until it dreams
      draw_fitted(ui, "home/world/" + run.path, preview->world, min, below);
      list->AddRectFilled(min, below, fade(p.well, 0.55f), ui.px(8), ImDrawFlags_RoundCornersTop);
    }
    centred_note(ui, min, below, !why_not.empty() ? "cannot be dreamt" : asleep ? "falling asleep …" : "this model paints no pictures");
  }
  if (preview && preview->real) {
    const float inset = picture * 0.31f;
    const float side = preview->dream ? (width - picture) / 2 : 0;
    const ImVec2 to{below.x - side - ui.px(8), below.y - ui.px(8)}, from{to.x - inset, to.y - inset};
    list->AddRectFilled(from, to, p.well);
    draw_fitted(ui, "home/real/" + run.path, preview->real, from, to);
    list->AddRect(from, to, p.real, 0, ui.px(2));
  }
  const bool marked = ui.home.compared.size() == 1 && ui.home.compared[0] == run.path;
  if (marked) list->AddRect(min, max, p.blue, ui.px(8), ui.px(3));
  if (chosen || hovered)
    list->AddRect(min, max, driven ? p.blue : chosen ? p.dream : fade(p.dream, 0.5f), ui.px(8), ui.px(driven ? 3.0f : 2.0f));

  float y = below.y + ui.px(8);
  const auto line = [&](ImFont* font, float size, ImU32 colour, const std::string& said, float from, float room) {
    WithFont with(font, size);
    list->AddText({min.x + from, y}, colour, fitted(said, room).c_str());
  };
  line(ui.fonts.bold, 1, p.text, run.environment.empty() ? run.title : world_label(run.environment), pad, width - 2 * pad);
  y += ui.px(21);
  const std::string model = run.model.empty() ? run.recipe : run.model;
  line(ui.fonts.text, 0.86f, p.muted, run.shipped ? model : run.name + " · " + model, pad, width - 2 * pad);
  y += ui.px(20);
  const float half = (width - 3 * pad) / 2, second = 2 * pad + half;
  char honest[48] = "honest ·";
  const bool known = preview && preview->honesty.stretches > 0;
  if (known) {
    const auto usual = usual_text(preview->honesty);
    std::snprintf(honest, sizeof honest, "honest %s", usual_steps(preview->honesty).c_str());
    WithFont small(ui.fonts.text, 0.82f);
    if (ImGui::CalcTextSize(honest).x > half) std::snprintf(honest, sizeof honest, "honest %s", usual.c_str());
  }
  if (driven) std::snprintf(honest, sizeof honest, "you drive, step %lld", static_cast<long long>(ui.dream().step));
  line(ui.fonts.text, 0.82f, driven ? p.blue : p.text, honest, pad, half);
  std::string score = run.usable ? score_text(run) : run.detail;
  const bool trains = trains_now(ui, run);
  if (trains) score = run.progress >= 0 ? "training, " + std::to_string(std::lround(100 * run.progress)) + " %" : "training now";
  if (driven) {
    char reward[48];
    std::snprintf(reward, sizeof reward, "reward %.1f", ui.dream().has_reward ? ui.dream().dream_reward : ui.dream().real_reward);
    score = reward;
  }
  line(ui.fonts.text, 0.82f, run.usable ? p.text : p.warning, score, second, half);
  y += ui.px(18);
  bar(ui, {min.x + pad, y}, half, known ? static_cast<double>(preview->honesty.usual) / honest_at_full : 0, p.dream);
  if (trains && run.progress >= 0)
    bar(ui, {min.x + second, y}, half, run.progress, p.grey);
  else if (run.score.known)
    bar(ui, {min.x + second, y}, half, score_share(ui, run), p.real);
  return wish;
}

bool draw_new_card(Ui& ui, bool chosen, float width, float picture) {
  const Palette& p = ui.color();
  const ImVec2 min = ImGui::GetCursorScreenPos(), max{min.x + width, min.y + picture + figures_height(ui)};
  const bool clicked = ImGui::InvisibleButton("new run", {width, max.y - min.y});
  const bool hovered = ImGui::IsItemHovered();
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRect(min, max, chosen || hovered ? p.dream : fade(p.muted, 0.4f), ui.px(8), ui.px(chosen ? 2.0f : 1.0f));
  const ImVec2 mid{(min.x + max.x) / 2, min.y + picture * 0.5f};
  const float arm = ui.px(20);
  list->AddLine({mid.x - arm, mid.y}, {mid.x + arm, mid.y}, p.dream, ui.px(4));
  list->AddLine({mid.x, mid.y - arm}, {mid.x, mid.y + arm}, p.dream, ui.px(4));
  centred_note(ui, {min.x, min.y + picture}, max, "new run: collect, then learn");
  return clicked;
}

void leave(Ui& ui) {
  ui.show_home = false;
  ui.home.typed.clear(), ui.home.compared.clear(), ui.home.driven.clear();
  ui.home.chosen = false;
}

/// Who drives in the card goes on where they are.
void enter(Ui& ui, const RunView& run) {
  if (!driven_here(ui, run)) ui.send(OpenRun{run.path});
  ui.want_workspace = "play";
  leave(ui);
}

void begin_new_run(Ui& ui) {
  leave(ui);
  ui.run("new_run");
}

/// The first is marked, the second shows both alone; to mark one again lets go of it.
void compare(HomeWall& wall, const std::string& path) {
  if (wall.compared.size() != 1) wall.compared.clear();
  if (std::erase(wall.compared, path) > 0) return;
  wall.compared.push_back(path);
  if (wall.compared.size() == 2) wall.selected = 0;
}

void grant(Ui& ui, const RunView& run, Wish wish) {
  if (!run.usable || wish == Wish::nothing) return;
  if (wish == Wish::compare) return compare(ui.home, run.path);
  if (wish == Wish::enter) return enter(ui, run);
  if (ui.dream().run != run.path) ui.send(OpenRun{run.path});
  ui.send(SetPilot{true});
  ui.send(DreamControl{DreamControl::Do::play});
  ui.home.driven = run.path;
  ImGui::ClearActiveID();  // the search: keys are the game's now
}

void let_go(Ui& ui) {
  ui.send(SetPilot{false});
  ui.home.driven.clear();
}

/// Whether the world that is driven has an action on this key.
bool world_has_key(const Ui& ui, const std::string& key) {
  const auto& keys = ui.dream().spaces.action.keys;
  return std::any_of(keys.begin(), keys.end(), [&](const KeyBinding& binding) { return binding.key == key; });
}

/// While a card is chosen by arrows some letters are commands; any other one goes on with the search. A search begins
/// with no space.
int keep_commands(ImGuiInputTextCallbackData* data) {
  HomeWall& wall = *static_cast<HomeWall*>(data->UserData);
  const ImWchar c = data->EventChar;
  if (c == ' ' && (wall.chosen || wall.typed.empty())) return 1;
  if (wall.chosen && (c == 'c' || c == 'C' || c == 'n' || c == 'N')) return 1;
  wall.chosen = false;
  return 0;
}

void draw_search(Ui& ui, bool opened, float width) {
  HomeWall& wall = ui.home;
  ImGui::SetNextItemWidth(std::min(ui.px(420), width * 0.35f));
  const bool free = ImGui::IsWindowFocused(ImGuiFocusedFlags_ChildWindows) && !ImGui::IsAnyItemActive() && !list_is_open() &&
                    wall.driven.empty();
  if (opened || free) ImGui::SetKeyboardFocusHere();  // to type is to search
  if (ImGui::InputTextWithHint("##search", "find a world, a model, a run …", &wall.typed,
                               ImGuiInputTextFlags_CallbackCharFilter, keep_commands, &wall))
    wall.selected = 0;
  ImGui::SameLine(0, ui.px(12));
  std::vector<std::string> names;
  for (int i = 0; i < 4; ++i) {
    const auto count = std::count_if(ui.snapshot->runs->begin(), ui.snapshot->runs->end(),
                                     [&](const RunView& run) { return is_of_kind(ui, run, i); });
    names.push_back(std::string(kinds[i]) + ' ' + std::to_string(count));
  }
  if (const int next = segmented(ui, "kind", names, wall.kind); next >= 0) wall.kind = next, wall.selected = 0;
}

/// In the place of the search, over two runs that are compared.
void draw_comparison_tools(Ui& ui, const std::vector<const RunView*>& both) {
  if (button(ui, "back to the wall", "Back", "All worlds again.", {.keys = "Esc"})) ui.home.compared.clear();
  ImGui::SameLine(0, ui.px(12));
  if (!button(ui, "their curves", "Curves", "Enter the first; the other's curves are laid over its own.")) return;
  const std::string other = both[1]->path;
  enter(ui, *both[0]);
  ui.send(CompareCurves{{other}});
  ui.want_workspace = "train";
}

struct Hint {
  const char *key, *does, *help;
};
void draw_hints(Ui& ui, float right) {
  const Palette& p = ui.color();
  const Hint hints[] = {
      {"↵", "enter", "Dream with the chosen run; a click does it too."},
      {"← ↑ → ↓", "choose", "The chosen card has a violet frame. Letters search; C and N are commands once arrows have chosen."},
      {"Space", "drive", "In its card, with your hands on the wheel: nobody else drives. Esc lets go, Enter goes in from there."},
      {"C", "compare", "Once arrows have chosen a card: mark it, then another. Both are shown large, side by side, with how "
                       "long they are honest and what they score. A right click on a card does it too."},
      {"N", "new run", "Once arrows have chosen a card: train a model from nothing."},
      {"Esc", "back", "Back to where you were."}};
  const auto room = [&](const char* said) {
    return ImGui::GetCursorScreenPos().x + ImGui::CalcTextSize(said).x + ui.px(90) < right;
  };
  for (const auto& [key, does, help] : hints) {
    if (!room(key)) break;
    const bool letter = std::string_view(key) == "C" || std::string_view(key) == "N";
    if (letter && !ui.home.chosen) continue;  // it would be typed into the search
    keycap(ui, key, 0);
    ImGui::SameLine(0, ui.px(6));
    ImGui::AlignTextToFramePadding();
    text(p.muted, "%s", does);
    tip(ui, does, help, key);
    ImGui::SameLine(0, ui.px(16));
  }
  const PreviewsView& previews = *ui.snapshot->previews;
  char pace[96];
  std::snprintf(pace, sizeof pace, "%zu previews · %.0f frames/s together · %.0f %% of one core", previews.all.size(),
                previews.frames_per_second, 100 * previews.share);
  const float y = ImGui::GetCursorScreenPos().y, from = right - ImGui::CalcTextSize(pace).x;
  const char* drop = "drop a run, a dataset or a picture anywhere";
  const bool both = ImGui::GetCursorScreenPos().x + ImGui::CalcTextSize(drop).x + ui.px(20) < from;
  ImGui::AlignTextToFramePadding();
  if (both || room(drop)) text(p.muted, "%s", drop);
  if (both) right_text(ImGui::GetWindowDrawList(), right, y + ImGui::GetStyle().FramePadding.y, p.muted, pace);
  ImGui::NewLine();
}

/// What the wall shows: what was searched, or two runs alone.
std::vector<const RunView*> runs_on_wall(const Ui& ui) {
  const HomeWall& wall = ui.home;
  std::vector<const RunView*> shown;
  if (wall.compared.size() == 2) {
    for (const std::string& path : wall.compared)
      for (const RunView& run : *ui.snapshot->runs)
        if (run.path == path) shown.push_back(&run);
    return shown;
  }
  for (const RunView& run : *ui.snapshot->runs)
    if (is_of_kind(ui, run, wall.kind) && matches(run, wall.typed)) shown.push_back(&run);
  return shown;
}

}  // namespace

bool home_takes_keys(const Ui& ui) {
  return ui.show_home && ui.home.driven.empty();
}

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
  HomeWall& wall = ui.home;
  const bool driving = !wall.driven.empty();
  const std::vector<const RunView*> shown = runs_on_wall(ui);
  if (wall.compared.size() == 2 && shown.size() < 2) wall.compared.clear();  // one is gone
  const bool comparing = wall.compared.size() == 2;
  const bool same_world = comparing && shown[0]->environment == shown[1]->environment;
  {
    WithFont title(ui.fonts.bold, 1.75f);
    text(p.text, "%s", comparing ? "Two dreams, side by side" : "Worlds to dream in");
  }
  text(driving || wall.compared.size() == 1 ? p.blue : p.muted, "%s",
       same_world  ? "One world: the violet bars say how long each dream is honest, the green ones what its agent scores."
       : comparing ? "Two worlds: how long each dream is honest can be compared, what their agents score can not."
       : driving ? "Your hands drive this dream. Esc lets go, Enter goes in from where you are."
       : wall.compared.size() == 1
           ? "One is marked: choose another and press C to compare them. C on the same one lets go of it."
           : "Every picture is being imagined now. Enter one; the small picture is the real world under the same actions.");
  ImGui::Dummy({0, ui.px(2)});
  comparing ? draw_comparison_tools(ui, shown) : draw_search(ui, opened, size.x);

  const int cards = static_cast<int>(shown.size()) + (comparing ? 0 : 1);  // and the new run
  const float gap = ui.px(18), hints = ImGui::GetFrameHeight() + ui.px(10);
  ImGui::Dummy({0, ui.px(4)});
  ImGui::BeginChild("wall", {0, -hints});
  const ImVec2 space = ImGui::GetContentRegionAvail();
  const float room = space.x - ui.px(14);
  const int columns = comparing ? 2 : std::max(2, static_cast<int>((room + gap) / (ui.px(214) + gap)));
  float width = (room - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns);
  // At least one row of cards is seen whole.
  const float picture = std::clamp(space.y - figures_height(ui) - ui.px(4), ui.px(80), width);
  if (comparing) width = picture, ImGui::Indent((room - 2 * width - gap) / 2);

  // What lies over Home, or did a frame ago and was closed by this key, has the keys.
  const bool covered = ui.show_palette || ui.show_keys || list_is_open(), was_covered = std::exchange(wall.covered, covered);
  const bool keys = !covered && !was_covered && ImGui::GetIO().KeyMods == 0;
  const auto pressed = [&](ImGuiKey key) { return keys && !driving && ImGui::IsKeyPressed(key); };
  const auto pressed_once = [&](ImGuiKey key) { return keys && ImGui::IsKeyPressed(key, false); };
  const int move = static_cast<int>(pressed(ImGuiKey_RightArrow)) - static_cast<int>(pressed(ImGuiKey_LeftArrow)) +
                   columns * (static_cast<int>(pressed(ImGuiKey_DownArrow)) - static_cast<int>(pressed(ImGuiKey_UpArrow)));
  if (opened) {
    const auto here = std::find_if(shown.begin(), shown.end(), [&](const RunView* run) {
      return run->path == ui.dream().run;
    });
    wall.selected = here == shown.end() ? 0 : static_cast<int>(here - shown.begin());
  }
  wall.chosen |= move != 0 || comparing;
  wall.selected = std::clamp(wall.selected + move, 0, std::max(cards - 1, 0));
  Wish by_key = Wish::nothing;
  if (pressed_once(ImGuiKey_Enter) || pressed_once(ImGuiKey_KeypadEnter)) by_key = Wish::enter;
  const bool lets_go = driving && (pressed_once(ImGuiKey_Escape) || (pressed_once(ImGuiKey_Space) && !world_has_key(ui, "space")));
  if (lets_go) let_go(ui);
  if (!driving && pressed_once(ImGuiKey_Space) && (wall.chosen || wall.typed.empty())) by_key = Wish::drive;
  if (!driving && pressed_once(ImGuiKey_C) && wall.chosen && !comparing) by_key = Wish::compare;
  bool new_run = !driving && pressed_once(ImGuiKey_N) && wall.chosen;
  for (int i = 0; i < cards; ++i) {
    if (i % columns > 0) ImGui::SameLine(0, gap);
    else if (i > 0) ImGui::Dummy({0, gap - ImGui::GetStyle().ItemSpacing.y});
    const bool last = i == static_cast<int>(shown.size());
    const bool chosen = driving ? !last && shown[static_cast<std::size_t>(i)]->path == wall.driven : i == wall.selected;
    if (last) {
      new_run |= draw_new_card(ui, chosen, width, picture) || (chosen && by_key == Wish::enter);
      continue;
    }
    const RunView& run = *shown[static_cast<std::size_t>(i)];
    const Wish by_mouse = draw_card(ui, run, chosen, width, picture);
    if (chosen && move != 0) ImGui::SetScrollHereY();
    if (ImGui::IsItemVisible() && run.usable) ui.wanted_previews.push_back(run.path);
    grant(ui, run, by_mouse != Wish::nothing ? by_mouse : chosen ? by_key : Wish::nothing);
  }
  ImGui::EndChild();
  if (new_run) begin_new_run(ui);
  if (!opened && !lets_go && pressed_once(ImGuiKey_Escape)) ui.home.compared.empty() ? leave(ui) : ui.home.compared.clear();
  draw_hints(ui, pos.x + size.x - ui.px(40));
  ImGui::End();
}

}  // namespace dream::ui
