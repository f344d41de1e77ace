#pragma once
#include <functional>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

/// One control of a row: how wide it is, at least and at most, and what draws it at a width.
struct Control {
  float least = 0, most = 0;
  std::function<void(float width)> draw;
};

/// Controls side by side, from the first to the last, over `rows` rows at most. What has no room is behind a button "…"
/// at the end, and so is what `more` draws, where it is given.
void control_row(Ui& ui, const char* id, const std::vector<Control>& controls, float width, int rows = 1,
                 const std::function<void()>& more = {});

/// How many rows it takes to show them all, `most` at most.
int rows_for(const Ui& ui, const std::vector<Control>& controls, float width, int most);

}  // namespace dream::ui
