// Pictures of the batch that is being trained on.
#include <algorithm>
#include <cmath>

#include "ui/panel_list.h"
#include "ui/pictures.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {

void draw_batch(const Snapshot& snapshot, Ui& ui) {
  const std::vector<Frame>& frames = snapshot.train->frames;
  const ImVec2 space = ImGui::GetContentRegionAvail(), at = ImGui::GetCursorScreenPos();
  if (frames.empty()) {
    centred_note(ui, at, {at.x + space.x, at.y + std::min(space.y, ui.px(120))},
                 "While a phase trains, its batch appears here: the real frame and what the model makes of it.");
    return;
  }
  const int columns = space.x > ui.px(260) ? 2 : 1;
  const float gap = ui.px(12), width = (space.x - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (static_cast<int>(i) % columns) ImGui::SameLine(0, gap);
    const Frame& frame = frames[i];
    const int w = frame.image ? frame.image->width : 64, h = frame.image ? frame.image->height : 64;
    draw_picture(ui, "batch/" + frame.name, &frame, frame.name, fit_picture(w, h, {width, space.y}), "Not made yet.");
  }
}

}  // namespace dream::ui
