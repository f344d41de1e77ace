#pragma once
#include <memory>
#include <stdexcept>
#include <string>

#include "core/lab/question.h"

namespace dream::test {

/// A recipe as it begins, with its own settings.
inline std::shared_ptr<System> system_of(const std::string& recipe, const std::string& environment) {
  RunSpec spec;
  spec.recipe = recipe, spec.environment = environment;
  return make_system(spec);
}

/// The whole answer, with `seconds` to find it. A fault is an exception.
inline LabAnswer answer_about(const std::string& name, std::shared_ptr<System> system, double seconds = 20) {
  Bench bench(std::move(system));
  Inquiry::Asker asker;
  asker.seconds = seconds;
  auto answer = ask(question(name), bench, asker);
  if (!answer.fault.empty()) throw std::runtime_error(name + ": " + answer.fault);
  return answer;
}

inline const LabNumber& number_of(const LabAnswer& answer, const std::string& name) {
  for (const auto& each : answer.numbers)
    if (each.name == name) return each;
  throw std::runtime_error("the answer has no number " + name);
}

inline const LabFigure& figure_of(const LabAnswer& answer, const std::string& name) {
  for (const auto& each : answer.figures)
    if (each.name == name) return each;
  throw std::runtime_error("the answer has no figure " + name);
}

}  // namespace dream::test
