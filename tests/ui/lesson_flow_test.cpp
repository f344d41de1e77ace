// Lessons in the window: opened by name, acted out, done and ticked; mistakes told; recording.
#include <algorithm>
#include <fstream>

#include "imgui_internal.h"
#include "tests/ui/flow.h"
#include "ui/coupling.h"
#include "ui/lesson/lesson_runner.h"
#include "ui/lesson/things.h"
#include "ui/panel_list.h"

namespace dream::ui {
namespace lesson_flow_test {

class LessonFlow : public Flow {
 protected:
  /// A folder of lessons in place of the shipped ones.
  void write(const std::string& name, const std::string& toml) {
    lessons = folder() / "lessons";
    std::filesystem::create_directories(lessons);
    std::ofstream(lessons / name) << toml;
  }
  const Lessons& open_lessons() { return *window->ui().lessons; }
};

const std::string lesson = R"(
title = "Short"
about = "Two steps."
[[step]]
title = "Look"
text = "Watch *it*."
run = "car"
workspace = "teach"
tab = "mixture"
anchor = 10
pilot = "you"
knobs = { tau_mixture = 1.5 }
play = true
point = ["twin", "dream"]
lock = ["knobs", "pill", "anchor"]
reach = [{ that = "Five steps.", steps = 5 }]
[step.ask]
question = "Two and two?"
choices = [{ text = "Five", why = "Count again." }, { text = "Four", right = true, why = "Yes." }]
[[step]]
title = "Do"
text = "Press the pill."
hold = [{ probe = "latent/z", index = 3, value = 2 }]
play = false
reach = [{ that = "A pill.", pills = 1 }, { that = "Hot.", knob = "tau_sigma", above = 1.2 }]
)";

TEST_F(LessonFlow, IsOpenedByNameSetsTheStageAndTicksWhatIsReached) {
  write("short.toml", lesson);
  engine.dream().run = "runs/other";
  engine.dream().coupling = Coupling::reality_leads, engine.dream().coupling_steps = 7;
  open("play", folder() / "settings");
  act([&](ImGuiTestContext* ctx) {
    window->ui().run("lessons");
    ctx->Yield(6);
    EXPECT_EQ(window->ui().settings.workspace, "teach");
    window->ui().want_workspace = "play";
    ctx->Yield(6);
    EXPECT_FALSE(window->ui().panel_open["lesson"]) << "it came in Teach alone, not over the dream in Play";
    window->ui().run("lessons");
    ctx->Yield(6);
    ctx->ItemClick("//Lesson###lesson/**/###short.toml");
    ctx->Yield(6);
    ASSERT_NE(open_lessons().current(), nullptr);
    EXPECT_EQ(engine.last<OpenRun>()->path, "assets/car") << "the shipped run of that name";
    EXPECT_NEAR(engine.knob("tau_mixture"), 1.5, 1e-6) << "once the run is open";
    EXPECT_EQ(anchor_of(engine.dream()), 10);
    EXPECT_TRUE(engine.dream().human_pilot);
    ctx->Yield(4);
    const ImGuiWindow* mind = ImGui::FindWindowByName("Mind###mind");
    const ImGuiTabBar* tabs =
        ImGui::GetCurrentContext()->TabBars.GetByKey(const_cast<ImGuiWindow*>(mind)->GetID("mind"));
    ASSERT_NE(tabs, nullptr);
    EXPECT_EQ(tabs->VisibleTabId, ImHashStr("###mixture", 0, tabs->ID)) << "it opens the tab that it speaks of";
    ctx->Yield(8);
    EXPECT_TRUE(open_lessons().reached(0)) << "the dream has run for five steps";
    ctx->ItemClick("//Lesson###lesson/###next");
    EXPECT_EQ(open_lessons().step(), 0) << "the question is still open";
    ctx->ItemClick("//Lesson###lesson/**/$$0/###answer");
    ctx->Yield(2);
    EXPECT_EQ(open_lessons().missing(), "First: answer the question.") << "a wrong answer is not one";
    ctx->KeyPress(ImGuiKey_2);
    ctx->Yield(2);
    EXPECT_EQ(open_lessons().missing(), "");
    ctx->KeyPress(ImGuiKey_PageDown);
    ctx->Yield(3);
    ASSERT_EQ(open_lessons().step(), 1);
    EXPECT_FALSE(engine.dream().playing);
    ASSERT_EQ(engine.dream().held.size(), 1u);
    EXPECT_EQ(engine.dream().held[0].index, 3);
    EXPECT_FALSE(open_lessons().reached(0));
    ctx->KeyPress(ImGuiKey_P);
    ctx->Yield(3);
    EXPECT_TRUE(open_lessons().reached(0)) << "the deed is seen";
    EXPECT_FALSE(open_lessons().reached(1));
    engine.send(SetKnob{"tau_sigma", 1.3});
    ctx->Yield(3);
    EXPECT_TRUE(open_lessons().reached(1));
    ctx->ItemClick("//Lesson###lesson/###back");
    ctx->Yield(3);
    EXPECT_EQ(open_lessons().step(), 0);
    EXPECT_TRUE(engine.dream().held.empty()) << "a step back is as it was";
    EXPECT_NEAR(engine.knob("tau_sigma"), 1, 1e-6);
    ctx->ItemClick("//Lesson###lesson/###skip");
    ctx->ItemClick("//Lesson###lesson/###skip");
    ctx->Yield(3);
    EXPECT_EQ(open_lessons().current(), nullptr) << "after the last step there is the list";
    EXPECT_EQ(open_lessons().files()[0].passed, 2);
    EXPECT_TRUE(engine.dream().held.empty());
    EXPECT_NEAR(engine.knob("tau_mixture"), 1, 1e-6);
    EXPECT_EQ(engine.dream().coupling, Coupling::reality_leads) << "as before the lesson";
    EXPECT_EQ(engine.dream().coupling_steps, 7);
    EXPECT_FALSE(engine.dream().human_pilot);
  });
  close();
  open("teach", folder() / "settings");
  EXPECT_EQ(open_lessons().files()[0].passed, 2) << "progress is remembered";
}

TEST_F(LessonFlow, BeginsATrainingAndFollowsItsCurve) {
  const auto& curve = engine.train().curves.front();
  const auto& field = engine.train().fields.front();
  ASSERT_TRUE(engine.runs().front().usable && engine.runs().front().shipped);
  const std::string shipped = engine.runs().front().path, given = std::filesystem::path(shipped).filename().string();
  write("train.toml", "title = \"T\"\nabout = \"A.\"\n[[step]]\ntitle = \"S\"\ntext = \"x\"\n"
                      "train = { recipe = \"vmc\", world = \"CarRacing\", settings = [\"" + field.key + "=run:" + given + "\"] }\n"
                      "reach = [{ that = \"Falls.\", curve = \"" + curve.name + "\", below = 1e6 },"
                      " { that = \"Never.\", curve = \"no/such\", below = 1e6 },"
                      " { that = \"Set.\", setting = \"" + field.key + "=-77\" }]\n"
                      "[[step]]\ntitle = \"S2\"\ntext = \"x\"\nrun = \"begun\"\n");
  open("play", folder() / "settings");
  act([&](ImGuiTestContext* ctx) {
    window->ui().run("lessons");
    ctx->Yield(6);
    ctx->ItemClick("//Lesson###lesson/**/###train.toml");
    ctx->Yield(6);
    EXPECT_EQ(engine.count<StartRun>(), 0) << "the training under way is not stopped";
    EXPECT_NE(open_lessons().trouble().find(engine.train().run + " is being trained"), std::string::npos);
    engine.train().busy = false;
    window->ui().lessons->go(window->ui(), 0);
    EXPECT_EQ(open_lessons().missing(), "The run is being begun.");
    ctx->Yield(6);
    ASSERT_EQ(engine.count<StartRun>(), 1);
    EXPECT_EQ(engine.last<StartRun>()->recipe, "vmc");
    EXPECT_EQ(engine.last<StartRun>()->settings, std::vector<std::string>{field.key + "=" + shipped}) << "a run's folder in place of its name";
    EXPECT_EQ(engine.last<StartRun>()->directory, "runs/free") << "that no run has";
    EXPECT_EQ(engine.last<TrainControl>()->what, TrainControl::Do::start);
    EXPECT_FALSE(open_lessons().reached(0)) << "the curve is still another run's";
    engine.train().run = "runs/free";
    ctx->Yield(6);
    EXPECT_TRUE(open_lessons().reached(0));
    EXPECT_FALSE(open_lessons().reached(1)) << "a curve that is not there";
    EXPECT_FALSE(open_lessons().reached(2));
    engine.send(SetField{engine.train().fields.front().key, std::int64_t{-77}, ""});
    ctx->Yield(6);
    EXPECT_TRUE(open_lessons().reached(2));
    ASSERT_FALSE(engine.runs().empty());
    engine.runs().push_back(engine.runs().front());
    engine.runs().back().path = "runs/free", engine.runs().back().usable = true, engine.runs().back().progress = 0.3;
    engine.train().busy = false;
    ctx->Yield(6);
    window->ui().lessons->go(window->ui(), 0);
    ctx->Yield(3);
    EXPECT_EQ(engine.count<StartRun>(), 1) << "The run that it has begun goes on; there is no second one.";
    ASSERT_EQ(engine.count<TrainRun>(), 1);
    EXPECT_EQ(engine.last<TrainRun>()->path, "runs/free");
    engine.train().busy = true;
    ctx->Yield(3);
    window->ui().lessons->go(window->ui(), 1);
    ctx->Yield(3);
    ASSERT_TRUE(engine.last<OpenRun>());
    EXPECT_EQ(engine.last<OpenRun>()->path, "runs/free") << "what has been trained is looked into";
    // Once it is trained a step back does not begin another one.
    engine.runs().back().progress = 1, engine.train().busy = false;
    ctx->Yield(3);
    window->ui().lessons->go(window->ui(), 1);
    ctx->Yield(6);
    EXPECT_EQ(engine.count<StartRun>(), 1);
    EXPECT_EQ(engine.count<TrainRun>(), 1);
    EXPECT_EQ(open_lessons().trouble(), "");
  });
}

TEST_F(LessonFlow, WhatAStepLocksStandsStillAndSaysWhy) {
  write("short.toml", lesson);
  open("teach");
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Lesson###lesson/**/###short.toml");
    ctx->Yield(6);
    const int pills = engine.count<RealityPill>();
    ctx->KeyPress(ImGuiKey_P);
    ctx->KeyPress(ImGuiKey_RightBracket);
    ctx->ItemInputValue("//Worlds###worlds/##temperature", 0.4f);
    ctx->Yield(3);
    EXPECT_EQ(engine.count<RealityPill>(), pills);
    EXPECT_NEAR(engine.knob("tau_mixture"), 1.5, 1e-6) << "neither key nor slider moves it";
    const Action* pill = window->ui().action("pill");
    EXPECT_NE(pill->why_not(window->ui()).find("This step of the lesson keeps the reality pill"), std::string::npos);
    EXPECT_FALSE(window->ui().can_undo()) << "nothing was done";
    window->ui().run("lesson_leave");
    ctx->Yield(2);
    ctx->KeyPress(ImGuiKey_P);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<RealityPill>(), pills + 1);
  });
}

TEST_F(LessonFlow, AMistakeIsARowWithItsSentenceAndOthersStillOpen) {
  write("bad.toml", "title = \"B\"\nabout = \"b\"\n[[step]]\ntitle = \"x\"\ntext = \"y\"\nanchor = \"ten\"\n");
  write("short.toml", lesson);
  open("teach");
  act([&](ImGuiTestContext* ctx) {
    ASSERT_EQ(open_lessons().files().size(), 2u);
    EXPECT_NE(open_lessons().files()[0].fault.find("bad.toml, step 1, 'anchor': a whole number"), std::string::npos);
    ctx->ItemClick("//Lesson###lesson/**/###bad.toml");
    EXPECT_EQ(open_lessons().current(), nullptr);
    std::ofstream(lessons / "bad.toml") << "title = \"B\"\nabout = \"b\"\n[[step]]\ntitle = \"x\"\ntext = \"y\"\n";
    ctx->ItemClick("//Lesson###lesson/###read");
    ctx->Yield(2);
    ctx->ItemClick("//Lesson###lesson/**/###bad.toml");
    ctx->Yield(2);
    EXPECT_NE(open_lessons().current(), nullptr) << "mended, it opens";
    // A lesson is dropped on the window like anything else; a run beside it is within its reach, one elsewhere is not.
    const auto away = folder() / "away";
    std::filesystem::create_directories(away / "mine");
    std::ofstream(away / "dropped.toml")
        << "title = \"D\"\nabout = \"d\"\n[[step]]\ntitle = \"x\"\ntext = \"y\"\nrun = \"mine\"\n"
           "[[step]]\ntitle = \"x\"\ntext = \"y\"\nrun = \"nowhere\"\n";
    window->drop({(away / "dropped.toml").string()});
    ctx->Yield(3);
    ASSERT_NE(open_lessons().current(), nullptr);
    EXPECT_EQ(open_lessons().current()->lesson.title, "D");
    EXPECT_EQ(engine.last<OpenRun>()->path, (std::filesystem::weakly_canonical(away) / "mine").string());
    ctx->KeyPress(ImGuiKey_PageDown);
    ctx->Yield(3);
    EXPECT_NE(open_lessons().trouble().find("'nowhere' is neither shipped nor beside the lesson"), std::string::npos);
  });
}

TEST_F(LessonFlow, TheProgramDrivesWhereALessonSaysSo) {
  write("drive.toml", R"(
title = "Drive"
about = "d"
[[step]]
title = "x"
text = "y"
play = true
drive = [{ action = [-1.0, 0.5, 0.0], steps = 3 }, { action = [1.0, 0.0, 0.0], steps = 2 }]
reach = [{ that = "Drive.", driven = 1 }]
)");
  open("teach");
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Lesson###lesson/**/###drive.toml");
    ctx->Yield(20);
    std::vector<std::vector<float>> driven;
    for (const Command& command : engine.commands)
      if (const auto* drive = std::get_if<Drive>(&command))
        driven.push_back(drive->engaged ? drive->action : std::vector<float>{});
    const std::vector<std::vector<float>> wanted{{-1, 0.5f, 0}, {1, 0, 0}, {}};
    EXPECT_EQ(driven, wanted) << "and lets go at the end";
    EXPECT_FALSE(open_lessons().reached(0)) << "the lesson's own hands are not the learner's";
  });
}

// Every control that a lesson may point at is met by its name while the window is drawn.
TEST_F(LessonFlow, EveryThingIsFoundOnTheScreen) {
  std::string pointed;
  for (const Thing& thing : things())
    if (!thing.titles.empty()) pointed += (pointed.empty() ? "\"" : ", \"") + thing.name + "\"";
  write("all.toml", "title = \"P\"\nabout = \"p\"\n[[step]]\ntitle = \"x\"\ntext = \"y\"\npoint = [" + pointed + "]\n");
  open("play");
  const auto missing = [&] {
    std::string none;
    for (const Thing& thing : things())
      if (!thing.titles.empty() &&
          std::ranges::none_of(thing.titles, [&](const std::string& title) { return open_lessons().seen(title); }))
        none += thing.name + " ";
    return none;
  };
  act([&](ImGuiTestContext* ctx) {
    window->ui().lessons->open(window->ui(), lessons / "all.toml");
    window->ui().want_workspace = "play";
    ctx->Yield(8);
    EXPECT_EQ(missing(), "keep goal ") << "this family has no table of classes, and this world no goals";
  });
}

TEST_F(LessonFlow, ARecordedLessonOpensAndDoesTheSame) {
  open("teach", folder() / "settings");
  act([&](ImGuiTestContext* ctx) {
    window->ui().run("lesson_record");
    ctx->Yield(2);
    const char* panel = "//Lesson###lesson";
    ctx->SetRef(panel);
    ctx->ItemInputValue("###record title", "My τ lesson!");
    ctx->ItemInputValue("###record about", "What τ does.");
    window->ui().send(SetKnob{"tau_mixture", 1.7});
    window->ui().send(SetCoupling{Coupling::anchored, 25});
    window->ui().send(HoldLatent{"latent/z", 2, 1.5f, true});
    ctx->Yield(2);
    EXPECT_EQ(open_lessons().recorder.heard(), "run car · re-anchored every 25 steps · tau_mixture 1.700 · 1 held");
    ctx->ItemClick("###add");
    EXPECT_TRUE(open_lessons().recorder.lesson().steps.empty()) << "a step has a title and a text";
    ctx->ItemInputValue("###record step", "Hot");
    ctx->ItemInputValue("###record text", "It is **hot**.");
    ctx->ItemClick("###add");
    ctx->Yield(2);
    ASSERT_EQ(open_lessons().recorder.lesson().steps.size(), 1u);
    // A second step, to be done by the learner.
    ctx->KeyPress(ImGuiKey_P);
    window->ui().send(SetKnob{"tau_mixture", 0.5});
    ctx->ItemInputValue("###record step", "Cool");
    ctx->ItemInputValue("###record text", "Cool it.");
    ctx->ItemClick("who/to be done");
    ctx->ItemClick("###add");
    engine.send(SetKnob{"tau_mixture", 1});
    ctx->Yield(2);
    ctx->ItemClick("###save");
    ctx->Yield(6);
    ASSERT_NE(open_lessons().current(), nullptr) << window->ui().texts["record fault"];
    const LessonFile& file = *open_lessons().current();
    EXPECT_EQ(file.path, folder() / "settings" / "lessons" / "my_lesson.toml");
    EXPECT_EQ(file.lesson.title, "My τ lesson!");
    ASSERT_EQ(file.lesson.steps.size(), 2u);
    EXPECT_NEAR(engine.knob("tau_mixture"), 1.7, 1e-6) << "opened, it does what the teacher did";
    EXPECT_EQ(anchor_of(engine.dream()), 25);
    ASSERT_EQ(engine.dream().held.size(), 1u);
    EXPECT_EQ(engine.dream().held[0].index, 2);
    ctx->KeyPress(ImGuiKey_PageDown);
    ctx->Yield(3);
    ASSERT_EQ(open_lessons().step(), 1);
    EXPECT_EQ(open_lessons().missing(), "First: Set tau_mixture to 0.5000 or less.");
    window->ui().send(SetKnob{"tau_mixture", 0.5});
    ctx->KeyPress(ImGuiKey_P);
    ctx->Yield(3);
    EXPECT_EQ(open_lessons().missing(), "");
  });
}

}  // namespace lesson_flow_test
}  // namespace dream::ui
