// The Lab: questions are asked and answered, figures are read and clicked, answers are written down.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

#include "answers/answer_text.h"
#include "imgui_internal.h"
#include "tests/ui/flow.h"
#include "ui/lab.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace lab_test {

bool a_tooltip_is_shown() {
  const ImGuiWindow* shown = ImGui::FindWindowByName("##Tooltip_00");
  return shown && shown->Active;
}

class LabFlow : public Flow {
 protected:
  void SetUp() override {
    open("lab");
    act([&](ImGuiTestContext* ctx) { ctx->Yield(4); });
  }
  LabPanel& panel() { return window->ui().lab; }
  /// Chooses a question and shows its answer, as if it had been asked.
  void look_at(ImGuiTestContext* ctx, const char* question, const std::vector<std::string>& runs = {"assets/car"}) {
    engine.lab().view.answers.push_back(std::make_shared<const LabAnswer>(fake_answer(question, runs)));
    panel().question = question;
    if (runs.size() > 1) panel().runs = runs;
    ctx->Yield(4);
  }
  void choose(ImGuiTestContext* ctx, const std::string& question) {
    ctx->ItemClick(("//Questions###questions/**/" + question + "/question").c_str());
    ctx->Yield(2);
  }
  const LabAnswer& answer() { return *lab_standing(engine.lab().view, lab_question(window->ui())->name, lab_runs(window->ui())).answer; }
  ImRect item(ImGuiTestContext* ctx, const char* ref) { return ctx->ItemInfo(ref).RectFull; }
};

TEST_F(LabFlow, AQuestionIsAskedAnsweredAndRefinedInPlace) {
  act([&](ImGuiTestContext* ctx) {
    engine.lab().ticks = 60;
    EXPECT_EQ(engine.count<AskLab>(), 0) << "nothing is measured that nobody asked for";
    choose(ctx, "blame");
    ctx->ItemClick("//Questions###questions/###lab_ask");
    ASSERT_NE(engine.last<AskLab>(), nullptr);
    EXPECT_EQ(engine.last<AskLab>()->question, "blame");
    EXPECT_EQ(engine.last<AskLab>()->runs, std::vector<std::string>{"assets/car"}) << "the run that is dreamt with";
    EXPECT_FALSE(engine.last<AskLab>()->anew);
    ctx->Yield(2);
    EXPECT_NE(window->ui().action("lab_ask")->why_not(window->ui()), "") << "once is enough";
    for (int i = 0; i < 60 && engine.lab().view.answers.empty(); ++i) ctx->Yield();
    ASSERT_FALSE(engine.lab().view.answers.empty());
    ctx->Yield(2);
    ASSERT_FALSE(answer().complete) << "first figures";
    ImGuiTestItemList before, after;
    ctx->GatherItems(&before, "//Answer###answer", 3);
    for (int i = 0; i < 90 && !engine.lab().view.queue.empty(); ++i) ctx->Yield();
    ctx->Yield(3);
    EXPECT_TRUE(answer().complete);
    int compared = 0;
    for (int i = 0; i < before.GetSize(); ++i) {
      const ImGuiTestItemInfo& then = *before.GetByIndex(i);
      const ImGuiTestItemInfo now = ctx->ItemInfo(then.ID, ImGuiTestOpFlags_NoError);
      if (now.ID == 0) continue;
      ++compared;
      EXPECT_EQ(now.RectFull.Min.x, then.RectFull.Min.x) << then.DebugLabel;
      EXPECT_EQ(now.RectFull.Min.y, then.RectFull.Min.y) << then.DebugLabel << " jumps when the answer is complete";
    }
    EXPECT_GT(compared, 4);
    ctx->ItemClick("//Questions###questions/###lab_ask_anew");
    EXPECT_TRUE(engine.last<AskLab>()->anew);
  });
}

TEST_F(LabFlow, SeveralRunsAreChosenAndAskedAboutTogether) {
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Questions###questions/##runs");
    ctx->Yield(2);
    ctx->KeyChars("runs/car");
    ctx->Yield(2);
    EXPECT_FALSE(ctx->ItemExists("//$FOCUSED/car##assets\\/car")) << "the search leaves it out";
    ctx->ItemClick("//$FOCUSED/car##runs\\/car");
    ctx->Yield(2);
    ctx->PopupCloseAll();
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Enter);
    ctx->Yield(2);
    ASSERT_NE(engine.last<AskLab>(), nullptr);
    EXPECT_EQ(engine.last<AskLab>()->runs, (std::vector<std::string>{"assets/car", "runs/car"}));
    for (int i = 0; i < 60 && !engine.lab().view.queue.empty(); ++i) ctx->Yield();
    ctx->Yield(3);
    EXPECT_EQ(answer().numbers.size(), 16u);
    EXPECT_TRUE(ctx->ItemExists("//Answer###answer/skill/card")) << "one card for both";
    EXPECT_GE(panel().cards, 4u);
    ctx->ItemClick("//Questions###questions/##runs");
    ctx->Yield(2);
    ctx->ItemClick("//$FOCUSED/only the run that is dreamt with");
    ctx->PopupCloseAll();
    EXPECT_EQ(lab_runs(window->ui()), std::vector<std::string>{"assets/car"});
    EXPECT_EQ(lab_standing(engine.lab().view, "horizon", {"assets/car"}).answer, nullptr) << "an answer is about its runs";
  });
}

TEST_F(LabFlow, AllAreAskedAndCancelledOneByOneOrTogether) {
  act([&](ImGuiTestContext* ctx) {
    engine.lab().still = true;
    ctx->ItemClick("//Questions###questions/###lab_ask_all");
    ctx->Yield(2);
    EXPECT_EQ(engine.count<AskLab>(), 11);
    EXPECT_EQ(engine.lab().view.queue.size(), 11u);
    ctx->ItemClick("//Questions###questions/###lab_cancel");
    ctx->Yield(2);
    ASSERT_NE(engine.last<CancelLab>(), nullptr);
    EXPECT_FALSE(engine.last<CancelLab>()->all);
    EXPECT_EQ(engine.lab().view.queue.size(), 10u);
    ctx->ItemClick("//Questions###questions/###lab_cancel_all");
    ctx->Yield(2);
    EXPECT_TRUE(engine.last<CancelLab>()->all);
    EXPECT_TRUE(engine.lab().view.queue.empty());
    EXPECT_EQ(window->ui().action("lab_cancel")->why_not(window->ui()), "Nothing is being asked.");
  });
}

TEST_F(LabFlow, APointOfACurveBeginsADreamAtItsMoment) {
  act([&](ImGuiTestContext* ctx) {
    look_at(ctx, "horizon");
    const ImRect plot = item(ctx, "//Answer###answer/lab\\/horizon\\/error/curve");
    ctx->MouseMoveToPos({plot.Min.x + plot.GetWidth() * 0.5f, plot.GetCenter().y});
    ctx->Yield(3);
    EXPECT_TRUE(a_tooltip_is_shown());
    EXPECT_EQ(engine.count<BeginAt>(), 0) << "to look is not to begin";
    ctx->MouseClick();
    ctx->Yield(3);
    ASSERT_NE(engine.last<BeginAt>(), nullptr);
    const LabMoment& moment = engine.last<BeginAt>()->moment;
    const auto& moments = answer().figures[0].moments;
    EXPECT_NEAR(static_cast<double>(moment.step), 160, 12) << "the middle of 200 steps after 60";
    EXPECT_EQ(moments[static_cast<std::size_t>(moment.step - 60)].seed, moment.seed);
    EXPECT_EQ(moment.run, "assets/car");
    EXPECT_NE(moment.actions, nullptr);
    EXPECT_EQ(window->ui().settings.workspace, "play");
    EXPECT_NE(window->ui().said.find("episode seed " + std::to_string(moment.seed) + ", step " + std::to_string(moment.step)), std::string::npos);
  });
}

TEST_F(LabFlow, AColumnOfASheetAndARowOfATableBeginDreamsToo) {
  act([&](ImGuiTestContext* ctx) {
    look_at(ctx, "horizon");
    ctx->ItemClick("//Evidence###evidence/**/pictures/tile");
    ctx->Yield(3);
    EXPECT_EQ(panel().figure["horizon"], "pictures");
    const ImRect sheet = item(ctx, "//Answer###answer/**/sheet");
    ctx->MouseMoveToPos(sheet.GetCenter());
    ctx->MouseClick();
    ctx->Yield(3);
    ASSERT_EQ(engine.count<BeginAt>(), 1);
    EXPECT_LT(engine.last<BeginAt>()->moment.step, 72);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_5);
    ctx->Yield(4);
    look_at(ctx, "blame");
    panel().figure["blame"] = "replaced";
    ctx->Yield(3);
    ctx->ItemClick("//Answer###answer/**/$$2/###row");
    ctx->Yield(3);
    ASSERT_EQ(engine.count<BeginAt>(), 2);
    EXPECT_EQ(engine.last<BeginAt>()->moment.step, 62) << "the third row's";
  });
}

TEST_F(LabFlow, QuestionsAndFiguresAreSwitchedAndEachKeepsItsPicture) {
  act([&](ImGuiTestContext* ctx) {
    look_at(ctx, "blame");
    look_at(ctx, "horizon");
    ctx->ItemClick("//Evidence###evidence/**/latent/tile");
    ctx->Yield(2);
    choose(ctx, "blame");
    EXPECT_TRUE(ctx->ItemExists("//Answer###answer/encoder/card"));
    EXPECT_FALSE(ctx->ItemExists("//Answer###answer/skill/card"));
    choose(ctx, "horizon");
    EXPECT_EQ(panel().figure["horizon"], "latent");
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_1);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_P);
    ctx->Yield(2);
    ctx->KeyChars("where is it worst");
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(4);
    EXPECT_EQ(panel().question, "worst") << "the palette knows every question";
    EXPECT_EQ(window->ui().settings.workspace, "lab");
    ctx->ItemClick("//Answer###answer/###lab_ask");
    EXPECT_EQ(engine.last<AskLab>()->question, "worst") << "what has no answer says how to get one";
  });
}

TEST_F(LabFlow, ATableIsSortedFilteredPinnedAndCopied) {
  act([&](ImGuiTestContext* ctx) {
    look_at(ctx, "compare");
    const auto row = [&](int i) { return ctx->ItemInfo(("//Answer###answer/**/$$" + std::to_string(i) + "/###row").c_str(), ImGuiTestOpFlags_NoError).RectFull.Min.y; };
    EXPECT_LT(row(0), row(1));
    ctx->ItemClick("//Answer###answer/**/###usable horizon");
    ctx->Yield(3);
    EXPECT_LT(row(1), row(0)) << "83 steps before 46";
    ctx->ItemClick("//Answer###answer/**/###score");
    ctx->Yield(3);
    EXPECT_LT(row(0), row(1));
    EXPECT_GT(row(3), row(2)) << "what cannot be told comes last …";
    ctx->ItemClick("//Answer###answer/**/###score");
    ctx->Yield(3);
    EXPECT_LT(row(2), row(0));
    EXPECT_GT(row(3), row(0)) << "… either way";
    ctx->ItemClick("//Answer###answer/**/$$3/pin");
    ctx->Yield(3);
    EXPECT_LT(row(3), row(2)) << "a pinned row stays above";
    ctx->ItemInputValue("//Answer###answer/**/##filter", "dreamer");
    ctx->Yield(3);
    EXPECT_TRUE(ctx->ItemExists("//Answer###answer/**/$$1/###row"));
    EXPECT_FALSE(ctx->ItemExists("//Answer###answer/**/$$0/###row"));
    EXPECT_TRUE(ctx->ItemExists("//Answer###answer/**/$$3/###row")) << "pinned";
    ctx->ItemClick("//Answer###answer/**/###copy_table");
    EXPECT_EQ(std::string(ImGui::GetClipboardText()), figure_as_csv(answer().figures[0]));
  });
}

TEST_F(LabFlow, AMapIsColouredLassoedAndClicked) {
  act([&](ImGuiTestContext* ctx) {
    look_at(ctx, "map");
    PointsLook& look = window->ui().points["lab/map/pca"];
    EXPECT_EQ(look.colour, 0);
    ctx->ItemClick("//Answer###answer/lab\\/map\\/pca/##colour");
    ctx->Yield(2);
    ctx->ItemClick("//$FOCUSED/time in the episode [steps]##1");
    ctx->Yield(2);
    EXPECT_EQ(look.colour, 1);
    const ImRect map = item(ctx, "//Answer###answer/**/map");
    const ImVec2 middle = map.GetCenter();
    ctx->MouseMoveToPos({map.Min.x + 4, map.Min.y + 4});
    ctx->MouseDown();
    for (const ImVec2 corner : {ImVec2{middle.x, map.Min.y + 4}, ImVec2{middle.x, map.Max.y - 4}, ImVec2{map.Min.x + 4, map.Max.y - 4}}) ctx->MouseMoveToPos(corner);
    ctx->MouseUp();
    ctx->Yield(3);
    ASSERT_EQ(look.inside.size(), 1200u);
    const auto& points = std::get<Points>(*answer().figures[0].value);
    const auto [low, high] = std::ranges::minmax(points.x);
    int in = 0, truth = 0, wrong = 0;
    for (std::size_t i = 0; i < points.x.size(); ++i) {
      const bool left = points.x[i] < (low + high) / 2;
      in += look.inside[i], truth += left, wrong += left != static_cast<bool>(look.inside[i]);
    }
    EXPECT_GT(in, 300);
    EXPECT_LE(wrong, 12) << "the left half, but for the few under the line: " << in << " of " << truth;
    EXPECT_EQ(engine.count<BeginAt>(), 0);
    ctx->ItemClick("//Answer###answer/**/###clear_lasso");
    ctx->Yield(2);
    EXPECT_TRUE(look.inside.empty());
    // The first point, by its place on the map.
    const auto [bottom, top] = std::ranges::minmax(points.y);
    const auto part = [](float at, float from, float to) { return 0.04f + 0.92f * (at - from) / (to - from); };
    const ImVec2 at{map.Min.x + map.GetWidth() * part(points.x[0], low, high), map.Max.y - map.GetHeight() * part(points.y[0], bottom, top)};
    ctx->MouseMoveToPos(at);
    ctx->Yield(3);
    EXPECT_TRUE(a_tooltip_is_shown());
    ctx->MouseClick();
    ctx->Yield(3);
    ASSERT_NE(engine.last<BeginAt>(), nullptr);
    const auto chosen = static_cast<std::size_t>(engine.last<BeginAt>()->moment.step);
    EXPECT_NEAR(points.x[chosen], points.x[0], 0.1f);
    EXPECT_NEAR(points.y[chosen], points.y[0], 0.1f);
  });
}

TEST_F(LabFlow, AWalkLeadsBetweenTwoChosenPointsAndPlays) {
  act([&](ImGuiTestContext* ctx) {
    look_at(ctx, "map");
    const ImRect map = item(ctx, "//Answer###answer/**/map");
    const auto& points = std::get<Points>(*answer().figures[0].value);
    const auto [left, right] = std::ranges::minmax(points.x);
    const auto [bottom, top] = std::ranges::minmax(points.y);
    const auto at = [&, left = left, right = right, bottom = bottom, top = top](std::size_t i) {
      const auto part = [](float v, float from, float to) { return 0.04f + 0.92f * (v - from) / (to - from); };
      return ImVec2{map.Min.x + map.GetWidth() * part(points.x[i], left, right), map.Max.y - map.GetHeight() * part(points.y[i], bottom, top)};
    };
    const auto choose = [&](std::size_t i) {
      ctx->MouseMoveToPos(at(i));
      ctx->Yield(2);
      ctx->KeyDown(ImGuiMod_Shift);
      ctx->MouseClick();
      ctx->KeyUp(ImGuiMod_Shift);
      ctx->Yield(3);
    };
    choose(0);
    EXPECT_TRUE(window->ui().lab.walk_from.known());
    choose(0);
    EXPECT_FALSE(window->ui().lab.walk_from.known()) << "it is taken back";
    choose(0);
    choose(150);
    ASSERT_NE(engine.last<WalkBetween>(), nullptr);
    EXPECT_NE(engine.last<WalkBetween>()->from.step, engine.last<WalkBetween>()->to.step);
    EXPECT_EQ(engine.count<BeginAt>(), 0) << "no dream begins";
    EXPECT_FALSE(window->ui().lab.walk_from.known());
    EXPECT_EQ(window->ui().lab.figure["map"], "walk");
    ctx->Yield(3);
    const ImRect sheet = item(ctx, "//Answer###answer/**/sheet");
    ctx->MouseMoveToPos({sheet.Max.x - 30, sheet.Min.y + 40});
    ctx->Yield(3);
    const auto& held = window->ui().film_held;
    EXPECT_TRUE(std::ranges::any_of(held, [](const auto& each) { return each.second >= 0; })) << "the film stands at the column under the mouse";
    ctx->MouseMoveToPos({sheet.Min.x + 5, sheet.Max.y - 2});
    ctx->Yield(3);
    EXPECT_TRUE(std::ranges::none_of(held, [](const auto& each) { return each.second >= 0; })) << "and goes on";
  });
}

TEST_F(LabFlow, AMapIsZoomedMovedAndFitted) {
  act([&](ImGuiTestContext* ctx) {
    look_at(ctx, "map");
    PointsLook& look = window->ui().points["lab/map/pca"];
    const ImRect map = item(ctx, "//Answer###answer/**/map");
    ctx->MouseMoveToPos({map.Min.x + map.GetWidth() * 0.5f, map.GetCenter().y});
    ctx->MouseWheelY(4);
    ctx->Yield(3);
    EXPECT_GT(look.zoom, 1.5f);
    EXPECT_NEAR(look.centre.x, 0.5f, 0.02f) << "about the mouse";
    ctx->MouseDown(ImGuiMouseButton_Right);
    ctx->MouseMoveToPos({map.GetCenter().x + 60, map.GetCenter().y});
    ctx->MouseUp(ImGuiMouseButton_Right);
    ctx->Yield(2);
    EXPECT_LT(look.centre.x, 0.5f);
    ctx->MouseMoveToPos({map.Max.x - 5, map.Max.y - 5});
    ctx->MouseDoubleClick();
    ctx->Yield(2);
    EXPECT_EQ(look.zoom, 1);
  });
}

TEST_F(LabFlow, FindingsLeadToPanelsSettingsAndKnobs) {
  act([&](ImGuiTestContext* ctx) {
    look_at(ctx, "diagnose");
    ctx->ItemClick("//Evidence###evidence/**/$$0/###show_panel");
    ctx->Yield(6);
    EXPECT_EQ(window->ui().settings.workspace, "train");
    EXPECT_TRUE(ImGui::FindWindowByName("Curves###curves")->Active);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_5);
    ctx->Yield(4);
    ctx->ItemClick("//Evidence###evidence/**/$$0/###show_setting");
    ctx->Yield(6);
    EXPECT_EQ(window->ui().texts["fields/filter"], "v.kl_tolerance");
    EXPECT_TRUE(ctx->ItemExists("//Settings###fields/**/v.kl_tolerance/##value"));
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_5);
    ctx->Yield(4);
    ctx->ItemClick("//Evidence###evidence/**/$$1/###show_setting");
    ctx->Yield(6);
    EXPECT_EQ(window->ui().settings.workspace, "play") << "a knob stands with the worlds";
  });
}

TEST_F(LabFlow, AnAnswerIsWrittenDownAsTablesTextAndPictures) {
  const std::filesystem::path home = folder();
  const char* before = std::getenv("HOME");
  const std::string home_before = before ? before : "";
  setenv("HOME", home.c_str(), 1);
  std::filesystem::create_directory(home / "Pictures");
  act([&](ImGuiTestContext* ctx) {
    look_at(ctx, "horizon");
    for (const char* what : {"copy as CSV", "save as CSV", "save as PNG", "answer as JSON", "numbers as CSV", "answer as PNG"}) {
      ctx->ItemClick("//Answer###answer/###save");
      ctx->Yield(2);
      ctx->ItemClick((std::string("//$FOCUSED/") + what).c_str());
      ctx->Yield(8);
    }
  });
  setenv("HOME", home_before.c_str(), 1);
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(home / "Pictures")) {
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().filename().string()] = {std::istreambuf_iterator<char>(in), {}};
  }
  const auto count = [&](const std::string& content) { return std::ranges::count_if(files, [&](const auto& file) { return file.second == content; }); };
  const LabAnswer& told = answer();
  EXPECT_EQ(files.size(), 5u);
  EXPECT_EQ(count(figure_as_csv(told.figures[0])), 1);
  EXPECT_EQ(count(answers_as_csv({told})), 1);
  EXPECT_EQ(count(answers_as_json({told})), 1);
  EXPECT_EQ(std::ranges::count_if(files, [](const auto& file) { return file.second.substr(0, 4) == "\x89PNG"; }), 2);
}

struct LabSize {
  int width, height;
  float text;
};
class LabSizes : public LabFlow, public testing::WithParamInterface<LabSize> {
 protected:
  void SetUp() override {
    width = GetParam().width, height = GetParam().height;
    engine.lab().fill({"assets/car"}), engine.tick();
    open("lab");
    window->ui().settings.text_scale = GetParam().text;
    window->ui().want_reset_layout = true;
  }
};

TEST_P(LabSizes, NothingIsCutOrOverlaps) {
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(8);
    for (const char* question : {"horizon", "gap", "calibration", "memory", "worst"}) {
      panel().question = question;
      ctx->Yield(3);
      for (const char* name : {"//Questions###questions", "//Answer###answer"}) {
        ImGuiTestItemList items;
        ctx->GatherItems(&items, name, 2);
        for (int i = 0; i < items.GetSize(); ++i) {
          const ImGuiTestItemInfo& item = *items.GetByIndex(i);
          if (item.RectFull.GetArea() <= 0 || item.NavLayer != 0 || item.Window->Flags & ImGuiWindowFlags_ChildWindow) continue;
          EXPECT_TRUE(item.Window->InnerRect.Contains(item.RectFull)) << question << ": " << item.DebugLabel << " is cut";
          for (int j = i + 1; j < items.GetSize(); ++j) {
            const ImGuiTestItemInfo& other = *items.GetByIndex(j);
            if (other.Window != item.Window || other.NavLayer != 0 || other.RectFull.GetArea() <= 0) continue;
            EXPECT_FALSE(item.RectFull.Overlaps(other.RectFull)) << question << ": " << item.DebugLabel << " and " << other.DebugLabel;
          }
        }
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Windows, LabSizes, testing::Values(LabSize{1280, 720, 1}, LabSize{1280, 720, 1.5f}, LabSize{1600, 900, 1}, LabSize{2560, 1440, 1.5f}),
                         [](const auto& each) { return std::to_string(each.param.height) + "_" + std::to_string(static_cast<int>(each.param.text * 10)); });

TEST(LabWords, NumbersSayHowMuchTheyKnow) {
  EXPECT_EQ(lab_value(LabNumber::unknown), "cannot tell");
  EXPECT_EQ(lab_value(-0.25), "−0.25");
  EXPECT_EQ(lab_value(1893.4), "1,893");
  EXPECT_EQ(lab_value(4771429), "4,771,429");
  EXPECT_EQ(lab_value(0.08), "0.080");
  LabNumber number{"gap", "Gap", "steps", 12, 3, 20, "how it is measured"};
  EXPECT_EQ(lab_interval(number), "3 … 20");
  number.verdict = LabNumber::Verdict::bad, number.beside = {{"random", 2}};
  const std::string words = lab_explanation(number);
  for (const char* part : {"How it is measured.", "bad band", "3 … 20", "random 2"}) EXPECT_NE(words.find(part), std::string::npos) << words;
}

}  // namespace lab_test
}  // namespace dream::ui
