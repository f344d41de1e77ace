#pragma once
#include <stdexcept>
#include <string>

namespace dream {

/// The one exception type. Its message is shown to the user as it is: it names the file or field, what was
/// found, what was expected, and where possible what to do next.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace dream
