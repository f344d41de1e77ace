#include <algorithm>

#include "app/program.h"
#include "core/base/platform.h"
#include "core/live/live_engine.h"
#include "core/live/run_list.h"
#include "core/nn/torch.h"
#include "ui/lesson/lesson_file.h"
#include "ui/settings.h"
#include "ui/window.h"

namespace {

constexpr int frames_to_settle = 61;  // before a picture is taken, and one more

/// "FILE[:STEP]": the file of a lesson, or the name of a shipped one, and the step to begin with, from 1. Throws Error.
void choose_lesson(const std::string& given, dream::ui::WindowOptions& options) {
  using namespace dream;
  const auto colon = given.rfind(':');
  const auto said = colon == std::string::npos ? std::nullopt : whole_number(given.substr(colon + 1));
  const std::string name = said ? given.substr(0, colon) : given;
  std::error_code gone;
  for (const auto& file : {std::filesystem::path(name), options.lessons / name, options.lessons / (name + ".toml")})
    if (options.lesson.empty() && std::filesystem::is_regular_file(file, gone)) options.lesson = file;
  if (options.lesson.empty())
    throw Error("--lesson: '" + name + "' is neither a lesson's file nor the name of one in " +
                options.lessons.string());
  const auto steps = static_cast<std::int64_t>(ui::load_lesson(options.lesson).steps.size());
  if (!said) return;
  const std::int64_t step = said.value_or(0);
  if (step < 1 || step > steps)
    throw Error("--lesson: '" + name + "' has the steps 1 to " + std::to_string(steps) + ", not " + std::to_string(step));
  options.lesson_step = static_cast<int>(step) - 1;
}

int run_program(int argc, char** argv) {
  using namespace dream;
  keep_freed_memory();
  CLI::App app("Dreamscope: a window into learned world models. It opens inside a dream; the arrow keys steer.",
               "dreamscope");
  app.set_version_flag("--version", DREAMSCOPE_VERSION);
  LiveEngine::Options engine_options;
  ui::WindowOptions window_options;
  std::string run, train, start, lesson, screenshot, report;
  std::vector<std::string> beside;
  double speed = -1;
  int anchor = 10;
  app.add_option("run", run, "A run's folder, a checkpoint or a kept piece of a dream; empty = the one of last time, else a shipped run");
  app.add_option("--env", engine_options.world, "Another of the worlds that the run acts in, or other factors of its own, as TwoRoom[layout=moving]");
  app.add_option("--train", train, "Open this run and go on training it: its next phase starts with the window");
  app.add_option("--start", start, "Begin dreams there: a recorded clip (a dataset's folder) or a picture (PNG, JPEG, BMP)");
  app.add_option("--speed", speed,
                 "Dream steps per second to begin with; 0 = as fast as it can (default: the world's own pace)")
      ->transform(number_between(0, 1e4));
  app.add_option("--anchor", anchor, "Steps after which the dream stands on the real frame again; 0 = never, it drifts")
      ->transform(whole_between(0, 100000))
      ->capture_default_str();
  app.add_option("--beside", beside, "Runs of the same world, three at most, that dream beside it under the same actions, in the arena")
      ->expected(1, 3);
  app.add_option("--workspace", window_options.workspace, "play, train, debug, teach, lab or arena (default: the last one)")
      ->check(CLI::IsMember({"play", "train", "debug", "teach", "lab", "arena"}));
  app.add_option("--lesson", lesson, "FILE[:STEP]: open this lesson, a file or the name of a shipped one, at this step");
  app.add_option("--device", engine_options.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", engine_options.threads, "Threads of training; 0 = one per core")
      ->transform(whole_between(0, 1024))
      ->capture_default_str();
  app.add_flag("--home", window_options.home, "Begin at the wall of worlds");
  app.add_option("--width", window_options.width, "Width of the window (default: as it was)")
      ->transform(whole_between(640, 16384));
  app.add_option("--height", window_options.height, "Height of the window (default: as it was)")
      ->transform(whole_between(480, 16384));
  app.add_option("--screenshot", screenshot, "Save a picture of the window there after --frames frames, or 60, then leave");
  app.add_option("--frames", window_options.max_frames, "Leave after so many frames; 0 = never")
      ->transform(whole_between(0, 1000000000))
      ->capture_default_str();
  app.add_option("--seconds", window_options.max_seconds, "Leave after so many seconds; 0 = never")
      ->transform(number_between(0, 1e6))
      ->capture_default_str();
  app.add_option("--report", report,
                 "On leaving, write there what was measured, as JSON: frame times, dream steps, training rates");
  const std::string program = "dreamscope";
  catch_interrupts();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return exit_code(program, app.exit(error));
    complain(program, std::string(error.what()) + ". Try --help.");
    return 2;
  }
  try {
    for (const auto& file : {screenshot, report}) {
      if (!file.empty()) check_destination(file);
    }
    if (!run.empty() && !train.empty()) throw Error("a run is given twice, by itself and after --train; name it once");
    window_options.screenshot = screenshot;
    window_options.report = report;
    if (!screenshot.empty() && window_options.max_frames == 0 && window_options.max_seconds == 0) window_options.max_frames = frames_to_settle;
    if (!screenshot.empty() && window_options.max_frames > 0)
      window_options.screenshot_frame = std::max(1, window_options.max_frames - 1);
    window_options.quit = &interrupt_flag();
    window_options.lower_priority = lower_thread_priority;
    engine_options.assets = find_assets();
    if (!engine_options.assets.empty()) window_options.lessons = engine_options.assets / "lessons";
    if (!lesson.empty()) choose_lesson(lesson, window_options);
    engine_options.open = train.empty() ? run : train;
    if (engine_options.open.empty()) {  // the world that was entered last, while it is there
      const auto remembered = ui::load_settings(ui::default_settings_directory() / "window.conf").last_run;
      std::error_code gone;
      if (!remembered.empty() && std::filesystem::exists(remembered, gone)) engine_options.open = remembered;
    }
    engine_options.train = !train.empty();
    LiveEngine engine(engine_options);
    if (!start.empty()) engine.send(DreamFrom{start});
    engine.send(anchor > 0 ? SetCoupling{Coupling::anchored, anchor} : SetCoupling{Coupling::drift, 0});
    if (!beside.empty()) engine.send(SeatArena{beside});
    if (!beside.empty() && window_options.workspace.empty()) window_options.workspace = "arena";
    if (speed >= 0) engine.send(SetSpeed{static_cast<float>(speed)});
    int code = 1;
    try {
      code = ui::run_window(engine, window_options);
    } catch (const std::exception& error) {
      complain(program, error.what());  // and the run is saved all the same
    }
    const auto unsaved = engine.close();
    if (!unsaved.empty()) throw Error("the run could not be saved on leaving: " + unsaved);
    return exit_code(program, code);
  } catch (const std::exception& error) {
    complain(program, error.what());
    return exit_code(program, 1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return dream::end_of(run_program(argc, argv));
}
