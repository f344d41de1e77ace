#pragma once
#include <filesystem>
#include <string>

#include "ui/lesson/deeds.h"
#include "ui/lesson/lesson_file.h"

namespace dream::ui {

/// Writes a lesson from what a teacher does in the window.
class Recorder {
 public:
  void begin(const Ui& ui);  // a new lesson, from the present moment on
  void stop() { on_ = false; }
  bool on() const { return on_; }

  void take(const Ui& ui, const Command& command);   // one that was sent
  void frame(const Ui& ui, const std::string& tab);  // notices what no command says: workspace and tab

  /// What was done since the last step, in words; empty = nothing.
  std::string heard() const;
  /// Ends a step. `learner`: what was done is what the learner must do; else the lesson does it.
  void add(const std::string& title, const std::string& text, bool learner);
  void remove_last();
  const Lesson& lesson() const { return lesson_; }

  /// Writes the lesson into a file of its own in `folder`, named after its title, and gives its path. Throws
  /// dream::Error when it cannot be written or has no steps.
  std::filesystem::path save(const std::string& title, const std::string& about,
                             const std::filesystem::path& folder) const;

 private:
  bool on_ = false;
  Lesson lesson_;
  LessonStep done_;  // since the last step
  Watch counts_;     // of what has no place in a step
  std::vector<LatentHold> held_;
  std::map<std::string, double> before_;  // knobs, when they were first moved in this step
  std::string workspace_, tab_;
};

/// The panel's page while a lesson is recorded.
void draw_recording(Ui& ui);

}  // namespace dream::ui
