#pragma once
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/engine.h"
#include "core/base/log.h"
#include "core/base/mailbox.h"
#include "core/base/queue.h"
#include "core/engine/trainer.h"

namespace dream {

/// The engine behind the window: a player thread, a trainer thread, and one that reads files. Commands go to the thread
/// whose work they change; each thread publishes what it did. Nothing is locked while a network computes. What a thread
/// throws becomes a fault in the snapshot; whatever ran goes on.
class LiveEngine : public Engine {
 public:
  struct Options {
    std::string device = "cpu";
    int threads = 0;                      // of training; 0 = one per core
    std::filesystem::path assets;         // the shipped runs lie in assets/runs
    std::filesystem::path runs = "runs";  // the user's own
    std::filesystem::path open;           // a run to begin with; empty = the first shipped one
    double checkpoint_seconds = 60;
  };

  explicit LiveEngine(Options options);
  ~LiveEngine() override;  // saves a run under way

  void send(Command command) override;
  std::shared_ptr<const Snapshot> latest() const override;

 private:
  struct TrainerWork;
  struct LiveWeights {  // of the run that is trained; the player takes the newest
    std::shared_ptr<const Checkpoint> values;
    std::filesystem::path directory;
  };
  using PlayerOrder = std::function<void(class Player&)>;
  using TrainerOrder = std::function<void(TrainerWork&)>;
  using FileOrder = std::function<void()>;

  void play();
  void train();
  void read_files();

  void open_run(const std::string& path);
  static void show_batch(Phase& phase, TrainerWork& work);
  void dream_from_replay(TrainerWork& work, double place);
  void scan_runs();
  /// Of the shipped run of this recipe in this environment, if there is one.
  void read_reference(const std::string& recipe, const std::string& environment);
  void take_up(TrainerWork& work, std::unique_ptr<Trainer> trainer);
  void fault(const std::string& text);
  /// Runs `work`; what it throws becomes the fault and false.
  template <typename Work>
  bool guarded(Work&& work);

  Options options_;
  Log log_;
  std::atomic<bool> quit_ = false;
  Queue<PlayerOrder> player_orders_;
  Queue<TrainerOrder> trainer_orders_;
  Queue<FileOrder> file_orders_;
  Mailbox<DreamView> dream_;
  Mailbox<TrainView> train_;
  Mailbox<std::vector<RunView>> runs_;
  Mailbox<std::string> fault_;
  Mailbox<LiveWeights> weights_;
  Mailbox<Metrics> reference_;  // the curves of the shipped run like the one that is trained: what normal looks like
  std::jthread player_thread_, trainer_thread_, file_thread_;
};

}  // namespace dream
