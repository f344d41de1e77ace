#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "api/engine.h"
#include "tests/ui/fake_data.h"
#include "tests/ui/fake_lab.h"

namespace dream::ui {

/// An engine for tests and manual runs of the window: scripted, plausible snapshots (moving synthetic pictures, z, a
/// mixture, a hidden state, curves), and a record of every command. It answers a command as the real one would, with
/// the next tick.
class FakeEngine : public Engine {
 public:
  FakeEngine();
  void send(Command command) override;
  std::shared_ptr<const Snapshot> latest() const override;

  /// One published moment: moves the pictures on by a step when the dream plays.
  void tick();

  /// Changes what the next ticks show (a fault, no dream yet …).
  DreamView& dream() { return dream_; }
  TrainView& train() { return train_; }
  std::string& fault() { return fault_; }
  double knob(const std::string& name) const {  // what it is set to
    for (const auto& k : dream_.knobs) {
      if (k.knob.name == name) return k.value;
    }
    return 0;
  }
  std::vector<RunView>& runs() { return runs_; }

  RunFilesView& run_files() { return files_; }
  FakeLab& lab() { return lab_; }
  FakeData& data() { return data_; }
  void ask_foreign(ForeignView what) { foreign_ = std::move(what), publish(); }
  NewRunView& new_run() { return new_run_; }

  /// The second scripted family in place of the first (tests/ui/fake_recurrent.h).
  void become_recurrent();

  bool lives = false;  // every step of a dream that plays becomes an instant of the timeline, with its picture
  std::string without_probe;  // that is not published
  std::vector<Probe> more_probes;  // that are, where their names are among probe_names
  bool refuses_pictures = false;

  std::vector<Command> commands;  // everything that was sent, in order

  /// The last command of this type, or null.
  template <class T>
  const T* last() const {
    for (auto it = commands.rbegin(); it != commands.rend(); ++it)
      if (const T* found = std::get_if<T>(&*it)) return found;
    return nullptr;
  }
  template <class T>
  int count() const {
    int n = 0;
    for (const Command& command : commands) n += std::holds_alternative<T>(command);
    return n;
  }

 private:
  void publish();
  void live();
  void see(const Image& picture);
  void fill_probes();
  void fill_frames();
  std::shared_ptr<const Image> look_at_replay(double recency) const;

  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> latest_;
  DreamView dream_;
  TrainView train_;
  std::vector<RunView> runs_;
  PreviewsView previews_;
  NewRunView new_run_;
  RunFilesView files_;
  FakeLab lab_;
  FakeData data_;
  KeepingView keeping_;
  ForeignView foreign_;
  ArenaView arena_;
  std::vector<LogLine> log_;
  std::string fault_;
  std::vector<float> z_;
  std::vector<std::pair<int, float>> edits_;
  std::set<std::string> watched_;
  bool recurrent_ = false;
  double road_ = 0;
  std::shared_ptr<const Image> made_of_painting_;  // what the dream shows until it goes on
};

}  // namespace dream::ui
