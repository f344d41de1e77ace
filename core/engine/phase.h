#pragma once
#include <string>
#include <utility>
#include <vector>

#include "api/snapshot.h"
#include "core/models/sequence_model.h"
#include "core/nn/checkpoint.h"

namespace dream {

/// One stage of a recipe: what a step does and what ends it. The trainer runs every phase with one loop.
/// A step takes well under a second, so that pause, stop and quit are prompt; whatever is under way between two steps
/// is in save(), so that resuming repeats nothing and changes nothing.
class Phase {
 public:
  /// `name` is also the prefix of its settings, curves and checkpoint entries: "v". `title`: "V: variational
  /// autoencoder". `rate_unit`: "frames/s".
  Phase(std::string name, std::string title, std::string rate_unit)
      : name_(std::move(name)), title_(std::move(title)), rate_unit_(std::move(rate_unit)) {}
  virtual ~Phase() = default;
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;

  const std::string& name() const { return name_; }
  const std::string& title() const { return title_; }
  const std::string& rate_unit() const { return rate_unit_; }

  virtual void begin() {}                         // before the first step and after a resumption
  virtual double step() = 0;                      // does one step; returns the units done
  virtual double progress() const = 0;            // 0 … 1; 1 ends the phase
  virtual std::string detail() const = 0;         // "epoch 3 of 10"
  virtual void save(Checkpoint& into) const = 0;  // state under `name.…`
  virtual void load(const Checkpoint& from) = 0;
  virtual void end() {}  // the phase is done or stopped: memory may go

  // What a phase may offer besides; the window shows what there is.
  virtual std::vector<Frame> frames() { return {}; }                   // of the batch, made only when somebody looks
  virtual std::vector<std::string> warnings() const { return {}; }     // what looks wrong, in words
  virtual std::vector<std::string> probe_names() const { return {}; }  // what report() can publish of the batch
  virtual void report(ProbeSink&) {}
  virtual std::int64_t replay_frames() const { return 0; }         // how many frames a dream can begin at
  virtual SequenceBatch replay_piece(double) const { return {}; }  // a lane up to a frame: 0 the oldest … 1 the newest

 private:
  std::string name_, title_, rate_unit_;
};

}  // namespace dream
