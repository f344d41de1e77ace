#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "core/base/durable_file.h"
#include "core/engine/system.h"

namespace dream {

/// Runs the phases of a system: the one generic loop. Used by one thread at a time; the engine gives it a thread of
/// its own, the command line calls it directly. Saves itself when it stops and every
/// `checkpoint_seconds`, less often where saving would take more than a twentieth of the time.
///
/// Opening a run that exists writes nothing: it is only looked at until take(), which makes this the run's one trainer
/// among all programs.
class Trainer {
 public:
  struct Options {
    double checkpoint_seconds = 60;  // 0: after every step
    std::string only;                // a phase's name: run this one alone; empty = all that are not complete, in order
    double history_bytes = 1e9;      // for earlier weights, to look back at; 0: none are kept
  };

  /// Opens the run of the system's folder as its checkpoint has it, when `resume` and there is one. Otherwise begins it:
  /// makes the folder, takes and saves it; throws dream::Error when it holds a run and `resume` is false.
  Trainer(std::unique_ptr<System> system, Options options, bool resume);

  /// The run in this folder as its checkpoint has it, with the settings that are in it.
  static std::unique_ptr<Trainer> open(const std::filesystem::path& directory, const Options& options,
                                       const std::string& device);

  /// From now on, until close(), this alone trains the run, with the newest of its checkpoints. Throws dream::Error
  /// when another program trains it, naming that one.
  void take();
  bool taken() const { return lock_ != nullptr; }

  /// One step of the phase that is due, after take(). False when nothing is left to do. Whatever a step throws leaves
  /// the phase failed, the checkpoint on the disk as it was, and is thrown on.
  bool advance();
  /// Chooses the phase that advance() works on; empty = whichever is due. Throws dream::Error for an unknown name.
  void choose(const std::string& phase);
  void save();
  /// Ends the phase under way (its memory goes), saves what has changed, and lets others train the run. After a
  /// failure nothing is saved: take() goes back to the last checkpoint.
  void close();
  /// A setting changed by hand, after take(). Throws dream::Error when the key is unknown, the value out of range, or
  /// the setting is fixed once the run has begun. One that cannot change live ends the phase under way, which begins
  /// again from where it was.
  void set(const std::string& key, const FieldValue& value);

  System& system() { return *system_; }
  bool due() const { return find_due() != nullptr; }
  Phase* current() const { return current_; }
  /// What the last advance() did, in the phase's own unit; 0 while it only read or collected for what is to come.
  double units() const { return units_; }
  /// What whoever trains this should know, in one line; empty = nothing.
  const std::string& notice() const { return notice_; }
  double saved_seconds_ago() const;             // by the time of the file; < 0: not yet
  const FileMark& mark() const { return mark_; }  // of the checkpoint that this has loaded or saved

  /// What the window and the progress line show. `running`: whether somebody keeps calling advance().
  std::vector<PhaseView> phases(bool running) const;
  /// A copy of the weights as they are now; load_system() makes a system of it.
  std::shared_ptr<const Checkpoint> weights() const { return std::make_shared<Checkpoint>(copy_weights()); }

 private:
  Trainer(std::unique_ptr<System> system, Options options);
  struct Pace {  // of the phase under way, for rate and ETA
    double since = 0, last = 0, progress = 0, units = 0, rate = 0, eta = -1;
  };
  Phase* find_due() const;
  void enter(Phase* phase);
  void leave();
  void fail(Phase* phase);
  std::filesystem::path file() const;
  void reload();
  void load(const Checkpoint& from, const FileMark& mark);
  void refuse_changes(const Checkpoint& from) const;
  void load(const Checkpoint& from);
  void measure(double units);
  Checkpoint copy_weights() const;
  void keep_history() const;

  std::unique_ptr<System> system_;
  Options options_;
  Phase* current_ = nullptr;
  const Phase* failed_ = nullptr;
  Pace pace_;
  std::unique_ptr<FolderLock> lock_;
  FileMark mark_;
  bool changed_ = false;  // since the checkpoint
  std::string notice_;
  bool stale_ = false;    // what is in memory may not be what the checkpoint holds: it is read anew
  double saved_at_ = -1, saving_took_ = 0, units_ = 0;
};

}  // namespace dream
