#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "ui/record/film_picture.h"

struct GLFWwindow;

namespace dream::ui {

/// Reads the window back without waiting for it: a picture that is asked for comes when the next two have been. Needs a
/// current OpenGL context for its whole life.
class WindowReader {
 public:
  WindowReader();
  ~WindowReader();
  WindowReader(const WindowReader&) = delete;
  WindowReader& operator=(const WindowReader&) = delete;

  /// Asks for the frame that was drawn and is not shown yet, as the one of time `at`.
  void ask(GLFWwindow* window, std::int64_t at);
  /// The oldest that was asked for; none while it is under way, unless there is no more to come (`all`).
  std::optional<FilmPicture> take(bool all);

 private:
  struct Slot {
    unsigned buffer = 0;
    std::int64_t at = 0;
    int width = 0, height = 0;
    std::size_t bytes = 0;
  };
  std::array<Slot, 3> slots_;  // a ring
  std::size_t oldest_ = 0, count_ = 0;
};

}  // namespace dream::ui
