#pragma once
#include <cstdint>
#include <vector>

namespace dream {

/// Brings a picture to another size. The filter is the triangle of Pillow's BILINEAR, its support stretched when
/// shrinking (what scipy's imresize did for "World Models"): every output pixel is the weighted mean of all source
/// pixels that it covers.
class Resizer {
 public:
  Resizer(int from_height, int from_width, int channels, int height, int width);
  /// uint8 [from_height, `stride` pixels, C], of which the first from_width count -> [height, width, C].
  void operator()(const std::uint8_t* from, int stride, std::uint8_t* out);

 private:
  struct Tap {  // one output coordinate: source pixels first … first + count, weights in taps' own array
    int first, count, offset;
  };
  struct Axis {
    std::vector<Tap> taps;
    std::vector<float> weights;
  };
  static Axis axis(int from, int to);

  int rows_, from_width_, channels_, height_, width_;
  Axis across_, down_;
  std::vector<float> line_, shrunk_;  // a row of the source; all rows, as wide as the result
};

}  // namespace dream
