#pragma once
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

/// What has happened since a step of a lesson began.
struct Watch {
  double steps = 0, driven = 0;  // of dreams; under a person's hands
  int pills = 0, goals = 0, rolls = 0, starts = 0, released = 0, visited = 0;
  std::set<std::pair<std::string, int>> edited;  // elements of probes
  std::string tab;                               // of Mind, in front
};

/// Something that a lesson can ask for and the program can see. `measure` says how it stands now, not a number where
/// nothing is known.
struct Deed {
  enum class Kind { count, flag, exact, word, named };
  std::string name, unit;
  Kind kind = Kind::count;
  double low = 0, high = 0;  // of the value that a lesson may give
  double (*measure)(const Ui&, const Watch&, const std::string& name) = nullptr;
  std::vector<std::string> words = {};  // of a word: what it may be; empty: anything
};
const std::vector<Deed>& deeds();
const Deed* find_deed(const std::string& name);

}  // namespace dream::ui
