#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <vector>

#include "api/snapshot.h"
#include "core/dream/start.h"

namespace dream {

/// All that a step of a dream changes. A copy is a point to come back to: tensors are shared, as nobody changes them in
/// place.
struct Instant {
  std::shared_ptr<Start> start;   // of this dream
  Carry drawn, dream;             // what the model imagined; that, and what is held
  Carry real, memory;             // what the model makes of the real frames; the behaviour's
  torch::Tensor last_reward;      // [1]
  torch::Tensor action, image;    // [1, A]; the real frame, uint8 [1, H, W, C]
  torch::Tensor goal;             // what is to be reached, uint8 [1, H, W, C]; undefined: what the world itself shows
  std::deque<Moment> history;     // the real world's last frames, at most most_watched and the present one
  std::vector<std::byte> env;     // the real world; empty where none goes with the dream
  torch::Tensor chance;           // state of the random stream
  bool recorded = false;          // nothing real goes with this dream but the frame where it began
  bool strange = false;           // the real world does not know this model's actions
  bool dream_over = false, real_over = false, has_reward = false, has_done = false;
  std::int64_t step = 0, weights = 0;  // since the start; how often the weights had been replaced
  std::int64_t anchored = 0;           // the last step at which the dream stood on a real frame
  torch::Tensor stood;                 // that frame, uint8 [1, H, W, C]
  double missed = 0, still_missed = 0;  // mean squared errors of the last few steps, summed: the dream's, and those of that frame
  std::int64_t real_ended = -1;        // the step that ended the real episode
  double dream_reward = 0, real_reward = 0, dream_cost = 0, real_cost = 0;
  bool has_cost = false;
  float done_probability = 0;
  double error = -1;         // of the picture, mean squared; < 0: nobody has looked
  float surprise = std::numeric_limits<float>::quiet_NaN();  // of the real frame, nats; NaN: not known
  std::deque<Carry> ahead;   // Coupling::reality_leads: what was dreamt for the next steps, this moment's dream last
  bool decided = false;      // the behaviour was asked for this step's action
  bool pilled = false;       // a reality pill was taken with it
  bool touched = false;      // a hand changed what was drawn
  KnobValues knobs;          // what this step was dreamt with
  Coupling coupling = Coupling::dream_leads;
  int coupling_steps = 0;
  std::vector<HeldLatent> held;
  std::shared_ptr<const Image> picture;  // the dream's as it was shown; null: nobody has looked
  std::int64_t honest = -1;  // steps since `anchored` until that frame, standing still, had missed less lately; < 0: it has not
};

/// What was dreamt, as a tree: to go on from an earlier instant is another branch. The oldest instants are forgotten
/// beyond a budget of memory, but never the present one.
class Timeline {
 public:
  using Id = std::int64_t;  // from 1 on, in the order in which they were lived
  static constexpr Id none = 0;

  explicit Timeline(std::size_t budget = 256'000'000) : budget_(budget) {}

  void clear();
  /// `instant` is what follows the present, which it becomes; or where a dream begins.
  void push(Instant instant, bool begins);
  /// Another version of the present: where something has followed it, beside it.
  void replace(Instant instant);
  /// Makes `id` the present. False, and nothing is changed, where it is not kept (any more).
  bool go(Id id);

  bool empty() const { return present_ == none; }
  Id present() const { return present_; }
  const Instant& now() const { return node(present_).instant; }
  /// What was found when somebody looked at the present.
  void note(double error, const Instant& seen) {
    auto& present = node(present_).instant;
    present.error = error;
    present.honest = seen.honest, present.missed = seen.missed, present.still_missed = seen.still_missed;
  }
  void note(std::shared_ptr<const Image> picture);
  /// The present's next on its line; `none` at its end. And what it followed, where that is kept.
  Id next() const { return node(present_).next; }
  Id before() const { return before(present_); }
  Id before(Id id) const { return kept(node(id).parent) ? node(id).parent : none; }  // of one that is kept
  const Instant& at(Id id) const { return node(id).instant; }
  /// Whether `id` is kept.
  bool has(Id id) const { return kept(id); }
  /// The instants that led to `id`, those of a later step than `step`, in the order in which they were lived.
  std::vector<Id> path(Id id, std::int64_t step) const;

  std::size_t bytes() const { return bytes_; }
  std::size_t budget() const { return budget_; }
  /// The line that the present lies on, and the branches that leave this dream's lines.
  TimelineView view() const;

 private:
  struct Node {
    Instant instant;
    Id parent = none, next = none;  // of several that follow, the one that was lived or visited last
    std::size_t bytes = 0;
  };
  void add(Instant instant, Id parent);
  bool kept(Id id) const { return id >= first_ && id - first_ < static_cast<Id>(nodes_.size()); }
  const Node& node(Id id) const { return nodes_[static_cast<std::size_t>(id - first_)]; }
  Node& node(Id id) { return nodes_[static_cast<std::size_t>(id - first_)]; }

  std::deque<Node> nodes_;  // those of first_ and after; ids grow along every line, so the oldest can go first
  Id first_ = 1, present_ = none;
  std::size_t budget_, bytes_ = 0;
};

}  // namespace dream
