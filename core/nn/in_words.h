#pragma once
#include <c10/util/Exception.h>

#include <exception>
#include <string>

namespace dream {

/// What went wrong, for people; of Torch's errors without the stack.
inline std::string in_words(const std::exception& error) {
  if (const auto* torch_error = dynamic_cast<const c10::Error*>(&error)) return std::string("Torch failed: ") + torch_error->what_without_backtrace();
  return error.what();
}

}  // namespace dream
