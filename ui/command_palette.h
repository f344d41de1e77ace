#pragma once
#include <functional>
#include <string>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

/// Something that the palette can find.
struct Finding {
  std::string kind, title;  // "Run", "shipped run"
  std::string help, keys;
  std::string why_not;  // not empty: it cannot be done now
  std::function<void(Ui&)> run;
};

/// What fits the query, the best first: every word of it is in the kind, the title or the help, whatever their case.
/// Among actions, runs, worlds, panels and settings.
std::vector<Finding> find(const Ui& ui, const std::string& query);

}  // namespace dream::ui
