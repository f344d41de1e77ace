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

struct Bench;

/// The engine behind the window: a player thread, a trainer thread, one that reads files, one that dreams previews, one
/// that dreams beside the player, one that answers the laboratory's questions and one that looks through datasets. Commands go to the thread
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
    std::string world = {};               // of those that it acts in; empty = its own
    bool train = false;                   // and to train on at once
    double checkpoint_seconds = 60;
  };

  explicit LiveEngine(Options options);
  ~LiveEngine() override;  // as close(), without a word
  /// Saves a run that it trains and ends all threads. What could not be saved, in a sentence; "" when all is well.
  std::string close();

  void send(Command command) override;
  std::shared_ptr<const Snapshot> latest() const override;

 private:
  struct TrainerWork;
  struct LabWork;  // what the laboratory's thread owns
  struct LiveWeights {  // of the run that is trained; the player takes the newest
    std::shared_ptr<const Checkpoint> values;
    std::filesystem::path directory;
  };
  struct Watched {  // a run that is open and that this does not train
    std::filesystem::path directory;
    FileMark mark;  // of the checkpoint that is shown
    bool operator==(const Watched&) const = default;
  };
  using PlayerOrder = std::function<void(class Player&)>;
  using TrainerOrder = std::function<void(TrainerWork&)>;
  using FileOrder = std::function<void()>;
  using PreviewOrder = std::function<void(class Gallery&)>;
  using LabOrder = std::function<void(LabWork&)>;
  using ArenaOrder = std::function<void(class Arena&)>;
  using DataOrder = std::function<void(class DataBrowser&)>;

  void play();
  void train();
  void read_files();
  void dream_previews();
  void answer_questions();
  void browse_data();
  void dream_beside();

  void seat(const SeatArena& command);
  void tell_arena(const class Player& player);

  void ask_lab(LabWork& work, const AskLab& command, std::int64_t number);
  void answer_next(LabWork& work);
  void recall_answers(LabWork& work);
  std::shared_ptr<Bench> bench_of(LabWork& work, const std::string& run);
  void walk_between(LabWork& work, const WalkBetween& command);
  /// What was asked meanwhile joins the queue, also while a question is answered. Waits so many seconds for the first.
  bool carry_out_orders(LabWork& work, double wait);
  void open_run(const std::string& path, const std::string& world = {});
  void open_bundle(const std::filesystem::path& file);
  Trainer::Options trainer_options() const { return {options_.checkpoint_seconds, ""}; }
  void advance(TrainerWork& work);
  std::shared_ptr<TrainView> training_view(TrainerWork& work, bool with_frames);
  void control_training(TrainerWork& work, const TrainControl& command);
  void start_run(TrainerWork& work, const StartRun& command);
  void train_run(TrainerWork& work, const TrainRun& command);
  /// Begins what waits, until one of it trains. What cannot be begun is a fault, and the next one's turn.
  void start_queued(TrainerWork& work);
  void control_queue(TrainerWork& work, const QueueControl& command);
  /// What waits outlives the program: it is written beside the runs when it changes, and waits again when the program begins.
  void keep_queue(TrainerWork& work);
  void recall_queue(TrainerWork& work);
  void hand_over_weights(TrainerWork& work);
  void tell_what_is_watched(TrainerWork& work);
  /// The run that is watched has a newer checkpoint, of another program that trains it: it is shown, and dreamt with.
  void follow();
  static void show_batch(Phase& phase, TrainerWork& work);
  void dream_from(const std::string& path);
  void keep_episodes(class Player& player, bool on);
  /// The episode under way is written, and the keeping ends: before the threads do.
  void end_keeping();
  void begin_at(const LabMoment& moment);
  void dream_from_replay(TrainerWork& work, double recency);
  static void look_at_replay(TrainerWork& work, double recency);
  /// A file of PyTorch's: weights become a list of them; what is a program is opened once the user has agreed.
  bool shows_weights(const std::filesystem::path& file);
  /// Null where it holds a program that the user was not asked about: foreign_ asks.
  std::shared_ptr<System> loaded_if_trusted(const std::string& path, const std::string& world);
  void answer_foreign(const AnswerForeign& command);
  void scan_runs();
  void describe_run(const DescribeRun& asked);
  std::string expectation(System& like);
  void moved(const std::filesystem::path& from, const std::filesystem::path& to);
  void rename_run(const RenameRun& command);
  std::filesystem::path copy_run(const std::string& path, const std::string& name, std::int64_t number);
  void delete_run(const DeleteRun& command);
  void restore_run(const RestoreRun& command);
  /// Of the shipped run of this recipe in this environment, if there is one.
  void read_reference(const std::string& recipe, const std::string& environment);
  /// Reads the curves of these runs; all of them or, where one cannot be read, none: it throws then.
  void compare_curves(const std::vector<std::string>& runs);
  void take_up(TrainerWork& work, std::unique_ptr<Trainer> trainer);
  struct Compared {
    std::string run;
    Metrics curves;
  };
  struct Fault {
    std::string cause, text;  // of the last thing that went wrong
  };
  /// Runs `work`; what it throws becomes the fault and false. Its success cures an earlier fault of the same cause,
  /// and another run ("run") the one that was `standing` when it was asked for; null: now.
  template <typename Work>
  bool guarded(const std::string& cause, Work&& work, std::shared_ptr<const Fault> standing = nullptr);
  /// An order that is guarded where it is carried out.
  template <typename... To, typename Order>
  std::function<void(To&...)> guarding(const std::string& cause, Order order);

  Options options_;
  Log log_;
  std::atomic<bool> quit_ = false;
  Queue<PlayerOrder> player_orders_;
  Queue<TrainerOrder> trainer_orders_;
  Queue<FileOrder> file_orders_;
  Queue<PreviewOrder> preview_orders_;
  Queue<LabOrder> lab_orders_;
  Queue<DataOrder> data_orders_;
  Queue<ArenaOrder> arena_orders_;
  Mailbox<DreamView> dream_;
  Mailbox<TrainView> train_;
  Mailbox<std::vector<RunView>> runs_;
  Mailbox<PreviewsView> previews_;
  Mailbox<NewRunView> new_run_;
  Mailbox<RunFilesView> run_files_;  // of the file thread
  Mailbox<LabView> lab_;
  Mailbox<KeepingView> keeping_;
  Mailbox<DataView> data_;
  Mailbox<ForeignView> foreign_;  // of the file thread
  Mailbox<ArenaView> arena_;
  Mailbox<Fault> fault_;
  Mailbox<LiveWeights> weights_;
  Mailbox<Metrics> reference_;  // the curves of the shipped run like the one that is trained: what normal looks like
  Mailbox<std::vector<Compared>> compared_;  // whose curves are laid over
  Mailbox<Watched> watched_;    // null: nothing to follow
  std::string unsaved_;         // why, once the trainer thread has ended
  std::string told_;            // what follow() has last said: which run, and who trains it
  FileMark followed_;           // the last checkpoint that follow() has read, whatever came of it
  double scanned_at_ = 0;       // the list of runs
  std::string expected_for_, expected_;  // the last expectation(), and of which recipe and world
  std::atomic<bool> cancel_data_ = false;
  std::atomic<std::int64_t> asked_copies_ = 0, cancelled_copies_ = 0;  // counted, as one may be cancelled before it begins
  std::shared_ptr<class DatasetWriter> kept_;  // of the file thread, which opens and fills it
  // Questions are numbered as they are asked; those up to `cancelled_` are not answered any more.
  std::atomic<std::int64_t> asked_ = 0, answering_ = 0, cancelled_ = 0;
  // The dream waits while the slowest of those beside it has more steps still to go.
  static constexpr std::int64_t most_behind = 2;
  std::atomic<bool> arena_open_ = false;
  std::atomic<std::int64_t> arena_behind_ = 0;
  std::jthread player_thread_, trainer_thread_, file_thread_, preview_thread_, lab_thread_, data_thread_, arena_thread_;
};

}  // namespace dream
