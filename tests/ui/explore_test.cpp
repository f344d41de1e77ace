// Home, the fan, other branches, and how dream and real world are tied together.
#include <algorithm>
#include <stdexcept>

#include "imgui_internal.h"
#include "tests/ui/flow.h"

namespace dream::ui {
namespace explore_test {

using Explores = Flow;

TEST_F(Explores, WhereNothingIsDreamtTheWorldStandsBesideWhatTheAgentHasInMind) {
  engine.dream().has_model = false;
  const auto name = engine.dream().probe_names.front();
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    const auto thought = [&] { return ctx->WindowInfo("//Worlds###worlds/thought", ImGuiTestOpFlags_NoError); };
    ASSERT_NE(thought().Window, nullptr);
    EXPECT_GT(thought().Window->Size.x, 200);
    EXPECT_GT(thought().Window->Size.y, 200);
    EXPECT_TRUE(engine.last<WatchProbes>() && std::ranges::count(engine.last<WatchProbes>()->names, name)) << name;
    engine.dream().has_model = true;
    ctx->Yield(3);
    EXPECT_TRUE(!thought().Window || !thought().Window->Active);
  });
}

TEST_F(Explores, HomeShowsEveryRunAndEntersOne) {
  open();
  act([&](ImGuiTestContext* ctx) {
    EXPECT_EQ(engine.count<WatchPreviews>(), 0) << "nothing is dreamt that nobody sees";
    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    EXPECT_TRUE(window->ui().show_home);
    ASSERT_NE(engine.last<WatchPreviews>(), nullptr);
    EXPECT_EQ(engine.last<WatchPreviews>()->paths, (std::vector<std::string>{"assets/car", "runs/car"}))
        << "runs/old cannot be opened";
    ctx->KeyChars("runs/car");
    ctx->Yield(2);
    EXPECT_EQ(engine.last<WatchPreviews>()->paths, (std::vector<std::string>{"runs/car"}));
    EXPECT_EQ(engine.count<Drive>(), 0) << "what is typed does not drive";
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(2);
    EXPECT_FALSE(window->ui().show_home);
    ASSERT_NE(engine.last<OpenRun>(), nullptr);
    EXPECT_EQ(engine.last<OpenRun>()->path, "runs/car");
    EXPECT_TRUE(engine.last<WatchPreviews>()->paths.empty()) << "the previews stop when Home is not seen";

    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_DownArrow);
    ctx->Yield(2);
    const int opened = engine.count<OpenRun>();
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    EXPECT_FALSE(window->ui().show_home);
    EXPECT_EQ(engine.count<OpenRun>(), opened);
    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    ctx->ItemClick("//Home/**/card");
    EXPECT_EQ(engine.count<OpenRun>(), opened + 1);
    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    ctx->ItemClick("//Home/**/new run");
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().show_home);
  });
}

TEST_F(Explores, HomeDrivesComparesAndBeginsByKeys) {
  engine.runs()[1].score = {true, 430.5, 60, "over 100 tracks"};
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    ctx->KeyChars("c");
    ctx->Yield(2);
    EXPECT_EQ(window->ui().home.typed, "c") << "letters search …";
    ctx->KeyPress(ImGuiKey_Backspace);
    ctx->KeyPress(ImGuiKey_LeftArrow);
    ctx->Yield(2);
    ctx->KeyPress(ImGuiKey_C);
    ctx->KeyChars("c");  // what that key types
    ctx->Yield(2);
    EXPECT_EQ(window->ui().home.typed, "") << "… until arrows have chosen a card";
    EXPECT_EQ(window->ui().home.compared, (std::vector<std::string>{"assets/car"}));
    ctx->KeyPress(ImGuiKey_RightArrow);
    ctx->KeyPress(ImGuiKey_C);
    ctx->Yield(3);
    EXPECT_EQ(window->ui().home.compared, (std::vector<std::string>{"assets/car", "runs/car"}));
    EXPECT_EQ(engine.last<WatchPreviews>()->paths, (std::vector<std::string>{"assets/car", "runs/car"}));
    EXPECT_FALSE(ctx->ItemExists("//Home/**/new run")) << "the two alone";
    const int sent = static_cast<int>(engine.commands.size());
    ctx->KeyPress(ImGuiKey_R);
    ctx->Yield(2);
    EXPECT_EQ(static_cast<int>(engine.commands.size()), sent) << "keys of the dream do nothing behind the wall";
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(3);
    EXPECT_TRUE(window->ui().show_home) << "back to the wall";
    EXPECT_TRUE(ctx->ItemExists("//Home/**/new run"));
    EXPECT_EQ(engine.count<OpenRun>(), 0);

    window->ui().home.compared = {"assets/car", "runs/car"};
    ctx->Yield(2);
    ctx->ItemClick("//Home/their curves");
    ctx->Yield(3);
    EXPECT_EQ(engine.last<OpenRun>()->path, "assets/car");
    EXPECT_EQ(engine.last<CompareCurves>()->runs, (std::vector<std::string>{"runs/car"}));
    EXPECT_EQ(window->ui().settings.workspace, "train");

    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_Space);
    ctx->Yield(3);
    EXPECT_TRUE(window->ui().show_home) << "it is driven in its card";
    EXPECT_EQ(engine.count<OpenRun>(), 1) << "it was open: its dream goes on";
    EXPECT_EQ(window->ui().home.driven, "assets/car");
    EXPECT_TRUE(engine.last<SetPilot>()->human) << "the hands are on the wheel";
    EXPECT_TRUE(engine.dream().playing);
    const int selected = window->ui().home.selected;
    ctx->KeyDown(ImGuiKey_LeftArrow);
    ctx->Yield(3);
    EXPECT_TRUE(engine.last<Drive>()->engaged) << "arrows drive …";
    ctx->KeyUp(ImGuiKey_LeftArrow);
    ctx->KeyChars("c");
    ctx->Yield(3);
    EXPECT_EQ(window->ui().home.selected, selected) << "… and choose nothing,";
    EXPECT_EQ(window->ui().home.typed, "") << "letters search nothing";
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(3);
    EXPECT_TRUE(window->ui().show_home);
    EXPECT_EQ(window->ui().home.driven, "");
    EXPECT_FALSE(engine.last<SetPilot>()->human) << "the agent drives again";
    ctx->KeyPress(ImGuiKey_RightArrow);
    ctx->KeyPress(ImGuiKey_Space);
    ctx->Yield(3);
    EXPECT_EQ(engine.last<OpenRun>()->path, "runs/car") << "another run is opened, and the wall stays";
    ASSERT_EQ(window->ui().home.driven, "runs/car");
    engine.dream().run = "runs/car";
    engine.tick();
    ctx->Yield(2);
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().show_home);
    EXPECT_EQ(engine.count<OpenRun>(), 2) << "it goes on where the hands are";
    EXPECT_TRUE(engine.last<SetPilot>()->human);

    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_RightArrow);
    ctx->KeyPress(ImGuiKey_N);
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().show_home);
    EXPECT_EQ(window->ui().runs.view, RunsPanel::View::form);
  });
}

TEST_F(Explores, AComponentThatWasNotDrawnIsTakenAndPutBack) {
  open();
  act([&](ImGuiTestContext* ctx) {
    engine.dream().playing = false;
    ctx->ItemClick("//Mind###mind/mind/###mixture");
    ctx->Yield(5);
    const auto mixture_now = [&]() -> const Mixture& {
      for (const Probe& probe : window->ui().dream().probes)
        if (probe.name == "mixture/z") return std::get<Mixture>(*probe.value);
      throw std::runtime_error("no mixture");
    };
    const Mixture mixture = mixture_now();
    const ImRect box = ctx->ItemInfo("//Mind###mind/**/density").RectFull;
    const float range = window->ui().views["mixture/z"].range;
    const float mean = mixture.means[4];  // k 4 of the first dimension stands apart
    ctx->MouseMoveToPos({box.Min.x + box.GetWidth() * (mean + range) / (2 * range), box.Max.y - 8});
    ctx->Yield(2);
    const int edits = engine.count<EditLatent>();
    ctx->MouseClick();
    ctx->Yield(3);
    ASSERT_EQ(engine.count<EditLatent>(), edits + 1);
    const EditLatent edit = *engine.last<EditLatent>();
    EXPECT_EQ(edit.probe, "latent/z");
    EXPECT_EQ(edit.index, 0);
    const auto means = std::vector<float>(mixture.means.begin(), mixture.means.begin() + 5);
    EXPECT_NE(std::ranges::find(means, edit.value), means.end()) << "the mean of a component";
    EXPECT_NEAR(edit.value, mean, 0.6);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<EditLatent>(), edits + 2);
    EXPECT_NE(engine.last<EditLatent>()->value, edit.value) << "what had been drawn";

    engine.without_probe = "latent/z";
    ctx->Yield(3);
    ctx->MouseClick();
    ctx->Yield(2);
    EXPECT_EQ(engine.count<EditLatent>(), edits + 2) << "nothing to edit: the click does nothing";
  });
}

TEST_F(Explores, AFanIsOpenedOverAKnobAndOneFutureIsTaken) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F);
    ctx->Yield(4);
    ASSERT_NE(engine.last<OpenFan>(), nullptr);
    EXPECT_EQ(engine.last<OpenFan>()->over, FanOver::chance);
    ctx->SetRef("//Fan###fan");
    ctx->ComboClick("##over/τ of σ");
    EXPECT_EQ(engine.last<OpenFan>()->over, FanOver::knob);
    EXPECT_EQ(engine.last<OpenFan>()->knob, "tau_sigma");
    ctx->ItemClick("future5");
    ASSERT_NE(engine.last<TakeFuture>(), nullptr);
    EXPECT_EQ(engine.last<TakeFuture>()->which, 5);
    ctx->Yield(2);
    ctx->KeyPress(ImGuiKey_F);
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_F);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<CloseFan>(), 1);
    ctx->KeyPress(ImGuiKey_F);
    ctx->Yield(4);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<CloseFan>(), 2) << "Esc closes it too.";
    ctx->KeyPress(ImGuiKey_F);
    ctx->Yield(30);
    EXPECT_EQ(engine.count<CloseFan>(), 2) << "It stays while it is seen.";
    window->ui().want_panel = "mind";  // a tab over it
    ctx->Yield(40);
    EXPECT_EQ(engine.count<CloseFan>(), 3) << "A dream that waits for what nobody sees would seem to hang.";
  });
}

TEST_F(Explores, EscClosesTheListThatIsOpen) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Worlds###worlds/###coupling");
    ctx->Yield(2);
    ASSERT_TRUE(ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup));
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    EXPECT_FALSE(ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup));
    ctx->KeyPress(ImGuiKey_Space);
    ctx->Yield(2);
    EXPECT_NE(engine.last<DreamControl>(), nullptr) << "and keys are the dream's again";
  });
}

TEST_F(Explores, WhatAChoiceDoesIsNamedByWhoSeesIt) {
  const auto two_codes = [&] {
    auto& action = engine.dream().spaces.action;
    action = {};
    action.axes = {"code"}, action.low = {0}, action.high = {1}, action.idle = {0};
    action.choices = {"code 1", "code 2"};
    action.keys = {{"1", 0, 0, "code 1"}, {"2", 0, 1, "code 2"}};
    engine.dream().run = "runs/square";
  };
  two_codes();
  open("play", folder() / "settings");
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F);
    ctx->Yield(4);
    ctx->SetRef("//Fan###fan");
    ctx->ComboClick("##over/actions");
    ctx->Yield(3);
    ctx->ItemInputValue("##name1", "up = ↑");
    ctx->Yield(3);
    const auto& action = window->ui().dream().spaces.action;
    EXPECT_EQ(action.choices, (std::vector<std::string>{"code 1", "up = ↑"}));
    EXPECT_EQ(action.keys[1].label, "up = ↑");
    EXPECT_EQ(window->ui().dream().fan.futures[1].label, "up = ↑");
    EXPECT_EQ(engine.dream().spaces.action.choices[1], "code 2") << "the model's own stays";
    engine.dream().run = "runs/other";
    ctx->Yield(3);
    EXPECT_EQ(window->ui().dream().spaces.action.choices[1], "code 2") << "another run's are its own";
  });
  close();
  two_codes();
  open("play", folder() / "settings");
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    EXPECT_EQ(window->ui().dream().spaces.action.choices[1], "up = ↑") << "remembered";
    ctx->SetRef("//Fan###fan");
    ctx->Yield(3);
    ctx->ItemInputValue("##name1", " ");
    ctx->Yield(3);
    EXPECT_EQ(window->ui().dream().spaces.action.choices[1], "code 2") << "nothing gives the model's own name back";
  });
}

TEST_F(Explores, AFanOverTheTrainingLeadsToEarlierWeights) {
  engine.dream().earlier_weights = 0;
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F);
    ctx->Yield(4);
    ctx->SetRef("//Fan###fan");
    ctx->ComboClick("##over/training");
    EXPECT_EQ(engine.last<OpenFan>()->over, FanOver::chance) << "none are kept: not to be had";
    ctx->PopupCloseAll();
    engine.dream().earlier_weights = 8;
    ctx->Yield(3);
    ctx->ComboClick("##over/training");
    EXPECT_EQ(engine.last<OpenFan>()->over, FanOver::weights);
    ctx->Yield(2);
    ctx->ItemClick("future2");
    ASSERT_NE(engine.last<OpenRun>(), nullptr);
    EXPECT_EQ(engine.last<OpenRun>()->path, "runs/car/history/0.2.safetensors");
    ctx->ItemClick("future8");
    ASSERT_NE(engine.last<TakeFuture>(), nullptr) << "the dream's own weights";
    EXPECT_EQ(engine.last<TakeFuture>()->which, 8);
  });
}

TEST_F(Explores, ABranchIsComparedAndFollowed) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->SetRef("//Timeline###timeline");
    ctx->ItemClick("###branch812", ImGuiMouseButton_Right);
    ctx->ItemClick("//$FOCUSED/compare with it");
    ASSERT_NE(engine.last<CompareWith>(), nullptr);
    EXPECT_EQ(engine.last<CompareWith>()->instant, 812);
    engine.dream().step = 220;
    engine.tick();
    ctx->Yield(2);
    ctx->ItemClick("###branch812", ImGuiMouseButton_Right);
    ctx->ItemClick("//$FOCUSED/take its actions from here on");
    ASSERT_NE(engine.last<Follow>(), nullptr);
    EXPECT_EQ(engine.last<Follow>()->instant, 812);
    ctx->ItemClick("compare no more");
    EXPECT_EQ(engine.last<CompareWith>()->instant, 0);
  });
}

TEST_F(Explores, TheLastSecondsAreKept) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_K);
    ctx->Yield(2);
    const auto* keep = engine.last<KeepBundle>();
    ASSERT_NE(keep, nullptr);
    EXPECT_EQ(keep->seconds, 30);
    EXPECT_TRUE(keep->file.ends_with("-kept.safetensors")) << keep->file;
    EXPECT_NE(window->ui().said.find(keep->file), std::string::npos) << "where it went is said";
  });
}

TEST_F(Explores, WhatIsDrivenIsKeptAsDataUntilAClick) {
  open();
  act([&](ImGuiTestContext* ctx) {
    window->ui().action("keep_episodes")->run(window->ui());
    ASSERT_EQ(engine.count<KeepEpisodes>(), 1);
    EXPECT_TRUE(engine.last<KeepEpisodes>()->on);
    ctx->Yield(3);
    ctx->ItemClick("//##MainMenuBar/##MenuBar/###keeping");
    EXPECT_EQ(engine.count<KeepEpisodes>(), 2);
    EXPECT_FALSE(engine.last<KeepEpisodes>()->on);
  });
}

TEST_F(Explores, TheCouplingIsChosenHandedOverAndUndone) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Worlds###worlds/###coupling");  // a combo is found by its whole path alone
    ctx->ItemClick("//$FOCUSED/reality leads");
    ASSERT_NE(engine.last<SetCoupling>(), nullptr);
    EXPECT_EQ(engine.last<SetCoupling>()->how, Coupling::reality_leads);
    EXPECT_EQ(engine.last<SetCoupling>()->steps, 10);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<SetCoupling>()->how, Coupling::dream_leads);
    ctx->KeyPress(ImGuiKey_H);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<SetCoupling>()->how, Coupling::awake);
    ctx->KeyPress(ImGuiKey_H);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<SetCoupling>()->how, Coupling::dream_leads) << "back in the dream, coupled as before";
  });
}

}  // namespace explore_test
}  // namespace dream::ui
