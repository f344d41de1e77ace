// Keys, where they go, and what reaches the engine.
#include "tests/ui/flow.h"

namespace dream::ui {
namespace drive_test {

using Drives = Flow;

TEST_F(Drives, AnArrowKeyTakesTheWheelAndReleasingGivesItBack) {
  open();
  act([&](ImGuiTestContext* ctx) {
    EXPECT_EQ(engine.count<Drive>(), 0) << "Nothing is driven before a key.";
    ctx->KeyDown(ImGuiKey_LeftArrow);
    ctx->Yield(2);
    const Drive* drive = engine.last<Drive>();
    ASSERT_NE(drive, nullptr);
    EXPECT_TRUE(drive->engaged);
    EXPECT_EQ(drive->action, (std::vector<float>{-1, 0, 0}));
    EXPECT_GT(drive->pressed_at, 0);
    ctx->KeyDown(ImGuiKey_UpArrow);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<Drive>()->action, (std::vector<float>{-1, 1, 0}));
    const int sent = engine.count<Drive>();
    ctx->Yield(10);
    EXPECT_EQ(engine.count<Drive>(), sent) << "A held key is sent once.";
    ctx->KeyUp(ImGuiKey_LeftArrow);
    ctx->KeyUp(ImGuiKey_UpArrow);
    ctx->Yield(2);
    EXPECT_FALSE(engine.last<Drive>()->engaged);
  });
}

TEST_F(Drives, OneKeyGoesOnToTheNextWayToDecide) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_K);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<SetKnob>(), 0) << "There is one way alone.";
  });
  Knob mode{"mode", "mode", "Mode 2 or Mode 1", "It thinks, or reacts.", 0, 1, 0, false, true};
  mode.choices = {"Mode 2", "Mode 1"};
  engine.dream().knobs.push_back({mode, 0});
  engine.tick();
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(2);
    for (const double next : {1.0, 0.0}) {
      ctx->KeyPress(ImGuiKey_K);
      ctx->Yield(3);
      ASSERT_NE(engine.last<SetKnob>(), nullptr);
      EXPECT_EQ(engine.last<SetKnob>()->name, "mode");
      EXPECT_EQ(engine.last<SetKnob>()->value, next);
    }
  });
}

TEST_F(Drives, LettersAreAnAliasOfTheArrows) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyDown(ImGuiKey_D);
    ctx->Yield(2);
    ASSERT_NE(engine.last<Drive>(), nullptr);
    EXPECT_EQ(engine.last<Drive>()->action, (std::vector<float>{1, 0, 0}));
    ctx->KeyUp(ImGuiKey_D);
    ctx->KeyDown(ImGuiKey_S);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<Drive>()->action, (std::vector<float>{0, 0, 0.8f}));
    ctx->KeyUp(ImGuiKey_S);
  });
}

TEST_F(Drives, LettersDriveByTheirPlaceAndAreNamedAsPrinted) {
  engine.dream().spaces.action.keys.push_back({"w", 1, 1, "boost"});
  engine.tick();
  open();
  window->ui().keymap.set_layout([](char us) { return std::string(1, us == 'w' ? 'z' : us == 'a' ? 'q' : us); });
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(2);
    EXPECT_EQ(window->ui().keymap.to_label("w"), "Z") << "AZERTY has a Z there.";
    EXPECT_EQ(window->ui().keymap.letters(), "Q S D");
    ctx->KeyDown(ImGuiKey_Q);
    ctx->Yield(2);
    ASSERT_NE(engine.last<Drive>(), nullptr);
    EXPECT_EQ(engine.last<Drive>()->action, (std::vector<float>{-1, 0, 0})) << "where A is on a US keyboard";
    ctx->KeyUp(ImGuiKey_Q);
    ctx->KeyDown(ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<Drive>()->action, (std::vector<float>{0, 1, 0}));
    ctx->KeyUp(ImGuiKey_Z);
    ctx->Yield(2);
    const int sent = engine.count<Drive>();
    ctx->KeyPress(ImGuiKey_A);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<Drive>(), sent) << "The letter itself lies elsewhere.";
  });
}

TEST_F(Drives, F1SaysWhatAKeyDoesInThisWorld) {
  open();
  const Action* play = window->ui().action("play");
  ASSERT_NE(play, nullptr);
  act([&](ImGuiTestContext* ctx) { ctx->Yield(2); });
  EXPECT_EQ(window->ui().keys_of(*play), "Space");
  engine.become_recurrent();  // Space is fire
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(2);
    EXPECT_EQ(window->ui().keys_of(*play), "Ctrl-Space");
    const int before = engine.count<DreamControl>();
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Space);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<DreamControl>(), before + 1);
  });
  const Keymap& keys = window->ui().keymap;
  EXPECT_EQ(keys.pad_label(engine.dream().spaces.action, "space"), "A");
  EXPECT_EQ(keys.pad_label(engine.dream().spaces.action, "up").find(", A"), std::string::npos) << "A is fire here.";
}

TEST_F(Drives, AGamepadDrivesAndReleasingItGivesTheWheelBack) {
  pad = PadState{};
  open();
  act([&](ImGuiTestContext* ctx) {
    const auto hold = [&](const PadState& held) {
      const int before = engine.count<Drive>();
      pad = held;
      ctx->Yield(2);
      EXPECT_GT(engine.count<Drive>(), before);
      const Drive drive = engine.last<Drive>() ? *engine.last<Drive>() : Drive{};
      EXPECT_TRUE(drive.engaged);
      pad = PadState{};
      ctx->Yield(2);
      EXPECT_FALSE(engine.last<Drive>()->engaged);
      return drive.action;
    };
    const std::vector<float> left{-1, 0, 0}, right{1, 0, 0}, gas{0, 1, 0}, brake{0, 0, 0.8f};
    EXPECT_EQ(hold({.x = -1}), left);
    EXPECT_EQ(hold({.x = 1}), right);
    EXPECT_EQ(hold({.left = true}), left);
    EXPECT_EQ(hold({.gas = 1}), gas);
    EXPECT_EQ(hold({.a = true}), gas);
    EXPECT_EQ(hold({.brake = 1}), brake);
    EXPECT_EQ(hold({.b = true}), brake);
    const int sent = engine.count<Drive>();
    pad = PadState{.y = 1};
    ctx->Yield(2);
    EXPECT_EQ(engine.count<Drive>(), sent) << "Who leans the stick forward while steering gives no gas.";
  });
}

TEST_F(Drives, AStickSteersByItsDeflectionAndItsRestIsNoKey) {
  pad = PadState{};
  open();
  act([&](ImGuiTestContext* ctx) {
    const auto lean = [&](float amount) {
      pad = PadState{.x = -amount};
      ctx->Yield(2);
    };
    lean(0.15f);
    EXPECT_EQ(engine.count<Drive>(), 0) << "A worn stick does not come to rest at 0.";
    lean(0.59f);
    ASSERT_NE(engine.last<Drive>(), nullptr);
    EXPECT_NEAR(engine.last<Drive>()->action[0], -0.5f, 1e-3f);
    lean(1);
    EXPECT_NEAR(engine.last<Drive>()->action[0], -1, 1e-3f);
    lean(0);
    EXPECT_FALSE(engine.last<Drive>()->engaged);
  });
}

TEST_F(Drives, AGamepadThatIsUnpluggedWhileHeldLetsGo) {
  pad = PadState{.x = 1};
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(2);
    ASSERT_NE(engine.last<Drive>(), nullptr);
    EXPECT_TRUE(engine.last<Drive>()->engaged);
    pad.reset();
    ctx->Yield(2);
    EXPECT_FALSE(engine.last<Drive>()->engaged);
    const int sent = engine.count<Drive>();
    ctx->Yield(5);
    EXPECT_EQ(engine.count<Drive>(), sent);
  });
}

TEST_F(Drives, AGamepadChoosesInADiscreteWorld) {
  engine.become_recurrent();  // nothing, left, up, right, down, fire
  pad = PadState{};
  open();
  act([&](ImGuiTestContext* ctx) {
    const auto choice = [&](const PadState& held) {
      pad = held;
      ctx->Yield(2);
      return engine.last<Drive>() ? engine.last<Drive>()->action : std::vector<float>{-1};
    };
    EXPECT_EQ(choice({.x = -0.4f}), std::vector<float>{-1}) << "Half a lean is no choice.";
    EXPECT_EQ(choice({.x = -0.9f}), std::vector<float>{1});
    EXPECT_EQ(choice({.y = 0.9f}), std::vector<float>{2}) << "The stick's other way is up here.";
    EXPECT_EQ(choice({.a = true}), std::vector<float>{5}) << "A is space where the world knows space.";
    EXPECT_EQ(choice({}), std::vector<float>{0});
    EXPECT_FALSE(engine.last<Drive>()->engaged);
  });
}

TEST_F(Drives, AHeldKeyGoesOnDrivingWhenAnotherModelComes) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyDown(ImGuiKey_LeftArrow);
    ctx->Yield(2);
    const int sent = engine.count<Drive>();
    engine.dream().run = "runs/other";  // the same world, another model: the engine's hands are empty again
    ctx->Yield(3);
    EXPECT_EQ(engine.count<Drive>(), sent + 1);
    EXPECT_TRUE(engine.last<Drive>()->engaged);
    EXPECT_EQ(engine.last<Drive>()->action, (std::vector<float>{-1, 0, 0}));
    ctx->KeyUp(ImGuiKey_LeftArrow);
    ctx->Yield(2);
    EXPECT_FALSE(engine.last<Drive>()->engaged);
  });
}

TEST_F(Drives, WhileAListIsOpenTheArrowsAreItsAlone) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_D);
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_DownArrow);
    ctx->KeyPress(ImGuiKey_Space);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<Drive>(), 0);
    EXPECT_EQ(engine.count<DreamControl>(), 0);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    ctx->KeyPress(ImGuiKey_DownArrow);
    ctx->Yield(2);
    EXPECT_GE(engine.count<Drive>(), 1);
  });
}

TEST_F(Drives, AKeyThatTheWorldBindsIsNoLongerAShortcut) {
  engine.dream().spaces.action.keys.push_back({"m", 1, 1, "honk"});
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_M);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<SetPilot>(), 0) << "M is the world's here.";
    EXPECT_GE(engine.count<Drive>(), 1);
  });
}

TEST_F(Drives, ADiscreteWorldGetsTheIndexOfItsChoice) {
  ActionSpace& action = engine.dream().spaces.action;
  action = {};
  action.choices = {"nothing", "left", "right"};
  action.keys = {{"left", 0, 1, "left"}, {"right", 0, 2, "right"}};
  action.idle = {0};
  engine.dream().action = {0};
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyDown(ImGuiKey_RightArrow);
    ctx->Yield(2);
    ASSERT_NE(engine.last<Drive>(), nullptr);
    EXPECT_EQ(engine.last<Drive>()->action, (std::vector<float>{2}));
    ctx->KeyUp(ImGuiKey_RightArrow);
  });
}

TEST_F(Drives, OfSeveralHeldKeysADiscreteWorldGetsTheOnePressedLastAndIdleAtTheEnd) {
  engine.become_recurrent();  // nothing, left, up, right, down, fire
  open();
  act([&](ImGuiTestContext* ctx) {
    const auto action = [&] {
      ctx->Yield(2);
      return engine.last<Drive>() ? engine.last<Drive>()->action : std::vector<float>{-1};
    };
    ctx->KeyDown(ImGuiKey_Space);
    EXPECT_EQ(action(), (std::vector<float>{5})) << "Space is fire here.";
    EXPECT_EQ(engine.count<DreamControl>(), 0) << "and not a pause.";
    ctx->KeyDown(ImGuiKey_LeftArrow);
    EXPECT_EQ(action(), (std::vector<float>{1})) << "The key pressed last wins.";
    ctx->KeyDown(ImGuiKey_UpArrow);
    EXPECT_EQ(action(), (std::vector<float>{2}));
    ctx->KeyUp(ImGuiKey_UpArrow);
    EXPECT_EQ(action(), (std::vector<float>{1})) << "and its end gives the choice back to the one before.";
    ctx->KeyUp(ImGuiKey_LeftArrow);
    EXPECT_EQ(action(), (std::vector<float>{5}));
    EXPECT_TRUE(engine.last<Drive>()->engaged);
    ctx->KeyUp(ImGuiKey_Space);
    EXPECT_EQ(action(), (std::vector<float>{0})) << "Released: the idle choice.";
    EXPECT_FALSE(engine.last<Drive>()->engaged);
    ctx->KeyDown(ImGuiKey_D);
    EXPECT_EQ(action(), (std::vector<float>{3})) << "Letters are arrows here too.";
    ctx->KeyUp(ImGuiKey_D);
  });
}

TEST_F(Drives, WhileATextFieldHasTheFocusKeysAreItsAlone) {
  open();
  act([&](ImGuiTestContext* ctx) {
    window->ui().want_panel = "runs";
    ctx->Yield(3);
    ctx->ItemClick("//Runs###runs/**/##path");
    ctx->KeyChars("wasd");
    ctx->KeyPress(ImGuiKey_LeftArrow);
    ctx->KeyPress(ImGuiKey_Space);
    ctx->KeyPress(ImGuiKey_R);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<Drive>(), 0);
    EXPECT_EQ(engine.count<DreamControl>(), 0);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    ctx->KeyPress(ImGuiKey_LeftArrow);
    ctx->Yield(2);
    EXPECT_GE(engine.count<Drive>(), 1) << "After the field, the car has them again.";
  });
}

TEST_F(Drives, TabGivesEveryKeyToTheGameUntilEscape) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_Tab);
    ctx->Yield(2);
    EXPECT_TRUE(window->ui().keymap.captured());
    ctx->KeyPress(ImGuiKey_Space);
    ctx->KeyPress(ImGuiKey_M);
    ctx->KeyPress(ImGuiKey_F5);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<DreamControl>(), 0);
    EXPECT_EQ(engine.count<SetPilot>(), 0);
    EXPECT_EQ(engine.count<TrainControl>(), 0);
    ctx->KeyPress(ImGuiKey_UpArrow);
    ctx->Yield(2);
    EXPECT_GE(engine.count<Drive>(), 1);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    EXPECT_FALSE(window->ui().keymap.captured());
    ctx->KeyPress(ImGuiKey_Space);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<DreamControl>(), 1);
  });
}

TEST_F(Drives, TransportKeys) {
  open();
  act([&](ImGuiTestContext* ctx) {
    using Do = DreamControl::Do;
    const auto press = [&](ImGuiKeyChord chord) {
      ctx->KeyPress(chord);
      ctx->Yield(2);
      return engine.last<DreamControl>() ? engine.last<DreamControl>()->what : Do::play;
    };
    EXPECT_EQ(press(ImGuiKey_Space), Do::pause);
    EXPECT_EQ(press(ImGuiKey_Space), Do::play);
    EXPECT_EQ(press(ImGuiKey_Period), Do::step);
    EXPECT_EQ(press(ImGuiKey_R), Do::restart);
    EXPECT_EQ(press(ImGuiMod_Shift | ImGuiKey_R), Do::new_start);
    ctx->KeyPress(ImGuiKey_M);
    ctx->Yield(2);
    ASSERT_NE(engine.last<SetPilot>(), nullptr);
    EXPECT_TRUE(engine.last<SetPilot>()->human);
  });
}

TEST_F(Drives, WithoutADreamTheTransportIsOffAndSaysWhy) {
  engine.dream() = DreamView{};
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_Space);
    ctx->Yield(2);
    EXPECT_EQ(engine.count<DreamControl>(), 0);
    const Action* play = window->ui().action("play");
    ASSERT_NE(play, nullptr);
    EXPECT_NE(play->why_not(window->ui()).find("open a run"), std::string::npos);
  });
}

}  // namespace drive_test
}  // namespace dream::ui
