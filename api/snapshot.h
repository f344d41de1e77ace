#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/field.h"
#include "api/knob.h"
#include "api/spaces.h"
#include "api/value.h"

namespace dream {

/// A picture of a world with its caption. `error` is a mean squared error per channel value in [0,1]², or < 0 for none.
struct Frame {
  std::string name;     // "dream", "real", "reconstruction", "difference"
  std::string caption;  // "41 steps since the last real frame"
  double error = -1;
  std::shared_ptr<const Image> image;  // null while there is none
  bool past = false;                   // it stands still since an earlier step, which the caption names
};

struct HeldLatent {  // HoldLatent put it there
  std::string probe;
  int index = 0;
  float value = 0;
};

struct KnobView {
  Knob knob;
  double value = 1;
};

/// What was dreamt up to the present and, after going back, beyond it.
struct TimelineStep {
  std::int64_t id = 0, step = 0;  // what GoTo takes; imagined steps since the start
  float reward = 0;               // of this step, as the model predicts it
  float done_probability = 0;
  float error = -1;        // of the picture against the real one, mean squared per channel value; < 0: not known
  bool real_over = false;  // the real world had ended
  bool anchored = false;   // the dream stood on the real frame
  bool untrusted = false;  // since the last real frame a picture that stands still has been nearer to the truth
};
struct TimelineBranch {  // leaves the line at one step and ends at another
  std::int64_t end = 0;  // what GoTo takes
  std::int64_t from_step = 0, to_step = 0;
};
struct TimelineView {
  std::vector<TimelineStep> line;
  std::size_t present = 0;  // in `line`
  std::vector<TimelineBranch> branches;
  double bytes = 0, budget = 0;  // of memory that instants take, and may take; the oldest are forgotten
};

/// How long a dream is nearer to the real pictures than the one that it stood on last, standing still.
struct HonestyClock {
  bool known = false;                // there are real pictures to hold the dream against
  std::int64_t now = 0;              // steps of this stretch: so far, or until it was over
  bool over = false;                 // a still picture has been nearer
  std::int64_t stretches = 0;        // of this run, whose end was seen
  double mean = 0, deviation = 0;    // of their steps
};

/// One published moment of the player.
struct DreamView {
  std::uint64_t version = 0;  // counts published moments; equal version = equal content
  bool ready = false;         // a model is loaded and the dream has begun
  bool playing = false;
  bool twin = false;
  bool recorded = false;      // the twin is a recorded frame where the dream began: it stands still
  bool has_model = true;      // false: the system acts in the real world alone
  bool has_behaviour = true;  // false: people drive, nobody else can
  std::string source;         // where dreams begin: "clip …", "picture …"; empty = the environment
  bool hands_on = false;      // a person's key drives this moment
  bool human_pilot = false;
  std::int64_t step = 0;                     // imagined steps since the start
  int anchor_every = 0;                      // steps after which the dream stands on the real frame again; 0: never
  HonestyClock honesty;
  std::vector<KnobView> knobs;               // what this dream can be bent by
  float steps_per_second = 0;                // wanted
  float natural_rate = 50;                   // steps per second at which this world runs by itself: the window's 1×
  float measured_rate = 0;                   // dream steps per second over the last second; 0 while paused
  std::vector<float> action;                 // what drove this step
  double dream_reward = 0, real_reward = 0;  // sums since the start; dream_reward only where has_reward
  bool has_reward = false, has_done = false;
  float done_probability = 0;            // P(done) of this step
  std::vector<Frame> frames;             // dream, real, reconstruction, difference
  std::vector<HeldLatent> held;          // what the dream is made to keep
  std::vector<Probe> probes;             // the watched ones
  std::vector<std::string> probe_names;  // all that the model offers
  TimelineView timeline;
  // Where the time of this step went, milliseconds, and the key event that it answered (platform seconds, 0 = none).
  double input_ms = 0, model_ms = 0, decode_ms = 0, pressed_at = 0;
  std::string world;      // "CarRacing · World Models (V-M-C)"
  std::string run_title;  // which weights: "shipped run", "runs/car, step 1200"
  std::string run;        // whose they are, whatever their step: its folder
  Spaces spaces;
  std::string ended;          // why the dream, or the real episode beside it, ended with this step; empty = neither did
  std::int64_t updates = -1;  // gradient steps that these weights have seen; < 0: not known
};

struct PhaseView {
  enum class State { waiting, running, paused, done, failed };
  std::string name, title;  // "v", "V: variational autoencoder"
  State state = State::waiting;
  double progress = 0;      // 0 … 1
  double eta_seconds = -1;  // < 0: unknown
  double rate = 0;          // in rate_unit
  std::string rate_unit;    // "frames/s"
  std::string detail;       // "epoch 3 of 10"
};

struct CurveView {
  std::string name, title, unit;  // "v/kl", "KL(q(z|x) ‖ N(0, I))", "nats"
  std::string x_unit;             // "step"
  std::vector<double> x, y;
  std::vector<double> reference_x, reference_y;  // the shipped run's curve: what normal looks like
  double floor = 0;                              // drawn as a dashed line when has_floor
  bool has_floor = false;
  std::string floor_label;  // "tolerance 0.5·z = 16"
};

/// One thing that a new run may be made of.
struct Choice {
  std::string name, help;  // "CarRacing", one sentence
};

struct TrainView {
  std::uint64_t version = 0;
  bool open = false;                     // a run is open for training
  bool busy = false;                     // a phase runs now
  std::string run, recipe, environment;  // "runs/car", "vmc", "CarRacing"
  std::vector<PhaseView> phases;
  std::vector<CurveView> curves;
  std::vector<Field> fields;                  // every setting of the run; live ones can be changed now
  std::vector<Frame> frames;                  // from the batch: real, reconstruction …
  std::vector<Probe> probes;                  // of the batch: the watched ones
  std::vector<std::string> probe_names;       // all that the phase offers
  std::vector<std::string> warnings;          // what looks wrong, in words; the run goes on
  std::int64_t replay_frames = 0;             // that DreamFromReplay may name; 0 = none
  double published_at = 0;                    // now_seconds() of this view: what counts seconds goes on from there
  double saved_seconds_ago = -1;              // then; < 0: never
  std::string trained_by;                     // another program: "process 4242 on alpha, since …"; empty = none
  std::string fault;                          // a sentence with what to do next; empty = none
  double memory_bytes = 0, budget_bytes = 0;  // the replay, and what it may take
  std::vector<Choice> recipes, environments;  // what StartRun may name, the usual one first
};

struct RunView {
  std::string path, title, recipe, environment, detail;  // detail: "score 861 ± 40 over 100 tracks"
  bool usable = false;                                   // false: detail says why it cannot be opened
};

struct LogLine {
  double seconds = 0;  // since the program's start
  int level = 0;       // 0 info, 1 warning, 2 error
  std::string text;
};

struct Snapshot {
  std::shared_ptr<const DreamView> dream;
  std::shared_ptr<const TrainView> train;
  std::shared_ptr<const std::vector<RunView>> runs;
  std::shared_ptr<const std::vector<LogLine>> log;  // the newest few hundred
  std::string fault;  // of the last command (a file that would not open …): a sentence; empty = none
};

}  // namespace dream
