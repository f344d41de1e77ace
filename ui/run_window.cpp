#include "api/error.h"
#include "ui/settings.h"
#include "ui/window.h"

namespace dream::ui {

int run_window(Engine& engine, const WindowOptions& options) {
  Window window(engine, options);
  while (window.frame()) {
  }
  if (!options.screenshot.empty() && window.frames() < options.screenshot_frame)
    throw Error("The window was closed after " + std::to_string(window.frames()) + " frames, before the one that " +
                options.screenshot.string() + " was to show; give it more time.");
  if (!options.report.empty() && !save_text(options.report, window.report()))
    throw Error("The report could not be written to " + options.report.string() +
                "; choose a file in a folder that you may write to.");
  return 0;
}

}  // namespace dream::ui
