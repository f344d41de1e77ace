#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "ui/lesson/deeds.h"
#include "ui/lesson/lesson_file.h"
#include "ui/lesson/markdown.h"
#include "ui/lesson/recorder.h"

namespace dream::ui {

/// A lesson's file as the list shows it.
struct LessonFile {
  std::filesystem::path path;
  bool own = false;   // the user's, not shipped
  std::string fault;  // why it cannot be opened, a sentence; empty = it can
  Lesson lesson;
  int passed = 0;  // steps
};

/// All lessons, and the one that is open: it sets the stage for each step, points, holds controls still, and looks
/// every frame at whether what it asks for is reached.
class Lessons {
 public:
  /// `own`: the user's folder, made when something is saved there; empty = nothing is remembered.
  Lessons(std::filesystem::path shipped, std::filesystem::path own);

  const std::vector<LessonFile>& files() const { return files_; }
  void read();  // both folders, once more

  /// Opens a file, wherever it lies, at this step; -1: where it was left. One with a mistake gets a row of the list that
  /// says so.
  void open(Ui& ui, const std::filesystem::path& file, int step = -1);
  void leave(Ui& ui);
  const LessonFile* current() const { return at_ < 0 ? nullptr : &files_[static_cast<std::size_t>(at_)]; }
  int step() const { return step_; }
  const LessonStep& now() const { return current()->lesson.steps[static_cast<std::size_t>(step_)]; }
  const std::vector<Block>& text() const { return text_; }
  void go(Ui& ui, int step);

  void answer(int choice);  // to the step's question
  int answered() const { return answered_; }
  bool reached(std::size_t which) const { return which < reached_.size() && reached_[which]; }
  std::string stands(const Ui& ui, const Reach& reach) const;  // "34 of 60 steps"; empty: nothing to count
  std::string missing() const;                                 // what the step still waits for; empty = nothing
  const std::string& trouble() const { return trouble_; }      // what the step asked for and could not be had

  void frame(Ui& ui);             // once a frame, before the panels are drawn
  void draw_marks(Ui& ui) const;  // … and after them: outlines
  /// Whether a command may go; one that may is counted.
  bool take(const Ui& ui, const Command& command);
  bool holds(const Command& command) const;
  /// Why the step holds this action or the control of this title still; empty = it does not.
  std::string why_locked(const std::string& action) const;
  bool hides(const std::string& what) const;
  /// The last item is the control of this title: points at it and veils it as the step wants. Why it is locked, or "".
  const std::string& mark(const Ui& ui, const std::string& title);
  bool seen(const std::string& title) const;  // mark() met it in this frame or the last
  ImVec2 middle_of(const std::string& title) const;  // of what was seen, on the screen

  Recorder recorder;
  const std::filesystem::path& own_folder() const { return own_; }

 private:
  static constexpr const char* behind_more = "More";  // the title of the button behind which controls are that have no room
  struct Mark {
    bool pointed = false;
    int brought = 0;  // into sight: how often it was tried
    std::string locked;  // the reason
    ImVec2 min = {}, max = {};
    int seen = -1;  // the frame
  };
  void begin_step(Ui& ui, const LessonStep& stage);
  void set_stage(Ui& ui);
  bool run_is_open(const Ui& ui, const std::string& run) const;
  std::string folder_of(const Ui& ui, const std::string& run) const;
  std::string with_folder(const Ui& ui, const std::string& setting) const;
  void open_run(Ui& ui, const std::string& run);
  void begin_training(Ui& ui);
  void follow(Ui& ui);
  void play_hands(Ui& ui);
  static std::string key_of(const LessonFile& file);
  void remember() const;
  bool points_behind() const;
  std::string note_of(const std::string& thing) const;

  std::filesystem::path shipped_, own_;
  std::vector<LessonFile> files_;
  int at_ = -1, step_ = 0, answered_ = -1;
  std::vector<Block> text_;
  std::vector<bool> reached_;
  std::string trouble_;
  LessonStep stage_;         // what is to be set
  std::string waits_for_;    // a run that opens
  std::string begins_;       // the folder of a run that begins; "?" until one is proposed
  bool fresh_ = false;       // the stage is cleared before it is set
  bool tab_wanted_ = false;  // not in front yet
  bool worlds_wanted_ = false;  // are brought to the front once the lesson is there
  std::string begun_;           // the folder of the run that a step has begun
  std::map<std::string, std::string> begun_by_;  // by lesson and recipe: the folder, as long as the program runs
  Watch watch_;
  std::string last_run_;
  std::int64_t last_dreamt_ = 0;
  std::size_t hand_ = 0;  // of stage_.drive
  double hand_left_ = 0;  // steps
  bool hands_on_ = false;
  std::map<std::string, Mark, std::less<>> marks_;
  struct {
    bool human = false, twin = true;
    SetCoupling coupling = {};
    float pace = 1;  // of the world's own
  } before_;  // the lesson began
};

}  // namespace dream::ui
