#pragma once
#include <cstdint>
#include <string>

#include "api/snapshot.h"

namespace dream::ui {

struct Ui;

/// The dream as a game: what this episode is worth so far, the best that hands have reached in this world, and why the
/// last one ended.
class Game {
 public:
  void tick(Ui& ui);          // once a frame, after the snapshot was taken
  void finish(Ui& ui) const;  // what hands have earned may be the best: at an episode's end, and when the window closes

  bool scores() const { return scores_; }  // this world, or its model, gives rewards
  double score() const { return score_; }
  bool yours() const { return 2 * by_hand_ > lived_; }  // hands have driven for more than half of this episode
  const std::string& ended() const { return ended_; }  // a sentence for some seconds; empty otherwise

 private:
  std::string run_, world_, ended_;
  std::int64_t step_ = 0;
  double score_ = 0, ended_at_ = 0;
  std::int64_t by_hand_ = 0, lived_ = 0;  // steps of this episode, as far as they were seen
  bool scores_ = false;
};

/// Where the dream stands on its line, or null.
const TimelineStep* present_of(const DreamView& dream);

/// "CarRacing" of "CarRacing · World Models (V-M-C)".
std::string world_of(const DreamView& dream);

}  // namespace dream::ui
