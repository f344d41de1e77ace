#pragma once
#include <string>

#include "core/data/checked_json.h"
#include "core/data/minari.h"

namespace dream::minari {

/// What serves a model of the observations and actions of a dataset that is not ours, from Gymnasium's spaces in its
/// metadata.json; `file` is how messages call that.
///
/// The picture is the first part (dictionaries in the order of their names) that is one: 8 bits, or numbers between 0 and 1
/// or 255, of a picture's shape; where there is none, numbers between other bounds, of 32 pixels or more a side;
/// or else without bounds, of 4096 numbers or more, whose meaning the first episode tells (`no_pictures` are those of which it has told
/// otherwise). The vector is made of all numbers, one part after another: boxes laid flat, whole numbers of several choices as they are, one choice as a
/// one-hot, or as its index where there is nothing else or it has more than 256. What remains (texts, further pictures, boxes of
/// more than 4096 numbers, what of a picture is not taken) is left out, and listed. Actions are choices, several at once
/// counted as one of all combinations; or numbers laid flat where a box is among them, choices beside it as one-hots. Throws dream::Error
/// naming the part and what was expected.
void read_foreign_spaces(const std::string& file, const CheckedJson& metadata, const std::vector<NoPicture>& no_pictures, DatasetInfo& info, Layout& layout);

}  // namespace dream::minari
