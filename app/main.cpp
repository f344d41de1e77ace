#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "api/error.h"
#include "core/base/platform.h"
#include "core/engine/live_engine.h"
#include "core/engine/run_list.h"
#include "ui/window.h"

int main(int argc, char** argv) {
  using namespace dream;
  keep_freed_memory();
  CLI::App app("Dreamscope: a window into learned world models. It opens inside a dream; the arrow keys steer.", "dreamscope");
  app.set_version_flag("--version", DREAMSCOPE_VERSION);
  LiveEngine::Options engine_options;
  ui::WindowOptions window_options;
  std::string run, screenshot;
  app.add_option("run", run, "A run's folder or a checkpoint to dream with; empty = the shipped run");
  app.add_option("--device", engine_options.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", engine_options.threads, "Threads of training; 0 = one per core")->check(CLI::Range(0, 1024))->capture_default_str();
  app.add_option("--width", window_options.width, "Width of the window")->check(CLI::Range(640, 16384))->capture_default_str();
  app.add_option("--height", window_options.height, "Height of the window")->check(CLI::Range(480, 16384))->capture_default_str();
  app.add_option("--screenshot", screenshot, "Save a picture of the window there after --frames frames, then leave");
  app.add_option("--frames", window_options.max_frames, "Leave after so many frames; 0 = never")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "dreamscope: %s. Try --help.\n", error.what());
    return 2;
  }
  try {
    catch_interrupts();
    window_options.screenshot = screenshot;
    if (!screenshot.empty() && window_options.max_frames > 0) window_options.screenshot_frame = window_options.max_frames - 1;
    window_options.quit = &interrupt_flag();
    engine_options.assets = find_assets();
    engine_options.open = run;
    LiveEngine engine(engine_options);
    return ui::run_window(engine, window_options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dreamscope: %s\n", error.what());
    return 1;
  }
}
