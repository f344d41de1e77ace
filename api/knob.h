#pragma once
#include <map>
#include <string>
#include <vector>

namespace dream {

/// Knobs that mean the same thing at different places of a model, and may be moved together.
struct KnobGroup {
  std::string name = {};    // "temperature"; empty: no group
  std::string symbol = {};  // "τ": what stands beside the slider that moves them together
  std::string title = {};   // "Turn up the chance"
  std::string help = {};    // what all of them do, in a sentence or two
};

/// How much chance there is in a dream, 1 as learned.
inline const KnobGroup temperature{"temperature", "τ", "Turn up the chance",
                                   "The temperature scales how much chance goes into each step of the dream. Low is "
                                   "calm, always the likeliest; 1 is as learned; high is wild, and soon nonsense."};

/// Something that a dream can be bent by, as its model or its behaviour declares it: a temperature, a planner's budget,
/// a return to go. The window draws a control for each and knows none.
struct Knob {
  std::string name;    // "tau_mixture": of one system's knobs, it alone has it
  std::string symbol;  // "τ mix": what stands beside the slider
  std::string title;   // "τ of the mixture"
  std::string help;    // what it does in this model, in a sentence
  double minimum = 0, maximum = 1, default_value = 1;
  bool logarithmic = false;  // a slider over powers of ten
  bool whole = false;        // counts: whole numbers alone
  KnobGroup group = {};
  std::vector<std::string> choices = {};  // a knob that chooses: the names of 0, 1, …; empty: a number
  /// Of use only while another knob stands at a value, as a planner's budget while it drives: shown only then.
  struct When {
    std::string knob = {};  // empty: always
    double value = 0;
  } when = {};
};

/// Values of knobs by name. A knob that is not named stands at its default.
using KnobValues = std::map<std::string, double, std::less<>>;

inline double value_of(const KnobValues& values, const Knob& knob) {
  const auto found = values.find(knob.name);
  return found == values.end() ? knob.default_value : found->second;
}

/// All knobs of a group at one value.
inline KnobValues together(const std::vector<Knob>& knobs, const KnobGroup& group, double value) {
  KnobValues values;
  for (const auto& knob : knobs) {
    if (knob.group.name == group.name) values[knob.name] = value;
  }
  return values;
}

}  // namespace dream
