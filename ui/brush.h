#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/command.h"
#include "api/snapshot.h"
#include "imgui.h"

namespace dream::ui {

struct Ui;

/// Paints on the dream's picture, pixel by pixel of the world's own, and lets the dream go on from what the model's
/// encoder makes of it. While it is painted on, the dream waits; that the dream saw a painting is one step to undo.
class Brush {
 public:
  /// Why there is nothing to paint on, in a sentence; empty: there is.
  static std::string why_not(const Ui& ui);

  bool active() const { return !states_.empty(); }
  void begin(Ui& ui);
  void put_back(Ui& ui);  // nothing was painted
  void dream_on(Ui& ui, bool first = false);  // with its next step the dream sees it; `first`: and nothing before it

  bool can_undo() const { return at_ > 0; }
  bool can_redo() const { return at_ + 1 < states_.size(); }
  void undo() { at_ -= can_undo(); }  // a stroke
  void redo() { at_ += can_redo(); }

  /// Once a frame, after the snapshot was taken: waits until the dream has seen the painting.
  void tick(Ui& ui);

  void draw_canvas(Ui& ui, ImVec2 size);  // in the dream's place; see draw_picture()
  void draw_tools(Ui& ui, float width, int rows);

  /// While the dream goes on from a painting: the dream under its caption, "reconstruction", what the model made of the
  /// painting with its error, and "painted". Else none.
  std::vector<Frame> frames(const DreamView& dream) const;

  /// Round, of a hard edge, along the straight line between two places of the picture in pixels. `colour`: of a picture
  /// of one channel the first value counts.
  using Colour = std::array<std::uint8_t, 3>;
  static void paint(Image& image, ImVec2 from, ImVec2 to, float diameter, Colour colour);

 private:
  using Picture = std::shared_ptr<const Image>;
  void take(Colour colour);
  void draw_colour(Ui& ui, float width);
  void draw_recent(Ui& ui);

  std::string run_;              // whose dream is painted on
  std::vector<Picture> states_;  // one more with every stroke
  std::size_t at_ = 0;           // the one that is shown
  Colour colour_{255, 255, 255};
  std::vector<Colour> recent_;  // painted with, the last one first
  double diameter_ = 6;         // pixels of the world
  ImVec2 last_;                 // where the stroke is, in pixels
  bool picking_ = false, goes_on_ = false, stroke_ = false, first_ = false;

  struct Asked {  // the dream waits at `from` until it has seen the painting
    bool sent = false;
    double until = 0;  // then it was refused …
    std::string fault;  // … as when a fault comes that was not there before
    std::int64_t from = 0;
    SetCoupling before;
  };
  std::optional<Asked> asked_;
  struct Seen {
    Picture picture, made_of_it;
    double error = -1;
    std::int64_t instant = 0, step = 0;
  };
  Seen seen_;
};

}  // namespace dream::ui
