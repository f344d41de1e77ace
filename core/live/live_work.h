#pragma once
// What the threads of the window's engine share; for its own sources alone.
#include <algorithm>
#include <deque>
#include <set>
#include <variant>

#include "core/base/platform.h"
#include "core/base/text.h"
#include "core/live/live_engine.h"
#include "core/nn/in_words.h"

namespace dream {

/// Whether two spellings name one folder. An empty one names none.
inline bool same_folder(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code ignored;
  return !a.empty() && !b.empty() &&
         std::filesystem::weakly_canonical(a / "", ignored) == std::filesystem::weakly_canonical(b / "", ignored);
}

/// A path out of the window: what is there under these very letters, otherwise what a shell would make of them.
inline std::string as_typed(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) ? path : typed_path(path, home_directory());
}

/// Threads of the calling thread's networks. Torch gives a thread that computes for the first time the number that any
/// thread has set last, so that moment is brought forward.
inline void compute_with(int threads) {
  torch::get_num_threads();
  torch::set_num_threads(threads);
}

/// What the trainer thread owns.
struct LiveEngine::TrainerWork {
  std::unique_ptr<Trainer> trainer;
  bool running = false, one_step = false, look = false;  // look: something else is watched now
  std::string fault, shipped;                            // shipped: what was opened last, where it is a shipped run
  std::shared_ptr<const std::vector<CurveView>> as_shipped;  // and how that was trained
  std::string trained_by;                                // another program that trains it
  double weights_at = 0, show_at = 0;                    // not before
  std::set<std::string> watched;                         // probes that the window shows
  std::vector<Frame> frames;                             // what was made last, and for which
  Frame replay_frame;  // that was looked at last
  std::vector<Probe> probes;
  std::vector<std::string> probe_names;
  struct Queued {
    std::int64_t id;
    std::variant<StartRun, TrainRun> order;
  };
  std::deque<Queued> queue;
  std::int64_t queued = 0;  // so far: the ids
  std::string kept_queue;   // as it is on the disk

  bool busy() const { return running || one_step; }
  void take(std::unique_ptr<Trainer> next) {
    if (trainer) trainer->close();
    const bool same = trainer && next && trainer->system().directory == next->system().directory;
    auto watching = std::move(watched);
    auto waiting = std::move(queue);
    const auto count = queued;
    auto kept = std::move(kept_queue);
    auto by = same ? std::move(trained_by) : std::string();
    *this = {};
    trainer = std::move(next);
    watched = std::move(watching);
    queue = std::move(waiting);
    queued = count;
    kept_queue = std::move(kept);
    trained_by = std::move(by);
  }
};

template <typename Work>
bool LiveEngine::guarded(const std::string& cause, Work&& work, std::shared_ptr<const Fault> standing) {
  const auto before = fault_.get();
  if (!standing) standing = before;
  try {
    work();
    // What went wrong meanwhile, perhaps in what this work has asked of another thread, is not cured by it.
    const auto last = fault_.get();
    if (!last->text.empty() && ((cause == last->cause && last == before) || (cause == "run" && last == standing)))
      fault_.put(std::make_shared<const Fault>());
    return true;
  } catch (const std::exception& error) {
    const auto text = in_words(error);
    log_.say(text, Log::error);
    fault_.put(std::make_shared<const Fault>(Fault{cause, text}));
    return false;
  }
}

template <typename... To, typename Order>
std::function<void(To&...)> LiveEngine::guarding(const std::string& cause, Order order) {
  return [this, cause, order = std::move(order), standing = fault_.get()](To&... to) {
    guarded(cause, [&] { order(to...); }, standing);
  };
}

}  // namespace dream
