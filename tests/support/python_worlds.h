#pragma once
#include <cstdlib>
#include <memory>
#include <string>

#include "api/error.h"
#include "core/env/registry.h"

namespace dream::test {

inline constexpr const char* without_gymnasium = "no Python with Gymnasium; scripts/setup --tests brings one";

/// Whether there is a Python with Gymnasium. tests/support/gym_worlds.py is in its reach.
inline bool gymnasium_is_there() {
  static const bool there = [] {
    setenv("PYTHONPATH", DREAMSCOPE_SOURCE_DIR "/tests/support", 1);
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    try {
      make_env("gym:CartPole-v1");
      return true;
    } catch (const Error& error) {
      return std::string(error.what()).find("--with gymnasium") ==
             std::string::npos;  // another failure shows in the tests
    }
  }();
  return there;
}

}  // namespace dream::test
