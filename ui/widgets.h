#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

// Icons of the embedded Font Awesome.
namespace icon {
inline constexpr const char* play = "\xef\x81\x8b";
inline constexpr const char* pause = "\xef\x81\x8c";
inline constexpr const char* step = "\xef\x81\x91";     // step-forward
inline constexpr const char* back = "\xef\x81\x8a";     // backward
inline constexpr const char* restart = "\xef\x81\x88";  // step-backward
inline constexpr const char* shuffle = "\xef\x81\xb4";
inline constexpr const char* link = "\xef\x83\x81";
inline constexpr const char* unlink = "\xef\x84\xa7";
inline constexpr const char* folder = "\xef\x81\xbc";
inline constexpr const char* warning = "\xef\x81\xb1";
inline constexpr const char* close = "\xef\x80\x8d";
inline constexpr const char* check = "\xef\x80\x8c";
inline constexpr const char* dice = "\xef\x94\xa2";
inline constexpr const char* sliders = "\xef\x87\x9e";
inline constexpr const char* bars = "\xef\x83\x89";
inline constexpr const char* pin = "\xef\x82\x8d";   // thumbtack
inline constexpr const char* copy = "\xef\x83\x85";
inline constexpr const char* save = "\xef\x80\x99";  // download
inline constexpr const char* note = "\xef\x81\x9a";  // circle-info
inline constexpr const char* clock = "\xef\x80\x97";
}  // namespace icon

/// Pushes a font (and a size relative to the base, 1 = 16 px) for one scope.
class WithFont {
 public:
  WithFont(ImFont* font, float relative = 1);
  ~WithFont();
  WithFont(const WithFont&) = delete;
  WithFont& operator=(const WithFont&) = delete;
};

/// The last item is what a lesson may point at by this name. A tooltip's title is such a name by itself.
void mark(const Ui& ui, const std::string& name);

/// A tooltip beside the last item, not over it: a bold title (with the paper's symbol), a sentence, and the key, if
/// any. `more`: room for what the caller adds to it.
void tip(const Ui& ui, const char* title, const char* sentence, const char* keys = nullptr, ImVec2 more = {0, 0});

/// Where a tooltip of this size stands beside an item, never over it where the window has room: at its side rather than
/// below it if `upright`.
ImVec2 place_beside(ImVec2 min, ImVec2 max, ImVec2 size, float gap, bool upright);

void text(ImU32 colour, const char* format, ...) IM_FMTARGS(2);
void mono(const Ui& ui, ImU32 colour, const char* format, ...) IM_FMTARGS(3);

/// A line with a bold title at the left and a muted note at the right of the given width (0 = what is available);
/// the note is cut with … when it does not fit, and shown whole on hover.
void header(const Ui& ui, const std::string& title, ImU32 colour, const std::string& note, float width = 0);

struct ButtonLook {
  bool accent = false;  // the one that matters now
  bool small = false;
  const char* keys = nullptr;  // shown in the tooltip
  std::string why_not = {};    // not empty: disabled, with the reason on hover
  float width = 0;             // 0: as wide as the label
};
bool button(const Ui& ui, const char* label, const char* title, const char* sentence, const ButtonLook& look = {});

/// A button that runs an action of the table.
bool action_button(Ui& ui, const char* label, const char* id, bool accent = false, float width = 0);

/// Buttons of which one is chosen. Gives the clicked index, or -1.
int segmented(const Ui& ui, const char* id, const std::vector<std::string>& labels, int chosen,
              const std::vector<std::string>& sentences = {});

/// A key as drawn on a keyboard, lit by `amount` in [0, 1]; a higher one has larger letters.
void keycap(const Ui& ui, const char* label, float amount, ImVec2 min_size = {0, 0});

void progress_bar(const Ui& ui, double fraction, ImU32 colour, float width, float height);

/// A rounded dark well of this size; returns its rectangle and advances the cursor (an invisible button named `id`).
struct Well {
  ImVec2 min, max;
  bool hovered = false, active = false;
  float width() const { return max.x - min.x; }
  float height() const { return max.y - min.y; }
};
Well well(const Ui& ui, const char* id, ImVec2 size);

/// Draws `text` so that it ends at x = right.
void right_text(ImDrawList* list, float right, float y, ImU32 colour, const char* text);

/// The area between a line and y0, and the line itself, in pixels.
void fill_under(ImDrawList* list, const std::vector<ImVec2>& points, float y0, ImU32 colour);

/// Muted text in the middle of a rectangle, wrapped.
void centred_note(const Ui& ui, ImVec2 min, ImVec2 max, const std::string& text);

/// `text` in the current font, cut with … to `room` pixels.
std::string fitted(const std::string& text, float room);

/// Whether every word of `wanted` is somewhere in `text`, in small letters or large ones.
bool holds(const std::string& text, const std::string& wanted);

/// The part of a setting's key before the first dot; "" for one of the whole run. And the whole name: "world · horizon H".
std::string group_of(const std::string& key);
std::string setting_name(const Field& field);

std::string short_time(double seconds);            // "5 min", "2 h 10 min", "12 s"
std::string short_bytes(double bytes);             // "1.2 GB"
std::string short_number(double value);            // 4 significant figures, fixed notation where readable
std::string axis_number(double value);             // 3 significant figures: "0.75"
std::string with_separators(std::int64_t number);  // "48,000"
std::string subscript(int number);                 // "₁₂"

}  // namespace dream::ui
