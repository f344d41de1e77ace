// The runs that a lesson opens, and those that it has its learner train.
#include <algorithm>

#include "ui/lesson/lesson_runner.h"
#include "ui/panels/runs.h"

namespace dream::ui {

namespace fs = std::filesystem;

bool Lessons::run_is_open(const Ui& ui, const std::string& run) const {
  const fs::path open = ui.dream().run;
  return ui.dream().ready && (run == begun_run ? open.lexically_normal() == fs::path(begun_).lexically_normal() : open.filename() == run);
}

/// The folder of a run beside the lesson, of a shipped one, or of the one that the lesson has begun: nothing else is within its reach.
std::string Lessons::folder_of(const Ui& ui, const std::string& run) const {
  if (run == begun_run) return begun_;
  std::error_code ignored;
  const fs::path folder = fs::weakly_canonical(current()->path.parent_path(), ignored), beside = folder / run;
  std::string path;
  if (fs::is_directory(beside, ignored) && fs::weakly_canonical(beside, ignored).parent_path() == folder)
    path = beside.string();
  for (const RunView& each : *ui.snapshot->runs)
    if (path.empty() && each.usable && each.shipped && fs::path(each.path).filename() == run)
      path = each.path;
  return path;
}

/// "vm.from=run:doom" with that run's folder in place of its name; as it is where there is no such run: then the run that is to begin says so.
std::string Lessons::with_folder(const Ui& ui, const std::string& setting) const {
  const std::string mark = "=run:";
  const std::size_t at = setting.find(mark);
  const std::string folder = at == std::string::npos ? "" : folder_of(ui, setting.substr(at + mark.size()));
  return folder.empty() ? setting : setting.substr(0, at + 1) + folder;
}

void Lessons::open_run(Ui& ui, const std::string& run) {
  const std::string path = folder_of(ui, run);
  if (path.empty()) {
    trouble_ = run == begun_run ? "This step is about the run that the lesson has you train: go back to where it begins."
                                : "The run '" + run + "' is neither shipped nor beside the lesson: this step goes on with what is open.";
    return set_stage(ui);
  }
  waits_for_ = run;
  fresh_ = true;
  ui.engine.send(OpenRun{path});
}

/// In a folder of its own, once one is proposed; never in the place of a training that runs.
void Lessons::begin_training(Ui& ui) {
  const TrainView& train = ui.train();
  const Training& wanted = *stage_.train;
  if (begins_ == "?") {
    const NewRunView& proposed = *ui.snapshot->new_run;
    if (proposed.recipe != wanted.recipe || proposed.environment != wanted.world || proposed.settings != wanted.settings) return;
    if (is_taken(*ui.snapshot, proposed.free_folder)) return;  // an answer of before
    if (!proposed.wrong.empty() || train.busy) {
      trouble_ = proposed.wrong.empty() ? train.run + " is being trained: stop it (Train), and open this step again."
                                        : "This step's run cannot be begun: " + proposed.wrong;
      begins_.clear();
      return;
    }
    begins_ = proposed.free_folder;
    ui.engine.send(StartRun{wanted.recipe, wanted.world, begins_, wanted.settings});
    begun_ = begun_by_[key_of(*current()) + "\n" + wanted.recipe] = begins_;
    ui.engine.send(TrainControl{TrainControl::Do::start, ""});
  } else if (fs::path(train.run).lexically_normal() == fs::path(begins_).lexically_normal() && train.busy) {
    begins_.clear();
  }
}

}  // namespace dream::ui
