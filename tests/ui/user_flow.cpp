#include "tests/ui/user_flow.h"

#include <unistd.h>

namespace dream::ui {

void UserFlow::open(const std::string& workspace, const std::filesystem::path& settings) {
  WindowOptions options;
  options.workspace = workspace;
  options.width = width, options.height = height;
  options.settings_directory = settings;
  options.lessons = lessons;
  options.frame_rate = 0;
  options.after_swap = [this] {
    after_frame();
    if (test_engine_) ImGuiTestEngine_PostSwap(test_engine_);
  };
  options.gamepad = [this] { return pad; };
  options.has_keyboard = [] { return true; };  // whichever of the tests that run side by side has it
  window = std::make_unique<Window>(behind(), options);
  ImGui::GetIO().ConfigErrorRecoveryEnableAssert = true;
  test_engine_ = ImGuiTestEngine_CreateContext();
  ImGuiTestEngineIO& io = ImGuiTestEngine_GetIO(test_engine_);
  io.ConfigRunSpeed = ImGuiTestRunSpeed_Fast;
  io.ConfigVerboseLevel = ImGuiTestVerboseLevel_Error;
  io.ConfigVerboseLevelOnError = ImGuiTestVerboseLevel_Info;
  io.ConfigLogToTTY = true;
  io.ConfigNoThrottle = true;
  io.ConfigSavedSettings = false;
  io.ConfigWatchdogWarning = io.ConfigWatchdogKillTest = FLT_MAX;  // frames are what is counted
  ImGuiTestEngine_Start(test_engine_, ImGui::GetCurrentContext());
  for (int i = 0; i < 4; ++i) window->frame();  // the layout settles
}

void UserFlow::close() {
  if (!window) return;
  ImGuiTestEngine_Stop(test_engine_);
  window.reset();
  ImGuiTestEngine_DestroyContext(test_engine_);
  test_engine_ = nullptr;
}

void UserFlow::TearDown() {
  close();
  std::error_code error;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, error);
}

void UserFlow::act(const std::function<void(ImGuiTestContext*)>& user) {
  ImGuiTest* test = ImGuiTestEngine_RegisterTest(test_engine_, "flow", "act");
  test->TestFunc = [&user](ImGuiTestContext* context) { user(context); };
  ImGuiTestEngine_QueueTest(test_engine_, test, ImGuiTestRunFlags_RunFromCommandLine);
  int frames = 0;
  while (!ImGuiTestEngine_IsTestQueueEmpty(test_engine_)) {
    ASSERT_LT(++frames, most_frames) << "The user never finished.";
    if (!window->frame()) break;
  }
  EXPECT_EQ(test->Output.Status, ImGuiTestStatus_Success);
  ImGuiTestEngine_UnregisterTest(test_engine_, test);
}

std::filesystem::path UserFlow::folder() {
  if (folder_.empty()) {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              ("dreamscope-" + std::string(info->name()) + "-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  return folder_;
}

}  // namespace dream::ui
