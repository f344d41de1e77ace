#include "ui/experiments.h"

#include <algorithm>
#include <iterator>
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

bool has_temperature(const DreamView& dream) {
  const auto knobs = group_of_knobs(dream);
  return !knobs.empty() && knobs.front()->knob.group.name == temperature.name;
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

auto begin_anew_at(double tau) {
  return [tau](const DreamView& dream) {
    Commands all{SetTwin{true}, SetCoupling{Coupling::drift, 0}, SetPilot{false}};
    if (has_temperature(dream)) std::ranges::copy(heat(tau)(dream), std::back_inserter(all));
    all.insert(all.end(), {DreamControl{Do::restart}, DreamControl{Do::play}});
    return all;
  };
}

std::string needs_reality(const DreamView& dream) {
  if (!dream.has_model) return "There is no dream here: this system acts in the real world alone.";
  return dream.recorded ? "No real world goes with this dream: it began at a recorded frame." : "";
}

std::string needs_time(const DreamView& dream) {
  for (const char* brief : {"Catch", "KeyDoor"})
    if (dream.world.rfind(brief, 0) == 0) return "An episode of this world is over before there is anything to see.";
  return "";
}

std::string needs_time_and_reality(const DreamView& dream) {
  const std::string why_not = needs_time(dream);
  return why_not.empty() ? needs_reality(dream) : why_not;
}

std::string needs_memory(const DreamView& dream) {
  if (dream.world.rfind("KeyDoor", 0) != 0) return "Only in KeyDoor: open one of its runs.";
  const bool has_classes = std::any_of(dream.probe_names.begin(), dream.probe_names.end(),
                                       [](const std::string& name) { return name.rfind("latent", 0) == 0; });
  return has_classes ? needs_reality(dream) : "Only with a model whose latents can be kept: a Dreamer.";
}

std::string needs_temperature(const DreamView& dream) {
  return has_temperature(dream) ? needs_time(dream) : "This model has no temperature.";
}

}  // namespace

const std::vector<Experiment>& experiments() {
  // Starts of KeyDoor: 2 has a blue key, 1 an amber one. The agent acts by what it dreams.
  static const Commands at_the_blue_key{SetTwin{true}, SetCoupling{Coupling::dream_leads, 0}, SetPilot{false},
                                        StartAt{2}};
  static const std::vector<Experiment> all{
      {.id = "experiment_drift",
       .title = "Drift, then one real frame",
       .help = "Forty steps without a look at the real world, then the reality pill: see the dream snap back.",
       .why_not = needs_time_and_reality,
       .deeds = {{0, "The dream and the real world begin alike and are driven alike. Nobody corrects the dream.",
                  begin_anew_at(1)},
                 {15, "Watch the two pictures part: every small error stays, and the next step builds on it."},
                 {40,
                  "One real frame was seen, the reality pill: the dream stands where reality is. Re-anchoring does so "
                  "every few steps.",
                  just({RealityPill{}})}},
       .length = 80},  // the pill comes before PlaNet's pendulum is over, which lasts 45 steps
      {.id = "experiment_temperature",
       .title = "From cold to hot",
       .help = "The temperature τ of the dream at 0.1, 1 and 1.8: how much chance a dream needs.",
       .why_not = needs_temperature,
       .deeds = {{0, "τ = 0.1: almost no chance. The dream takes the likeliest step every time, calm and soon dull.",
                  begin_anew_at(0.1)},
                 {120, "τ = 1: chance as it was learned. This is the world that the model knows.", heat(1)},
                 {220, "τ = 1.8: too much chance. Things appear and vanish, and soon nothing holds.", heat(1.8)}},
       .length = 360},
      {.id = "experiment_memory",
       .title = "A memory that is told",
       .help = "Keep all that the dream knows of one key, and begin elsewhere: a blue dream over an amber reality.",
       .why_not = needs_memory,
       .deeds = {{0, "A blue key. Only memory can say later which door it opens.", just(at_the_blue_key), 15},
                 {0, "All that the dream knows of it is kept from here on, whatever comes.", keep_all, 15},
                 {0, "Another start: the real key is amber. The dream goes on with the one that it was told.",
                  just({StartAt{1}}), 25},
                 {0, "One step takes it into the memory …", just({DreamControl{Do::step}}), 10},
                 {0, "… and it is let go of: the dream draws by itself again. Which door does the agent take?", let_go},
                 {5, "It takes the door of the key that it was told of. The real key was amber."}},
       .length = 12},
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
  begun_ = false, next_ = 0, elapsed_ = 0, still_until_ = 0, last_step_ = before_.step;
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

void ExperimentPlayer::do_next(Ui& ui) {
  const DreamView& dream = ui.dream();
  const ExperimentStep& deed = which_->deeds[next_++];
  says_ = deed.says;
  for (Command& command : deed.commands ? deed.commands(dream) : Commands{}) {
    if (const auto* knob = std::get_if<SetKnob>(&command)) ui.expect(knob->name, knob->value);
    ui.send(std::move(command));
  }
  if (deed.look == 0) return;
  ui.send(DreamControl{Do::pause});
  still_until_ = ui.time + (dream.steps_per_second > 0 ? deed.look / static_cast<double>(dream.steps_per_second) : 0);
  still_at_ = dream.version;
}

void ExperimentPlayer::tick(Ui& ui) {
  if (!running()) return;
  const DreamView& dream = ui.dream();
  if (dream.run != run_) return stop(ui);
  // A new start counts from its own beginning: as fast as it can, the window sees few of a short dream's steps.
  elapsed_ += dream.step >= last_step_ ? dream.step - last_step_ : dream.step;
  if (next_ == 1 && dream.step < last_step_ && !std::exchange(begun_, true)) elapsed_ = dream.step;  // its own start
  last_step_ = dream.step;
  for (const std::string& name : dream.probe_names)
    if (name.rfind("latent", 0) == 0) ui.wanted_probes.insert(name);
  if (still_until_ > 0 && (ui.time < still_until_ || dream.playing || dream.version == still_at_)) return;
  const bool stood = std::exchange(still_until_, 0) > 0;
  while (still_until_ == 0 && next_ < which_->deeds.size() && which_->deeds[next_].at <= elapsed_) do_next(ui);
  if (stood && still_until_ == 0) ui.send(DreamControl{Do::play});
  if (elapsed_ >= which_->length) stop(ui);
}

}  // namespace dream::ui
