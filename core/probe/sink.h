#pragma once
#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/value.h"

namespace dream {

/// Collects the probes that somebody watches. A model asks wants() first, so that nothing is computed in vain; of two that
/// would put the same one, it is the first one's.
class ProbeSink {
 public:
  explicit ProbeSink(std::set<std::string> watched) : watched_(std::move(watched)) {}

  bool wants(const std::string& name) const {
    return watched_.contains(name) && std::ranges::find(probes_, name, &Probe::name) == probes_.end();
  }

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
