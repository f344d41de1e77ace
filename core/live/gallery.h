#pragma once
#include <memory>
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "core/dream/player.h"

namespace dream {

/// Many runs dreamt in the background, for a wall of them: a few frames a second of each, all together within a share of
/// one core. One thread owns it.
class Gallery {
 public:
  explicit Gallery(std::string device) : device_(std::move(device)) {}

  /// These runs from now on; what is open and is not among them is closed.
  void watch(const std::vector<std::string>& paths);
  bool empty() const { return dreams_.empty(); }

  /// A piece of work: a run is opened, or the one that has waited longest goes a step on. Gives the seconds to rest
  /// after it, so that the share is kept. A run that cannot be dreamt says why in its view.
  double work();
  std::shared_ptr<const PreviewsView> view() const;

 private:
  struct Dream {
    PreviewView view;
    std::unique_ptr<Player> player;  // null: not opened yet, or at fault
    bool looked = false;             // at its world
    double due = 0;
  };
  static void look_at_world(Dream& dream);
  void open(Dream& dream) const;

  std::string device_;
  std::vector<Dream> dreams_;
  double since_ = 0, busy_ = 0;  // of the measure under way
  std::int64_t frames_ = 0;
  double rate_ = 0, share_ = 0;  // of the last whole one
};

}  // namespace dream
