#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "core/data/episode.h"

namespace dream {

/// Episodes in memory within a byte budget, whole ones and those that lanes still live through: when something new does
/// not fit, the oldest whole ones go. Not thread-safe.
///
/// What a lane lives through, episode after episode, is its stream, as in danijar/dreamerv3's replay: a piece that runs
/// over an episode's end goes on with the next one of the same lane. Episodes of no lane follow each other as they came.
class Replay {
 public:
  /// `state_size`: numbers of a model's memory that are kept beside every frame, as the model last saw it (the replay
  /// context of Dreamer V3); 0: none.
  explicit Replay(std::size_t budget_bytes, std::size_t state_size = 0);

  /// A whole episode, which nobody waits for.
  void add(Episode episode);
  /// More of what `piece.lane` lives through: first the frame that an episode begins with, then steps. The episode is
  /// whole with the step that terminates or truncates it. These frames are new.
  void extend(const Episode& piece);
  void clear();

  std::size_t bytes() const { return bytes_; }
  std::size_t budget() const { return budget_; }
  /// What an episode takes here, bytes.
  std::size_t bytes_of(const Episode& episode) const;
  std::size_t episodes() const { return whole_.size(); }         // whole ones
  std::int64_t steps() const { return steps_; }                  // sum of T, also of those under way
  std::int64_t frames() const { return whole_frames() + open_frames_; }  // sum of T + 1, likewise
  std::int64_t whole_frames() const;
  std::int64_t dropped() const { return dropped_; }  // frames of episodes that are gone
  std::int64_t added() const { return numbers_ + static_cast<std::int64_t>(whole_.size()); }  // whole ones ever

  /// Where frame `index` of all frames lies (0 … frames() - 1: of the whole episodes in order of age, then of those
  /// under way by their lanes), and the other way round.
  struct Position {
    std::size_t episode, time;
  };
  Position position(std::int64_t index) const;
  std::int64_t index(Position at) const;
  /// The frame after it in its stream; the oldest of all after a stream's newest.
  Position after(Position at) const;
  /// Whole episodes are those below episodes().
  const Episode& episode(std::size_t index) const;

  /// Frames of a lane that no batch has held yet: the newest ones of its stream. As many as are known to be there.
  std::int64_t lanes() const { return static_cast<std::int64_t>(lanes_.size()); }
  std::int64_t fresh(std::int64_t lane) const { return lanes_[static_cast<std::size_t>(lane)].fresh; }
  void set_fresh(std::int64_t lane, std::int64_t frames);
  /// The first of them. There must be some.
  Position first_fresh(std::int64_t lane) const;

  /// bf16 [state_size]; zeros until something is known.
  std::size_t state_size() const { return state_size_; }
  std::span<const std::uint16_t> state(Position at) const;
  std::span<std::uint16_t> state(Position at);

 private:
  static constexpr std::int64_t none = -1;
  struct Whole {
    Episode episode;
    std::int64_t before = none, after = none;  // the neighbours in its stream, by their numbers
  };
  struct Lane {
    Episode open;           // under way, once it has a frame
    bool begun = false;     // whether it has
    std::size_t known = 0;  // numbers of its states
    std::int64_t latest = none, fresh = 0;
  };
  Lane& lane_of(int lane);
  void make_room(std::size_t size);
  void join(Episode episode, std::int64_t& latest);

  std::size_t budget_, state_size_, bytes_ = 0, open_bytes_ = 0;
  std::int64_t steps_ = 0, open_frames_ = 0;
  std::deque<Whole> whole_;
  std::deque<std::int64_t> ends_;          // running count of frames of whole episodes ever added, for position()
  std::int64_t dropped_ = 0, numbers_ = 0;  // of them, those that are gone; of episodes, likewise
  std::vector<Lane> lanes_;
  std::int64_t latest_ = none;  // of no lane
};

}  // namespace dream
