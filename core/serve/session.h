#pragma once
#include <memory>
#include <string>

#include "core/data/checked_json.h"
#include "core/dream/player.h"
#include "core/serve/json_view.h"

namespace dream {

/// One dream that another program drives: a request is a line of JSON with "do", the answer a Message. docs/serve.md has all of
/// them. What cannot be done is answered by a sentence, and the dream goes on as it was.
class Session {
 public:
  /// Loads the run's weights. Throws dream::Error where it cannot be dreamed in.
  Session(const std::filesystem::path& run, const std::string& device, std::uint64_t seed);

  /// What the dream is: its world, actions, knobs and probes.
  Message greeting();
  Message answer(const std::string& line);
  /// Newer weights of the run: the dream goes on with them.
  void take_weights(const Checkpoint& weights, const std::string& title);

 private:
  const DreamView& view();
  void act(const CheckedJson& request, Message& message);
  void step(const CheckedJson& request);
  void show(const CheckedJson& request, Message& message);

  Player player_;
  std::shared_ptr<const DreamView> view_;
};

}  // namespace dream
