#pragma once
#include <memory>
#include <optional>
#include <string>

#include "ui/record/film_writer.h"
#include "ui/record/new_steps.h"
#include "ui/record/window_reader.h"

struct GLFWwindow;

namespace dream::ui {

struct Ui;

/// The film that is being recorded: of every step of the dream, at the world's own rate, or of the window. It hands
/// over pictures and never waits; how it ended is said.
class Recording {
 public:
  enum class What { dream, window };

  /// `lower_priority`: called by the thread that writes; may be empty.
  explicit Recording(std::function<void()> lower_priority) : lower_priority_(std::move(lower_priority)) {}
  ~Recording() { stop(); }

  void start(Ui& ui, What what);
  void stop();
  bool on() const { return writer_ && !stopped_; }
  bool busy() const { return writer_ != nullptr; }  // or what was recorded is still being written
  What what() const { return what_; }
  std::string seconds() const;  // "12.4 s"
  std::string figures() const;  // and "3.2 MB"

  void tick(Ui& ui);                                    // once a frame, after the snapshot was taken
  void window_drawn(const Ui& ui, GLFWwindow* window);  // once a frame, before it is shown

 private:
  void add_steps(const Ui& ui);
  void say_end(Ui& ui, const FilmWriter::State& state) const;

  std::function<void()> lower_priority_;
  What what_ = What::dream;
  bool beside_ = false, stopped_ = false;
  double began_ = 0, rate_ = 50;
  std::int64_t at_ = 0;  // ticks until now
  FilmWriter::State state_;
  std::optional<NewSteps> steps_;
  std::optional<WindowReader> reader_;
  std::unique_ptr<FilmWriter> writer_;
};

/// The format that is chosen, where it can be written.
FilmFormat film_format(const Ui& ui);

/// "● record", and while it records how long and, where there is room (`width` 0: as much as it takes), how much; a
/// right click chooses what is recorded and how.
void draw_record_button(Ui& ui, float width);
/// While what is driven is kept as data: how much there is; a click ends it.
void draw_keeping(Ui& ui, float width);
float keeping_width(const Ui& ui);
float record_button_width(const Ui& ui, bool figures);

struct Action;
void add_record_actions(std::vector<Action>& all);

}  // namespace dream::ui
