#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/data/sequence_batch.h"
#include "core/engine/metrics.h"

namespace dream {

struct System;

/// Pieces that nobody trains on: evaluation's seeds, driven at random. Always the same for the same world.
struct UnseenPieces {
  SequenceBatch batch;       // all lanes as long as half of the episodes last, at most as many steps as were asked for
  std::int64_t context = 0;  // a quarter of them is watched, the rest imagined
  /// What other actions change in the real world from the same start, over what changes at all: 0 where actions do
  /// nothing.
  double answers = 0;
};
UnseenPieces drive_unseen(System& system, std::int64_t lanes, std::int64_t most_steps);

/// Keeps what is done besides a training within a share of its time.
class TimeShare {
 public:
  TimeShare(double share, double now) : share_(share), began_(now) {}
  /// Whether there is time for what took as long as the last one. The first time it is not known, and allowed.
  bool allows(double now) const { return spent_ == 0 || spent_ + last_ <= share_ * (now - began_); }
  void took(double seconds) { spent_ += seconds, last_ = seconds; }
  double spent() const { return spent_; }

 private:
  double share_, began_, spent_ = 0, last_ = 0;
};

/// The gauges that a training run takes of its model as it goes: skill, reliance on actions, silent latents, usable
/// horizon, on unseen pieces, as curves beside the losses. It draws from streams of its own and changes nothing of the
/// training; it takes at most 3 % of its time. When is a matter of counting, so that the same run has the same curves;
/// the clock only leaves some out on a machine where that took too long.
class GaugeWatch {
 public:
  static constexpr double most_time = 0.03;
  /// `clock`: seconds; empty: the machine's.
  explicit GaugeWatch(System& system, std::function<double()> clock = {});

  /// The curves that a recipe lists for it.
  static std::vector<Metrics::Spec> curves(const std::string& x_unit);

  /// After update `number` of `frames` frames; `progress` 0 … 1 of the training.
  void after(std::int64_t number, double frames, double progress);
  /// A sentence for every gauge that has left its band, or has not come into it after a fifth of the training.
  std::vector<std::string> warnings() const;
  double spent() const { return time_.spent(); }

 private:
  struct Standing {
    bool was_good = false;
    int beyond = 0;  // times in a row
    std::string sentence = {};
  };
  void measure(std::int64_t number, double progress);

  System& system_;
  std::function<double()> clock_;
  TimeShare time_;
  UnseenPieces pieces_;
  std::int64_t last_ = -1;
  std::vector<Standing> standing_;
};

}  // namespace dream
