#pragma once
#include <filesystem>
#include <string>

#include "api/error.h"

namespace dream {

/// A file brings a program, and the user has not agreed to run it. The message says what to do.
class Untrusted : public Error {
 public:
  Untrusted(const std::string& file, const std::string& sha256);
  std::string file, sha256;
};

/// Whether the user has agreed to run a program of this SHA-256, on this machine: one line of `trusted_programs` in the settings'
/// folder.
bool is_trusted(const std::string& sha256);
/// Remembers it, with the name of the file for people who read the list. Throws dream::Error where it cannot be written.
void trust(const std::string& sha256, const std::string& file);

}  // namespace dream
