#include <algorithm>
#include <cmath>

#include "ui/desktop.h"
#include "ui/knobs.h"
#include "ui/lab.h"
#include "ui/lesson/lesson_runner.h"
#include "ui/panel_picture.h"
#include "ui/panels/data.h"
#include "ui/record/recording.h"

namespace dream::ui {
namespace {

std::string needs_dream(const Ui& ui) {
  return ui.dream().ready ? "" : "No dream yet: open a run (File, Open run) or train one.";
}
std::string needs_run(const Ui& ui) {
  return ui.train().open ? "" : "No run is open for training: start a new one in the Runs panel.";
}

std::string has_real_world(const Ui& ui) {
  if (!ui.dream().ready) return needs_dream(ui);
  return ui.dream().twin && !ui.dream().recorded ? "" : "No real world goes with this dream.";
}

Action dream_action(const char* id, const char* title, ImGuiKeyChord chord, const char* keys, const char* help,
                    DreamControl::Do what) {
  return {id, "Dream", title, chord, keys, help, [what](Ui& ui) { ui.send(DreamControl{what}); }, needs_dream};
}

void shift_knobs(Ui& ui, double step) {
  KnobSettings before, after;
  for (const auto* k : group_of_knobs(ui.dream())) {
    const double now = ui.settle(k->knob.name, k->value);
    before.emplace_back(k->knob.name, now);
    after.emplace_back(k->knob.name, std::clamp(std::round((now + step) * 20) / 20, k->knob.minimum, k->knob.maximum));
  }
  if (!after.empty()) set_knobs(ui, after, before);
}

}  // namespace

std::vector<Action> make_actions() {
  std::vector<Action> all;
  const auto add = [&](Action action) -> Action& { return all.emplace_back(std::move(action)); };

  // -- file -------------------------------------------------------------------------------------------------------
  add({"open_run",
       "File",
       "Open run…",
       ImGuiMod_Ctrl | ImGuiKey_O,
       "Ctrl-O",
       "Dream with another run: from the list, by its path, or by dropping its folder on the window.",
       [](Ui& ui) { ui.runs.view = RunsPanel::View::list, ui.want_panel = "runs"; },
       {}});
  add({"choose_run",
       "File",
       "Choose a run",
       ImGuiMod_Ctrl | ImGuiKey_D,
       "Ctrl-D",
       "Dream with another run of the list: arrows and Enter.",
       [](Ui& ui) { ui.want_run_list = true; },
       {}});
  add({"home",
       "File",
       "Home: the wall of worlds",
       ImGuiKey_F2,
       "F2",
       "Every shipped and own run as a small dream that goes on; enter one.",
       [](Ui& ui) { ui.show_home = !ui.show_home; },
       {}});
  add({"new_run",
       "File",
       "New run…",
       ImGuiMod_Ctrl | ImGuiKey_N,
       "Ctrl-N",
       "Train a model from nothing: recipe, world and settings.",
       [](Ui& ui) { ui.runs.view = RunsPanel::View::form, ui.want_panel = "runs"; },
       {}});
  add({"keep",
       "File",
       "Keep the last 30 s",
       ImGuiMod_Ctrl | ImGuiKey_K,
       "Ctrl-K",
       "The last 30 seconds of the dream as a file: dreamscope-cli replay lives it again, and this window opens it.",
       [](Ui& ui) {
         const auto file = screenshot_path("kept", ".safetensors").string();
         ui.send(KeepBundle{30, file});
         ui.say("Keeping the last 30 s in " + file);
       },
       needs_dream});
  add({"screenshot",
       "File",
       "Screenshot",
       ImGuiKey_F12,
       "F12",
       "Save the window as a PNG picture.",
       [](Ui& ui) { ui.want_screenshot = true; },
       {}})
      .parted = true;
  add({"panel_picture",
       "File",
       "Picture of this panel",
       ImGuiMod_Shift | ImGuiKey_F12,
       "Shift-F12",
       "Save the panel that has the focus as a PNG picture; a right click on a panel's tab does it too.",
       [](Ui& ui) { save_panel(ui, focused_panel()); },
       [](const Ui& ui) { return std::string(ui.show_home || ui.presenting ? "No panel is shown now." : ""); }});
  add({"quit",
       "File",
       "Quit",
       ImGuiMod_Ctrl | ImGuiKey_Q,
       "Ctrl-Q",
       "Save what is under way and close the window.",
       [](Ui& ui) { ui.want_quit = true; },
       {}})
      .parted = true;
  // An experiment under way ends first; a painting has strokes of its own.
  add({"undo", "Edit", "Undo", ImGuiMod_Ctrl | ImGuiKey_Z, "Ctrl-Z",
       "Take back the last stroke of a painting, an experiment, or the last change of a setting.",
       [](Ui& ui) {
         ui.experiment.stop(ui);
         ui.brush.active() ? ui.brush.undo() : ui.undo();
       },
       [](const Ui& ui) {
         const bool can = ui.experiment.running() || (ui.brush.active() ? ui.brush.can_undo() : ui.can_undo());
         return std::string(can ? "" : "Nothing has been changed yet.");
       }});
  add({"redo", "Edit", "Redo", ImGuiMod_Ctrl | ImGuiMod_Shift | ImGuiKey_Z, "Ctrl-Shift-Z", "Make the change again.",
       [](Ui& ui) { ui.brush.active() ? ui.brush.redo() : ui.redo(); },
       [](const Ui& ui) {
         const bool can = ui.brush.active() ? ui.brush.can_redo() : ui.can_redo();
         return std::string(can ? "" : "Nothing has been taken back.");
       }});

  // -- the dream --------------------------------------------------------------------------------------------------
  add({"play", "Dream", "Play or pause", ImGuiKey_Space, "Space", "Let the dream run, or hold it still.",
       [](Ui& ui) { ui.send(DreamControl{ui.dream().playing ? DreamControl::Do::pause : DreamControl::Do::play}); },
       needs_dream})
      .also = {ImGuiMod_Ctrl | ImGuiKey_Space};
  add(dream_action("step", "One step", ImGuiKey_Period, ".", "Imagine one step, then hold still.",
                   DreamControl::Do::step));
  add(dream_action("back", "One step back", ImGuiKey_Comma, ",",
                   "Go back to the step before, and hold still; what is dreamt from there on is a branch.",
                   DreamControl::Do::back));
  add(dream_action("restart", "Restart", ImGuiKey_R, "R", "Dream again from the same real first frame.",
                   DreamControl::Do::restart));
  add(dream_action("new_start", "New start", ImGuiMod_Shift | ImGuiKey_R, "Shift-R",
                   "Dream from another real first frame.", DreamControl::Do::new_start));
  add({"pilot", "Dream", "You or the agent", ImGuiKey_M, "M",
       "Who drives while no key is held: nobody (you), or the trained agent.",
       [](Ui& ui) { ui.send(SetPilot{!ui.dream().human_pilot}); }, needs_dream})
      .parted = true;
  add({"driver", "Dream", "Next way to decide", ImGuiKey_K, "K",
       "How the agent decides: the next of its list, as Mode 1 and Mode 2, or its policy and plans in its place.",
       [](Ui& ui) {
         const auto& [knob, value] = *choices_of(ui.dream()).front();
         const double now = ui.settle(knob.name, value);
         set_knobs(ui, {{knob.name, now >= knob.maximum ? 0 : now + 1}}, {{knob.name, now}});
       },
       [](const Ui& ui) {
         if (!ui.dream().ready) return needs_dream(ui);
         return std::string(choices_of(ui.dream()).empty() ? "This agent decides in one way alone." : "");
       }});
  add({"twin", "Dream", "Twin: the real world beside", 0, "",
       "Step the real environment beside the dream, under the same actions.",
       [](Ui& ui) { ui.send(SetTwin{!ui.dream().twin}); }, needs_dream})
      .checked = [](const Ui& ui) { return ui.dream().twin; };
  add({"pill", "Dream", "Reality pill: see one real frame", ImGuiKey_P, "P",
       "With the next step the dream sees the real frame, and snaps back to it.",
       [](Ui& ui) { ui.send(RealityPill{}); }, has_real_world});
  add({"hand_over", "Dream", "Hand over: real world or dream", ImGuiKey_H, "H",
       "Drive in the real world; the same scene then goes on as a dream, and back.",
       [](Ui& ui) {
         ui.send(ui.dream().coupling == Coupling::awake ? ui.asleep : SetCoupling{Coupling::awake, 0});
       },
       has_real_world});
  add({"fan", "Dream", "Fan: nine futures of this moment", ImGuiKey_F, "F",
       "Nine futures at once, by chance, over a knob or over actions; click one to go on from there.",
       [](Ui& ui) {
         if (ui.dream().fan.over != FanOver::closed) return ui.send(CloseFan{});
         ui.send(OpenFan{FanOver::chance, ""});
         ui.want_panel = "fan";
       },
       needs_dream});
  add({"brush", "Dream", "Paint on the frame", ImGuiMod_Ctrl | ImGuiKey_B, "Ctrl-B",
       "The dream waits and its picture is painted on; it then goes on from what the encoder makes of it.",
       [](Ui& ui) {
         ui.brush.active() ? ui.brush.put_back(ui) : ui.brush.begin(ui);
         ui.want_panel = "worlds";
       },
       Brush::why_not})
      .checked = [](const Ui& ui) { return ui.brush.active(); };
  const auto paints = [](const Ui& ui) {
    const bool seen = ui.brush.active() && !ui.show_home && !ui.presenting;
    return std::string(seen ? "" : "Nothing is being painted: Paint on the frame comes first.");
  };
  add({"paint_on", "Dream", "Dream on from the painting", ImGuiKey_Enter, "Enter",
       "With its next step the dream sees what was painted, as if it were a real frame.",
       [](Ui& ui) { ui.brush.dream_on(ui); }, paints})
      .also = {ImGuiKey_KeypadEnter};
  add({"paint_begin", "Dream", "Begin with the painting", ImGuiMod_Shift | ImGuiKey_Enter, "Shift-Enter",
       "A dream that begins with what was painted: what was before is forgotten, and does not speak against it.",
       [](Ui& ui) { ui.brush.dream_on(ui, true); }, paints});
  add({"knobs_down", "Dream", "Linked knobs down", ImGuiKey_LeftBracket, "[", "Lower what bends the dream.",
       [](Ui& ui) { shift_knobs(ui, -0.05); }, needs_dream});
  add({"knobs_up", "Dream", "Linked knobs up", ImGuiKey_RightBracket, "]", "Raise what bends the dream.",
       [](Ui& ui) { shift_knobs(ui, 0.05); }, needs_dream});
  add({"capture", "Dream", "Give all keys to the game", ImGuiKey_Tab, "Tab",
       "Every key then reaches the game alone, until Esc.", [](Ui& ui) { ui.keymap.capture(true); }, needs_dream});

  for (const Experiment& each : experiments())
    add({each.id, "Experiments", each.title, 0, "", each.help, [&each](Ui& ui) { ui.experiment.start(ui, each); },
         [&each](const Ui& ui) { return ui.dream().ready ? each.why_not(ui.dream()) : needs_dream(ui); }});

  add_lab_actions(all);

  // -- training ---------------------------------------------------------------------------------------------------
  add({"train_start", "Train", "Start or resume", ImGuiKey_F5, "F5", "Train the next phase that is not done.",
       [](Ui& ui) { ui.send(TrainControl{TrainControl::Do::start, ""}); },
       [](const Ui& ui) { return ui.train().busy ? std::string("A phase is running already.") : needs_run(ui); }});
  add({"train_pause", "Train", "Pause", ImGuiMod_Shift | ImGuiKey_F5, "Shift-F5",
       "Stop after this batch; nothing is lost.", [](Ui& ui) { ui.send(TrainControl{TrainControl::Do::pause, ""}); },
       [](const Ui& ui) { return std::string(ui.train().busy ? "" : "Nothing is being trained."); }});
  add({"train_step", "Train", "One step", ImGuiKey_F6, "F6", "Train on one batch, then pause.",
       [](Ui& ui) { ui.send(TrainControl{TrainControl::Do::step, ""}); }, needs_run});
  add({"train_stop", "Train", "Stop and save", 0, "", "Save a checkpoint and end the training of this phase.",
       [](Ui& ui) { ui.send(TrainControl{TrainControl::Do::stop, ""}); }, needs_run});

  add({"dream_from_replay", "Train", "Dream from a frame of the replay", 0, "",
       "Begin a dream at the chosen frame of the replay (the slider in the Batch panel), with the weights of this "
       "moment.",
       [](Ui& ui) {
         ui.send(DreamFromReplay{ui.replay_recency});
         ui.want_panel = "worlds";
       },
       [](const Ui& ui) {
         if (const std::string none = needs_run(ui); !none.empty()) return none;
         return std::string(
             ui.train().replay_frames > 0
                 ? ""
                 : "There is no replay to begin at: this phase keeps none, or nothing has been collected yet.");
       }})
      .parted = true;

  add_data_actions(all);
  for (Action& action : picture_actions()) add(std::move(action));
  add_record_actions(all);

  // -- view -------------------------------------------------------------------------------------------------------
  const auto workspace = [&](const char* id, const char* title, ImGuiKey key, const char* keys, const char* help) {
    const std::string name = std::string(id).substr(10);
    add({id, "View", title, ImGuiMod_Ctrl | key, keys, help, [name](Ui& ui) { ui.want_workspace = name; }, {}})
        .checked = [name](const Ui& ui) { return ui.settings.workspace == name; };
  };
  workspace("workspace_play", "Workspace Play", ImGuiKey_1, "Ctrl-1", "Drive in the dream; the mind beside it.");
  workspace("workspace_train", "Workspace Train", ImGuiKey_2, "Ctrl-2", "Curves large, pictures small.");
  workspace("workspace_debug", "Workspace Debug", ImGuiKey_3, "Ctrl-3",
            "Every probe at once, times, curves and the log.");
  workspace("workspace_teach", "Workspace Teach", ImGuiKey_4, "Ctrl-4", "Large pictures and text, with a lesson.");
  workspace("workspace_lab", "Workspace Lab", ImGuiKey_5, "Ctrl-5",
            "When, where and why a dream stops being true: ask, and click a figure to dream from there.");
  workspace("workspace_arena", "Workspace Arena", ImGuiKey_6, "Ctrl-6", "Up to four models in one world, under the same actions.");
  add({"theme",
       "View",
       "Dark or light",
       0,
       "",
       "Switch between the dark and the light theme.",
       [](Ui& ui) { ui.settings.dark = !ui.settings.dark, ui.settings_changed = ui.want_style = true; },
       {}})
      .parted = true;
  add({"text_larger",
       "View",
       "Larger text",
       ImGuiMod_Ctrl | ImGuiKey_Equal,
       "Ctrl-+",
       "For a projector.",
       [](Ui& ui) {
         float& text = ui.settings.text_scale;
         text = text < 1.2f ? 1.25f : text < 1.45f ? 1.5f : 2.0f;
         ui.settings_changed = ui.want_style = true;
       },
       {}})
      .also = {ImGuiMod_Ctrl | ImGuiMod_Shift | ImGuiKey_Equal, ImGuiMod_Ctrl | ImGuiKey_KeypadAdd,
               ImGuiMod_Ctrl | ImGuiMod_Shift | ImGuiKey_KeypadAdd};
  add({"text_smaller",
       "View",
       "Smaller text",
       ImGuiMod_Ctrl | ImGuiKey_Minus,
       "Ctrl--",
       "Back toward 1×.",
       [](Ui& ui) {
         float& text = ui.settings.text_scale;
         text = text > 1.6f ? 1.5f : text > 1.3f ? 1.25f : 1.0f;
         ui.settings_changed = ui.want_style = true;
       },
       {}})
      .also = {ImGuiMod_Ctrl | ImGuiKey_KeypadSubtract};
  add({"projector",
       "View",
       "For a projector",
       0,
       "",
       "Large text, high contrast, and cursor and pressed keys shown large.",
       [](Ui& ui) { ui.settings.projector = !ui.settings.projector, ui.settings_changed = ui.want_style = true; },
       {}})
      .checked = [](const Ui& ui) { return ui.settings.projector; };
  add({"present",
       "View",
       "Presentation",
       ImGuiKey_F11,
       "F11",
       "The dream, the real world and one sentence fill the screen, until Esc.",
       [](Ui& ui) {
         ui.presenting = !ui.presenting;
         if (ui.presenting) ui.show_home = false, ui.home.driven.clear();  // the keys are the dream's
       },
       {}})
      .checked = [](const Ui& ui) { return ui.presenting; };
  add({"smooth",
       "View",
       "Smooth pictures",
       0,
       "",
       "Interpolate between pixels instead of showing each as a square.",
       [](Ui& ui) { ui.settings.smooth = !ui.settings.smooth, ui.settings_changed = true; },
       {}})
      .checked = [](const Ui& ui) { return ui.settings.smooth; };
  add({"reset_layout",
       "View",
       "Reset layout",
       0,
       "",
       "Put every panel of this workspace back in its place.",
       [](Ui& ui) { ui.want_reset_layout = true; },
       {}})
      .parted = true;

  // -- teach ------------------------------------------------------------------------------------------------------
  add({"lessons", "Lessons", "Lessons", 0, "", "The list of lessons: read, do, and see it ticked.",
       [](Ui& ui) {
         ui.want_workspace = "teach";
         ui.want_panel = "lesson";
       },
       {}});
  const auto no_lesson = [](const Ui& ui) { return std::string(ui.lessons->current() ? "" : "No lesson is open."); };
  add({"lesson_next", "Lessons", "Next step of the lesson", ImGuiKey_PageDown, "PgDn", "A presenter's key does it too.",
       [](Ui& ui) { ui.lessons->go(ui, ui.lessons->step() + 1); },
       [no_lesson](const Ui& ui) { return ui.lessons->current() ? ui.lessons->missing() : no_lesson(ui); }});
  add({"lesson_back", "Lessons", "Step before", ImGuiKey_PageUp, "PgUp", "The lesson goes a step back.",
       [](Ui& ui) { ui.lessons->go(ui, ui.lessons->step() - 1); },
       [no_lesson](const Ui& ui) {
         return ui.lessons->current() && ui.lessons->step() == 0 ? "This is the first step." : no_lesson(ui);
       }});
  add({"lesson_leave", "Lessons", "Leave the lesson", 0, "", "Its sliders and holds go back; what was passed is kept.",
       [](Ui& ui) { ui.lessons->leave(ui); }, no_lesson});
  add({"lesson_record", "Lessons", "Record a lesson", 0, "",
       "Do what is to be shown, write a sentence to each step: a lesson of your own.",
       [](Ui& ui) {
         ui.lessons->leave(ui);
         ui.lessons->recorder.begin(ui);
         ui.want_workspace = "teach";
         ui.want_panel = "lesson";
       },
       [](const Ui& ui) { return std::string(ui.lessons->recorder.on() ? "A lesson is being recorded already." : ""); }});
  add({"quiz", "Lessons", "Real or dream?", 0, "", "A quiz: which of two clips is the real one?",
       [](Ui& ui) {
         ui.want_workspace = "teach";
         ui.want_panel = "quiz";
       },
       {}});

  // -- help -------------------------------------------------------------------------------------------------------
  add({"keys", "Help", "Every key", ImGuiKey_F1, "F1", "This page.", [](Ui& ui) { ui.show_keys = !ui.show_keys; }, {}});
  add({"palette",
       "Help",
       "Command palette",
       ImGuiMod_Ctrl | ImGuiKey_P,
       "Ctrl-P",
       "Find any command by name.",
       [](Ui& ui) { ui.show_palette = !ui.show_palette; },
       {}});
  // What an open lesson holds still says so, wherever it stands.
  for (Action& action : all)
    action.why_not = [id = action.id, why_not = std::move(action.why_not)](const Ui& ui) {
      const std::string locked = ui.lessons->why_locked(id);
      return locked.empty() && why_not ? why_not(ui) : locked;
    };
  return all;
}

}  // namespace dream::ui
