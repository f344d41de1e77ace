#pragma once
#include <memory>
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "nlohmann/json.hpp"

namespace dream {

/// What is said to another program: a line of JSON, and behind it the bytes of pictures, whose sizes it gives as "blobs".
struct Message {
  nlohmann::ordered_json json;
  std::vector<std::shared_ptr<const Image>> pictures = {};

  /// The line with its end, and the bytes.
  std::string bytes() const;
};

/// {"kind": "categorical", "groups": 32, …}: the fields of api/value.h by their names. Of a picture "blob" says which one of the
/// message's it is; what is not a number is null.
nlohmann::ordered_json json_of(const std::shared_ptr<const Value>& value, Message& message);
nlohmann::ordered_json json_of(const Frame& frame, Message& message);
nlohmann::ordered_json json_of(const Probe& probe, Message& message);
nlohmann::ordered_json json_of(const Knob& knob, double value);
nlohmann::ordered_json json_of(const ActionSpace& space);

}  // namespace dream
