#pragma once
#include "core/nn/torch.h"

namespace dream {

/// Where a token lies, as waves that nobody learns: [n] places -> [n, width], half of it sines and half cosines of
/// place / 10000^(2k / width). `width` is even.
torch::Tensor waves_of(const torch::Tensor& places, std::int64_t width);

/// Of the patches of a picture in the order of reading, [rows · columns, width]: the first half waves of the column, the
/// second of the row, as facebookresearch/ijepa has them. Throws dream::Error where 4 does not divide the width.
torch::Tensor positions_in_picture(std::int64_t rows, std::int64_t columns, std::int64_t width);
/// Of a clip's, frame by frame, [frames · rows · columns, width]: a third each of time, row and column, as
/// facebookresearch/jepa has them (uniform_power). Throws dream::Error for an odd width.
torch::Tensor positions_in_clip(std::int64_t frames, std::int64_t rows, std::int64_t columns, std::int64_t width);

}  // namespace dream
