// What one records with: the actions, and the button that shows that it records.
#include <algorithm>

#include "ui/chrome.h"
#include "ui/record/recording.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

std::string kept_so_far(const Ui& ui) {
  const KeepingView& keeping = *ui.snapshot->keeping;
  return "data: " + counted(keeping.episodes, "episode") + ", " + counted(keeping.steps, "step");
}

std::string why_not_record(const Ui& ui, Recording::What what) {
  if (ui.recording->on()) return "";
  if (ui.recording->busy()) return "The last film is still being written.";
  if (what == Recording::What::window) return "";
  if (!ui.dream().ready) return "No dream yet: open a run (File, Open run) or train one.";
  if (ui.settings.film_beside && !ui.dream().twin) return "The real world beside the dream is off: switch on the twin.";
  return shown(ui.dream()) ? "" : "This model paints no pictures.";
}

Action record_action(const char* id, const char* title, ImGuiKeyChord chord, const char* keys, const char* help,
                     Recording::What what) {
  Action action{id,
                "Record",
                title,
                chord,
                keys,
                help,
                [what](Ui& ui) { ui.recording->on() ? ui.recording->stop() : ui.recording->start(ui, what); },
                [what](const Ui& ui) { return why_not_record(ui, what); }};
  action.checked = [what](const Ui& ui) { return ui.recording->on() && ui.recording->what() == what; };
  return action;
}

Action format_action(const char* name, FilmFormat format, const char* title, const char* help) {
  Action action{std::string("film_") + name,
                "Record",
                title,
                0,
                "",
                help,
                [name = std::string(name)](Ui& ui) { ui.settings.film_format = name, ui.settings_changed = true; },
                [format](const Ui&) { return format == FilmFormat::mp4 ? why_no_mp4() : ""; }};
  action.checked = [format](const Ui& ui) { return film_format(ui) == format; };
  return action;
}

}  // namespace

void add_record_actions(std::vector<Action>& all) {
  using What = Recording::What;
  all.push_back(record_action("record", "Record the dream", ImGuiMod_Ctrl | ImGuiKey_R, "Ctrl-R",
                              "Every step's picture once, as a film beside the screenshots; again to stop.",
                              What::dream));
  all.push_back(record_action("record_window", "Record the window", ImGuiMod_Ctrl | ImGuiMod_Shift | ImGuiKey_R,
                              "Ctrl-Shift-R", "The whole window, 30 pictures a second; again to stop.", What::window));
  Action keep{"keep_episodes",
              "Record",
              "Keep what I drive as data",
              0,
              "",
              "Every episode of the real world beside the dream becomes one of a dataset, whoever drives; Hand over (H) drives in the real world.",
              [](Ui& ui) { ui.send(KeepEpisodes{!ui.snapshot->keeping->on}); },
              [](const Ui& ui) {
                if (!ui.dream().ready) return std::string("No dream yet: open a run (File, Open run) or train one.");
                if (ui.dream().recorded) return std::string("This dream began at a recorded frame: no real world goes with it.");
                return std::string(ui.dream().twin || !ui.dream().has_model ? "" : "The real world beside the dream is off: switch on the twin.");
              }};
  keep.checked = [](const Ui& ui) { return ui.snapshot->keeping->on; };
  keep.parted = true;
  all.push_back(std::move(keep));
  Action beside{"film_beside",
                "Record",
                "With the real world beside",
                0,
                "",
                "A film of the dream shows the real world under the same actions at its right.",
                [](Ui& ui) { ui.settings.film_beside = !ui.settings.film_beside, ui.settings_changed = true; },
                {}};
  beside.checked = [](const Ui& ui) { return ui.settings.film_beside; };
  beside.parted = true;
  all.push_back(std::move(beside));
  all.push_back(format_action("mp4", FilmFormat::mp4, "Films as MP4", "Small, sharp, and played everywhere."));
  all.back().parted = true;
  all.push_back(format_action("gif", FilmFormat::gif, "Films as GIF",
                              "256 colours a picture; moves by itself on a page and in a talk."));
  all.push_back(format_action("png", FilmFormat::png, "Films as PNG pictures",
                              "A folder with each picture, bit for bit, named after its time."));
}

float keeping_width(const Ui& ui) {
  return ImGui::CalcTextSize(kept_so_far(ui).c_str()).x + 2 * ImGui::GetStyle().FramePadding.x + ui.px(16);
}

void draw_keeping(Ui& ui, float width) {
  const std::string label = kept_so_far(ui);
  const ImVec2 padding = ImGui::GetStyle().FramePadding;
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {padding.x + ui.px(16), padding.y});  // room for the dot
  ImGui::PushStyleVar(ImGuiStyleVar_ButtonTextAlign, {0, 0.5f});
  const std::string help = "In " + ui.snapshot->keeping->folder + ", and one more with every episode that ends. Click: no more.";
  if (button(ui, (label + "###keeping").c_str(), "What you drive is kept as data", help.c_str(), {.width = width}))
    ui.send(KeepEpisodes{false});
  ImGui::PopStyleVar(2);
  const ImVec2 min = ImGui::GetItemRectMin(), max = ImGui::GetItemRectMax();
  ImGui::GetWindowDrawList()->AddCircleFilled({min.x + padding.x + ui.px(5), (min.y + max.y) / 2}, ui.px(5), ui.color().real);
}

float record_button_width(const Ui& ui, bool figures) {
  return ImGui::CalcTextSize(figures ? "8888.8 s · 888.8 MB" : "8888.8 s").x + 2 * ImGui::GetStyle().FramePadding.x +
         ui.px(16);
}

void draw_record_button(Ui& ui, float width) {
  const Recording& film = *ui.recording;
  const Action& action = *ui.action("record");
  const std::string why_not = action.why_not ? action.why_not(ui) : "";
  const bool roomy = width >= record_button_width(ui, true);
  const std::string label = film.on() ? (roomy ? film.figures() : film.seconds()) : film.busy() ? "writing" : "record";
  const ImVec2 padding = ImGui::GetStyle().FramePadding;
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {padding.x + ui.px(16), padding.y});  // room for the dot
  ImGui::PushStyleVar(ImGuiStyleVar_ButtonTextAlign, {0, 0.5f});
  const std::string keys = ui.keys_of(action);
  if (button(ui, (label + "###record").c_str(), film.on() ? "Stop recording" : action.title.c_str(),
             film.on() ? "Ends the film; where it is will be said." : action.help.c_str(),
             {.keys = keys.c_str(), .why_not = why_not, .width = width}))
    action.run(ui);
  ImGui::PopStyleVar(2);
  const ImVec2 min = ImGui::GetItemRectMin(), max = ImGui::GetItemRectMax();
  const Palette& p = ui.color();
  const ImVec2 dot{min.x + padding.x + ui.px(5), (min.y + max.y) / 2};
  if (film.on())
    ImGui::GetWindowDrawList()->AddCircleFilled(dot, ui.px(5), p.fault);
  else
    ImGui::GetWindowDrawList()->AddCircle(dot, ui.px(4.5f), why_not.empty() ? p.fault : p.muted, 0, ui.px(1.5f));
  if (ImGui::BeginPopupContextItem("how to record")) {
    draw_menu(ui, "Record");
    ImGui::EndPopup();
  }
}

}  // namespace dream::ui
