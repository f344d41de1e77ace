#pragma once
#include <string>
#include <vector>

#include "api/command.h"

namespace dream::ui {

/// What a lesson can point at or hold still. A control is known by the title of its tooltip, which every control has.
struct Thing {
  std::string name, what;                  // what: "the temperature", in a sentence
  std::vector<std::string> titles;         // of tooltips; empty: nothing to point at
  std::vector<std::string> actions;        // of the table, that do the same
  bool (*does)(const Command&) = nullptr;  // whether a command is this control's; null: nothing to hold still
};
const std::vector<Thing>& things();
const Thing* find_thing(const std::string& name);

}  // namespace dream::ui
