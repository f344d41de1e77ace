// What is to be read stays readable: strips with names, faults beside the panels, cells that can be hit, calm axes.
#include <algorithm>
#include <fstream>

#include "imgui_internal.h"
#include "tests/ui/flow.h"
#include "ui/viewers/viewer.h"

namespace dream::ui {
namespace reading_test {

class Reading : public Flow {
 protected:
  /// A window of this size.
  void open_sized(const std::string& workspace, const std::string& size) {
    std::ofstream(folder() / "window.conf") << "place=0 0 " << size << "\n";
    open(workspace, folder());
    for (int i = 0; i < 6; ++i) window->frame();
  }
  ViewState& view(const char* probe) { return window->ui().views[probe]; }
};

TEST_F(Reading, TheReplaysSliderShowsTheFrameThatItPointsAt) {
  engine.become_recurrent();
  open("train");
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    ASSERT_NE(engine.last<LookAtReplay>(), nullptr) << "the newest frame is shown at once";
    EXPECT_EQ(engine.last<LookAtReplay>()->recency, 1);
    const auto newest = engine.train().replay_frame.image;
    EXPECT_TRUE(ctx->ItemExists("//Batch###batch/**/replay frame"));
    ctx->ItemInputValue("//Batch###batch/**/##place", 0.25f);
    ctx->Yield(2);
    EXPECT_NEAR(engine.last<LookAtReplay>()->recency, 0.25, 1e-6);
    EXPECT_NE(engine.train().replay_frame.image->pixels, newest->pixels);
    const int asked = engine.count<LookAtReplay>();
    ctx->Yield(8);
    EXPECT_EQ(engine.count<LookAtReplay>(), asked) << "only when it moves";
  });
}

TEST_F(Reading, WithoutAReplayNoSliderPretendsToDoSomething) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    EXPECT_FALSE(ctx->ItemExists("//Batch###batch/**/##place"));
    EXPECT_TRUE(ctx->ItemExists("//Batch###batch/**/###dream_from_replay")) << "the button keeps its place";
    EXPECT_EQ(engine.count<LookAtReplay>(), 0);
  });
}

TEST_F(Reading, AStripShowsItsMomentsLargeUnderTheMouse) {
  engine.become_recurrent();
  open("train");
  act([&](ImGuiTestContext* ctx) {
    const ImRect sheet = ctx->ItemInfo("//Batch###batch/**/open loop").RectFull;
    ASSERT_GT(sheet.GetWidth(), 200);
    ctx->MouseMoveToPos(sheet.GetCenter());
    ctx->Yield(2);
    const ImGuiWindow* shown = ImGui::FindWindowByName("##Tooltip_00");
    ASSERT_NE(shown, nullptr);
    EXPECT_TRUE(shown->Active);
    EXPECT_GT(shown->Size.x, 3 * 128) << "truth, dream and difference side by side";
  });
}

TEST_F(Reading, AFaultCoversNothingInAnyWorkspace) {
  open();
  engine.fault() = "runs/old/model.safetensors is cut short: 1.2 MB of 9.8 MB. Copy it again.";
  engine.train().fault = "V's loss is not finite. Lower v.learning_rate and go on from the last checkpoint.";
  act([&](ImGuiTestContext* ctx) {
    for (const char* id : {"play", "train", "debug", "teach", "lab"}) {
      window->ui().want_workspace = id;
      ctx->Yield(6);
      const ImGuiWindow* fault = ImGui::FindWindowByName("###faults");
      ASSERT_TRUE(fault && fault->Active) << id;
      EXPECT_EQ(fault->ScrollMax.y, 0) << id << ": all of it is seen";
      // Tabs, and what a panel draws in: its children are within.
      for (const ImGuiWindow* each : ImGui::GetCurrentContext()->Windows) {
        if (!each->Active || each->Hidden || each == fault) continue;
        if (each->DockNode && each->DockNode->TabBar) {
          EXPECT_LE(each->DockNode->TabBar->BarRect.Max.y, fault->Pos.y) << id << " " << each->Name;
        }
        if (each->Flags & ImGuiWindowFlags_ChildWindow && !each->DockIsActive && each->RootWindow != each && !std::string(each->Name).starts_with("###ground")) {
          EXPECT_LE(each->OuterRectClipped.Max.y, fault->Pos.y + 1) << id << " " << each->Name;
        }
      }
    }
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_1);
    ctx->Yield(4);
    EXPECT_LE(ctx->ItemInfo("//Timeline###timeline/timeline").RectFull.Max.y,
              ctx->WindowInfo("//###faults").RectFull.Min.y);
    ctx->ItemClick("//###faults/###to_settings");
    ctx->Yield(3);
    EXPECT_TRUE(ctx->ItemExists("//Settings###fields/##filter")) << "the next step is a click away";
  });
}

TEST_F(Reading, EverySliderOfTheLatentIsThere) {
  open();
  window->ui().settings.sliders = true;
  act([&](ImGuiTestContext* ctx) {
    for (const char* tab : {"###all", "###latent"}) {
      ctx->ItemClick((std::string("//Mind###mind/mind/") + tab).c_str());
      ctx->Yield(3);
      int seen = 0;
      for (const ImGuiWindow* each : ImGui::GetCurrentContext()->Windows)
        if (each->Active && std::string(each->Name).find("/sliders_") != std::string::npos) {
          EXPECT_EQ(each->ScrollMax.y, 0) << tab << ": none hides behind a second scroll bar";
          ++seen;
        }
      EXPECT_EQ(seen, 1) << tab;
    }
  });
}

TEST_F(Reading, CellsAreLargeEnoughToBeHitInASmallWindow) {
  engine.become_recurrent();
  open_sized("play", "1280 720");
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Mind###mind/mind/###latent");
    ctx->Yield(4);
    for (const char* name : {"posterior", "prior"}) {
      const ImGuiTestItemInfo grid = ctx->ItemInfo((std::string("//Mind###mind/**/") + name).c_str());
      ASSERT_NE(grid.ID, 0u);
      EXPECT_GE(grid.RectFull.GetWidth(), 320) << name;
      EXPECT_GE(grid.RectFull.GetHeight(), 320) << name;
      ctx->ScrollToItemY(grid.ID);
      EXPECT_GE(ctx->ItemInfo((std::string("//Mind###mind/**/") + name).c_str()).RectClipped.GetWidth(), 320)
          << name << " is in sight from side to side";
    }
  });
}

TEST_F(Reading, AMixturesAxesGrowAtOnceAndComeBackSlowly) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Mind###mind/mind/###mixture");
    ctx->Yield(5);
    float range = view("mixture/z").range, top = view("mixture/z").top;
    ASSERT_GT(top, 0);
    for (int step = 0; step < 150; ++step) {
      ctx->Yield();
      EXPECT_GT(view("mixture/z").range, 0.98f * range);
      EXPECT_GT(view("mixture/z").top, 0.98f * top);
      range = view("mixture/z").range, top = view("mixture/z").top;
    }
    engine.dream().playing = false;
    ctx->Yield(3);
    ctx->ItemClick("//Mind###mind/**/next");
    ctx->Yield(2);
    EXPECT_EQ(view("mixture/z").axis_of, 1) << "another dimension has axes of its own at once";
  });
}

TEST_F(Reading, AnElementUnderTheMouseIsExplainedByPictures) {
  open();
  engine.dream().playing = false;
  act([&](ImGuiTestContext* ctx) {
    const ImRect bars = ctx->ItemInfo("//Mind###mind/**/bars").RectFull;
    const auto tooltip = [] { return ImGui::FindWindowByName("##Tooltip_00"); };
    const float picture = window->ui().px(72);
    ctx->MouseMoveToPos({bars.Min.x + bars.GetWidth() * 7.5f / 32, bars.Min.y + 5});
    ctx->Yield(4);
    ASSERT_NE(engine.last<ExplainLatent>(), nullptr);
    EXPECT_EQ(engine.last<ExplainLatent>()->probe, "latent/z");
    EXPECT_EQ(engine.last<ExplainLatent>()->index, 7);
    ASSERT_TRUE(tooltip() && tooltip()->Active);
    EXPECT_GT(tooltip()->Size.x, 5 * picture) << "-2 … 2, side by side";
    EXPECT_GE(tooltip()->Pos.x, 0);
    EXPECT_LE(tooltip()->Pos.x + tooltip()->Size.x, ImGui::GetIO().DisplaySize.x) << "and all of it is on the screen";
    ctx->MouseMove("//Worlds###worlds/real");
    ctx->Yield(3);
    EXPECT_EQ(engine.last<ExplainLatent>()->index, -1) << "nobody looks: nothing is decoded";

    engine.become_recurrent();
    engine.dream().playing = false;
    ctx->Yield(4);
    ctx->ItemClick("//Mind###mind/mind/###latent");
    ctx->Yield(3);
    ctx->MouseMove("//Mind###mind/**/prior");
    ctx->Yield(4);
    ASSERT_TRUE(tooltip() && tooltip()->Active);
    EXPECT_GE(engine.last<ExplainLatent>()->index, 0);
    ASSERT_EQ(window->ui().dream().explained.pictures.size(), 1u) << "a class is drawn or not";
    EXPECT_GT(tooltip()->Size.y, picture);
  });
}

TEST_F(Reading, TheKeysPageShowsWhatAGamepadDoes) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F1);
    ctx->Yield(3);
    const auto width_of_gamepad = [] {  // of the widest line in its column
      const ImGuiTable* table = ImGui::TableFindByID(ImGui::FindWindowByName("Every key###keys")->GetID("driving"));
      return table ? table->Columns[2].ContentMaxXUnfrozen - table->Columns[2].WorkMinX : 0;
    };
    EXPECT_NEAR(width_of_gamepad(), ImGui::CalcTextSize("gamepad: cross ↑, right trigger, A").x, 2);
    for (KeyBinding& binding : engine.dream().spaces.action.keys) binding.key = "x";
    ctx->Yield(3);
    EXPECT_LT(width_of_gamepad(), 2) << "a key that no gamepad stands for";
  });
}

TEST_F(Reading, WhatAStepDidNotDrawKeepsItsPlace) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Mind###mind/mind/###mixture");
    ctx->Yield(4);
    const ImVec2 place = ctx->ItemInfo("//Mind###mind/**/entropy").RectFull.Min;
    // As after a re-anchoring: the step saw the real frame and has no mixture.
    engine.dream().playing = false;
    engine.dream().probe_names = {"latent/z", "mixture/z", "hidden/h", "never/published"};
    engine.without_probe = "mixture/z";
    engine.tick();
    ctx->Yield(3);
    EXPECT_TRUE(std::ranges::none_of(engine.latest()->dream->probes, [](const Probe& p) { return p.name == "mixture/z"; }));
    const ImGuiTestItemInfo after = ctx->ItemInfo("//Mind###mind/**/entropy");
    ASSERT_NE(after.ID, 0u);
    EXPECT_EQ(after.RectFull.Min.y, place.y);
  });
}

TEST(Figures, NothingIsZeroAndNotMinusZero) {
  EXPECT_EQ(signed_figure(-0.001, 2), " 0.00");
  EXPECT_EQ(signed_figure(0, 2), " 0.00");
  EXPECT_EQ(signed_figure(-0.01, 2), "-0.01");
  EXPECT_EQ(signed_figure(1.25, 2), "+1.25");
}

}  // namespace reading_test
}  // namespace dream::ui
