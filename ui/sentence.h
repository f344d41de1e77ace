#pragma once
#include <string>

#include "ui/ui.h"

namespace dream::ui {

/// The one sentence under the pictures: what matters to whoever plays now.
struct Sentence {
  std::string text;
  ImU32 colour = 0;
};
Sentence sentence(Ui& ui);

}  // namespace dream::ui
