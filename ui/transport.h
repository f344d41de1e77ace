#pragma once
#include <functional>

#include "ui/ui.h"

namespace dream::ui {

/// How the hands below the pictures are shown: a low panel has one row of controls, a narrow one no keycaps.
struct Hands {
  bool keys = true;
  int lines = 1, rows = 1;  // of the sentence, of controls
  float height = 0;
};
Hands hands_for(Ui& ui, const DreamView& dream, ImVec2 panel);

/// Which keys drive and the sentence of this moment; play and step, speed, knobs, pilot. What has no room is behind a
/// button, with what `more` draws, where it is given.
void draw_transport(Ui& ui, const DreamView& dream, const Hands& hands, float width,
                    const std::function<void()>& more = {});

}  // namespace dream::ui
