// What the panels' controls send.
#include <cmath>

#include "tests/ui/flow.h"

namespace dream::ui {
namespace panels_test {

using Panels = Flow;

TEST_F(Panels, DraggingABarEditsThatElementOfTheLatent) {
  open();
  act([&](ImGuiTestContext* ctx) {
    engine.dream().playing = false;
    const ImGuiTestItemInfo bars = ctx->ItemInfo("//Mind###mind/**/bars");
    ASSERT_NE(bars.ID, 0u);
    const float x = bars.RectFull.Min.x + bars.RectFull.GetWidth() * (5.5f / 32), middle = bars.RectFull.GetCenter().y;
    ctx->MouseMoveToPos({x, middle});
    ctx->MouseDown();
    ctx->MouseMoveToPos({x, middle - bars.RectFull.GetHeight() * 0.3f});
    ctx->MouseUp();
    ctx->Yield(2);
    const EditLatent* edit = engine.last<EditLatent>();
    ASSERT_NE(edit, nullptr);
    EXPECT_EQ(edit->probe, "latent/z");
    EXPECT_EQ(edit->index, 5);
    EXPECT_GT(edit->value, 1.0f);
    EXPECT_LT(edit->value, 3.0f);
    const int edits = engine.count<EditLatent>();
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<EditLatent>(), edits + 1) << "Ctrl-Z sends the old value.";
    EXPECT_LT(engine.last<EditLatent>()->value, 1.5f);
    EXPECT_EQ(engine.last<EditLatent>()->index, 5);
  });
}

TEST_F(Panels, ATokenAndThenACodeAreClickedToExchangeIt) {
  open();
  act([&](ImGuiTestContext* ctx) {
    engine.dream().playing = false;
    Tokens value{4, 4, 64, {}, {}, {}, {}, {}, {}};
    for (int i = 0; i < 16; ++i) value.codes.push_back(i);
    engine.more_probes = {{"tokens/grid", "Tokens", "", true, std::make_shared<const Value>(value)}};
    engine.dream().probe_names.push_back("tokens/grid");
    engine.tick();
    ctx->Yield(3);
    ctx->ItemClick("//Mind###mind/mind/###tokens");
    ctx->Yield(3);
    const ImRect book = ctx->ItemInfo("//Mind###mind/**/codebook").RectFull;
    ASSERT_GT(book.GetWidth(), 40);
    const float side = std::min(book.GetHeight(), book.Min.x - ctx->WindowInfo("//Mind###mind").RectFull.Min.x) / 4;
    ctx->MouseMoveToPos({book.Min.x - 0.6f * side, book.Min.y + 1.5f * side});  // of the second row the last
    ctx->MouseClick();
    ctx->MouseMoveToPos({book.Min.x + 3, book.Min.y + 3});
    ctx->MouseClick();
    ctx->Yield(2);
    const EditLatent* edit = engine.last<EditLatent>();
    ASSERT_NE(edit, nullptr);
    EXPECT_EQ(edit->probe, "tokens/grid");
    EXPECT_EQ(edit->index, 7 * 64 + 0) << "token 7 becomes code 0";
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<EditLatent>()->index, 7 * 64 + 7);
  });
}

TEST_F(Panels, TheTimelineIsScrubbedSteppedBackAndItsBranchesAreVisited) {
  open();
  act([&](ImGuiTestContext* ctx) {
    const ImGuiTestItemInfo strip = ctx->ItemInfo("//Timeline###timeline/timeline");
    ASSERT_NE(strip.ID, 0u);
    const auto at = [&](float share) {
      const float left = strip.RectFull.Min.x + window->ui().px(104), right = strip.RectFull.Max.x - window->ui().px(10);
      return ImVec2{left + share * (right - left), strip.RectFull.GetCenter().y};
    };
    ctx->MouseMoveToPos(at(0.25f));
    EXPECT_EQ(engine.count<GoTo>(), 0) << "looking is not going";
    ctx->MouseDown();
    ctx->Yield(2);
    ASSERT_NE(engine.last<GoTo>(), nullptr);
    EXPECT_NEAR(static_cast<double>(engine.last<GoTo>()->instant), 1 + 0.25 * 340, 1.5) << "the longest branch ends at 340";
    ctx->MouseMoveToPos(at(0.75f));
    ctx->MouseUp();
    ctx->Yield(2);
    EXPECT_NEAR(static_cast<double>(engine.last<GoTo>()->instant), 1 + 0.75 * 340, 1.5);
    const int times = engine.count<GoTo>();
    ctx->Yield(5);
    EXPECT_EQ(engine.count<GoTo>(), times) << "once for each step";
    const auto present = engine.dream().timeline.present;
    ctx->KeyPress(ImGuiKey_Comma);
    ctx->Yield(2);
    EXPECT_EQ(engine.dream().timeline.present, present - 1);
    ctx->ItemClick("//Timeline###timeline/###branch812");
    ctx->Yield(2);
    EXPECT_EQ(engine.last<GoTo>()->instant, 812);
  });
}

TEST_F(Panels, RandomiseAndSliders) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Mind###mind/**/###randomise");
    ASSERT_NE(engine.last<RandomiseLatent>(), nullptr);
    EXPECT_EQ(engine.last<RandomiseLatent>()->probe, "latent/z");
    EXPECT_FALSE(window->ui().settings.sliders);
    ctx->ItemClick("//Mind###mind/**/###sliders");
    EXPECT_TRUE(window->ui().settings.sliders);
  });
}

TEST_F(Panels, TemperatureIsLinkedUntilItIsTakenApart) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->SetRef("Worlds###worlds");
    ctx->ItemInputValue("##temperature", 1.5f);
    ctx->Yield(2);
    EXPECT_NEAR(engine.knob("tau_mixture"), 1.5, 1e-3);
    EXPECT_NEAR(engine.knob("tau_sigma"), 1.5, 1e-3);
    EXPECT_FALSE(ctx->ItemExists("##tau_sigma"));
    ctx->ItemClick("###link");
    ctx->Yield(2);
    EXPECT_FALSE(window->ui().settings.link_knobs);
    ctx->ItemInputValue("##tau_sigma", 0.5f);
    ctx->Yield(2);
    EXPECT_NEAR(engine.knob("tau_mixture"), 1.5, 1e-3);
    EXPECT_NEAR(engine.knob("tau_sigma"), 0.5, 1e-3);
    ctx->ItemDoubleClick("##tau_sigma");
    ctx->Yield(2);
    EXPECT_NEAR(engine.knob("tau_sigma"), 1, 1e-3) << "A double click resets.";
    EXPECT_NEAR(engine.knob("tau_mixture"), 1.5, 1e-3);
    ctx->ItemClick("###link");
    ctx->Yield(2);
    EXPECT_NEAR(engine.knob("tau_sigma"), 1.5, 1e-3) << "Linked again, σ follows the mixture's τ.";
  });
}

TEST_F(Panels, AKnobThatChoosesIsAListOfNames) {
  open();
  Knob driver{"driver", "driver", "Who drives", "The policy, or a plan.", 0, 2, 0, false, true, {}, {"policy", "CEM", "MPPI"}};
  engine.dream().knobs.push_back({driver, 0});
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    ctx->SetRef("Worlds###worlds");
    ctx->ComboClick("##driver/MPPI");
    ctx->Yield(2);
    EXPECT_EQ(engine.knob("driver"), 2);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(engine.knob("driver"), 0);
  });
}

TEST_F(Panels, ARunOfSeveralWorldsEntersAnother) {
  open();
  engine.dream().environment = "Catch", engine.dream().worlds = {"Catch", "Pendulum"};
  const auto run = engine.dream().run;
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    ctx->SetRef("Worlds###worlds");
    ctx->ComboClick("##worlds/Pendulum");
    ctx->Yield(2);
    ASSERT_NE(engine.last<OpenRun>(), nullptr);
    EXPECT_EQ(engine.last<OpenRun>()->path, run);
    EXPECT_EQ(engine.last<OpenRun>()->world, "Pendulum");
    EXPECT_EQ(engine.count<OpenRun>(), 1);
  });
}

TEST_F(Panels, TemperatureKeysAndUndo) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_RightBracket);
    ctx->Yield(2);
    EXPECT_NEAR(engine.knob("tau_mixture"), 1.05, 1e-3);
    EXPECT_NEAR(engine.knob("tau_sigma"), 1.05, 1e-3);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_NEAR(engine.knob("tau_mixture"), 1, 1e-3);
    EXPECT_NEAR(engine.knob("tau_sigma"), 1, 1e-3);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiMod_Shift | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_NEAR(engine.knob("tau_mixture"), 1.05, 1e-3);
  });
}

TEST_F(Panels, TwinPilotAndSpeed) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->SetRef("Worlds###worlds");
    ctx->KeyPress(ImGuiKey_P);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<RealityPill>(), 1);
    ctx->ItemClick("**/###twin");
    ASSERT_NE(engine.last<SetTwin>(), nullptr);
    EXPECT_FALSE(engine.last<SetTwin>()->on);
    ctx->ItemClick("**/you");
    ASSERT_NE(engine.last<SetPilot>(), nullptr);
    EXPECT_TRUE(engine.last<SetPilot>()->human);
    ctx->ComboClick("##speed/2×");
    ASSERT_NE(engine.last<SetSpeed>(), nullptr);
    EXPECT_FLOAT_EQ(engine.last<SetSpeed>()->steps_per_second, 100);
    ctx->ComboClick("##speed/max");
    EXPECT_FLOAT_EQ(engine.last<SetSpeed>()->steps_per_second, 0);
  });
}

TEST_F(Panels, TrainingButtonsAndKeys) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->WindowFocus("//Train###train");
    using Do = TrainControl::Do;
    ctx->SetRef("Train###train");
    ctx->ItemClick("**/###train_pause");
    ASSERT_NE(engine.last<TrainControl>(), nullptr);
    EXPECT_EQ(engine.last<TrainControl>()->what, Do::pause);
    ctx->Yield(2);
    ctx->ItemClick("**/###train_step");
    EXPECT_EQ(engine.last<TrainControl>()->what, Do::step);
    ctx->KeyPress(ImGuiKey_F5);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<TrainControl>()->what, Do::start);
    ctx->KeyPress(ImGuiMod_Shift | ImGuiKey_F5);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<TrainControl>()->what, Do::pause);
    ctx->KeyPress(ImGuiKey_F6);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<TrainControl>()->what, Do::step);
    ctx->ItemClick("**/###train_stop");
    EXPECT_EQ(engine.last<TrainControl>()->what, Do::stop);
  });
}

TEST_F(Panels, ALiveFieldIsSetAndUndone) {
  open();
  act([&](ImGuiTestContext* ctx) {
    window->ui().want_panel = "fields";
    ctx->Yield(3);
    const int before = engine.count<SetField>();
    ctx->ItemInputValue("//Settings###fields/**/v.batch/##value", "64");
    ctx->Yield(2);
    ASSERT_GT(engine.count<SetField>(), before);
    EXPECT_EQ(engine.last<SetField>()->key, "v.batch");
    EXPECT_EQ(std::get<std::int64_t>(engine.last<SetField>()->value), 64);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(std::get<std::int64_t>(engine.last<SetField>()->value), 100);
    ctx->ItemInputValue("//Settings###fields/**/v.learning_rate/##value", "1.0");
    ctx->Yield(2);
    EXPECT_NEAR(std::get<double>(engine.last<SetField>()->value), 1e-2, 1e-9) << "Clamped to the declared range.";
  });
}

TEST_F(Panels, AFieldThatIsFixedOnceTheRunHasBegunIsLockedAlsoInAPause) {
  open();
  act([&](ImGuiTestContext* ctx) {
    window->ui().want_panel = "fields";
    ctx->Yield(3);
    const ImGuiTestItemInfo locked = ctx->ItemInfo("//Settings###fields/**/m.reward_head/##value");
    EXPECT_TRUE(locked.ItemFlags & ImGuiItemFlags_Disabled);
    ctx->KeyPress(ImGuiMod_Shift | ImGuiKey_F5);
    ctx->Yield(3);
    EXPECT_FALSE(engine.train().busy);
    EXPECT_TRUE(ctx->ItemInfo("//Settings###fields/**/m.reward_head/##value").ItemFlags & ImGuiItemFlags_Disabled)
        << "The engine would refuse it.";
  });
}

TEST_F(Panels, AFaultIsSaidInEveryWorkspaceAndMovesNothing) {
  open();
  act([&](ImGuiTestContext* ctx) {
    const auto place = [&] {
      ctx->Yield(3);
      return ctx->ItemInfo("//Worlds###worlds/###restart").RectFull.Min;
    };
    const ImVec2 without = place();
    engine.fault() = "runs/old/model.safetensors is cut short: 1.2 MB of 9.8 MB.";
    const ImVec2 with = place();
    EXPECT_EQ(with.x, without.x);
    EXPECT_EQ(with.y, without.y) << "The picture and its buttons stay where they were.";
    EXPECT_EQ(ImGui::GetTopMostPopupModal(), nullptr) << "No modal box.";
    for (const char* id : {"train", "debug", "teach", "lab", "play"}) {
      window->ui().want_workspace = id;
      ctx->Yield(5);
      EXPECT_TRUE(ctx->ItemExists("//###faults/###dismiss")) << id;
    }
    engine.fault().clear();  // its cause is cured
    ctx->Yield(3);
    EXPECT_FALSE(ctx->ItemExists("//###faults/###dismiss"));
    engine.train().fault = "V's loss is not finite.";
    ctx->Yield(3);
    ctx->ItemClick("//###faults/###dismiss");
    ctx->Yield(3);
    EXPECT_EQ(engine.count<DismissFault>(), 1);
    EXPECT_FALSE(ctx->ItemExists("//###faults/###dismiss"));
  });
}

TEST_F(Panels, UndoBelongsToTheRunThatWasChanged) {
  open();
  act([&](ImGuiTestContext* ctx) {
    const auto undo = [&] {
      ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
      ctx->Yield(2);
    };
    window->ui().want_panel = "fields";
    ctx->Yield(3);
    ctx->ItemInputValue("//Settings###fields/**/v.batch/##value", "64");
    ctx->Yield(2);
    const int sent = engine.count<SetField>();
    engine.train().run = "runs/other";
    ctx->Yield(3);
    undo();
    EXPECT_EQ(engine.count<SetField>(), sent) << "The other run's settings are its own.";
    engine.train().run = "runs/car";
    ctx->Yield(3);
    undo();
    ASSERT_EQ(engine.count<SetField>(), sent + 1);
    EXPECT_EQ(std::get<std::int64_t>(engine.last<SetField>()->value), 100);
    EXPECT_EQ(engine.last<SetField>()->run, "runs/car");
  });
}

TEST_F(Panels, OnlyTheProbesOfTheVisibleTabAreAskedFor) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ASSERT_NE(engine.last<WatchProbes>(), nullptr);
    EXPECT_EQ(engine.last<WatchProbes>()->names, (std::set<std::string>{"hidden/h", "latent/z", "mixture/z"}));
    ctx->ItemClick("//Mind###mind/mind/###mixture");
    ctx->Yield(2);
    EXPECT_EQ(engine.last<WatchProbes>()->names, (std::set<std::string>{"latent/z", "mixture/z"})) << "and what a click sets";
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_3);
    ctx->Yield(3);
    const int sent = engine.count<WatchProbes>();
    ctx->Yield(10);
    EXPECT_EQ(engine.count<WatchProbes>(), sent) << "Sent only when it changes.";
  });
}

TEST_F(Panels, ADimensionOfTheMixtureIsChosenInTheEntropyBars) {
  open();
  act([&](ImGuiTestContext* ctx) {
    const ImGuiTestItemInfo bars = ctx->ItemInfo("//Mind###mind/**/entropy");
    ASSERT_NE(bars.ID, 0u);
    ctx->MouseMoveToPos({bars.RectFull.Min.x + bars.RectFull.GetWidth() * (7.5f / 32), bars.RectFull.GetCenter().y});
    ctx->MouseClick();
    EXPECT_EQ(window->ui().views["mixture/z"].selected, 7);
    ctx->ItemClick("//Mind###mind/**/next");
    EXPECT_EQ(window->ui().views["mixture/z"].selected, 8);
  });
}

TEST_F(Panels, AForcedClassIsKeptUntilItIsLetGo) {
  engine.become_recurrent();
  open();
  act([&](ImGuiTestContext* ctx) {
    const int group = 4;
    const auto click = [&](const char* grid, int chosen) {
      const ImGuiTestItemInfo cells = ctx->ItemInfo((std::string("//Mind###mind/**/") + grid).c_str());
      ASSERT_NE(cells.ID, 0u) << grid;
      const ImRect box = cells.RectFull;
      ctx->MouseMoveToPos({box.Min.x + box.GetWidth() * (static_cast<float>(chosen) + 0.5f) / 32,
                           box.Min.y + box.GetHeight() * (group + 0.5f) / 32});
      ctx->MouseClick();
      ctx->Yield(2);
    };
    const auto held = [&] {
      std::vector<int> classes;
      for (const HeldLatent& h : engine.dream().held) classes.push_back(h.index - group * 32);
      return classes;
    };
    click("posterior", 21);
    EXPECT_EQ(engine.last<HoldLatent>()->probe, "latent/z");
    EXPECT_EQ(held(), std::vector<int>{21});
    ctx->Yield(30);
    EXPECT_EQ(held(), std::vector<int>{21}) << "The dream goes on, and keeps it.";
    click("prior", 2);
    EXPECT_EQ(held(), std::vector<int>{2}) << "A group has one class.";
    click("prior", 2);
    EXPECT_EQ(held(), std::vector<int>{}) << "The second click lets it go.";
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(held(), std::vector<int>{2}) << "Ctrl-Z takes that back.";
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(held(), std::vector<int>{21}) << "And the class that had been replaced comes again.";
    ctx->ItemClick("//Mind###mind/**/###release");
    ctx->Yield(2);
    ctx->ItemClick("//Mind###mind/**/###keep");
    ctx->Yield(2);
    EXPECT_EQ(held().size(), 32u) << "Every group keeps what is drawn.";
    for (int g = 0; g < 32; ++g) EXPECT_EQ(engine.dream().held[static_cast<std::size_t>(g)].index / 32, g);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(held(), std::vector<int>{}) << "All of it at once.";
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiMod_Shift | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(held().size(), 32u);
    ctx->ItemClick("//Mind###mind/**/###release");
    ctx->Yield(2);
    EXPECT_EQ(held(), std::vector<int>{});
  });
}

TEST_F(Panels, ADreamBeginsAtTheChosenFrameOfTheReplay) {
  engine.become_recurrent();
  open("train");
  act([&](ImGuiTestContext* ctx) {
    const WatchProbes* watched = engine.last<WatchProbes>();
    ASSERT_NE(watched, nullptr);
    for (const std::string& name : engine.train().probe_names)
      EXPECT_EQ(watched->names.count(name), 1u) << "The batch is in sight: " << name;
    ctx->ItemInputValue("//Batch###batch/**/##place", 0.25f);
    ctx->ItemClick("//Batch###batch/**/###dream_from_replay");
    ASSERT_NE(engine.last<DreamFromReplay>(), nullptr);
    EXPECT_NEAR(engine.last<DreamFromReplay>()->recency, 0.25, 1e-9);
    window->ui().run("dream_from_replay");
    EXPECT_EQ(engine.count<DreamFromReplay>(), 2) << "By the palette as well.";
  });
}

TEST_F(Panels, WithoutAReplayTheButtonIsOffAndSaysWhy) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    EXPECT_TRUE(ctx->ItemInfo("//Batch###batch/**/###dream_from_replay").ItemFlags & ImGuiItemFlags_Disabled);
    window->ui().run("dream_from_replay");
    EXPECT_EQ(engine.count<DreamFromReplay>(), 0);
    const Action* action = window->ui().action("dream_from_replay");
    ASSERT_NE(action, nullptr);
    EXPECT_NE(action->why_not(window->ui()).find("no replay"), std::string::npos);
  });
}

TEST_F(Panels, WarningsComeAndGoWithoutMovingWhatIsBelow) {
  engine.become_recurrent();
  open("train");
  act([&](ImGuiTestContext* ctx) {
    const auto below = [&] {
      ctx->Yield(3);
      return ctx->ItemInfo("//Batch###batch/**/batch\\/use/cells").RectFull.Min.y;
    };
    const float with = below();
    ASSERT_GT(with, 0);
    engine.train().warnings.clear();
    EXPECT_EQ(below(), with);
    engine.train().warnings.assign(9, "A long sentence about something that looks wrong with this run.");
    EXPECT_EQ(below(), with);
  });
}

TEST_F(Panels, ManySettingsAreGroupedFoldedAndFiltered) {
  engine.become_recurrent();
  open("train");
  act([&](ImGuiTestContext* ctx) {
    const auto there = [&](const char* key) {
      return ctx->ItemExists((std::string("//Settings###fields/**/") + key + "/##value").c_str());
    };
    EXPECT_TRUE(there("world.free_nats")) << "Live ones are open.";
    EXPECT_FALSE(there("world.deter")) << "Fixed ones are folded.";
    ctx->ItemInputValue("//Settings###fields/##filter", "deter");
    ctx->Yield(2);
    EXPECT_TRUE(there("world.deter")) << "A filter opens what it finds.";
    EXPECT_FALSE(there("world.free_nats"));
    EXPECT_TRUE(ctx->ItemInfo("//Settings###fields/**/world.deter/##value").ItemFlags & ImGuiItemFlags_Disabled);
    ctx->ItemInputValue("//Settings###fields/##filter", "train_ratio");
    ctx->Yield(2);
    ctx->ItemInputValue("//Settings###fields/**/train.train_ratio/##value", "256");
    ctx->Yield(2);
    ASSERT_NE(engine.last<SetField>(), nullptr);
    EXPECT_EQ(engine.last<SetField>()->key, "train.train_ratio");
    EXPECT_NEAR(std::get<double>(engine.last<SetField>()->value), 256, 1e-3);
    ctx->ItemInputValue("//Settings###fields/**/train.train_ratio/##value", "0");
    ctx->Yield(2);
    EXPECT_EQ(std::get<double>(engine.last<SetField>()->value), 0)
        << "Powers of ten reach no 0, the slider's end does.";
  });
}

}  // namespace panels_test
}  // namespace dream::ui
