#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "core/models/sequence_model.h"
#include "core/nn/checkpoint.h"

namespace dream {

/// One stage of a recipe, as data: what a step does and what ends it. The trainer runs every phase with one loop.
/// A step takes well under a second, so that pause, stop and quit are prompt; whatever is under way between two steps
/// is in save(), so that resuming repeats nothing and changes nothing.
struct Phase {
  std::string name;       // "v": also the prefix of its settings, curves and checkpoint entries
  std::string title;      // "V: variational autoencoder"
  std::string rate_unit;  // "frames/s"

  std::function<void()> begin;                 // before the first step and after a resumption
  std::function<double()> step;                // does one step; returns the units done
  std::function<double()> progress;            // 0 … 1; 1 ends the phase
  std::function<std::string()> detail;         // "epoch 3 of 10"
  std::function<std::vector<Frame>()> frames;  // pictures of the batch, made only when somebody watches
  std::function<void(Checkpoint&)> save;       // state under `name/…`
  std::function<void(const Checkpoint&)> load;
  std::function<void()> end;  // the phase is done or stopped: memory may go

  // What a phase may offer besides; empty where it does not.
  std::function<std::vector<std::string>()> warnings;     // what looks wrong, in words
  std::function<std::vector<std::string>()> probe_names;  // what report() can publish of the batch
  std::function<void(ProbeSink&)> report;
  std::function<std::int64_t()> replay_frames;              // how many frames a dream can begin at
  std::function<SequenceBatch(double place)> replay_piece;  // one lane of frames up to the one at `place`, 0 … 1
};

/// A phase whose functions are the members of a worker with these names, as far as it has them.
template <typename Work>
Phase phase_of(std::string name, std::string title, std::string rate_unit, std::shared_ptr<Work> work) {
  Phase phase{
      std::move(name), std::move(title), std::move(rate_unit), {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
  phase.begin = [work] { work->begin(); };
  phase.step = [work] { return work->step(); };
  phase.progress = [work] { return work->progress(); };
  phase.detail = [work] { return work->detail(); };
  phase.frames = [work] { return work->frames(); };
  phase.save = [work](Checkpoint& into) { work->save(into); };
  phase.load = [work](const Checkpoint& from) { work->load(from); };
  phase.end = [work] { work->end(); };
  if constexpr (requires { work->warnings(); }) phase.warnings = [work] { return work->warnings(); };
  if constexpr (requires { work->probe_names(); }) {
    phase.probe_names = [work] { return work->probe_names(); };
    phase.report = [work](ProbeSink& sink) { work->report(sink); };
  }
  if constexpr (requires { work->replay_frames(); }) {
    phase.replay_frames = [work] { return work->replay_frames(); };
    phase.replay_piece = [work](double place) { return work->replay_piece(place); };
  }
  return phase;
}

}  // namespace dream
