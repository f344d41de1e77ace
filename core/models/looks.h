#pragma once
#include "core/base/choice.h"

namespace dream {

/// What the encoder sees; automatic: the vector where the world has one, else the picture.
enum class Looks { automatic, vector, image };
constexpr auto choice_names(Looks) {
  return names_of_choice("auto", "vector", "image");
}

}  // namespace dream
