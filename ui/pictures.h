#pragma once
#include <string>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

/// One picture of a world with its caption line above: title, what it is, its error; a coloured rule on top. It is bent by
/// Ui::look, which is then said on it; with the mouse on it, the pixel's values are shown. `size` is the picture's; the
/// whole takes caption_height() more. A missing picture keeps its place and says why. `among`: the frames of the same
/// moment, which a difference and the values are held against; none: it is shown as it is. `slot` ends with its name.
void draw_picture(Ui& ui, const std::string& slot, const std::vector<Frame>& among, const Frame* frame,
                  const std::string& name, ImVec2 size, const std::string& why_missing);

/// A picture alone, as it is unless it is told otherwise, into the current window. False if there is none.
struct ImageLook {
  PictureLook look = {};
  Texture other = {};           // of a difference
  ImVec2 from{0, 0}, to{1, 1};  // a part of it
};
bool draw_image(Ui& ui, const std::string& slot, const std::shared_ptr<const Image>& image, ImVec2 min, ImVec2 max,
                const ImageLook& how = {});

/// What is done to the picture in this rectangle, on it, if anything is; a click undoes it. The picture's own item allows
/// overlap.
void note_look(Ui& ui, const std::string& slot, const std::string& done, ImVec2 min, ImVec2 max);

/// The values under the mouse, which is on a picture: one line for each of these pictures of one size, and one for each
/// that a difference stands for.
struct PixelRow {
  std::string name;
  ImU32 colour;
  const Image* image;
  const Image* less = nullptr;  // what is taken from it
};
void show_pixel(Ui& ui, const std::string& group, const std::vector<PixelRow>& rows, ImVec2 min, ImVec2 max);
/// Frames the pixel that show_pixel told of in this or the last frame, if it was of this group and size.
void frame_pixel(Ui& ui, const std::string& group, const Image& image, ImVec2 min, ImVec2 max);

float caption_height(const Ui& ui);
ImU32 world_colour(const Ui& ui, const std::string& name);  // violet for dreams, green for what is real
const Frame* find_frame(const std::vector<Frame>& frames, const std::string& name);

}  // namespace dream::ui
