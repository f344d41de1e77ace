#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "api/snapshot.h"

namespace dream::ui {

/// Which steps of a dream were lived since it last looked, each once and in their order, however many snapshots were
/// never seen: the timeline has their pictures. To go back is no step; what is dreamt from there on is.
class NewSteps {
 public:
  explicit NewSteps(const DreamView& dream);  // the present is the first

  /// Their pictures; null where nobody has looked at a step (of a future that was taken from the fan).
  std::vector<std::shared_ptr<const Image>> take(const DreamView& dream);

 private:
  std::int64_t last_ = 0;    // the instant that was the present when it looked; 0: not begun
  std::int64_t newest_ = 0;  // of all that were there
  std::int64_t step_ = -1;   // of a dream that keeps no timeline
};

/// The dream's picture of this moment, or the real one where there is no model; null where there is none.
std::shared_ptr<const Image> shown(const DreamView& dream);

}  // namespace dream::ui
