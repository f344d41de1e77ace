#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/behaviours/behaviour.h"
#include "core/models/world_model.h"

namespace dream {

/// What a dream of `model` driven by `behaviour` can be bent by; either may be null.
std::vector<Knob> knobs_of(const WorldModel* model, const Behaviour* behaviour);

/// `value` as the knob `name` takes it. Throws dream::Error for a name that is not among them and a value out of range.
double checked_knob(const std::vector<Knob>& knobs, const std::string& name, double value);

/// "simulations=0", or "driver=CEM" of a knob that chooses. Throws dream::Error as checked_knob() does.
std::pair<std::string, double> knob_from_text(const std::vector<Knob>& knobs, const std::string& text);

}  // namespace dream
