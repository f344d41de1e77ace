#pragma once
#include "api/error.h"

namespace dream {

/// A world of another program has died, hung, raised an error or shown what nobody can use: its fault, and not that of whoever acts
/// in it. After reset() it may serve again.
class WorldFault : public Error {
 public:
  using Error::Error;
};

}  // namespace dream
