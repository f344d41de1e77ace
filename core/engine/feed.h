#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/data/dataset.h"
#include "core/data/dataset_sources.h"
#include "core/data/episode_stream.h"
#include "core/data/replay.h"
#include "core/models/sequence_model.h"
#include "core/nn/checkpoint.h"

namespace dream {

struct System;

/// What a learner draws from: a replay with given datasets, the episodes that its own run has collected and those that
/// go on, of which it takes what is new first, and beside every frame what the model remembered there.
class Feed {
 public:
  struct Options {
    GivenDatasets datasets;      // folders whose episodes are there from the start
    double budget_gb = 4;        // of the replay
    bool online_queue = true;    // what is new is drawn first
    bool replay_context = true;  // a piece begins with the state that the model kept beside the frame before it
    std::int64_t lanes = 8;      // that collect
    bool keep_found = false;     // of its own dataset all is read, also what came after the checkpoint
    Needs needs = {};            // of given datasets, in the system's world
    Fitting fitting = {};        // in place of that, where they may be of other worlds
    /// Datasets of so many steps or more are all that one learns from: of what does not fit into memory a part is there
    /// at a time (see EpisodeStream). Of fewer, and without this, the rest is not learned from.
    std::optional<std::int64_t> streams_from = {};
    double best_share = 1;  // of each world's given episodes, those of the highest returns
  };

  Feed(System& system, Rng draws) : system_(system), draws_(std::move(draws)) {}

  // -- filling it -----------------------------------------------------------------------------------------------------

  /// Forgets everything and begins to read: the given datasets, then of the dataset `own` the first `own_ended`
  /// episodes.
  void open(const Options& options, const std::filesystem::path& own, std::int64_t own_ended, bool resumes);
  bool reading() const { return sources_ || own_ || filling_; }
  /// One more episode; false once all are there.
  bool read_more();
  std::string detail() const;  // of the reading
  /// What was done to given datasets and which episodes were left out, a sentence each.
  const std::vector<std::string>& notes() const { return notes_; }
  void close();                // memory goes

  Replay& replay() { return replay_; }
  const Replay& replay() const { return replay_; }
  std::int64_t given_steps() const { return given_steps_; }          // of the given datasets, as far as they are learned from
  std::int64_t own_episodes() const { return own_read_; }            // that were read
  std::int64_t own_steps() const { return own_steps_; }              // of these
  std::int64_t own_ended_steps() const { return own_ended_steps_; }  // of the first `own_ended`

  // -- drawing from it ------------------------------------------------------------------------------------------------

  /// A batch of pieces, on the system's device: new ones first, then old ones; with what the model remembered before
  /// them. Learns by keep() what it remembers now.
  SequenceBatch draw(std::int64_t lanes, std::int64_t steps);
  /// The states of every moment of the piece that draw() gave last, [T · B, ...] time-major.
  bool keeps_states() const { return replay_.state_size() > 0; }
  void keep(const Carry& states);
  /// So many frames were learned from: of datasets that do not fit into memory others may come now.
  void learned(double frames);
  /// Old pieces alone, each frame as likely to begin one: for a batch of starts, or of frames. Nothing is kept of them.
  SequenceBatch draw_anywhere(std::int64_t lanes, std::int64_t steps);
  /// Pieces that begin at these frames of the replay, for who draws by itself. Nothing is kept of them.
  SequenceBatch at(const std::vector<std::int64_t>& begins, std::int64_t steps, bool pictures = true) const;
  /// Pieces within one episode where it lasts, chosen by `chance` alone: to look at, and without a trace.
  SequenceBatch sheet(std::int64_t lanes, std::int64_t steps, Rng chance) const;
  /// One lane of frames up to the one at `recency` (0 the oldest … 1 the newest).
  SequenceBatch piece(double recency, std::int64_t most_steps) const;

  // -- the checkpoint -------------------------------------------------------------------------------------------------

  /// Of the random stream that draws, and of datasets that do not fit into memory (`name` + "_stream").
  void save_draws(Checkpoint& into, const std::string& name) const;
  /// Before open().
  void load_draws(const Checkpoint& from, const std::string& name);
  void save(Checkpoint& into, const std::string& prefix) const;
  /// Judges what load() reads. Throws dream::Error naming file and tensor.
  void check(const Checkpoint& from, const std::string& prefix) const;
  /// Once everything has been read and the episodes under way are there again.
  void load(const Checkpoint& from, const std::string& prefix);

 private:
  bool find_the_best();
  bool read_given();
  bool read_own();
  void stream();
  void count_given();
  std::int64_t own_count() const;

  System& system_;
  Options options_;
  Replay replay_{0};
  Carry initial_;  // with a replay context: what it holds
  Rng draws_;
  std::vector<std::int64_t> begins_;         // of the last draw()
  std::unique_ptr<DatasetSources> sources_;  // while they are read
  std::unique_ptr<Dataset> own_;             // likewise
  std::optional<std::vector<Scored>> scores_;  // while it is found out which of too many episodes are the best
  std::size_t scored_ = 0;                     // of them
  bool best_alone_ = false;                    // it was found out
  std::unique_ptr<EpisodeStream> stream_;      // where they do not fit
  StreamPlace place_;                 // that a checkpoint knew
  bool filling_ = false;
  std::int64_t own_ended_ = 0, own_read_ = 0, own_steps_ = 0, own_ended_steps_ = 0;
  std::int64_t given_steps_ = 0, given_frames_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace dream
