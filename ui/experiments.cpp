#include "ui/experiments.h"

#include <algorithm>
#include <utility>

#include "ui/game.h"
#include "ui/knobs.h"

namespace dream::ui {
namespace {

using Commands = std::vector<Command>;
using Do = DreamControl::Do;

/// The first probe with classes that can be kept, or null.
const Probe* classes_of(const DreamView& dream) {
  for (const Probe& probe : dream.probes)
    if (probe.editable && probe.value && std::holds_alternative<Categorical>(*probe.value)) return &probe;
  return nullptr;
}

Commands keep_all(const DreamView& dream) {
  Commands all;
  const Probe* probe = classes_of(dream);
  if (!probe) return all;
  const Categorical& value = std::get<Categorical>(*probe->value);
  for (std::size_t group = 0; group < value.drawn.size(); ++group)
    all.push_back(HoldLatent{probe->name, static_cast<int>(group) * value.classes + value.drawn[group], 1, true});
  return all;
}

Commands let_go(const DreamView& dream) {
  Commands all;
  for (const HeldLatent& held : dream.held) all.push_back(HoldLatent{held.probe, held.index, held.value, false});
  return all;
}

auto heat(double tau) {
  return [tau](const DreamView& dream) {
    Commands all;
    for (const KnobView* knob : group_of_knobs(dream))
      all.push_back(SetKnob{knob->knob.name, std::clamp(tau, knob->knob.minimum, knob->knob.maximum)});
    return all;
  };
}

auto just(Commands commands) {
  return [commands](const DreamView&) { return commands; };
}

std::string needs_reality(const DreamView& dream) {
  if (!dream.has_model) return "There is no dream here: this system acts in the real world alone.";
  return dream.recorded ? "No real world goes with this dream: it began at a recorded frame." : "";
}

std::string needs_memory(const DreamView& dream) {
  if (dream.world.rfind("KeyDoor", 0) != 0) return "Only in KeyDoor: open one of its runs.";
  const bool has_classes = std::any_of(dream.probe_names.begin(), dream.probe_names.end(),
                                       [](const std::string& name) { return name.rfind("latent", 0) == 0; });
  return has_classes ? needs_reality(dream) : "Only with a model whose latents can be kept: a Dreamer.";
}

std::string needs_temperature(const DreamView& dream) {
  const auto knobs = group_of_knobs(dream);
  return knobs.empty() || knobs.front()->knob.group.name != temperature.name ? "This model has no temperature." : "";
}

}  // namespace

const std::vector<Experiment>& experiments() {
  static const Commands begin_anew{SetTwin{true}, SetCoupling{Coupling::drift, 0}, SetPilot{false},
                                   DreamControl{Do::restart}, DreamControl{Do::play}};
  static const std::vector<Experiment> all{
      {.id = "experiment_drift",
       .title = "Drift, then one real frame",
       .help = "A hundred steps without a look at the real world, then the reality pill: see the dream snap back.",
       .why_not = needs_reality,
       .deeds = {{0, "The dream and the real world begin alike and are driven alike. Nobody corrects the dream.",
                  just(begin_anew)},
                 {60, "Watch the two pictures part: every small error stays, and the next step builds on it."},
                 {100,
                  "One real frame was seen, the reality pill: the dream stands where reality is. Re-anchoring does so "
                  "every few steps.",
                  just({RealityPill{}})}},
       .length = 180},
      {.id = "experiment_temperature",
       .title = "From cold to hot",
       .help = "The temperature τ of the dream at 0.1, 1 and 1.8: how much chance a dream needs.",
       .why_not = needs_temperature,
       .deeds = {{0, "τ = 0.1: almost no chance. The dream takes the likeliest step every time, calm and soon dull.",
                  [](const DreamView& dream) {
                    Commands commands = heat(0.1)(dream);
                    commands.insert(commands.begin(), begin_anew.begin(), begin_anew.end());
                    return commands;
                  }},
                 {120, "τ = 1: chance as it was learned. This is the world that the model knows.", heat(1)},
                 {220, "τ = 1.8: too much chance. Things appear and vanish, and soon nothing holds.", heat(1.8)}},
       .length = 360},
      {.id = "experiment_memory",
       .title = "A memory that is told",
       .help = "Keep all that the dream knows of one key, and begin elsewhere: an amber dream over a blue reality.",
       .why_not = needs_memory,
       .deeds = {{0, "A key lies at the start, amber or blue. Only memory can say later which door it opens.",
                  just(begin_anew)},
                 {2, "Everything that the dream knows now is kept from here on, whatever comes.", keep_all},
                 {8,
                  "Another start. The real key may be of the other colour; the dream goes on with the one it was told.",
                  just({DreamControl{Do::new_start}, DreamControl{Do::play}})},
                 {16, "And another. Compare the two colours: dream at the left, reality beside it.",
                  just({DreamControl{Do::new_start}, DreamControl{Do::play}})},
                 {24, "And another.", just({DreamControl{Do::new_start}, DreamControl{Do::play}})},
                 {32, "Let go: the dream draws by itself again, and a new start is seen as it is.",
                  [](const DreamView& dream) {
                    Commands commands = let_go(dream);
                    commands.push_back(DreamControl{Do::new_start});
                    return commands;
                  }}},
       .length = 44},
  };
  return all;
}

void ExperimentPlayer::start(Ui& ui, const Experiment& experiment) {
  if (running()) stop(ui);
  before_ = ui.dream();
  const TimelineStep* from = present_of(before_);
  from_ = from ? from->id : 0;
  before_.frames.clear(), before_.probes.clear(), before_.timeline = {};
  which_ = &experiment;
  run_ = before_.run;
  next_ = 0, elapsed_ = 0, last_step_ = before_.step;
  says_ = experiment.title + ".";
  ui.want_panel = "worlds";
}

void ExperimentPlayer::stop(Ui& ui) {
  if (!running()) return;
  const Experiment& ended = *std::exchange(which_, nullptr);
  says_.clear();
  if (ui.dream().run != run_) return;  // another run has settings of its own
  Commands undo = restoring(ui.dream());
  for (const Command& command : undo) {
    if (const auto* knob = std::get_if<SetKnob>(&command)) ui.expect(knob->name, knob->value);
    ui.send(command);
  }
  const TimelineStep* end = present_of(ui.dream());
  if (from_ == 0 || !end) return;
  undo.push_back(GoTo{from_});
  if (before_.playing) undo.push_back(DreamControl{Do::play});
  ui.undoable(ended.title, std::move(undo), Commands{GoTo{end->id}});
}

/// What makes the dream's settings what they were.
Commands ExperimentPlayer::restoring(const DreamView& now) const {
  Commands all;
  for (const KnobView& knob : before_.knobs) all.push_back(SetKnob{knob.knob.name, knob.value});
  for (Command& command : let_go(now)) all.push_back(std::move(command));
  for (const HeldLatent& held : before_.held) all.push_back(HoldLatent{held.probe, held.index, held.value, true});
  all.insert(all.end(), {SetTwin{before_.twin}, SetCoupling{before_.coupling, before_.coupling_steps},
                         SetPilot{before_.human_pilot}});
  if (!before_.playing) all.push_back(DreamControl{Do::pause});
  return all;
}

void ExperimentPlayer::tick(Ui& ui) {
  if (!running()) return;
  const DreamView& dream = ui.dream();
  if (dream.run != run_) return stop(ui);
  elapsed_ += std::max<std::int64_t>(dream.step - last_step_, 0);  // a new start counts from its own beginning
  last_step_ = dream.step;
  for (const std::string& name : dream.probe_names)
    if (name.rfind("latent", 0) == 0) ui.wanted_probes.insert(name);
  while (next_ < which_->deeds.size() && which_->deeds[next_].at <= elapsed_) {
    const ExperimentStep& deed = which_->deeds[next_];
    if (deed.commands) {
      for (Command& command : deed.commands(dream)) {
        if (const auto* knob = std::get_if<SetKnob>(&command)) ui.expect(knob->name, knob->value);
        ui.send(std::move(command));
      }
    }
    says_ = deed.says;
    ++next_;
  }
  if (elapsed_ >= which_->length) stop(ui);
}

}  // namespace dream::ui
