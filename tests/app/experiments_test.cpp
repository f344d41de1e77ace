// Every experiment of the menu, over a shipped run of every world that it is for.
#include "ui/experiments.h"

#include "core/live/run_list.h"
#include "tests/app/live_flow.h"

namespace dream::ui {
namespace live_experiments_test {

std::vector<std::string> shipped() {
  std::vector<std::string> names;
  // One run of each world is enough to see; planning at every step would take minutes.
  for (const auto& run : shipped_runs(assets())) {
    const std::string name = run.filename().string();
    if (name != "car_racing_dreamer" && name != "minatar_breakout_v2" && name != "pendulum_planet" && name != "catch")
      names.push_back(name);
  }
  return names;
}

class LiveExperiments : public LiveFlow, public testing::WithParamInterface<std::string> {};

/// What an experiment may change.
std::string settings_of(const DreamView& dream) {
  std::string all = std::to_string(static_cast<int>(dream.coupling)) + " " + std::to_string(dream.coupling_steps) +
                    (dream.human_pilot ? " you" : " agent") + (dream.twin ? " twin" : "") +
                    (dream.playing ? " plays" : " paused") + " held " + std::to_string(dream.held.size());
  for (const KnobView& knob : dream.knobs) all += " " + knob.knob.name + " " + std::to_string(knob.value);
  return all;
}

TEST_P(LiveExperiments, PlayThemselvesToTheirEndAndPutEverythingBack) {
  open("play");
  act([&](ImGuiTestContext* ctx) {
    enter(ctx, GetParam());
    window->ui().send(SetCoupling{Coupling::anchored, 7});
    window->ui().send(SetPilot{true});
    for (const KnobView& knob : dream().knobs) window->ui().send(SetKnob{knob.knob.name, knob.knob.minimum});
    window->ui().send(SetSpeed{60});  // a table dreams faster than sentences can be read
    until(ctx, "the settings", [&] { return dream().human_pilot && dream().steps_per_second == 60; });
    const std::string before = settings_of(dream());
    int played = 0;
    for (const Experiment& each : experiments()) {
      const std::string why_not = window->ui().action(each.id)->why_not(window->ui());
      if (!why_not.empty()) continue;
      SCOPED_TRACE(each.title);
      ++played;
      ctx->MenuClick(("//##MainMenuBar/Experiments/" + each.title).c_str());
      if (!until(ctx, "it begins", [&] { return window->ui().experiment.running(); })) return;
      const ExperimentPlayer& experiment = window->ui().experiment;
      std::string said;
      int sentences = 0;
      until(ctx, "it ends", [&] {
        if (!experiment.running()) return true;
        if (experiment.says() != said) said = experiment.says(), ++sentences;
        picture(ctx, GetParam() + "_" + each.id.substr(11) + "_" + std::to_string(sentences));  // as it is at its end
        return !experiment.running();
      });
      EXPECT_EQ(said, each.deeds.back().says);
      until(ctx, "all is as before: " + before, [&] { return settings_of(dream()) == before; });
    }
    // Catch is over before what takes time, and tokens are not kept.
    EXPECT_EQ(played > 0, dream().has_model && GetParam() != "catch_iris");
  });
}

INSTANTIATE_TEST_SUITE_P(Shipped, LiveExperiments, testing::ValuesIn(shipped()),
                         [](const auto& run) { return run.param; });

}  // namespace live_experiments_test
}  // namespace dream::ui
