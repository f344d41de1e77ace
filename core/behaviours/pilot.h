#pragma once
#include <memory>
#include <string>

#include "core/behaviours/behaviour.h"

namespace dream {

/// A behaviour at the wheel of several lanes: it keeps the memory of each, anew with every episode.
class Pilot {
 public:
  Pilot(std::shared_ptr<Behaviour> behaviour, std::int64_t lanes, Mode mode);

  /// An episode begins there.
  void start(std::int64_t lane);
  /// Decides for every lane: [L, A]. Once per step, as memories move on.
  torch::Tensor drive(const Seen& seen, at::Generator rng);
  /// What the last decision leaves for the replay.
  const Carry& record() const { return record_; }

  void save(Checkpoint& into, const std::string& prefix) const;
  /// A run of before there were memories begins them anew.
  void load(const Checkpoint& from, const std::string& prefix);

 private:
  std::shared_ptr<Behaviour> behaviour_;
  std::int64_t lanes_;
  Mode mode_;
  Carry memory_, record_;
};

}  // namespace dream
