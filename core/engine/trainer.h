#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "core/engine/system.h"

namespace dream {

/// Runs the phases of a system: the one generic loop. Used by one thread at a time; the engine gives it a thread of
/// its own, the command line calls it directly. Saves itself when it stops and every
/// `checkpoint_seconds`, less often where saving would take more than a twentieth of the time.
class Trainer {
 public:
  struct Options {
    double checkpoint_seconds = 60;  // 0: after every step
    std::string only;                // a phase's name: run this one alone; empty = all that are not complete, in order
  };

  /// Makes the run's folder. Goes on from its checkpoint when `resume` and there is one; throws dream::Error when the
  /// folder holds a run and `resume` is false.
  Trainer(std::unique_ptr<System> system, Options options, bool resume);

  /// One step of the phase that is due. False when nothing is left to do. Whatever a step throws leaves the phase
  /// failed, the checkpoint on the disk as it was, and is thrown on.
  bool advance();
  /// Chooses the phase that advance() works on; empty = whichever is due. Throws dream::Error for an unknown name.
  void choose(const std::string& phase);
  /// After a failure: everything as in the last checkpoint.
  void reload();
  void save();
  /// Ends the phase under way (its memory goes) and saves.
  void close();
  /// A setting changed by hand. Throws dream::Error when the key is unknown, the value out of range, or the setting
  /// cannot change once the run has begun.
  void set(const std::string& key, const FieldValue& value);

  System& system() { return *system_; }
  bool due() const { return find_due() != nullptr; }
  Phase* current() const { return current_; }
  /// What the last advance() did, in the phase's own unit; 0 while it only read or collected for what is to come.
  double units() const { return units_; }
  double saved_seconds_ago() const;  // < 0: not yet

  /// What the window and the progress line show. `running`: whether somebody keeps calling advance().
  std::vector<PhaseView> phases(bool running) const;
  /// A copy of the weights as they are now; load_system() makes a system of it.
  std::shared_ptr<const Checkpoint> weights() const;

 private:
  struct Pace {  // of the phase under way, for rate and ETA
    double since = 0, last = 0, progress = 0, units = 0, rate = 0, eta = -1;
  };
  Phase* find_due() const;
  void enter(Phase* phase);
  void leave();
  void load(const Checkpoint& from);
  void measure(double units);

  std::unique_ptr<System> system_;
  Options options_;
  Phase* current_ = nullptr;
  const Phase* failed_ = nullptr;
  Pace pace_;
  double saved_at_ = -1, saving_took_ = 0, units_ = 0;
};

}  // namespace dream
