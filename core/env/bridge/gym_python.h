#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/base/platform_process.h"

namespace dream {

/// "gym:ALE/Pong-v5[size=64,grey=true]"
struct GymName {
  std::string world;                 // "gym:ALE/Pong-v5"
  std::vector<std::string> options;  // "size=64", "grey=true"
  /// The value of an option; "" where it is not given.
  std::string option(const std::string& name) const;
};
/// Throws dream::Error for what is not of this form.
GymName read_gym_name(const std::string& name);

/// Seconds that a step, and a start, may take. $DREAMSCOPE_GYM_TIMEOUT is the first; the other is five times as long.
struct GymPatience {
  double step = 60, start = 300;
};
GymPatience gym_patience();

/// The Python that runs environments: $DREAMSCOPE_PYTHON, else what `scripts/setup --with` has made, else python3.
/// Throws dream::Error where there is none.
std::string gym_python();
std::unique_ptr<ChildProcess> start_gym_server(const std::string& name);

}  // namespace dream
