#pragma once
#include <string>
#include <vector>

#include "api/snapshot.h"

namespace dream::cli {

/// "1 h 02 min", "3 min 10 s", "12 s"; "unknown" below 0.
std::string duration(double seconds);

/// One line per phase under way, redrawn in place on a terminal and printed anew now and then elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  ~ProgressLine();
  /// Draws at most five times a second (a terminal) or once in ten seconds (a file).
  void show(const PhaseView& phase);
  /// Ends the line under way and prints `text` on one of its own.
  void say(const std::string& text);

 private:
  bool quiet_, terminal_, open_ = false;
  double drawn_at_ = -1e9;
  std::string phase_;
};

}  // namespace dream::cli
