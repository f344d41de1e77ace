#include "core/behaviours/knobs.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "api/error.h"

namespace dream {
namespace {

const Knob& knob_named(const std::vector<Knob>& knobs, const std::string& name) {
  const auto found = std::ranges::find(knobs, name, &Knob::name);
  if (found != knobs.end()) return *found;
  std::string known;
  for (const auto& knob : knobs) known += (known.empty() ? "; there is " : ", ") + knob.name;
  throw Error("neither the model nor its behaviour has a knob '" + name + "'" + known);
}

}  // namespace

std::vector<Knob> knobs_of(const WorldModel* model, const Behaviour* behaviour) {
  std::vector<Knob> all;
  if (model) all = model->knobs();
  if (!behaviour) return all;
  for (auto& knob : behaviour->knobs()) all.push_back(std::move(knob));
  return all;
}

double checked_knob(const std::vector<Knob>& knobs, const std::string& name, double value) {
  const auto& knob = knob_named(knobs, name);
  if (value >= knob.minimum && value <= knob.maximum) return knob.whole ? std::round(value) : value;
  std::ostringstream text;
  text << knob.title << " is a number from " << knob.minimum << " to " << knob.maximum << ", not " << value;
  throw Error(text.str());
}

std::pair<std::string, double> knob_from_text(const std::vector<Knob>& knobs, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) throw Error("a knob is set by name=value, not by '" + text + "'");
  const auto name = text.substr(0, equals), given = text.substr(equals + 1);
  const auto& knob = knob_named(knobs, name);
  if (const auto choice = std::ranges::find(knob.choices, given); choice != knob.choices.end())
    return {name, static_cast<double>(choice - knob.choices.begin())};
  double value = 0;
  const auto [end, failure] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (failure == std::errc{} && end == given.data() + given.size() && knob.choices.empty())
    return {name, checked_knob(knobs, name, value)};
  std::ostringstream wanted;
  if (knob.choices.empty()) wanted << "a number from " << knob.minimum << " to " << knob.maximum;
  for (std::size_t i = 0; i < knob.choices.size(); ++i) wanted << (i == 0 ? "one of " : ", ") << knob.choices[i];
  throw Error("the knob '" + name + "' is " + wanted.str() + ", not '" + given + "'");
}

}  // namespace dream
