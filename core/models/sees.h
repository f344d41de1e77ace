#pragma once
#include "core/base/choice.h"

namespace dream {

/// What a model's encoder sees.
enum class Sees { image, vector, both };
constexpr auto choice_names(Sees) {
  return names_of_choice("image", "vector", "both");
}

}  // namespace dream
