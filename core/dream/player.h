#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/command.h"
#include "api/snapshot.h"
#include "core/dream/timeline.h"

namespace dream {

/// Drives inside a dream: the model imagines under the controller's or a person's actions, and, as a twin, the real
/// environment steps beside it under the same actions from the same start. A system without a model acts in the real
/// world alone; in one without a behaviour people drive. One thread owns the player; the networks run on that thread
/// alone.
class Player {
 public:
  /// Takes a system with weights and begins a dream: in the same environment where the real world stands now, with the
  /// frames before it watched, otherwise in a new episode; from the clip or picture that dreams begin at, where it
  /// fits. Throws dream::Error, and keeps the dream under way, when the system cannot dream.
  void load(std::shared_ptr<System> system, std::string title);
  /// Newer weights of the same system: the dream goes on with them. Throws dream::Error when they do not fit.
  void take_weights(const Checkpoint& weights, std::string title);
  bool loaded() const { return system_ != nullptr; }
  const System& system() const { return *system_; }

  /// Dreams begin there from now on: the next one at once. Throws dream::Error, and changes nothing, where it does not
  /// fit.
  void start_from(std::shared_ptr<StartSource> source);

  /// Begins a dream after the last frame of a recorded piece of one lane. No real world goes with it: its state was not
  /// recorded.
  void begin_at(const SequenceBatch& piece);

  void control(DreamControl::Do what);
  void drive(const Drive& drive);
  void set_pilot(bool human) { human_pilot_ = human; }
  /// Throws dream::Error for a knob that neither the model nor the behaviour has, and a value out of its range. Values
  /// go with the name to the next system that has such a knob.
  void set_knob(const std::string& name, double value);
  /// Holds still at an instant of the timeline, from where the dream goes on by the same chance: under the same actions
  /// to the same frames, under others as another branch. Throws dream::Error when it is no longer kept.
  void go_to(Timeline::Id instant);
  void set_speed(float steps_per_second) { steps_per_second_ = steps_per_second; }
  void set_twin(bool on);
  /// Every so many steps the dream takes what the model makes of the real frames; 0: never, it drifts. Throws
  /// dream::Error for a number below 0.
  void set_anchor(int every);
  /// With the next step the dream sees the real frame instead of imagining one: how the posterior snaps back. Throws
  /// dream::Error where no real world goes with the dream.
  void take_pill();
  void edit(const std::string& probe, int index, float value);
  /// Puts the value there at every step until it is let go, or another system is loaded. What the model drew in its
  /// place comes back when it is let go before the next step. Throws dream::Error like edit().
  void hold(const HeldLatent& what, bool on);
  void randomise(const std::string& probe);
  void watch(std::set<std::string> names) { watched_ = std::move(names); }

  /// Seconds from `now` until the next step is due; 0 when it is; infinity while paused.
  double until_due(double now) const;
  /// One step of the dream and its twin, at time `now`. After a state that the model takes for the episode's last, the
  /// next dream begins, from another seed.
  void step(double now);
  /// The moment as the window shows it. Pictures and probes are made here, so call it when something changed.
  std::shared_ptr<const DreamView> view();
  bool changed() const { return changed_; }

 private:
  Stage stage() const { return {*system_, *env_, knob_values_, rng_}; }
  Start next_start(std::uint64_t seed) { return source_->next(seed, stage()); }
  Start go_on(std::uint64_t seed, std::vector<std::byte> env, const std::deque<Moment>& watched);
  Start seen_anew();
  bool can_go_on_in(const Player& other) const;
  void begin(const Start& start);
  torch::Tensor choose_action();
  void judge();
  void remember();
  void replace_present();
  void step_real();
  WorldModel& needs_model() const;
  torch::Tensor picture_of(const Carry& carry) const;
  void add_frames(DreamView& view, const torch::Tensor& dreamt) const;
  void add_probes(DreamView& view);
  std::string end_in_words() const;
  void add_honesty(DreamView& view, const torch::Tensor& dreamt);
  Carry with_held(Carry carry) const;
  std::vector<Knob> knobs() const;
  void keep_fitting_knobs();
  Seen seen(const Carry& carry) const;

  std::shared_ptr<System> system_;
  std::string title_;
  std::int64_t updates_ = -1;  // gradient steps of the weights as they were read; < 0: not known
  std::unique_ptr<Env> env_;
  at::Generator rng_;
  std::shared_ptr<StartSource> source_ = start_in_environment();

  Instant now_;
  Timeline timeline_;
  std::int64_t weights_ = 0;  // how often they have been replaced
  std::vector<HeldLatent> held_;

  int anchor_every_ = 0;
  struct {
    std::int64_t count = 0;
    double sum = 0, squares = 0;
  } honest_;  // steps of all stretches whose honest part has ended
  bool pill_ = false;
  bool playing_ = true, twin_ = true, human_pilot_ = false;
  KnobValues knob_values_;
  float steps_per_second_ = -1;  // 0 = as fast as it can; below: as is natural
  Drive drive_;
  std::set<std::string> watched_;
  double next_due_ = 0, input_ms_ = 0, model_ms_ = 0, decode_ms_ = 0, answered_ = 0;
  double rate_since_ = 0, rate_ = 0;
  std::int64_t rate_steps_ = 0;
  std::uint64_t version_ = 0;
  bool changed_ = false;
};

}  // namespace dream
