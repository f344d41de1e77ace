#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "core/dream/player.h"

namespace dream {

/// Further models that dream beside a player, from the same start and under the same actions: each has a player of its own, with
/// its own real world, memory and honesty clock, and does what the line that it hears of did. Whoever has fallen behind, or has come
/// later, lives through the whole line from its start; what the line goes back to, they go back to. One thread owns it.
class Arena {
 public:
  static constexpr std::size_t most = 3;  // beside the one that leads

  explicit Arena(std::string device) : device_(std::move(device)) {}

  /// These runs from now on, at most so many; those that are open stay open. A program of PyTorch's must be trusted already.
  void seat(const std::vector<std::string>& runs);
  bool empty() const { return rivals_.empty(); }
  /// Where the dream is that they follow. Null: nowhere.
  void hear(std::shared_ptr<const DreamLine> line);

  /// A piece of work: one of them is opened, or the one that is farthest behind goes a step on. False: nothing was left to do. One
  /// that cannot go on says why in its view.
  bool work();
  /// Steps that the slowest of them has still to go.
  std::int64_t behind() const;
  std::shared_ptr<const ArenaView> view() const;

 private:
  struct Rival {
    RivalView view;
    std::unique_ptr<Player> player;        // null: not opened yet, or at fault
    std::shared_ptr<const Start> start;    // that it began at
    std::map<Timeline::Id, Timeline::Id> lived;  // of the line's instants, which of its own they are
    std::int64_t left = 0;                 // steps still to go
    bool new_line = true;                  // it has not looked at it yet
  };
  void open(Rival& rival) const;
  void go_on(Rival& rival);
  /// How many of the line's steps it has lived through, and stands at the last of them. −1: not even its start.
  std::int64_t stand(Rival& rival) const;
  void look(Rival& rival, double seconds) const;

  std::string device_;
  std::vector<Rival> rivals_;
  std::shared_ptr<const DreamLine> line_;
};

}  // namespace dream
