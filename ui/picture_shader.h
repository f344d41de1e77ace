#pragma once
#include <array>

#include "imgui.h"
#include "ui/picture_look.h"
#include "ui/texture_cache.h"

namespace dream::ui {

/// A texture on its way to the screen.
struct Drawing {
  Texture picture, other;  // other: what a difference is taken to
  ImVec2 min, max;         // where, in the window
  ImVec2 from{0, 0}, to{1, 1};  // which part of it
  PictureLook look;
  bool smooth = false;  // interpolated between its pixels, instead of crisp
  bool dark = true;     // which signed colours
};

/// Draws pictures by the program's own shader (shaders/): crisp at any size, bent by a PictureLook. Needs a current GL
/// context for its whole life.
class PictureShader {
 public:
  PictureShader() = default;
  PictureShader(const PictureShader&) = delete;
  PictureShader& operator=(const PictureShader&) = delete;
  ~PictureShader();

  /// Puts the picture into the list, opaque. It must have a texture; the shader must be there when the list is rendered.
  void draw(ImDrawList* list, const Drawing& drawing);

 private:
  struct Variant {
    unsigned program = 0;
    int display = -1, span = -1, difference = -1, one = -1, weights = -1, gain = -1, power = -1, map = -1, row = -1;
  };
  void begin(const Drawing& drawing, const ImDrawList* list, const ImDrawCmd* command);
  const Variant& variant(bool sharp, bool look);

  std::array<Variant, 4> variants_{};
  unsigned maps_ = 0;  // a texture with a colour map in every row
};

}  // namespace dream::ui
