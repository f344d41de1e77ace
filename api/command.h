#pragma once
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "api/field.h"

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
struct SetAnchor {  // every so many steps the dream stands on the real frame again; 0 = never: it drifts
  int every = 0;
};
struct RealityPill {};  // with the next step the dream sees one real frame
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
struct WatchProbes {
  std::set<std::string> names;
};  // only these are computed

// -- training --------------------------------------------------------------------------------------------------
struct StartRun {  // a new run; it waits for TrainControl::start
  std::string recipe, environment, directory;
  std::vector<std::string> settings;  // "m.heads=true": what is fixed once the run exists
  bool stop_training = false;         // a training that runs is saved and stopped; else it forbids the new run
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
struct OpenRun {
  std::string path;
};  // a run's folder or a checkpoint: dream with it
struct RescanRuns {};
struct DismissFault {};

using Command = std::variant<DreamControl, GoTo, StartAt, Drive, SetPilot, SetKnob, SetSpeed, SetTwin, SetAnchor, RealityPill,
                             EditLatent, HoldLatent,
                             RandomiseLatent, DreamFromReplay, DreamFrom, WatchProbes, StartRun, TrainControl, SetField,
                             OpenRun, RescanRuns, DismissFault>;

}  // namespace dream
