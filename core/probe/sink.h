#pragma once
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/value.h"

namespace dream {

/// Collects the probes that somebody watches. A model asks wants() first, so that nothing is computed in vain.
class ProbeSink {
 public:
  explicit ProbeSink(std::set<std::string> watched) : watched_(std::move(watched)) {}

  bool wants(const std::string& name) const { return watched_.contains(name); }

  void put(std::string name, std::string title, std::string caption, Value value, bool editable = false) {
    probes_.push_back({std::move(name), std::move(title), std::move(caption), editable,
                       std::make_shared<const Value>(std::move(value))});
  }

  std::vector<Probe> take() { return std::move(probes_); }

 private:
  std::set<std::string> watched_;
  std::vector<Probe> probes_;
};

}  // namespace dream
