// The form of a new run. The engine says what its settings are and what is wrong before anything is begun.
#include <algorithm>
#include <cmath>
#include <utility>

#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/panels/runs.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

bool same(const DescribeRun& a, const DescribeRun& b) {
  return a.recipe == b.recipe && a.environment == b.environment && a.directory == b.directory &&
         a.settings == b.settings && a.like == b.like;
}

bool answers(const NewRunView& view, const DescribeRun& asked) {
  if (!asked.like.empty()) return view.like == asked.like;
  return same(asked, {view.recipe, view.environment, view.directory, view.settings, view.like});
}

std::string key_of(const std::string& setting) {
  return setting.substr(0, setting.find('='));
}

/// The value that the form gives a setting, or null.
std::string* given(NewRunForm& form, const std::string& key) {
  for (std::string& setting : form.settings)
    if (key_of(setting) == key) return &setting;
  return nullptr;
}

void give(Ui& ui, const std::string& key, const std::string& value) {
  NewRunForm& form = ui.settings.new_run;
  if (std::string* there = given(form, key))
    *there = key + '=' + value;
  else
    form.settings.push_back(key + '=' + value);
  ui.settings_changed = true;
}

void take_back(Ui& ui, const std::string& key) {
  std::erase_if(ui.settings.new_run.settings, [&](const std::string& setting) { return key_of(setting) == key; });
  ui.settings_changed = true;
}

std::string about(const Field& field) {
  std::string text = field.help;
  const auto number = [&](double limit) {
    return std::holds_alternative<std::int64_t>(field.value) && std::abs(limit) < 1e15
               ? with_separators(static_cast<std::int64_t>(limit))
               : short_number(limit);
  };
  const bool numeric = !std::holds_alternative<bool>(field.value) && !std::holds_alternative<std::string>(field.value);
  if (numeric && field.low > -1e299 && field.high < 1e299)
    text += "\nBetween " + number(field.low) + " and " + number(field.high);
  if (!field.unit.empty()) text += "\nIn " + field.unit;
  return text + "\nThe recipe has " + setting_text(field.initial) + (field.fixed ? "; fixed once the run has begun." : ".");
}

/// Keeps the engine's answer that of what stands in the form.
const NewRunView& ask_engine(const Snapshot& snapshot, Ui& ui) {
  const NewRunView& answer = *snapshot.new_run;
  RunsPanel& panel = ui.runs;
  NewRunForm& form = ui.settings.new_run;
  const bool waits = panel.asked && !answers(answer, *panel.asked);
  if (!panel.like.empty()) {
    if (panel.asked && panel.asked->like == panel.like) {
      if (waits) return answer;
      form = {answer.recipe, answer.environment, answer.settings};
      ui.settings_changed = true;
      panel.like.clear();
      panel.directory.clear();
    } else {
      panel.asked = {form.recipe, form.environment, panel.directory, form.settings, panel.like};
      ui.send(*panel.asked);
      return answer;
    }
  }
  if (waits) return answer;
  if (panel.asked && (panel.directory.empty() || panel.directory == panel.proposed) && !answer.free_folder.empty())
    panel.directory = panel.proposed = answer.free_folder;
  const DescribeRun now{form.recipe, form.environment, panel.directory, form.settings, ""};
  if (form.recipe.empty() || (panel.asked && same(*panel.asked, now) && panel.among == snapshot.runs->size()))
    return answer;
  panel.asked = now;
  panel.among = snapshot.runs->size();
  ui.send(now);
  return answer;
}

/// A muted word before a control that fills the rest of `width`.
void label(const Ui& ui, const char* word, float width) {
  const float left = ImGui::GetCursorPosX(), wide = ui.px(54);
  ImGui::AlignTextToFramePadding();
  text(ui.color().muted, "%s", word);
  ImGui::SameLine(left + wide);
  ImGui::SetNextItemWidth(width - wide);
}

/// A world's name that no list holds: with factors of variation, or of an environment that lives in Python.
bool is_typed(const std::string& world) {
  return world.find_first_of(":[") != std::string::npos;
}

/// `typed`: what a name that is none of the list looks like; null where the list is all that there is. The one that was chosen, or null.
const Choice* choose(Ui& ui, const char* name, const char* id, std::string& value, const std::vector<Choice>& choices,
            const char* help, const char* typed = nullptr) {
  const Choice* made = nullptr;
  if (ImGui::BeginCombo(id, value.c_str())) {
    if (typed) {
      std::string& text = ui.texts[std::string("new/") + id];
      ImGui::SetNextItemWidth(ImGui::GetContentRegionAvail().x);
      if (ImGui::InputTextWithHint("##typed", typed, &text, ImGuiInputTextFlags_EnterReturnsTrue) && !text.empty()) {
        value = std::exchange(text, {}), ui.settings_changed = true;
        ImGui::CloseCurrentPopup();
      }
      tip(ui, "Any name", "An environment of Python's Gymnasium, or a world with factors, as TwoRoom[layout=moving]; Enter takes it.");
      ImGui::Separator();
    }
    for (const Choice& choice : choices) {
      if (ImGui::Selectable(choice.name.c_str(), choice.name == value)) made = &choice, value = choice.name, ui.settings_changed = true;
      tip(ui, choice.name.c_str(), choice.help.c_str());
    }
    ImGui::EndCombo();
  }
  const auto chosen = std::find_if(choices.begin(), choices.end(), [&](const Choice& c) { return c.name == value; });
  tip(ui, name, chosen == choices.end() ? help : (std::string(help) + "\n" + chosen->help).c_str());
  return made;
}

/// One of those that are there: what is remembered may be of another version of the program.
void settle_choice(std::string& value, const std::vector<Choice>& choices) {
  const bool there = std::any_of(choices.begin(), choices.end(), [&](const Choice& c) { return c.name == value; });
  if (!there && !choices.empty()) value = choices.front().name;
}

std::string why_not_yet(const Snapshot& snapshot, const Ui& ui, const NewRunView& answer) {
  const NewRunForm& form = ui.settings.new_run;
  if (form.recipe.empty() || form.environment.empty() || ui.runs.directory.empty())
    return "Choose a recipe, a world and a folder first.";
  if (is_taken(snapshot, ui.runs.directory))
    return "There is a run in this folder already: choose another folder, or go on with that run from the list.";
  return answer.wrong;
}

void send_start(Ui& ui, bool stop, bool queued) {
  const NewRunForm& form = ui.settings.new_run;
  ui.send(StartRun{form.recipe, form.environment, ui.runs.directory, form.settings, stop, queued});
  ui.runs.directory.clear();  // the next one has another
  ui.runs.view = queued ? RunsPanel::View::queue : RunsPanel::View::list;
  if (!queued) ui.want_panel = "train";
}

/// Recipe, world, folder, and what is to be said of them.
void draw_choices(const Snapshot& snapshot, Ui& ui, const NewRunView& answer, float width) {
  NewRunForm& form = ui.settings.new_run;
  const TrainView& train = *snapshot.train;
  RunsPanel& panel = ui.runs;
  const float gap = ui.px(8), half = (width - gap) / 2;
  label(ui, "recipe", half);
  const Choice* recipe = choose(ui, "Recipe", "##recipe", form.recipe, train.recipes,
                                "Which system of the literature: model, behaviour and phases.");
  if (recipe && !recipe->world.empty()) form.environment = recipe->world;
  ImGui::SameLine(0, gap);
  label(ui, "world", half);
  choose(ui, "World", "##environment", form.environment, train.environments, "The real world to learn.",
         "gym:CartPole-v1");
  label(ui, "folder", half);
  ImGui::InputTextWithHint("##directory", "folder", &panel.directory);
  tip(ui, "Folder",
      "Where episodes, checkpoints and curves are written; a relative path begins where the program was started.");
  ImGui::SameLine(0, gap);
  const std::string why_not = why_not_yet(snapshot, ui, answer);
  if (button(ui, "open the new run###start", "New run", "Makes the folder; F5 then starts the first phase.",
             {.accent = true, .why_not = why_not, .width = half})) {
    if (train.busy)
      panel.asks_when = true;
    else
      send_start(ui, false, false);
  }
  ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
  if (!why_not.empty())
    text(ui.color().warning, "%s", why_not.c_str());
  else if (!answer.expected.empty())
    text(ui.color().muted, "%s.", answer.expected.c_str());
  ImGui::PopTextWrapPos();
}

/// A setting's control; what was typed counts with Enter or when the field is left.
void draw_setting_value(Ui& ui, const Field& field, const std::string& shown) {
  ImGui::SetNextItemWidth(-ui.px(30));
  if (std::holds_alternative<bool>(field.value)) {
    bool on = shown == "true";
    if (ImGui::Checkbox("##value", &on)) give(ui, field.key, on ? "true" : "false");
  } else if (!field.choices.empty()) {
    if (ImGui::BeginCombo("##value", shown.c_str())) {
      for (const std::string& choice : field.choices)
        if (ImGui::Selectable(choice.c_str(), choice == shown)) give(ui, field.key, choice);
      ImGui::EndCombo();
    }
  } else {
    std::string edited = shown;
    const bool entered = ImGui::InputText("##value", &edited, ImGuiInputTextFlags_EnterReturnsTrue);
    if ((entered || ImGui::IsItemDeactivatedAfterEdit()) && edited != shown) give(ui, field.key, edited);
  }
  tip(ui, field.key.c_str(), about(field).c_str());
}

void draw_setting(Ui& ui, const Field& field, bool known) {
  const std::string* own = given(ui.settings.new_run, field.key);
  ImGui::PushID(field.key.c_str());
  ImGui::TableNextRow();
  ImGui::TableNextColumn();
  ImGui::AlignTextToFramePadding();
  text(!known ? ui.color().warning : own ? ui.color().text : ui.color().muted, "%s", setting_name(field).c_str());
  tip(ui, field.key.c_str(), known ? about(field).c_str() : "This recipe has no such setting: take it back.");
  ImGui::TableNextColumn();
  draw_setting_value(ui, field, own ? own->substr(field.key.size() + 1) : setting_text(field.value));
  if (own) {
    ImGui::SameLine(0, ui.px(4));
    if (button(ui, (std::string(icon::close) + "###take_back").c_str(), "Take back",
               known ? ("The recipe's own: " + setting_text(field.initial) + ".").c_str() : "Removes this setting.",
               {.small = true}))
      take_back(ui, key_of(*own));
  }
  ImGui::TableNextColumn();
  ImGui::AlignTextToFramePadding();
  text(ui.color().muted, "%s", field.unit.c_str());
  ImGui::PopID();
}

/// Every setting of such a run; those that the form gives come first.
void draw_settings(Ui& ui, const NewRunView& answer) {
  std::string& wanted = ui.texts["new/setting"];
  NewRunForm& form = ui.settings.new_run;
  const std::string hint = "search " + std::to_string(answer.fields.size()) + " settings, or key=value and Enter";
  ImGui::SetNextItemWidth(-1);
  constexpr ImGuiInputTextFlags flags = ImGuiInputTextFlags_EscapeClearsAll | ImGuiInputTextFlags_EnterReturnsTrue;
  const bool entered = ImGui::InputTextWithHint("##setting", hint.c_str(), &wanted, flags);
  tip(ui, "Settings", "Finds settings by name and by meaning. key=value and Enter gives one a value. Esc empties it.");
  const std::size_t equals = wanted.find('=');
  if (entered && equals != std::string::npos && equals > 0) {
    give(ui, wanted.substr(0, equals), wanted.substr(equals + 1));
    wanted.clear();
  }
  if (!ImGui::BeginTable("settings", 3, ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY)) return;
  ImGui::TableSetupColumn("key", ImGuiTableColumnFlags_WidthStretch, 0.46f);
  ImGui::TableSetupColumn("value", ImGuiTableColumnFlags_WidthStretch, 0.54f);
  ImGui::TableSetupColumn("unit", ImGuiTableColumnFlags_WidthFixed, ui.px(60));
  const std::string search = equals == std::string::npos ? wanted : wanted.substr(0, equals);
  const auto field_of = [&](const std::string& key) {
    return std::find_if(answer.fields.begin(), answer.fields.end(), [&](const Field& f) { return f.key == key; });
  };
  const auto settings = form.settings;  // a row may take one back
  for (const std::string& setting : settings) {
    const auto field = field_of(key_of(setting));
    Field unknown;
    unknown.key = key_of(setting), unknown.value = unknown.initial = std::string();
    if (holds(setting + ' ' + (field == answer.fields.end() ? "" : field->title + ' ' + field->help), search))
      draw_setting(ui, field == answer.fields.end() ? unknown : *field, field != answer.fields.end());
  }
  for (const Field& field : answer.fields)
    if (!given(form, field.key) && holds(field.key + ' ' + field.title + ' ' + field.help, search)) draw_setting(ui, field, true);
  ImGui::EndTable();
}

}  // namespace

void draw_new_run(const Snapshot& snapshot, Ui& ui) {
  const TrainView& train = *snapshot.train;
  settle_choice(ui.settings.new_run.recipe, train.recipes);
  if (!is_typed(ui.settings.new_run.environment)) settle_choice(ui.settings.new_run.environment, train.environments);
  const NewRunView& answer = ask_engine(snapshot, ui);
  const ImVec2 space = ImGui::GetContentRegionAvail();
  const bool wide = space.x > ui.px(720);
  const float left = wide ? std::min(space.x * 0.42f, ui.px(480)) : space.x;
  ImGui::BeginChild("new", {left, wide ? 0 : ui.px(146)});
  draw_run_views(snapshot, ui);
  if (ui.runs.asks_when && train.busy) {
    const When when = ask_when(ui, train, "open the new run");
    if (when != When::unanswered) ui.runs.asks_when = false;
    if (when == When::at_once || when == When::after) send_start(ui, when == When::at_once, when == When::after);
  } else {
    ui.runs.asks_when = false;
    draw_choices(snapshot, ui, answer, ImGui::GetContentRegionAvail().x);  // beside a scroll bar
  }
  ImGui::EndChild();
  if (wide) ImGui::SameLine(0, ui.px(18));
  ImGui::BeginChild("all settings", {0, 0}, 0, ImGuiWindowFlags_NoScrollbar);
  draw_settings(ui, answer);
  ImGui::EndChild();
}

}  // namespace dream::ui
