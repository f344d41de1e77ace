// Every shipped lesson, gone through by a learner over the engine and the runs that it speaks of.
#include <algorithm>
#include <cmath>

#include "tests/app/learner.h"

namespace dream::ui {
namespace lessons_test {

std::vector<std::string> shipped_lessons() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(assets() / "lessons"))
    names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

class LiveLesson : public Learner, public testing::WithParamInterface<std::string> {};

TEST_P(LiveLesson, IsPlayedToItsEnd) {
  open("play");
  act([&](ImGuiTestContext* ctx) {
    const std::string name = GetParam();
    enter(ctx, "car_racing");
    window->ui().run("lessons");
    ctx->Yield(6);
    ctx->SetRef(ctx->WindowInfo("//Lesson###lesson/list").ID);
    ctx->ItemClick(("shipped/###" + name + ".toml").c_str());
    ctx->SetRef("");
    ctx->Yield(2);
    ASSERT_TRUE(lessons_of().current()) << lessons_of().files().front().fault;
    const std::size_t steps = lessons_of().current()->lesson.steps.size();
    std::string run;
    for (std::size_t i = 0; i < steps; ++i) {
      const LessonStep step = lessons_of().now();
      SCOPED_TRACE(name + ", step " + std::to_string(i + 1) + ": " + step.title);
      ASSERT_EQ(lessons_of().step(), static_cast<int>(i));
      if (!step.run.empty()) run = step.run;
      const auto its_run = [&] { return std::filesystem::path(run == begun_run ? window->ui().train().run : run).filename(); };
      if (!until(ctx, "its run is open", [&] { return dream().ready && std::filesystem::path(dream().run).filename() == its_run(); })) return;
      if (!step.workspace.empty()) {
        EXPECT_EQ(window->ui().settings.workspace, step.workspace);
      }
      for (const auto* things : {&step.panels, &step.point})
        for (const std::string& thing : *things) until(ctx, "'" + thing + "' is seen", [&] { return sees(thing); });
      EXPECT_EQ(lessons_of().trouble(), "");
      // A knob that the step has set may bring others, and moves those that are there.
      const auto set = [&](const auto& knob) { return std::ranges::any_of(dream().knobs, [&](const KnobView& k) { return k.knob.name == knob.first && std::abs(k.value - knob.second) < 1e-6; }); };
      if (!until(ctx, "its knobs are set", [&] { return std::ranges::all_of(step.knobs, set); })) return;
      ctx->Yield(3);
      const std::string shot = name.substr(0, 2) + "_" + std::to_string(i + 1);
      picture(ctx, shot + "a");
      engine->send(SetSpeed{0});
      for (std::size_t which = 0; which < step.reach.size(); ++which) {
        if (HasFailure()) return;
        if (!reached(which)) do_it(ctx, step.reach[which], which);
      }
      picture(ctx, shot + "b");
      if (step.question) answer(ctx, *step.question);
      EXPECT_EQ(lessons_of().missing(), "");
      picture(ctx, shot + "c");
      if (HasFailure()) return;
      ctx->KeyPress(ImGuiKey_PageDown);
      ctx->Yield(3);
    }
    EXPECT_FALSE(lessons_of().current()) << "after the last step there is the list";
    const auto file = std::ranges::find_if(
        lessons_of().files(), [&](const LessonFile& each) { return each.path.filename() == name + ".toml"; });
    EXPECT_EQ(file->passed, static_cast<int>(steps));
    EXPECT_EQ(window->ui().snapshot->fault, "");
  });
}

INSTANTIATE_TEST_SUITE_P(Shipped, LiveLesson, testing::ValuesIn(shipped_lessons()),
                         [](const auto& lesson) { return lesson.param; });

}  // namespace lessons_test
}  // namespace dream::ui
