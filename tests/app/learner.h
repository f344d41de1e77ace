#pragma once
#include "tests/app/live_flow.h"
#include "ui/lesson/lesson_runner.h"

namespace dream::ui {

/// Somebody who goes through a lesson with mouse and keys, as its sentences say.
class Learner : public LiveFlow {
 protected:
  const Lessons& lessons_of() { return *window->ui().lessons; }
  bool reached(std::size_t which) { return lessons_of().reached(which); }

  /// Whether a thing, a panel or a probe that a step points at stands on the screen.
  bool sees(const std::string& thing);
  /// Does what the sentence asks for, until the program has seen it.
  void do_it(ImGuiTestContext* ctx, const Reach& reach, std::size_t which);
  /// First the wrong answers, then the right one.
  void answer(ImGuiTestContext* ctx, const Question& question);

 private:
  void watch(ImGuiTestContext* ctx, const Reach& reach, std::size_t which);
  void press(ImGuiTestContext* ctx, const Reach& reach);
  void drive(ImGuiTestContext* ctx, const Reach& reach, std::size_t which);
  void drag_bars(ImGuiTestContext* ctx, const Reach& reach);
  void exchange_tokens(ImGuiTestContext* ctx, const Reach& reach);
  void hold(ImGuiTestContext* ctx, const Reach& reach);
  void couple(ImGuiTestContext* ctx, const Reach& reach);
  void set_knob(ImGuiTestContext* ctx, const Reach& reach);
  void choose(ImGuiTestContext* ctx, const std::string& setting);
  const Action* key_in(const std::string& sentence);
};

}  // namespace dream::ui
