#include "tests/app/live_flow.h"

#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "api/platform_time.h"

namespace dream::ui {

std::filesystem::path assets() {
  return DREAMSCOPE_SOURCE_DIR "/assets";
}

void LiveFlow::SetUp() {
  width = 1280, height = 720;
  most_frames = 1000000;
  LiveEngine::Options options;
  options.assets = assets();
  options.runs = folder() / "runs";
  options.open = assets() / "runs" / "car_racing";
  engine = std::make_unique<LiveEngine>(options);
}

void LiveFlow::TearDown() {
  close();
  engine.reset();
  UserFlow::TearDown();
}

void LiveFlow::after_frame() {
  if (wanted_picture_.empty()) return;
  window->screenshot(std::filesystem::path(std::getenv("DREAMSCOPE_PICTURES")) / (wanted_picture_ + ".png"));
  wanted_picture_.clear();
}

bool LiveFlow::until(ImGuiTestContext* ctx, const std::string& what, const std::function<bool()>& so, double seconds) {
  const double end = now_seconds() + seconds;
  while (!so() && now_seconds() < end) {
    ctx->Yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // so that who works in the background has time to
  }
  if (so()) return true;
  ADD_FAILURE() << what << ": not within " << seconds << " s.";
  return false;
}

void LiveFlow::enter(ImGuiTestContext* ctx, const std::string& run) {
  engine->send(OpenRun{(assets() / "runs" / run).string()});
  until(ctx, run + " is open", [&] {
    return dream().ready && std::filesystem::path(dream().run).filename() == run && !window->ui().snapshot->runs->empty();
  });
}

void LiveFlow::picture(ImGuiTestContext* ctx, const std::string& name) {
  if (!std::getenv("DREAMSCOPE_PICTURES")) return;
  ctx->MouseMoveToPos({1273, 715});  // where no tooltip covers anything
  wanted_picture_ = name;
  ctx->Yield(2);
}

}  // namespace dream::ui
