#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "api/value.h"

namespace dream::ui {

/// A picture of a film as it is handed over: worlds' pictures side by side, or the window.
struct FilmPicture {
  std::int64_t at = 0;                                    // ticks since the film began
  std::vector<std::shared_ptr<const Image>> worlds = {};  // of one size; two are the dream and the real one
  Image window = {};                                      // where there are no worlds: BGRA, the lowest row first

  std::size_t bytes() const;
};

/// As it is written, RGB: every pixel of a world as a square of so many that the picture has about 512 a side; of two,
/// the dream with a violet line above and the real one with a green one.
Image compose(const FilmPicture& picture);

}  // namespace dream::ui
