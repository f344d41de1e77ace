#include "ui/window.h"

#include <GLFW/glfw3.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>

#include "api/error.h"
#include "api/platform_time.h"
#include "backends/imgui_impl_glfw.h"
#include "backends/imgui_impl_opengl3.h"
#include "imgui.h"
#include "implot.h"
#include "ui/choice_names.h"
#include "ui/chrome.h"
#include "ui/desktop.h"
#include "ui/faults.h"
#include "ui/home.h"
#include "ui/icon.h"
#include "ui/layout.h"
#include "ui/layout_keeper.h"
#include "ui/lesson/lesson_runner.h"
#include "ui/lesson/quiz.h"
#include "ui/panel_list.h"
#include "ui/panel_windows.h"
#include "ui/panels/data.h"
#include "ui/record/recording.h"
#include "ui/report.h"
#include "ui/screenshot.h"
#include "ui/ui.h"

namespace dream::ui {
namespace {

constexpr double answered_within = 0.025;  // seconds that a frame waits for what a driving key does
constexpr double idle_after = 2;  // seconds without anything new before the window slows down

}  // namespace

struct Window::Inside {
  Inside(Engine& engine, WindowOptions options_in) : options(std::move(options_in)), engine_ref(engine) {}

  WindowOptions options;
  GLFWwindow* window = nullptr;
  std::unique_ptr<Ui> ui_state;  // after the GL context, before its end: it holds textures
  Engine& engine_ref;
  std::filesystem::path directory;  // empty: nothing is remembered
  LayoutKeeper layouts;
  double key_event = 0;  // when the last key event came
  double next_frame = 0, opened_at = 0, last_news = 0, last_frame_end = 0;
  std::uint64_t dream_version = 0;
  long frames = 0;
  bool closing = false, had_gamepad = false, full_screen = false;
  std::string dream_run, train_run;  // as in the last frame
  std::optional<std::set<std::string>> sent_probes;
  std::vector<std::string> sent_previews;
  std::pair<std::string, int> sent_explained{"", -1};
  std::tuple<std::shared_ptr<const PreviewsView>, std::shared_ptr<const LabView>, std::shared_ptr<const DataView>>
      seen;  // as in the last frame
  std::vector<Ground> grounds;  // the docked panels of this frame
  Report report;
  float style_scale = 0;
  bool style_dark = true;

  void open();
  void close();
  void style();
  void watch();
  void meet_runs();
  void drive(bool free);
  void draw();
  void pace();
};

void Window::Inside::open() {
  ui_state = std::make_unique<Ui>(engine_ref);
  if (options.settings_directory != "-")
    directory = options.settings_directory.empty() ? default_settings_directory() : options.settings_directory;
  layouts.folder = directory;
  std::vector<std::string> damage;
  if (!directory.empty()) ui_state->settings = load_settings(directory / "window.conf", &damage);
  for (const std::string& sentence : damage) ui_state->note(1, sentence);
  if (!glfwInit())
    throw Error(
        "The window system could not be reached: no display was found. On a server use dreamscope-cli, or start a "
        "virtual display with xvfb-run.");
  glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
  glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 3);
  glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
  glfwWindowHint(GLFW_OPENGL_FORWARD_COMPAT, GLFW_TRUE);
  glfwWindowHint(GLFW_DEPTH_BITS, 0);
  glfwWindowHint(GLFW_STENCIL_BITS, 0);
  glfwWindowHintString(GLFW_X11_CLASS_NAME, "dreamscope");
  window = make_window(ui_state->settings, options.title, options.width, options.height);
  if (!window) {
    glfwTerminate();
    throw Error(
        "A window with OpenGL 3.3 could not be opened. Install a graphics driver or Mesa (libgl1-mesa-dri) and try "
        "again.");
  }
  glfwSetWindowSizeLimits(window, 800, 500, GLFW_DONT_CARE, GLFW_DONT_CARE);
  set_window_icon(window);
  glfwMakeContextCurrent(window);
  glfwSwapInterval(1);
  // Set before ImGui's own callbacks, which chain to these.
  glfwSetWindowUserPointer(window, this);
  glfwSetKeyCallback(window, [](GLFWwindow* w, int key, int scancode, int action, int mods) {
    Inside* self = static_cast<Inside*>(glfwGetWindowUserPointer(w));
    if (action != GLFW_REPEAT) self->key_event = now_seconds();
    // ImGui knows no key of the letters' block with a + of its own, as many keyboards have one.
    if (const char* name = glfwGetKeyName(key, scancode); name && std::string_view(name) == "+" && self->ui_state)
      ImGui::GetIO().AddKeyEvent(ImGuiKey_KeypadAdd, action != GLFW_RELEASE);
    if (action != GLFW_PRESS || key >= GLFW_KEY_LEFT_SHIFT || !self->ui_state) return;  // modifiers come last
    self->ui_state->pressed_with =
        (mods & GLFW_MOD_CONTROL ? ImGuiMod_Ctrl : 0) | (mods & GLFW_MOD_SHIFT ? ImGuiMod_Shift : 0) |
        (mods & GLFW_MOD_ALT ? ImGuiMod_Alt : 0) | (mods & GLFW_MOD_SUPER ? ImGuiMod_Super : 0);
  });
  glfwSetDropCallback(window, [](GLFWwindow* w, int count, const char** paths) {
    Inside* self = static_cast<Inside*>(glfwGetWindowUserPointer(w));
    if (count > 0) self->ui_state->open(paths[0]);
  });

  IMGUI_CHECKVERSION();
  ImGui::CreateContext();
  ImPlot::CreateContext();
  ImGuiIO& io = ImGui::GetIO();
  io.ConfigFlags |= ImGuiConfigFlags_DockingEnable;
  io.IniFilename = nullptr;  // layouts are kept per workspace, by this class
  io.ConfigWindowsMoveFromTitleBarOnly = true;
  io.ConfigErrorRecoveryEnableAssert = false;  // a slip in a panel costs a line in the log, not the program
  io.ConfigErrorRecoveryEnableTooltip = false;
  ImGui_ImplGlfw_InitForOpenGL(window, true);
  ImGui_ImplOpenGL3_Init("#version 330");

  opened_at = now_seconds();
  Ui& ui = *ui_state;
  ui.actions = make_actions();
  ui.snapshot = with_choice_names(engine_ref.latest(), ui.settings);
  ui.lessons = std::make_shared<Lessons>(options.lessons, directory.empty() ? directory : directory / "lessons");
  ui.quiz = std::make_shared<Quiz>();
  ui.recording = std::make_shared<Recording>(options.lower_priority);
  ui.keymap.set_layout([](char us_letter) {
    const char* name = glfwGetKeyName(GLFW_KEY_A + (us_letter - 'a'), 0);
    return std::string(name ? name : "");
  });
  ui.fonts = load_fonts();
  if (!options.workspace.empty()) ui.settings.workspace = options.workspace;
  ui.show_home = options.home;
  layouts.use(ui, ui.settings.workspace);
}

void Window::Inside::close() {
  if (!window) return;
  glfwMakeContextCurrent(window);
  if (ui_state) {
    layouts.remember(*ui_state);
    if (!full_screen) remember_place(window, ui_state->settings);
    ui_state->game.finish(*ui_state);
    if (!directory.empty()) save_settings(directory / "window.conf", ui_state->settings);
  }
  ui_state.reset();
  ImGui_ImplOpenGL3_Shutdown();
  ImGui_ImplGlfw_Shutdown();
  ImPlot::DestroyContext();
  ImGui::DestroyContext();
  glfwDestroyWindow(window);
  glfwTerminate();
  window = nullptr;
}

void Window::Inside::style() {
  Ui& ui = *ui_state;
  float x = 1, y = 1;
  int width = 0, height = 0;
  glfwGetWindowContentScale(window, &x, &y);
  glfwGetWindowSize(window, &width, &height);
  // A workspace enlarges the text where the window has room for it.
  const float text = ui.settings.projector ? std::max(ui.settings.text_scale, 1.5f) : ui.settings.text_scale;
  const float wanted = std::max(x, 0.5f) * text;
  const float room = static_cast<float>(height) / (480 * wanted);
  const float scale = wanted * std::clamp(workspace(ui.settings.workspace).text, 1.0f, std::max(room, 1.0f));
  if (scale == style_scale && ui.settings.dark == style_dark && !ui.want_style) return;
  if (scale != style_scale && style_scale > 0) layouts.rescale(ui);
  style_scale = ui.scale = scale;
  style_dark = ui.settings.dark;
  ui.want_style = false;
  apply_theme(ui.settings.dark, scale, ui.settings.projector);
}

/// Tells the engine which probes and previews are seen, when that has changed.
void Window::Inside::watch() {
  Ui& ui = *ui_state;
  if (sent_explained != ui.wanted_explained) {
    sent_explained = ui.wanted_explained;
    engine_ref.send(ExplainLatent{sent_explained.first, sent_explained.second});
  }
  if (sent_previews != ui.wanted_previews) engine_ref.send(WatchPreviews{sent_previews = ui.wanted_previews});
  if (sent_probes != ui.wanted_probes) engine_ref.send(WatchProbes{*(sent_probes = ui.wanted_probes)});
}

/// What was under way for one run is not carried over to the next.
void Window::Inside::meet_runs() {
  Ui& ui = *ui_state;
  if (ui.dream().run == dream_run && ui.train().run == train_run) return;
  ui.pending.clear();
  if (ui.dream().run != dream_run) ui.last_probes.clear(), ui.keymap.forget_sent();  // a key that is held goes on driving
  if (ui.train().run != train_run)
    for (auto& [curve, look] : ui.plots) look.follow = true;  // what was looked at of another run's curve
  dream_run = ui.dream().run, train_run = ui.train().run;
  std::error_code gone;  // a path that holds wherever the program is started next
  const auto last = std::filesystem::exists(dream_run, gone) ? std::filesystem::absolute(dream_run, gone).string() : "";
  if (!last.empty() && last.find('\n') == std::string::npos && ui.settings.last_run != last)
    ui.settings.last_run = last, ui.settings_changed = true;
}

/// `free`: the keys and the gamepad may reach the game.
void Window::Inside::drive(bool free) {
  Ui& ui = *ui_state;
  std::optional<PadState> pad;
  if (options.gamepad)
    pad = options.gamepad();
  else if (ui.focused)
    pad = read_gamepad();
  else
    pad = had_gamepad ? std::optional(PadState{}) : std::nullopt;
  if (pad.has_value() != std::exchange(had_gamepad, pad.has_value()))
    ui.note(0, pad ? "A gamepad is there: it drives as the keys do." : "The gamepad is gone.");
  ui.keymap.update(ui.dream().spaces.action, free, key_event, pad);
  if (ui.keymap.engaged()) last_news = now_seconds();
  const std::optional<Drive> change = ui.keymap.take_change();
  if (!change) return;
  ui.send(*change);
  if (change->pressed_at <= 0 || !ui.dream().playing || options.frame_rate <= 0) return;
  // A step takes less than a frame: its answer is drawn in this one, not in the next.
  for (const double end = now_seconds() + answered_within; now_seconds() < end;) {
    ui.snapshot = with_choice_names(engine_ref.latest(), ui.settings);
    if (ui.dream().pressed_at == change->pressed_at) return;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

void Window::Inside::draw() {
  Ui& ui = *ui_state;
  if (!ui.want_panel.empty()) ui.show_home = false;  // it is behind
  if (ui.presenting)
    draw_presentation(ui);
  else
    draw_menu_bar(ui);
  const ImGuiViewport* viewport = ImGui::GetMainViewport();
  const ImGuiID dock = ImGui::GetID("dock");
  const bool ready = layouts.prepare(ui, dock);
  draw_dock_space(dock, viewport->WorkPos, viewport->WorkSize, ui.show_home || ui.presenting);
  grounds.clear();
  if (ui.show_home && !ui.presenting)
    draw_home(ui, viewport->WorkPos, {viewport->WorkSize.x, viewport->WorkSize.y - faults_height(ui)});
  if (ready && !ui.show_home && !ui.presenting) grounds = draw_panels(ui);
  // A dream that waits for a fan which nobody sees would seem to hang.
  constexpr int patience = 20;  // frames
  const int now = ImGui::GetFrameCount();
  if (ui.dream().fan.over == FanOver::closed) ui.fan_seen = now;
  if (now - ui.fan_seen > patience) ui.fan_seen = now, ui.send(CloseFan{});
  draw_over_all(ui);
}

/// Waits for the next frame's time. A key event ends the wait, so that it reaches the engine at once.
void Window::Inside::pace() {
  double rate = options.frame_rate;
  if (rate <= 0) return;
  if (glfwGetWindowAttrib(window, GLFW_ICONIFIED))
    rate = 5;
  else if (now_seconds() - last_news > idle_after)
    rate = 12;
  next_frame = std::max(next_frame + 1 / rate, now_seconds() - 1 / rate);
  const double key_before = key_event;
  for (double now = now_seconds(); now < next_frame; now = now_seconds()) {
    glfwWaitEventsTimeout(next_frame - now);
    if (key_event != key_before || glfwWindowShouldClose(window)) break;
    if (rate < 20) {  // idle: whatever woke us deserves a frame
      last_news = now_seconds();
      break;
    }
  }
  next_frame = std::min(next_frame, now_seconds());
}

Window::Window(Engine& engine, WindowOptions options) : in_(std::make_unique<Inside>(engine, std::move(options))) {
  in_->open();
}

Window::~Window() {
  in_->close();
}

Ui& Window::ui() {
  return *in_->ui_state;
}

void Window::drop(const std::vector<std::string>& paths) {
  if (!paths.empty()) in_->ui_state->open(paths.front());
}

long Window::frames() const {
  return in_->frames;
}

std::string Window::report() const {
  return in_->report.json();
}

bool Window::screenshot(const std::filesystem::path& file) {
  return save_pixels(in_->window, file, {0, 0}, ImGui::GetIO().DisplaySize);
}

bool Window::frame() {
  Inside& in = *in_;
  Ui& ui = *in.ui_state;
  glfwPollEvents();
  if (glfwWindowShouldClose(in.window) || in.closing || (in.options.quit && in.options.quit->load())) return false;
  const double begin = now_seconds();
  ui.time = begin - in.opened_at;
  ui.snapshot = with_choice_names(in.engine_ref.latest(), ui.settings);
  if (ui.snapshot->dream->version != in.dream_version || ui.train().busy || ImGui::IsAnyItemActive()) {
    in.dream_version = ui.snapshot->dream->version;
    in.last_news = begin;
  }
  if (const auto seen = std::tuple(ui.snapshot->previews, ui.snapshot->lab, ui.snapshot->data); in.seen != seen)
    in.seen = seen, in.last_news = begin;
  if (!ui.want_workspace.empty()) {
    in.layouts.use(ui, std::exchange(ui.want_workspace, ""));
    ui.show_home = false;  // it would change unseen
  }
  if (ui.dream().coupling != Coupling::awake) ui.asleep = {ui.dream().coupling, ui.dream().coupling_steps};
  in.meet_runs();
  if (ui.presenting != in.full_screen) {
    in.full_screen = ui.presenting;
    fill_screen(in.window, in.full_screen, ui.settings);
  }
  in.style();

  ImGui_ImplOpenGL3_NewFrame();
  ImGui_ImplGlfw_NewFrame();
  ui.focused = in.options.has_keyboard ? in.options.has_keyboard() : glfwGetWindowAttrib(in.window, GLFW_FOCUSED) != 0;
  ImGui::NewFrame();
  handle_shortcuts(ui);
  const bool free = !ImGui::GetIO().WantTextInput && !ui.show_palette && !home_takes_keys(ui) && !list_is_open() &&
                    !ui.quiz->takes_keys() && !data_takes_keys(ui) && (ui.focused || in.key_event == 0);
  in.drive(free);
  if (const std::string chosen = ui.folder_dialog.take(); !chosen.empty()) ui.send(OpenRun{chosen});
  ui.wanted_probes.clear();
  ui.wanted_previews.clear();
  ui.wanted_explained = {"", -1};
  if (!in.options.lesson.empty() && ui.dream().ready && !ui.snapshot->runs->empty())
    ui.lessons->open(ui, std::exchange(in.options.lesson, {}), in.options.lesson_step);
  ui.lessons->frame(ui);
  ui.quiz->frame(ui);
  ui.game.tick(ui);
  ui.experiment.tick(ui);
  ui.recording->tick(ui);
  ui.brush.tick(ui);
  in.draw();
  ui.lessons->draw_marks(ui);
  in.watch();
  ImGui::Render();

  paint_grounds(in.window, in.grounds, ui.color());
  ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
  ++in.frames;
  // Read before the swap: afterwards the back buffer is undefined.
  if (!in.options.screenshot.empty() && in.frames == in.options.screenshot_frame) {
    if (!screenshot(in.options.screenshot))
      throw Error("The picture could not be written to " + in.options.screenshot.string() +
                  "; choose a file in a folder that you may write to.");
  }
  ui.recording->window_drawn(ui, in.window);
  save_what_is_wanted(ui, in.window);
  glfwSwapBuffers(in.window);
  if (ui.measures.add_key(ui.dream()) && !in.options.report.empty()) in.report.key(ui.measures.key_to_pixel);
  if (!in.options.report.empty()) in.report.frame(*ui.snapshot, begin, now_seconds());
  ui.textures.end_frame();
  in.layouts.frame_drawn(ui, !glfwGetWindowAttrib(in.window, GLFW_ICONIFIED));
  if (in.options.after_swap) in.options.after_swap();
  if (std::exchange(ui.settings_changed, false) && !in.directory.empty())
    save_settings(in.directory / "window.conf", ui.settings);
  if (std::exchange(ImGui::GetIO().WantSaveIniSettings, false)) in.layouts.remember(ui);
  if (ui.want_quit || (in.options.max_frames > 0 && in.frames >= in.options.max_frames) ||
      (in.options.max_seconds > 0 && ui.time >= in.options.max_seconds))
    in.closing = true;
  in.pace();
  const double end = now_seconds();
  if (in.last_frame_end > 0) ui.measures.add_frame(static_cast<float>((end - in.last_frame_end) * 1000));
  in.last_frame_end = end;
  return !in.closing;
}

}  // namespace dream::ui
