#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/command.h"
#include "api/snapshot.h"
#include "core/dream/episode_keeper.h"
#include "core/dream/fan.h"
#include "core/dream/dream_line.h"
#include "core/dream/timeline.h"

namespace dream {

/// Drives inside a dream: the model imagines under the controller's or a person's actions, and, as a twin, the real
/// environment steps beside it under the same actions from the same start. A system without a model acts in the real
/// world alone; in one without a behaviour people drive. One thread owns the player; the networks run on that thread
/// alone.
class Player {
 public:
  /// At most `timeline_bytes` of memory are spent on what was dreamt.
  explicit Player(std::size_t timeline_bytes = 256'000'000) : timeline_(timeline_bytes) {}

  /// Takes a system with weights and begins a dream: in the same environment where the real world stands now, with the
  /// frames before it watched, otherwise in a new episode; from the clip or picture that dreams begin at, where it
  /// fits. Throws dream::Error, and keeps the dream under way, when the system cannot dream.
  void load(std::shared_ptr<System> system, std::string title);
  /// Newer weights of the same system: the dream goes on with them. Throws dream::Error when they do not fit.
  void take_weights(const Checkpoint& weights, std::string title);
  void rename(const std::filesystem::path& directory);  // the run's folder has another name now
  bool loaded() const { return system_ != nullptr; }
  const System& system() const { return *system_; }

  /// Dreams begin there from now on: the next one at once. Throws dream::Error, and changes nothing, where it does not
  /// fit.
  void start_from(std::shared_ptr<StartSource> source);

  /// Begins a dream after the last frame of a recorded piece of one lane. No real world goes with it: its state was not
  /// recorded.
  void begin_at(const SequenceBatch& piece);

  void control(DreamControl::Do what);
  /// `seed` of the world: the same seed, the same start. With `chance`, of the dream, the same actions lead to the same dream too.
  void start_at(std::uint64_t seed, std::optional<std::uint64_t> chance = std::nullopt);
  void drive(const Drive& drive);
  void set_pilot(bool human) { human_pilot_ = human; }
  /// Throws dream::Error for a knob that neither the model nor the behaviour has, and a value out of its range. Values
  /// go with the name to the next system that has such a knob.
  void set_knob(const std::string& name, double value);
  /// Holds still at an instant of the timeline, from where the dream goes on by the same chance: under the same actions
  /// to the same frames, under others as another branch. Throws dream::Error when it is no longer kept.
  void go_to(Timeline::Id instant);
  /// From the present on, what was done on the way to that instant: the same actions, whatever they lead to now. Hands
  /// end it. Throws dream::Error where nothing leads on to there from here.
  void follow(Timeline::Id instant);
  /// From the present on these, each of as many values as an action has, then it holds still. Hands end it. Throws
  /// dream::Error for other numbers of values.
  void do_actions(const std::vector<std::vector<float>>& actions);
  /// The line that ends there is shown step by step beside the dream. Timeline::none: none. Throws dream::Error where it
  /// is not kept.
  void compare_with(Timeline::Id instant);
  /// Several futures of this moment; the dream waits while they are open. Throws dream::Error without a model, or for a
  /// knob that is not there.
  void open_fan(FanOver over, const std::string& knob);
  void close_fan();
  bool fan_open() const { return fan_ != nullptr; }
  /// The dream goes on from where that future is, as a branch, and holds still there.
  void take_future(int which);
  void set_speed(float steps_per_second) { steps_per_second_ = steps_per_second; }
  void set_twin(bool on);
  /// How dream and real world are tied together. Throws dream::Error for a number of steps that does not fit.
  void set_coupling(Coupling how, int steps);
  /// With the next step the dream sees the real frame instead of imagining one: how the posterior snaps back. Throws
  /// dream::Error where no real world goes with the dream.
  void take_pill();
  /// The same with a picture of anybody's making, of the world's own size. Throws dream::Error for another size, and for a
  /// model that sees no single pictures.
  void see_picture(const Image& picture, bool first = false);
  /// What is to be reached from here on: the agent at a place of the picture, or a file's picture. Throws dream::Error in a world
  /// without goals, for a place where nobody can stand, and for a file that is no picture.
  void set_goal(const SetGoal& goal);
  /// From now on views show what this element of an editable probe does to the picture; index < 0: none.
  void explain(const std::string& probe, int index);
  void edit(const std::string& probe, int index, float value);
  /// Puts the value there at every step until it is let go, or another system is loaded. What the model drew in its
  /// place comes back when it is let go before the next step. Throws dream::Error like edit().
  void hold(const HeldLatent& what, bool on);
  void randomise(const std::string& probe);
  void watch(std::set<std::string> names);
  /// From now on what is lived through in the real world goes to `sink`, episode by episode, until another system is loaded
  /// or an empty one is set, which ends the episode under way. Throws dream::Error where no real world goes with the dream.
  void keep_episodes(EpisodeKeeper::Sink sink);
  bool keeps_episodes() const { return keeper_ != nullptr; }

  /// What others need to dream beside this; null without a dream.
  std::shared_ptr<const DreamLine> line() const;
  /// Begins where that line began, and holds still there. Throws dream::Error, and keeps the dream under way, where this system sees
  /// or does something else.
  void begin_beside(const DreamLine& line);
  /// Does what was done there; stands on the real frame where that dream did. Nothing after this dream's end.
  void go_beside(const DreamLine::Step& step);
  Timeline::Id present() const { return timeline_.present(); }
  /// Of the last steps of the present's line, as TimelineStep::error.
  std::vector<float> errors(std::size_t most) const;

  /// The last `seconds` of the line up to the present, at the world's own pace: a file that replay() lives again. Throws
  /// dream::Error where there is nothing to keep.
  Checkpoint keep(double seconds) const;
  /// What came of living a bundle again.
  struct Replayed {
    std::int64_t steps = 0, equal = 0;  // pictures that are the same to the last bit
    std::int64_t first_other = -1;      // step of the first that is not; < 0: none
    int largest = 0;                    // difference of a channel value, of 255
  };
  /// Lives a bundle of keep() again, step by step, with the system that is loaded; its line is the timeline then, and the
  /// dream holds still at its beginning. Throws dream::Error, and keeps the dream under way, where it is another system's,
  /// or of other weights unless `any_weights`.
  Replayed replay(const Checkpoint& bundle, bool any_weights = false);

  /// Seconds from `now` until the next step is due; 0 when it is; infinity while paused.
  double until_due(double now) const;
  /// One step of the dream and its twin, at time `now`. After a state that the model takes for the episode's last, the
  /// next dream begins, from another seed.
  void step(double now);
  /// The moment as the window shows it. Pictures and probes are made here, so call it when something changed.
  std::shared_ptr<const DreamView> view();
  bool changed() const { return changed_; }
  /// What the real world shows now as numbers, float [1, V]; undefined where it shows none.
  torch::Tensor vector() const { return now_.history.empty() ? torch::Tensor() : now_.history.back().seen.vector; }
  bool over() const { return now_.dream_over; }  // the next step begins another dream
  /// The dream's picture, the real one, the honesty clock, and nothing else: for a small preview.
  DreamView glance();

 private:
  Stage stage() const { return {*system_, *env_, knob_values_, rng_}; }
  Start next_start(std::uint64_t seed) { return source_->next(seed, stage()); }
  Start go_on(std::uint64_t seed, std::vector<std::byte> env, const std::deque<Moment>& watched);
  Start seen_anew();
  bool can_go_on_in(const Player& other) const;
  void begin(const Start& start);
  torch::Tensor hands() const;
  bool by_the_real_frames() const;
  torch::Tensor choose_action();
  void advance(const Carry& before, Carry drawn, bool may_anchor);
  std::deque<Moment> lately() const;
  void look_ahead();
  void judge();
  void remember();
  void replace_present();
  void step_real();
  WorldModel& needs_model() const;
  torch::Tensor picture_of(const Carry& carry) const;
  void add_frames(DreamView& view, const torch::Tensor& dreamt) const;
  void add_explanation(DreamView& view) const;
  void add_comparison(DreamView& view, const torch::Tensor& dreamt) const;
  void add_probes(DreamView& view);
  torch::Tensor seen_clip() const;
  std::string end_in_words() const;
  std::shared_ptr<const Image> picture_ago(std::int64_t steps) const;
  void add_honesty(DreamView& view);
  Carry with_held(Carry carry) const;
  std::vector<Knob> knobs() const;
  void keep_fitting_knobs();
  Seen seen(const Carry& carry) const;

  std::shared_ptr<System> system_;
  std::string title_;
  std::int64_t earlier_weights_ = 0;  // that the run had kept when it was loaded
  std::int64_t updates_ = -1;  // gradient steps of the weights as they were read; < 0: not known
  std::int64_t parameters_ = 0;  // of the model
  std::unique_ptr<Env> env_;
  at::Generator rng_;
  std::shared_ptr<StartSource> source_ = start_in_environment();

  Instant now_;
  Timeline timeline_;
  std::int64_t weights_ = 0;  // how often they have been replaced
  std::vector<HeldLatent> held_;

  Coupling coupling_ = Coupling::dream_leads;
  int coupling_steps_ = 0;
  struct Deed {
    torch::Tensor action;
    bool decided = false;
  };
  std::deque<Deed> script_;  // of follow(): what comes next
  Timeline::Id compared_with_ = Timeline::none;
  std::unique_ptr<Fan> fan_;
  std::unique_ptr<EpisodeKeeper> keeper_;
  /// Errors by steps since the last real frame, over all stretches of this run: what lab horizon finds on held-out episodes.
  struct Honesty {
    struct Step {
      std::int64_t count = 0;
      double dream = 0, still = 0;  // mean squared errors, summed
    };
    std::vector<Step> steps;
    void add(std::int64_t since, double error, double still);
    HonestyClock clock() const;
  } honest_;
  bool pill_ = false, anchor_next_ = false;
  torch::Tensor painted_;  // uint8 [1, H, W, C]: what the next step sees in the place of a real frame
  bool painted_first_ = false;
  std::pair<std::string, int> explained_{"", -1};
  bool playing_ = true, twin_ = true, human_pilot_ = false;
  KnobValues knob_values_;
  float steps_per_second_ = -1;  // 0 = as fast as it can; below: as is natural
  Drive drive_;
  std::set<std::string> watched_;
  bool hurried_ = false;  // the next step answers a hand: it does not wait until it is due
  double next_due_ = 0, input_ms_ = 0, model_ms_ = 0, decode_ms_ = 0, answered_ = 0;
  bool played_before_fan_ = false;
  double rate_since_ = 0, rate_ = 0;
  std::int64_t rate_steps_ = 0, dreamt_ = 0;
  std::uint64_t version_ = 0;
  bool changed_ = false;
};

}  // namespace dream
