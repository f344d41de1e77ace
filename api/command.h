#pragma once
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "api/dream_modes.h"
#include "api/field.h"
#include "api/lab.h"
#include "api/value.h"

namespace dream {

// Everything the window can ask for. Each is carried out by the engine's threads; the answer is the next Snapshot.

// -- the dream -------------------------------------------------------------------------------------------------
struct DreamControl {
  enum class Do { play, pause, step, back, restart, new_start };
  Do what = Do::play;
};
struct GoTo {  // an instant of the timeline: hold still there; what is dreamt from there on is a branch
  std::int64_t instant = 0;
};
struct Follow {  // from this moment on the actions that led to that instant, until they are at their end or hands drive
  std::int64_t instant = 0;
};
struct DoActions {  // from this moment on these, one after the other, as a node of a search tree says
  std::vector<std::vector<float>> actions;
};
struct CompareWith {  // the line that ends there is shown beside the dream, step by step; 0 = none
  std::int64_t instant = 0;
};
struct OpenFan {  // nine futures of this moment at once; the dream itself waits
  FanOver over = FanOver::chance;
  std::string knob;  // FanOver::knob: which
};
struct CloseFan {};
struct TakeFuture {  // one of the fan: the dream goes on from there, as a branch
  int which = 0;
};
struct StartAt {  // begin at this start of the world: the same seed, the same start
  std::uint64_t seed = 1;
};
struct Drive {                // what the hands do now: sent whenever it changes
  bool engaged = false;       // a driving key is held: the hands have the wheel, else the pilot has it
  std::vector<float> action;  // one value per axis (or the index of a discrete action)
  double pressed_at = 0;      // platform time in seconds of the key event, for the key→pixel measure
};
struct SetPilot {
  bool human = false;
};  // human: idle when no key is held; else the controller drives
struct SetKnob {  // what the model and its behaviour let a dream be bent by: DreamView::knobs
  std::string name;
  double value = 1;
};
struct SetSpeed {
  float steps_per_second = 50;
};  // 0 = as fast as it can
struct SetTwin {
  bool on = true;
};  // the real environment steps beside the dream
struct SetCoupling {  // how dream and real world are tied together: DreamView::coupling
  Coupling how = Coupling::dream_leads;
  int steps = 0;  // anchored: between two real frames; reality_leads: that the dream is ahead
};
struct RealityPill {};  // with the next step the dream sees one real frame
struct SeePicture {     // with the next step the dream sees this one, of the world's own size
  std::shared_ptr<const Image> picture;
  bool first = false;  // as the first frame of all: what was before is forgotten
};
struct SetGoal {  // what is to be reached, in a world with goals: the agent at a place of the picture (0 to 1, x to the right, y down),
  float x = 0, y = 0;
  std::string path = {};  // or this picture (PNG, JPEG)
};
struct ExplainLatent {  // what an element of an editable probe does to the picture: DreamView::explained; index < 0: none
  std::string probe;
  int index = -1;
};
struct EditLatent {
  std::string probe;
  int index = 0;
  float value = 0;
};  // this moment alone
struct HoldLatent {  // from this moment on, in every dream of this run, until it is let go
  std::string probe;
  int index = 0;
  float value = 0;
  bool on = true;
};
struct RandomiseLatent {
  std::string probe;
};
struct DreamFromReplay {  // begin a dream at a frame of the training run's replay, with the weights of that moment
  double recency = 1;     // 0 = the oldest frame … 1 = the newest
};
struct DreamFrom {   // begin dreams at a recorded clip (a dataset's folder) or a picture (PNG, JPEG)
  std::string path;  // empty = at the environment again
};
struct BeginAt {  // a dream at a moment that the laboratory names: lived again, watched, and dreamt on
  LabMoment moment;
};
struct KeepEpisodes {  // what is lived through in the real world beside the dream becomes data: Snapshot::keeping
  bool on = true;
};
struct SeatArena {  // these runs dream beside this dream, from its start and under its actions: Snapshot::arena; empty = none
  std::vector<std::string> runs;
};
struct WatchProbes {
  std::set<std::string> names;
};  // only these are computed

// -- training --------------------------------------------------------------------------------------------------
struct StartRun {  // a new run; it waits for TrainControl::start
  std::string recipe, environment, directory;
  std::vector<std::string> settings;  // "m.heads=true": what is fixed once the run exists
  bool stop_training = false;         // a training that runs is saved and stopped; else it forbids the new run
  bool queued = false;                // or: begun, and trained, when the training that runs is complete
};
struct TrainRun {             // goes on with the training of a run that exists
  std::string path, copy;     // copy: the name of a copy that is made first, and trained in its place; empty = itself
  bool stop_training = false, queued = false;  // as in StartRun
};
struct QueueControl {
  enum class Do { start, remove };
  Do what = Do::remove;
  std::int64_t id = 0;  // QueuedRun::id
};
struct TrainControl {
  enum class Do { start, pause, step, stop };  // start also resumes; step = one step, then paused; stop saves first
  Do what = Do::start;
  std::string phase;  // empty = the next phase that is not done
};
struct SetField {
  std::string key;
  FieldValue value;
  std::string run;  // the run that it is meant for (TrainView::run): another one ignores it; empty = whichever is open
};

// -- runs ------------------------------------------------------------------------------------------------------
struct OpenRun {  // dream with it
  std::string path;        // a run's folder or a checkpoint
  std::string world = {};  // another of DreamView::worlds than its own; empty: its own
};
struct AnswerForeign {  // what Snapshot::foreign asks
  std::string path, sha256;  // of that file alone
  bool run = false;          // it may run, now and later, and is opened; false: the question, or the list of weights, goes away
};
struct RescanRuns {};
struct WatchPreviews {  // these runs are dreamt in the background, a few frames a second; empty = none
  std::vector<std::string> paths;
};
struct KeepBundle {  // the last seconds of the dream as a file that replays them exactly
  double seconds = 30;
  std::string file;
};
struct DescribeRun {  // what StartRun would make of this: Snapshot::new_run answers
  std::string recipe, environment, directory;
  std::vector<std::string> settings;
  std::string like;  // a run whose recipe, world and settings are asked for instead; empty = none
};
// Runs' folders. What is shipped or being trained is neither renamed nor deleted; names are single ones, without a path.
struct RenameRun {
  std::string path, name;
};
struct DuplicateRun {
  std::string path, name;
};
struct DeleteRun {
  std::string path;
};  // it is moved to .deleted beside it
struct RestoreRun {
  std::string kept;
};  // back to where it was: DeletedRun::kept
struct CancelCopy {};
struct CompareCurves {  // lays these runs' curves over those of the open one, as their checkpoints have them now
  std::vector<std::string> runs;  // folders; empty = none
};
struct LookAtReplay {  // shows a frame of the replay: TrainView::replay_frame
  double recency = 1;  // 0 = the oldest frame … 1 = the newest
};
struct DismissFault {};

// -- data ------------------------------------------------------------------------------------------------------
struct OpenDataset {  // to be looked at: Snapshot::data
  std::string path;   // its folder, or a file; empty = none
};
struct LookAtEpisode {  // DataView::episode
  std::string name;     // DataEpisode::name; empty = none
};
struct EditData {  // the dataset that is open; what is another program's is labelled and copied, and never changed
  enum class Do {
    remove,    // these episodes; the data as it was is kept aside
    split,     // these episodes become a dataset of their own at `path`; of another program's they are copied
    merge,     // the episodes of the dataset at `path` are added
    hold_out,  // nobody learns from these episodes
    let_in,    // and does again
    undo       // what was done last to this dataset
  };
  Do what = Do::hold_out;
  std::vector<std::string> episodes;
  std::string path = {};
  std::uint64_t revision = 0;  // DataView::revision that this is meant for: of another one it is refused
};
struct CancelData {};  // the reading or the edit under way

// -- the laboratory --------------------------------------------------------------------------------------------
struct AskLab {  // answered in the background, one after the other
  std::string question;           // LabQuestionView::name
  std::vector<std::string> runs;  // folders; several are answered side by side
  bool anew = false;              // even where the answer is kept
};
struct WalkBetween {  // the map's walk leads from one moment to another of the same run: its figure "walk" is drawn anew
  LabMoment from, to;
};
struct CancelLab {  // the question under way, and all that wait
  bool all = true;  // false: the one under way alone
};

using Command =
    std::variant<DreamControl, GoTo, StartAt, Follow, DoActions, CompareWith, OpenFan, CloseFan, TakeFuture, Drive, SetPilot, SetKnob, SetSpeed,
                 SetTwin, SetCoupling, RealityPill, SeePicture, SetGoal, ExplainLatent, EditLatent, HoldLatent, RandomiseLatent,
                 DreamFromReplay, DreamFrom, WatchProbes, StartRun, TrainControl, SetField, OpenRun, RescanRuns,
                 WatchPreviews, KeepBundle, KeepEpisodes, TrainRun, QueueControl, DescribeRun, RenameRun, DuplicateRun, DeleteRun,
                 RestoreRun, CancelCopy, CompareCurves, LookAtReplay, DismissFault, BeginAt, AskLab, WalkBetween,
                 CancelLab, SeatArena, OpenDataset, LookAtEpisode, EditData, CancelData, AnswerForeign>;

}  // namespace dream
