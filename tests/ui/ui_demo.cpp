// The window with the fake engine behind it, for a look by hand and for pictures:
//   ui_demo [--workspace play|train|debug|teach|lab] [--size WxH] [--light] [--text 1.5] [--frames N] [--shot FILE.png]
//           [--lessons DIR --lesson FILE[:STEP]] [--family recurrent] [--state empty|fault|keys|palette|runs|…]
//           [--question NAME [--figure NAME] [--about two]] [--do ACTION] [--coupling 0 … 4] [--mouse X,Y] [--at FRAME]
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "imgui.h"
#include "tests/ui/fake_engine.h"
#include "ui/lesson/lesson_runner.h"
#include "ui/lesson/quiz.h"
#include "ui/ui.h"
#include "ui/window.h"

int main(int argc, char** argv) {
  using namespace dream::ui;
  FakeEngine engine;
  WindowOptions options;
  options.settings_directory = "-";
  bool light = false;
  float text = 1;
  std::string state, panel, family, lesson, action, question, figure;
  std::vector<std::string> about{"assets/car"};
  float mouse[2] = {-1, -1};
  for (int i = 1; i + 1 < argc || (i < argc && std::string(argv[i]) == "--light"); ++i) {
    const std::string key = argv[i];
    if (key == "--light") {
      light = true;
      continue;
    }
    const std::string value = argv[++i];
    if (key == "--workspace") options.workspace = value;
    if (key == "--size") std::sscanf(value.c_str(), "%dx%d", &options.width, &options.height);
    if (key == "--text") text = std::strtof(value.c_str(), nullptr);
    if (key == "--frames") options.max_frames = std::atoi(value.c_str());
    if (key == "--shot") options.screenshot = value, options.max_frames = options.screenshot_frame = 45;
    if (key == "--at") options.max_frames = options.screenshot_frame = std::atoi(value.c_str());  // after --shot
    if (key == "--state") state = value;
    if (key == "--do") action = value;
    if (key == "--mouse") std::sscanf(value.c_str(), "%f,%f", &mouse[0], &mouse[1]);
    if (key == "--coupling") engine.send(dream::SetCoupling{static_cast<dream::Coupling>(std::atoi(value.c_str())), 10});
    if (key == "--family") family = value;
    if (key == "--panel") panel = value;
    if (key == "--lessons") options.lessons = value;
    if (key == "--lesson") lesson = value;  // a file's name, and ":3" for its fourth step
    if (key == "--question") question = value;
    if (key == "--figure") figure = value;
    if (key == "--about") about = {"assets/car", "runs/car"};
    if (key == "--rate") options.frame_rate = std::atof(value.c_str());
  }
  if (family == "recurrent") engine.become_recurrent();
  if (state == "fault") {
    engine.train().fault =
        "V's loss is not finite at step 1,204: v.encoder.conv2.weight holds NaN. The last good checkpoint is kept; "
        "lower v.learning_rate and press F5.";
    engine.fault() = "runs/old/model.safetensors is cut short: 1.2 MB of 9.8 MB. Copy it again, or open another run.";
  }
  if (state == "empty") {
    engine.dream() = dream::DreamView{};
    engine.train() = dream::TrainView{};
    engine.runs().clear();
    engine.tick();
  }
  engine.lives = state == "film";
  if (options.workspace == "lab" && state != "unasked" && state != "empty") engine.lab().fill(about);
  if (question == "compare" || (question == "worst" && state != "unasked"))
    engine.lab().view.answers.push_back(std::make_shared<const dream::LabAnswer>(fake_answer(question, about)));
  engine.tick();
  if (state == "queue") engine.train().queue = {{1, "runs/second", "vmc", "CarRacing"}, {2, "runs/old", "", ""}};
  options.lower_priority = [] { setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10); };
  options.after_swap = [&] { engine.tick(); };
  Window window(engine, options);
  window.ui().settings.dark = !light;
  window.ui().settings.text_scale = text;
  window.ui().want_panel = panel;
  window.ui().lab.question = question;
  if (!figure.empty()) window.ui().lab.figure[question] = figure;
  if (about.size() > 1) window.ui().lab.runs = about;
  window.ui().show_keys = state == "keys";
  window.ui().show_palette = state == "palette";
  window.ui().settings.sliders = state == "sliders";
  window.ui().keymap.capture(state == "capture");
  window.ui().settings.projector = state == "projector";
  window.ui().presenting = state == "present";
  using View = RunsPanel::View;
  window.ui().runs.view = state == "form" ? View::form : state == "queue" ? View::queue : View::list;
  if (state == "card" || state == "delete") window.ui().runs.selected = "runs/car";
  if (state == "delete") window.ui().runs.ask = RunsPanel::Ask::remove;
  if (state == "picture") engine.dream().source = "picture /home/me/cat.png", engine.dream().recorded = true;
  if (state == "notwin") engine.dream().twin = false;
  if (state == "look") window.ui().look = {2, 1.2f, PictureLook::Channel::red};
  if (state == "signed") window.ui().look = {1, 1, {}, PictureLook::Map::diverging, true};
  for (int frame = 0; window.frame(); ++frame) {
    Ui& ui = window.ui();
    if (mouse[0] >= 0) ImGui::GetIO().AddMousePosEvent(mouse[0], mouse[1]);
    if (frame == 15 && !action.empty()) ui.run(action);
    if (frame == 30 && state == "projector") ImGui::GetIO().AddKeyEvent(ImGuiKey_UpArrow, true);
    if (frame == 5 && state.starts_with("data")) ui.send(dream::OpenDataset{state == "data_foreign" ? "data/foreign" : "data/CarRacing-by-hand"});
    if (frame == 20 && state == "data_statistics") ui.data.view = DataPanel::View::statistics;
    if (frame == 20 && state == "data_episode") ui.data.view = DataPanel::View::episode, ui.data.step = 33;
    if (frame == 20 && state == "data_split") ui.data.selected = {"episode_1", "episode_3"}, ui.data.ask = DataPanel::Ask::split;
    if (frame == 5 && state == "branches") engine.send(dream::CompareWith{812});
    if (frame == 5 && state == "wall") ui.show_home = true, ui.home.compared = {"assets/car", "runs/car"};
    if (frame == 20 && state == "painted") ui.run("paint_on");
    if (frame == 20) ui.want_run_list = state == "runs";  // once the layout has settled
    if (frame == 20 && state == "record") ui.run("lesson_record");
    if (frame == 20 && (state == "film" || state == "film_window")) ui.run(state == "film" ? "record" : "record_window");
    if (frame == 5 && !lesson.empty()) {
      const std::size_t colon = lesson.find(':');
      const int step = colon == std::string::npos ? -1 : std::atoi(lesson.c_str() + colon + 1);
      ui.lessons->open(ui, options.lessons / lesson.substr(0, colon), step);
    }
    if (state == "quiz" && ui.quiz->state() == Quiz::State::told) ui.quiz->begin(ui);
    if (state == "quiz" && frame < options.max_frames - 30 && ui.quiz->state() == Quiz::State::asking) ui.quiz->answer(frame % 3 != 0);
    if (state == "quiz" && frame == 5) ui.run("quiz");
    if (state == "quiz" && frame == 20) ui.quiz->begin(ui);
  }
  std::printf("frame mean %.1f ms, p99 %.1f ms\n", static_cast<double>(window.ui().measures.mean),
              static_cast<double>(window.ui().measures.p99));
  return 0;
}
