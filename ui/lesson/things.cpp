#include "ui/lesson/things.h"

namespace dream::ui {
namespace {

template <class... T>
bool any_of(const Command& command) {
  return (std::holds_alternative<T>(command) || ...);
}

bool begins_anew(const Command& command) {
  if (any_of<BeginAt>(command)) return true;
  const auto* control = std::get_if<DreamControl>(&command);
  return control && (control->what == DreamControl::Do::restart || control->what == DreamControl::Do::new_start);
}

bool goes_back(const Command& command) {
  const auto* control = std::get_if<DreamControl>(&command);
  return any_of<GoTo>(command) || (control && control->what == DreamControl::Do::back);
}

bool plays(const Command& command) {
  return any_of<DreamControl>(command) && !begins_anew(command) && !goes_back(command);
}

}  // namespace

const std::vector<Thing>& things() {
  static const std::vector<Thing> all{
      {"dream", "the dream", {"dream"}, {}},
      {"real", "the real world", {"real"}, {}},
      {"reconstruction", "the reconstruction", {"reconstruction"}, {}},
      {"difference", "the difference", {"difference"}, {}},
      {"error", "the error", {"Pixel MSE"}, {}},
      {"honesty", "the honesty clock", {"Honesty clock"}, {}},
      {"reward", "the rewards", {"Reward"}, {}},
      {"end", "P(end)", {"P(end)"}, {}},
      {"knobs",
       "the sliders",
       {"τ", "τ of the latent", "τ of the mixture", "τ of the tokens", "τ of the noise", "Steps of a frame", "Rounds of the plan", "Simulations",
        "Return that is asked for"},
       {"knobs_down", "knobs_up"},
       any_of<SetKnob>},
      {"twin", "the twin", {"Leave the real world", "Show the real world"}, {"twin"}, any_of<SetTwin>},
      {"anchor", "the coupling", {"Coupling"}, {"hand_over"}, any_of<SetCoupling>},
      {"pill", "the reality pill", {"Reality pill: see one real frame"}, {"pill"}, any_of<RealityPill>},
      {"pilot", "who drives", {"you", "agent"}, {"pilot"}, any_of<SetPilot>},
      {"speed", "the speed", {"Speed"}, {}, any_of<SetSpeed>},
      {"play", "play and pause", {"Play or pause"}, {"play", "step"}, plays},
      {"start", "where the dream begins", {"Restart", "New start"}, {"restart", "new_start"}, begins_anew},
      {"time", "the timeline", {}, {"back"}, goes_back},
      {"latent", "the latent", {}, {}, any_of<EditLatent, HoldLatent, RandomiseLatent>},
      {"dice", "the dice", {"Randomise"}, {}, any_of<RandomiseLatent>},
      {"keep", "keep all", {"Keep this state", "Forced classes"}, {}},
      {"run", "the run", {"World and model"}, {}, any_of<OpenRun>},
      {"drive", "the driving keys", {"Where keys go"}, {}, any_of<Drive>},
      {"goal", "the goal", {"goal"}, {}, any_of<SetGoal>},
      {"training",
       "the training",
       {},
       {"train_start", "train_step", "train_stop"},
       any_of<TrainControl, SetField, StartRun>},
  };
  return all;
}

const Thing* find_thing(const std::string& name) {
  for (const Thing& thing : things())
    if (thing.name == name) return &thing;
  return nullptr;
}

}  // namespace dream::ui
