#pragma once
#include <memory>
#include <string>
#include <vector>

#include "api/command.h"
#include "api/lab.h"

namespace dream::ui {

/// The scripted engine's laboratory: every question of the real one, with plausible answers. What is asked is answered in
/// `ticks` ticks: first figures after a third of them, then refined.
class FakeLab {
 public:
  FakeLab();
  void ask(const AskLab& command);
  void cancel(const CancelLab& command);
  void walk(const WalkBetween& command);
  void tick();

  /// Every state at once, which stands still: answers, kept ones, one without an answer, one being refined, one that waits.
  void fill(const std::vector<std::string>& runs);

  LabView view;
  int ticks = 12;
  bool still = false;  // what is asked is never answered

 private:
  void put(LabAnswer answer);
  int done_ = 0;  // ticks of the question under way
};

/// What one run is told; of several their numbers and curves side by side. `share` of the work is done.
LabAnswer fake_answer(const std::string& question, const std::vector<std::string>& runs, double share = 1);

}  // namespace dream::ui
