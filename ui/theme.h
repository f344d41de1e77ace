#pragma once
#include "imgui.h"

namespace dream::ui {

/// The colours of one theme. Violet is the dream and green the real world, in every picture, plot and strip; the rest
/// is grey, with amber for a warning and red for a fault.
struct Palette {
  ImU32 background, panel, well, raised, raised_hover, border;  // from the farthest surface to the nearest
  ImU32 text, muted, faint;                                     // faint: grid lines, healthy-run bands
  ImU32 dream, dream_soft, real, real_soft, grey;
  ImU32 warning, fault, blue, pink;
};

struct Fonts {
  ImFont* text = nullptr;
  ImFont* bold = nullptr;
  ImFont* mono = nullptr;  // figures: nothing reflows while they change
};

/// Loads the embedded fonts into the current ImGui context.
Fonts load_fonts();

/// `contrast`: for a projector, whose black is grey.
const Palette& palette(bool dark, bool contrast = false);

/// Sets ImGui's and ImPlot's style. `scale` multiplies every length and the text (monitor scale × the user's choice).
void apply_theme(bool dark, float scale, bool contrast = false);

/// `colour` with its alpha multiplied by `alpha`.
ImU32 fade(ImU32 colour, float alpha);
ImU32 blend(ImU32 a, ImU32 b, float t);
ImVec4 to_vec(ImU32 colour);

/// Colour maps: a viridis-like one for magnitudes, t in [0, 1], and a blue–dark–pink one for signed values, t in [-1,
/// 1].
ImU32 magnitude_colour(float t);
ImU32 signed_colour(float t, bool dark);

}  // namespace dream::ui
