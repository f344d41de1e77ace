#pragma once

namespace dream::ui {

/// A rectangle, in pixels from the upper left corner of what is divided. One without a size is not shown.
struct Place {
  float x = 0, y = 0, width = 0, height = 0;
  bool shown() const { return width > 0 && height > 0; }
  float right() const { return x + width; }
  float bottom() const { return y + height; }
};

/// What the pictures of a world share, in pixels.
struct Room {
  float width = 0, height = 0;
  int frame_width = 64, frame_height = 64;  // of a picture, in pixels of its own
  float caption = 0;                        // height of the line above each picture
  float gap = 0;                            // between two things side by side
  float least = 0;                          // width under which a picture beside the dream says nothing
  float coupling = 0;                       // height of the row of controls under the real picture; 0: none
  float figures = 0;                        // width of the column of figures; 0: none
  bool small = true;                        // reconstruction and difference are wanted too
  float given_up = 1.0f / 7;                // share of its size that the dream gives up for what has no room else
};

/// Where things go: pictures without their captions, which stand above them.
struct Places {
  Place dream, real, reconstruction, difference, coupling, figures;
};

/// The dream is as large as it can be and always the largest; the real picture, the two small ones and the figures
/// stand beside or below it. For what cannot be shown otherwise the dream gives up a share of its size; what has no
/// room then is not shown: first the figures, then the small pictures, then the real one. Pictures are whole
/// multiples of their pixels where that costs no more than a fifth; the shader keeps others crisp too.
Places arrange(const Room& room);

}  // namespace dream::ui
