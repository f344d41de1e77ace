#pragma once
#include <torch/types.h>

#include <vector>

#include "api/value.h"

namespace dream {

/// Any tensor as a flat vector of floats, on the CPU, row-major.
std::vector<float> floats(const torch::Tensor& tensor);
/// float [C, H, W] in [0, 1], or uint8 [H, W, C], as an Image. Throws dream::Error on any other shape.
Image image_from(const torch::Tensor& tensor);
/// float [H, W] of magnitudes as a picture: black at 0, through violet and orange, to pale yellow at `full` and above.
Image magnitude_image(const torch::Tensor& tensor, float full);
/// A tensor as rows x cols cells, symmetric about 0 when `diverging`. Throws dream::Error when the rows do not come out
/// even.
Heatmap heatmap_from(const torch::Tensor& tensor, int cols, float low, float high, bool diverging);
/// How many columns show `count` cells in even rows: 32, or the next smaller number down to 16 that divides, or all of
/// them in one row.
int columns_for(std::int64_t count);

}  // namespace dream
