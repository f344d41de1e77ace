// Experiments that play themselves, and the dream as a game.
#include "ui/experiments.h"

#include "tests/ui/flow.h"
#include "ui/sentence.h"

namespace dream::ui {
namespace experiments_test {

using Experiments = Flow;

TEST_F(Experiments, OnePlaysItselfSaysWhatIsSeenAndPutsEverythingBack) {
  engine.dream().coupling = Coupling::anchored, engine.dream().coupling_steps = 25;
  engine.dream().human_pilot = true;
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    window->ui().send(SetKnob{"tau_mixture", 0.7});
    ctx->Yield(2);
    ctx->MenuClick("//##MainMenuBar/Experiments/From cold to hot");
    ctx->Yield(4);
    EXPECT_NEAR(engine.knob("tau_mixture"), 0.1, 1e-6);
    EXPECT_EQ(engine.dream().coupling, Coupling::drift);
    EXPECT_FALSE(engine.dream().human_pilot);
    EXPECT_NE(sentence(window->ui()).text.find("0.1"), std::string::npos);
    ctx->Yield(230);
    EXPECT_NEAR(engine.knob("tau_mixture"), 1.8, 1e-6);
    EXPECT_NE(sentence(window->ui()).text.find("1.8"), std::string::npos);
    ctx->Yield(150);
    EXPECT_FALSE(window->ui().experiment.running()) << "It ends by itself …";
    EXPECT_NEAR(engine.knob("tau_mixture"), 0.7, 1e-6) << "… and all is as it was.";
    EXPECT_NEAR(engine.knob("tau_sigma"), 1, 1e-6);
    EXPECT_EQ(engine.dream().coupling, Coupling::anchored);
    EXPECT_EQ(engine.dream().coupling_steps, 25);
    EXPECT_TRUE(engine.dream().human_pilot);
  });
}

TEST_F(Experiments, EscStopsOneAndItsPillIsTakenOnlyWhenItIsDue) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->MenuClick("//##MainMenuBar/Experiments/Drift, then one real frame");
    ctx->Yield(20);
    EXPECT_EQ(engine.count<RealityPill>(), 0);
    ctx->Yield(40);
    EXPECT_EQ(engine.count<RealityPill>(), 1);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    EXPECT_FALSE(window->ui().experiment.running());
    EXPECT_EQ(engine.count<RealityPill>(), 1);
  });
}

TEST_F(Experiments, CtrlZTakesOneBackAsOneStep) {
  engine.dream().coupling = Coupling::anchored, engine.dream().coupling_steps = 25;
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    const int before = static_cast<int>(engine.dream().timeline.line[engine.dream().timeline.present].id);
    window->ui().run("experiment_temperature");
    ctx->Yield(130);
    EXPECT_NEAR(engine.knob("tau_mixture"), 1, 1e-6);
    engine.send(GoTo{300});  // as far as the dream has come
    engine.send(DreamControl{DreamControl::Do::play});
    ctx->Yield(2);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);  // while it plays
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().experiment.running());
    EXPECT_EQ(engine.last<GoTo>()->instant, before) << "the dream stands where the experiment began …";
    EXPECT_EQ(engine.dream().coupling, Coupling::anchored);
    EXPECT_EQ(engine.dream().coupling_steps, 25);
    EXPECT_TRUE(engine.dream().playing) << "… and goes on as it did";
    EXPECT_FALSE(window->ui().can_undo()) << "one step";
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiMod_Shift | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<GoTo>()->instant, 300) << "forth again to where it ended";

    window->ui().run("experiment_drift");
    ctx->Yield(4);
    ctx->KeyPress(ImGuiKey_Escape);  // ended: it can be taken back afterwards as well
    ctx->Yield(2);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(2);
    EXPECT_EQ(engine.last<GoTo>()->instant, 300);
  });
}

TEST_F(Experiments, AMemoryIsKeptAndLetGo) {
  engine.become_recurrent();
  open();
  const Action* action = window->ui().action("experiment_memory");
  ASSERT_NE(action, nullptr);
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(2);
    EXPECT_NE(action->why_not(window->ui()).find("KeyDoor"), std::string::npos);
    engine.dream().world = "KeyDoor · Dreamer V3";
    ctx->Yield(2);
    EXPECT_EQ(action->why_not(window->ui()), "");
    engine.dream().steps_per_second = 0;  // as fast as it can: nothing is looked at for long
    window->ui().run("experiment_memory");
    ctx->Yield(3);  // a deed a frame
    EXPECT_GT(engine.dream().held.size(), 4u) << "A class of every group is kept …";
    ctx->Yield(8);
    EXPECT_EQ(engine.last<DreamControl>()->what, DreamControl::Do::play);
    EXPECT_TRUE(engine.dream().held.empty()) << "… until it has reached the memory.";
    EXPECT_TRUE(window->ui().experiment.running());
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().experiment.running());
  });
}

TEST_F(Experiments, AnUntrainedModelSaysSo) {
  engine.dream().updates = 5;
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(2);
    EXPECT_EQ(sentence(window->ui()).text.rfind("Not trained yet: 5 updates.", 0), 0u) << sentence(window->ui()).text;
    engine.dream().updates = 50000;
    ctx->Yield(2);
    EXPECT_NE(sentence(window->ui()).text.find("inside a dream"), std::string::npos);
  });
}

TEST_F(Experiments, TheBestScoreOfHandsIsRememberedAndTheEndExplained) {
  const std::filesystem::path home = folder();
  open("play", home);
  act([&](ImGuiTestContext* ctx) {
    const auto episode = [&](double score, bool hands) {
      if (hands) ctx->KeyDown(ImGuiKey_LeftArrow);
      ctx->Yield(30);  // more of it than the steps before
      engine.dream().dream_reward = score;
      engine.dream().playing = false;
      engine.dream().ended = "The dream ended after 9 steps: the model's P(end) is 0.83, above 0.5.";
      if (hands) ctx->KeyUp(ImGuiKey_LeftArrow);
      // What was said before stands for a while by the clock: on a busy machine that is more or fewer frames.
      const auto says = [&] { return sentence(window->ui()).text.find("P(end) is 0.83") != std::string::npos; };
      for (int frame = 0; frame < 300 && !says(); ++frame) ctx->Yield();
      EXPECT_TRUE(says()) << sentence(window->ui()).text;
      ctx->Yield(3);
      engine.dream().ended.clear();
      engine.dream().step = 0, engine.dream().playing = true;  // the next one
      ctx->Yield(2);
    };
    episode(500, false);
    EXPECT_TRUE(window->ui().settings.best.empty()) << "The agent's score is nobody's.";
    episode(40, true);
    episode(12, true);
    EXPECT_EQ(window->ui().settings.best.at("CarRacing"), 40);
    ctx->KeyDown(ImGuiKey_LeftArrow);  // and the window is closed in the middle of the next one
    ctx->Yield(30);
    engine.dream().dream_reward = 55;
    ctx->Yield(2);
    ctx->KeyUp(ImGuiKey_LeftArrow);
  });
  close();
  EXPECT_NEAR(load_settings(home / "window.conf").best.at("CarRacing"), 55, 2) << "which goes on while frames are drawn";
}

}  // namespace experiments_test
}  // namespace dream::ui
