#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "api/value.h"

namespace dream::ui {

/// A picture in 256 colours at most.
struct Indexed {
  std::vector<std::array<std::uint8_t, 3>> colours;  // RGB
  std::vector<std::uint8_t> pixels;                  // an index of `colours` each
};

/// The same picture where it has 256 colours or fewer; else with those that are nearest to its own: its colours are
/// parted where they differ most, until there are 256 parts, and each part is seen as its mean.
Indexed indexed(const Image& rgb);

}  // namespace dream::ui
