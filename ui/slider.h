#pragma once
#include "ui/ui.h"

namespace dream::ui {

/// What a slider runs over: the way from a value to the place of its knob, 0 … 1, and back.
struct Scale {
  double low = 0, high = 1;
  bool logarithmic = false;  // powers of ten; 0 stands at the first place, six powers below the end the rest begins
  bool whole = false;        // integers alone

  double place(double value) const;
  /// The value whose knob stands there, as round as `step`, a part of the track, can tell apart; never out of range.
  double value(double place, double step) const;

 private:
  bool powers() const { return logarithmic && low >= 0 && high > low; }
  double floor() const;  // the least value above 0 that has a place of its own
  double exactly(double place) const;
};

/// A thin track with a round knob. A press on the knob moves nothing; one beside it brings the knob there. A double
/// click resets, Ctrl-click types. Values are doubles from end to end: what was not moved is not changed.
struct SliderResult {
  bool changed = false;   // *value is another one now
  bool released = false;  // the user let go of it …
  bool ended = false;     // … and its value is a new one, for which `before` is the undo
  double before = 0;
};
SliderResult slider(Ui& ui, const char* id, double* value, const Scale& scale, double reset, float width,
                    ImU32 colour = 0);

}  // namespace dream::ui
