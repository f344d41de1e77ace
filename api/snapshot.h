#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "api/dream_modes.h"
#include "api/field.h"
#include "api/knob.h"
#include "api/lab.h"
#include "api/spaces.h"
#include "api/value.h"

namespace dream {

struct DataView;  // api/data.h

/// A picture of a world with its caption. `error` is a mean squared error per channel value in [0,1]², or < 0 for none.
struct Frame {
  std::string name;     // "dream", "real", "reconstruction", "difference"
  std::string caption;  // "41 steps since the last real frame"
  double error = -1;
  std::shared_ptr<const Image> image;  // null while there is none
  bool past = false;                   // it stands still since an earlier step, which the caption names
  // Of a sheet of pictures: what every row shows, from above; its columns, those of them that the model had seen, and
  // the steps from one to the next. The rest it imagined.
  std::vector<std::string> rows = {};
  int columns = 0, seen = 0, stride = 1;
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
  float surprise = std::numeric_limits<float>::quiet_NaN();  // of the real frame for the model, nats; NaN: not known
  std::shared_ptr<const Image> picture = {};                 // the dream's; null: nobody has looked
};
struct TimelineBranch {  // leaves the line at one step and ends at another
  std::int64_t end = 0;  // what GoTo takes
  std::int64_t from_step = 0, to_step = 0;
  std::shared_ptr<const Image> picture = {};  // of its end
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
  bool over = false;                 // the last real frame, standing still, has missed less of some steps
  std::int64_t stretches = 0;        // of this run, that were looked at
  std::int64_t usual = 0;            // over all of them, the first step at which a still picture is nearer in the mean
  bool crossed = false;              // false: none is nearer yet after `usual` steps
};

struct FutureView {
  std::string label;            // "τ 0.4", "left"
  double reward = 0;            // sum since the fan was opened
  float done_probability = 0;   // the highest until now
  std::shared_ptr<const Image> picture;
  std::string weights = {};     // of earlier weights: what OpenRun takes to dream on with them; TakeFuture does not
};
struct FanView {
  FanOver over = FanOver::closed;
  std::string knob, title;  // of FanOver::knob: its name and what the window calls it
  std::int64_t from_step = 0, steps = 0, most = 0;  // where it began; how far it is, and may go
  std::vector<FutureView> futures;
};

/// What one element of a latent does: this moment's picture with the element at other values.
struct ExplainedLatent {
  std::string probe;
  int index = -1;  // < 0: nothing is explained
  struct At {
    float value = 0;
    std::shared_ptr<const Image> picture;
  };
  std::vector<At> pictures;
};

/// One published moment of the player.
struct DreamView {
  std::uint64_t version = 0;  // counts published moments; equal version = equal content
  bool ready = false;         // a model is loaded and the dream has begun
  std::string opening = {};   // the run that is being opened, while nothing is ready yet
  bool playing = false;
  bool twin = false;
  bool recorded = false;      // the twin is a recorded frame where the dream began: it stands still
  std::string away;           // why there is no more of the real world than that: it cannot be entered here
  bool has_model = true;      // false: the system acts in the real world alone
  bool has_behaviour = true;  // false: people drive, nobody else can
  std::string source;         // where dreams begin: "clip …", "picture …"; empty = the environment
  bool hands_on = false;      // a person's key drives this moment
  bool human_pilot = false;
  std::int64_t step = 0;                     // imagined steps since the start
  std::int64_t dreamt = 0;                   // steps gone on since the run was opened, over all its dreams: who scrubs adds none
  Coupling coupling = Coupling::dream_leads;
  int coupling_steps = 0;                    // see SetCoupling; 0 where the coupling has none
  std::int64_t following = 0;                // actions still to come of Follow
  std::int64_t earlier_weights = 0;          // that this run has kept, for a fan over them
  std::int64_t compared_with = 0;            // CompareWith; the frames "branch" and "branch difference" are its
  FanView fan;
  ExplainedLatent explained;
  HonestyClock honesty;
  std::vector<KnobView> knobs;               // what this dream can be bent by
  float steps_per_second = 0;                // wanted
  float natural_rate = 50;                   // steps per second at which this world runs by itself: the window's 1×
  float measured_rate = 0;                   // dream steps per second over the last second; 0 while paused
  std::vector<float> action;                 // what drove this step
  double dream_reward = 0, real_reward = 0;  // sums since the start; dream_reward only where has_reward
  bool has_reward = false, has_done = false;
  double dream_cost = 0, real_cost = 0;  // likewise; dream_cost only where the model predicts costs
  bool has_cost = false;                 // it does
  double cost_limit = -1;                // what an episode of this world may cost; < 0: it has no costs
  float done_probability = 0;            // P(done) of this step
  std::vector<Frame> frames;             // dream, real, reconstruction, difference
  std::vector<HeldLatent> held;          // what the dream is made to keep
  std::vector<Probe> probes;             // the watched ones
  std::vector<std::string> probe_names;  // all that the model offers
  TimelineView timeline;
  // Where the time of this step went, milliseconds, and the key event that it answered (platform seconds, 0 = none).
  double input_ms = 0, model_ms = 0, decode_ms = 0, pressed_at = 0;
  std::string world;      // "CarRacing · World Models (V-M-C)"
  std::string environment = {};          // "CarRacing"
  std::vector<std::string> worlds = {};  // that the same weights act in (OpenRun::world); empty: in this one alone
  std::string run_title;  // which weights: "shipped run", "runs/car, step 1200"
  std::string run;        // whose they are, whatever their step: its folder
  Spaces spaces;
  std::string ended;          // why the dream, or the real episode beside it, ended with this step; empty = neither did
  std::int64_t updates = -1;  // gradient steps that these weights have seen; < 0: not known
  std::int64_t parameters = 0;  // learned values of the model
};

/// A model that dreams beside the dream, from the same start and under the same actions.
struct RivalView {
  std::string run, title, world;  // its folder, "World Models (V-M-C)", "CarRacing"
  std::string fault = {};         // why it cannot follow; empty = it does
  std::shared_ptr<const Image> dream, real;  // null while there is none
  double error = -1;              // of its picture, as Frame::error
  HonestyClock honesty = {};
  std::int64_t step = 0, behind = 0;  // since the start; steps that it has still to go
  bool ended = false;             // it takes the episode for over
  std::vector<float> errors = {};  // of its last steps; < 0: not known
  double ms = 0;                  // that a step takes with its picture; 0: not known yet
  std::int64_t parameters = 0;    // learned values of the model
};
struct ArenaView {
  std::vector<RivalView> rivals;
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

struct RunLine {  // the same curve of another run
  std::string run;  // its folder
  std::vector<double> x, y;
};

struct CurveView {
  std::string name, title, unit;  // "v/kl", "KL(q(z|x) ‖ N(0, I))", "nats"
  std::string x_unit;             // "step"
  std::vector<double> x, y;
  std::vector<double> reference_x, reference_y;  // the shipped run's curve: what normal looks like
  double floor = 0;                              // drawn as a dashed line when has_floor
  bool has_floor = false;
  std::string floor_label;  // "tolerance 0.5·z = 16"
  std::vector<RunLine> others = {};  // of the runs that it is compared with
};

/// One thing that a new run may be made of.
struct Choice {
  std::string name, help;  // "CarRacing", one sentence
  std::string world = {};  // of a recipe: the one that it is published for; empty: any that it can serve
};

/// A run that is begun, or trained on, when the training under way is complete.
struct QueuedRun {
  std::int64_t id = 0;
  std::string run, recipe, environment;  // the latter two: of a new one
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
  std::vector<QueuedRun> queue;               // the next one first
  std::vector<std::string> compared;          // the runs whose curves are laid over: CompareCurves
  Frame replay_frame;                         // that LookAtReplay chose; no image = none yet
};

/// What a run's agent reached where it was evaluated. Numbers of different worlds say nothing of each other.
struct ScoreView {
  bool known = false;
  double mean = 0, deviation = 0;
  std::string of = {};  // "over 100 unseen episodes"
  bool operator==(const ScoreView&) const = default;
};

struct RunView {
  std::string path, title, recipe, environment, detail;  // detail: "score 861 ± 40 over 100 tracks"
  bool usable = false;                                   // false: detail says why it cannot be opened
  bool shipped = false;                                  // with the program: it stays as it is
  std::string name = {}, model = {};                     // "car", of its folder; "World Models (V-M-C)"
  ScoreView score = {};
  double progress = -1;         // the share of its training that is done; < 0: weights alone, or unknown
  std::string training = {};    // where it stands: "v 62 %: epoch 7 of 10"; empty = unknown
  std::string trained_by = {};  // now: "process 4242 on alpha, since …"; empty = nobody
  std::int64_t changed = 0;     // when it was saved last, seconds since 1970; 0: unknown
  double bytes = 0;             // of everything in its folder
  bool operator==(const RunView&) const = default;
};

/// The answer to the last DescribeRun, which it repeats.
struct NewRunView {
  std::string recipe, environment, directory;
  std::vector<std::string> settings;  // of `like` where that was asked for
  std::string like;
  std::vector<Field> fields;  // all settings of such a run, with the values it would begin with
  std::string wrong;          // why it cannot be begun so, in a sentence; empty = it can
  std::string free_folder;    // that no run has
  std::string expected;       // what is known of how long it takes: "the shipped run … took 9,000 updates"; empty = nothing
};

struct DeletedRun {
  std::string path, kept;  // where it was and where it lies now
};
/// What is done to runs' folders.
struct RunFilesView {
  std::string copying;              // "runs/car to runs/car-copy"; empty = nothing is copied
  double progress = 0;              // of the copy, 0 … 1
  std::vector<DeletedRun> deleted;  // since the program's start, the last one last
};

/// A run that is dreamt in the background, for a wall of them.
struct PreviewView {
  std::string path;                         // RunView::path
  std::shared_ptr<const Image> dream, real;  // null while there is none
  std::shared_ptr<const Image> world = {};   // how its world begins, as people see it; null while there is none
  HonestyClock honesty = {};
  std::string fault;                        // why it cannot be dreamt; empty = none
};
struct PreviewsView {
  std::vector<PreviewView> all;
  double frames_per_second = 0, share = 0;  // of all together; of one core that they take
};

/// Real episodes that become data as they are lived through: KeepEpisodes.
struct KeepingView {
  bool on = false;
  std::string folder;                // the dataset; it stays named once it is off
  std::int64_t episodes = 0, steps = 0;  // that it holds
};

/// A tensor of a file that has no code.
struct WeightView {
  std::string name, type, numbers;  // "encoder.0.weight", "Float [64, 3, 4, 4]", "-0.001 ± 0.05, -0.2 to 0.2"
  std::vector<float> histogram;     // bars between the least and the largest value, the fullest 1; empty where there is none
};
/// A file of PyTorch's that was asked for and is not dreamt with: a program that waits until the user lets it run, or weights
/// without code, which can be looked at.
struct ForeignView {
  std::string path;    // empty: none
  std::string sha256;  // of the program; empty: weights
  std::string world;   // that it was to be opened in; empty: its own
  double bytes = 0;
  std::vector<WeightView> weights;
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
  std::shared_ptr<const PreviewsView> previews;
  std::shared_ptr<const NewRunView> new_run;
  std::shared_ptr<const RunFilesView> run_files;
  std::shared_ptr<const LabView> lab;
  std::shared_ptr<const KeepingView> keeping;
  std::shared_ptr<const DataView> data;
  std::shared_ptr<const ForeignView> foreign;
  std::shared_ptr<const ArenaView> arena;
  std::shared_ptr<const std::vector<LogLine>> log;  // the newest few hundred
  std::string fault;  // of the last command (a file that would not open …): a sentence; empty = none
};

}  // namespace dream
