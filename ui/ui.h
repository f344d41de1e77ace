#pragma once
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/data.h"
#include "api/engine.h"
#include "imgui.h"
#include "ui/brush.h"
#include "ui/dialogs.h"
#include "ui/experiments.h"
#include "ui/game.h"
#include "ui/keymap.h"
#include "ui/picture_shader.h"
#include "ui/settings.h"
#include "ui/texture_cache.h"
#include "ui/theme.h"

namespace dream::ui {

struct Ui;
class Lessons;
class Quiz;
class Recording;

/// Something that the user can ask for: one table feeds the shortcuts, the menus (one for each group), the palette and
/// the F1 page.
struct Action {
  std::string id, group, title;
  ImGuiKeyChord chord = 0;  // 0: no shortcut
  std::string keys;         // as shown: "Shift-R"
  std::string help;         // one sentence
  std::function<void(Ui&)> run;
  std::function<std::string(const Ui&)> why_not;  // empty or unset = enabled; else the reason
  std::function<bool(const Ui&)> checked = {};    // for what is on or off
  bool parted = false;                            // a line stands above it in the menu
  std::vector<ImGuiKeyChord> also = {};           // further shortcuts: other keyboards, or the first is the world's
};

/// What a viewer remembers about one probe between frames.
struct ViewState {
  int selected = 0;          // dimension of a mixture …
  int dragged = -1;          // element under the mouse button
  float value = 0;           // its value, shown until the engine's answer arrives
  float before = 0;          // its value when the drag of a bar began, for undo
  float range = 3;           // axis half-height, grows in steps
  bool negative = false;     // a value below 0 was seen: the axis keeps its lower half
  std::size_t elements = 0;  // of the vector that the axis was settled for
  float top = 0;             // axis height of a density
  int axis_of = -1;          // the dimension that both were settled for …
  std::uint64_t moment = 0;  // … and the dream's moment
};

/// How one curve is looked at; kept while the program runs.
struct PlotState {
  double smoothing = 0.6;  // weight of what came before in the running mean, 0 … 0.99; 0: the bare line
  bool reference = true;   // the shipped run's line is shown
  bool log_x = false;
  int log_y = -1;                       // -1: where a plain axis would show a flat line
  bool follow = true;                   // the axes are fitted to the run's own points as they come
  double x[2] = {0, 1}, y[2] = {0, 1};  // what they span
};

/// The pixel under the mouse, and the pictures of one moment that it is framed in.
struct PixelMark {
  std::string group;
  int x = 0, y = 0, width = 0, height = 0;  // of those pictures
  int frame = -9;                           // ImGui's, in which the mouse was there
  std::vector<std::string> lines = {};  // what is told of it, a line of figures for each picture
};

/// Frame and latency measurements of the window, in milliseconds.
struct Measures {
  std::array<float, 240> frames{};
  int at = 0, filled = 0;
  float p99 = 0, mean = 0;
  float input = 0, model = 0, decode = 0, draw = 0, key_to_pixel = 0;  // the last answered key event
  bool any_key = false;
  std::deque<float> keys;  // the last key→pixel figures
  double answered = 0;  // pressed_at of the last key event that was measured
  void add_frame(float ms);
  /// The key→pixel latency: from a driving key's event to the swapped frame that shows the step which answered it.
  /// False: no key was answered since the last one.
  bool add_key(const DreamView& dream);
};

/// The slider under the mouse button: there is one at most.
struct SliderGrab {
  double before = 0, now = 0;  // its value when the button went down, and since then
  float offset = 0;            // of the mouse from the middle of the knob
  float pressed_at = 0;        // where the mouse was then
  bool on_knob = false;
};

/// One step that Ctrl-Z takes back. It belongs to the run that it changed: while another is open it waits.
struct UndoStep {
  std::string what, owner;
  std::vector<Command> undo, redo;
  bool done = true;  // false: taken back
};

/// What the Runs panel remembers between frames.
struct RunsPanel {
  enum class View { list, form, queue };
  enum class Ask { nothing, rename, duplicate, remove, train };  // in the place of the selected run's buttons
  View view = View::list;
  std::string selected;  // its path
  Ask ask = Ask::nothing;
  std::string name;              // that is typed for it
  int asked_at = -2;             // the frame in which that was asked for
  std::string directory;         // of the new run
  std::string proposed;          // a free folder, while the user has named none
  std::string like;              // the run whose settings the form waits for
  std::optional<DescribeRun> asked;  // last, and when there were so many runs
  std::size_t among = 0;
  bool asks_when = false;  // the new run would stop the training under way
};

/// What the Lab remembers between frames.
struct LabPanel {
  std::string question;                       // that is looked at; empty: the first
  std::vector<std::string> runs;              // that are asked about; empty: the one that is dreamt with
  std::map<std::string, std::string> figure;  // the large one of a question, where it is not the first
  std::size_t cards = 0;                      // numbers that stand beside the answer; the evidence lists the others
  std::map<std::string, float> sentence;      // height of an answer that is being refined: nothing below it jumps
  LabMoment walk_from;                        // of a map: where a walk is to begin
};

/// What the Data panel remembers between frames.
struct DataPanel {
  enum class Ask { nothing, remove, split, merge };  // in the place of the buttons
  enum class View { list, episode, statistics };  // list and episode are one where there is room
  View view = View::list;
  std::uint64_t revision = 0;      // of the dataset that all this is about
  std::set<std::string> selected;  // episodes by their names
  std::string current, anchor;     // the one that is looked at; where a selection with Shift began
  Ask ask = Ask::nothing;
  std::int64_t step = 0;           // of the episode, that is shown
  bool scroll = false;             // the current one is to be seen in the list
  std::vector<std::size_t> order;  // the episodes as they are sorted …
  std::shared_ptr<const std::vector<DataEpisode>> ordered;  // … and which
  std::shared_ptr<const DataEpisodeView> seen;              // whose frame and return these are
  std::shared_ptr<const Image> frame;
  std::int64_t framed = -1;                                 // which
  std::vector<double> steps, returns, spent;                // return and cost so far, at every moment
  int shown_at = -9, focused_at = -9;                       // ImGui's frames
};

/// Elements of the value that is drawn now, where they lead somewhere (points of a plot, rows of a table …): what a viewer
/// says of the one under the mouse, and which was clicked.
struct Elements {
  std::function<std::string(int)> says;  // empty: they lead nowhere
  int clicked = -1;
  bool pairs = false, with_shift = false;  // two can be chosen, with Shift; the click was such a one
  int first = -1;                          // of two, once it is chosen
};

/// How a table is looked at.
struct TableLook {
  std::string filter;
  std::set<std::string> pinned;  // rows by their names: they stay above the others
};

/// How a map of points is looked at. Places are parts of the map, 0 … 1 from its lower left corner.
struct PointsLook {
  int colour = 0;
  float zoom = 1;
  ImVec2 centre{0.5f, 0.5f};
  std::vector<ImVec2> lasso;  // its corners, closed once `inside` is there
  std::vector<char> inside;   // one per point
  bool drawing = false;
};

/// What Home remembers between frames.
struct HomeWall {
  int selected = 0, kind = 0;
  std::string typed;                  // the search
  bool chosen = false;                // a card was chosen by arrows: C, N and Space are commands, not letters
  std::vector<std::string> compared;  // paths: one is marked, two are shown alone
  std::string driven;                 // the run that hands drive in its card; empty: none
  bool covered = false;               // a page, a list or a question lay over it in the last frame
};

/// What panels share while a frame is drawn: the engine, this frame's snapshot, theme, pictures, keys. Panels talk to
/// the engine through send() and never to each other.
struct Ui {
  explicit Ui(Engine& engine_in) : engine(engine_in) {}
  Ui(const Ui&) = delete;
  Ui& operator=(const Ui&) = delete;

  Engine& engine;
  std::shared_ptr<const Snapshot> snapshot;  // never null while a frame is drawn
  Settings settings;
  bool settings_changed = false;
  Fonts fonts;
  TextureCache textures;
  PictureShader picture_shader;
  PictureLook look;  // of every captioned picture of a world, and of a model's own
  PixelMark pixel;
  Keymap keymap;
  Measures measures;
  std::vector<Action> actions;
  std::map<std::string, ViewState> views;
  std::map<std::string, PlotState> plots;  // by the curve's name; "": as new ones begin
  SliderGrab grab;
  std::shared_ptr<Lessons> lessons;  // never null while a frame is drawn, nor is quiz
  std::shared_ptr<Quiz> quiz;
  std::shared_ptr<Recording> recording;  // nor is this
  Game game;
  ExperimentPlayer experiment;
  Brush brush;
  float scale = 1;        // monitor × user's text scale × workspace's
  bool focused = true;    // the window has the keyboard
  int pressed_with = -1;  // the modifiers that were down when the last key was pressed; < 0: the window does not tell
  double time = 0;        // seconds since the window opened

  bool dark() const { return settings.dark; }
  const Palette& color() const { return palette(settings.dark, settings.projector); }
  float px(float at_one) const { return at_one * scale; }
  const DreamView& dream() const { return *snapshot->dream; }
  const TrainView& train() const { return *snapshot->train; }

  void send(Command command);  // not if an open lesson holds still what it would change
  void open(const std::string& path);  // what was dropped on the window: a lesson, a run, a dataset
  void undoable(std::string what, std::vector<Command> undo, std::vector<Command> redo);
  void undoable(std::string what, Command undo, Command redo) {
    undoable(std::move(what), std::vector{std::move(undo)}, std::vector{std::move(redo)});
  }
  bool can_undo() const;
  bool can_redo() const;
  void undo();
  void redo();
  const Action* action(const std::string& id) const;
  /// The shortcut that runs it now: another one, or none, where the world has its key.
  std::string keys_of(const Action& action) const;
  void run(const std::string& id);         // runs the action if it is enabled
  void note(int level, std::string text);  // a line of the window's own in the log panel
  void say(std::string text);              // a line over the window for some seconds, and in the log

  // Asked for by panels, carried out by the window.
  std::string want_workspace;
  bool want_reset_layout = false, want_quit = false, want_screenshot = false, want_style = false;
  bool show_keys = false, show_palette = false, show_home = false;
  bool presenting = false;                          // dream, real picture and one sentence fill the screen
  std::map<ImGuiKey, double> keys_down;             // and when each was down last: for the projector
  std::map<std::string, std::string> focus_before;  // a page over the window, and who had the focus when it came
  double replay_recency = 1;         // where "dream from this frame" begins: 0 the oldest frame … 1 the newest
  SetCoupling asleep{Coupling::dream_leads, 0};  // what a hand-over goes back to
  std::string want_panel;            // bring this panel to the front
  int fan_seen = 0;                  // the last frame in which the fan was in sight, or was asked for
  RunsPanel runs;
  HomeWall home;
  LabPanel lab;
  DataPanel data;
  Elements elements;
  std::map<std::string, TableLook> tables;  // by the probe's name, as `points` is
  std::map<std::string, PointsLook> points;
  std::map<std::string, int> film_held;     // by the sheet: the column that stands in the place of its film; −1: none
  bool figure = false;                      // a figure is drawn, not what a model publishes now: it stands still
  bool bare = false;                        // a small multiple: the value alone, without legend, axes and tools
  bool want_run_list = false;        // drop the list of runs in the top bar

  struct Cutout {      // a part of the window to be saved as a picture, once nothing lies over it
    std::string what;  // in the file's name
    ImVec2 min, max;
    int frames = 3;
    std::string panel = {};  // or where this panel is then
  };
  std::optional<Cutout> want_cutout;
  std::string replay_looked_at;  // which run and place LookAtReplay has named

  std::set<std::string> wanted_probes;       // filled while drawing
  std::map<std::string, Probe> last_probes;  // of this run, as each was published last
  std::vector<std::string> wanted_previews;  // the same: runs that Home shows
  std::pair<std::string, int> wanted_explained{"", -1};  // the same: the element of a latent that the mouse is on
  std::vector<LogLine> notes;
  std::string said;      // by say() …
  double said_at = -99;  // … and when
  std::vector<UndoStep> undo_steps;
  std::map<std::string, std::string> texts;  // what is being typed, by field
  FolderDialog folder_dialog;
  std::map<std::string, bool> panel_open;

  // A value that was sent and is shown until the engine's answer arrives or a moment has passed.
  struct Pending {
    double value = 0, until = 0;
  };
  std::map<std::string, Pending> pending;
  double settle(const std::string& key, double from_engine);  // what to show
  void expect(const std::string& key, double value) { pending[key] = {value, time + 0.6}; }
};

/// Fills Ui::actions.
std::vector<Action> make_actions();
std::vector<Action> picture_actions();  // those of Ui::look

}  // namespace dream::ui
