#pragma once
#include <string>

#include "ui/ui.h"

namespace dream::ui {

/// One picture of a world with its caption line above: title, what it is, its error; a coloured rule on top.
/// `size` is the picture's; the whole takes caption_height() more. A missing picture keeps its place and says why.
void draw_picture(Ui& ui, const std::string& slot, const Frame* frame, const std::string& name, ImVec2 size,
                  const std::string& why_missing);

float caption_height(const Ui& ui);
ImU32 world_colour(const Ui& ui, const std::string& name);  // violet for dreams, green for what is real
const Frame* find_frame(const std::vector<Frame>& frames, const std::string& name);

}  // namespace dream::ui
