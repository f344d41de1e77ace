#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "api/command.h"
#include "api/snapshot.h"

namespace dream::ui {

struct Ui;

/// A moment of an experiment: what is done then, and what there is to see.
struct ExperimentStep {
  std::int64_t at = 0;  // imagined steps since the experiment began
  std::string says;     // one sentence
  std::function<std::vector<Command>(const DreamView&)> commands = {};
  int look = 0;  // the dream then stands still for as long as so many steps take
};

/// Something to see in a dream that plays itself: a menu entry, an action.
struct Experiment {
  std::string id, title, help;
  std::function<std::string(const DreamView&)> why_not;  // empty: this dream can show it
  std::vector<ExperimentStep> deeds;                     // in the order of their steps
  std::int64_t length = 0;                               // steps, after which all is as it was
};
const std::vector<Experiment>& experiments();

/// The experiment under way. What it changes (knobs, kept latents, twin, re-anchoring, pilot, playing) is put back when
/// it ends, is stopped, or another run comes. To undo it also goes back to the moment where it began.
class ExperimentPlayer {
 public:
  bool running() const { return which_ != nullptr; }
  const std::string& says() const { return says_; }

  void start(Ui& ui, const Experiment& experiment);
  void stop(Ui& ui);
  /// Once a frame, after the snapshot was taken: does what is due, and asks for the probes that it needs.
  void tick(Ui& ui);

 private:
  void do_next(Ui& ui);
  std::vector<Command> restoring(const DreamView& now) const;

  const Experiment* which_ = nullptr;
  std::string says_, run_;
  std::size_t next_ = 0;                      // deed
  bool begun_ = false;                        // the start that the first deed asks for has come
  std::int64_t elapsed_ = 0, last_step_ = 0;  // steps since it began; the dream's own count when they were counted
  DreamView before_;                          // its settings, not its pictures
  double still_until_ = 0;                    // while there is something to look at; 0: the dream goes on
  std::uint64_t still_at_ = 0;                // the dream's version when that began
  std::int64_t from_ = 0;                     // the instant where it began; 0: not known
};

}  // namespace dream::ui
