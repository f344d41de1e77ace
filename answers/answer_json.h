#pragma once
#include <nlohmann/json.hpp>

#include "api/lab.h"

namespace dream {

constexpr int answer_version = 2;  // of what questions measure: older answers are not taken for today's

/// An answer as JSON; numbers that cannot be told are null. Without `whole`, pictures and the actions of moments are
/// left out: for people's scripts. With it, answer_from_json gives the same answer again (pictures are binary: CBOR
/// holds them).
nlohmann::json answer_to_json(const LabAnswer& answer, bool whole);
/// Throws nlohmann::json::exception for anything else.
LabAnswer answer_from_json(const nlohmann::json& json);

}  // namespace dream
