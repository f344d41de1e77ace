#pragma once
#include <cstdint>
#include <string>

#include "core/data/episode.h"
#include "core/data/hdf5_file.h"
#include "core/data/minari.h"

namespace dream {

/// The episode in the group `group` of a file. Every shape, type and value is checked against the dataset's spaces;
/// throws dream::Error naming file and array. Both need an Hdf5Access.
Episode read_episode(const Hdf5Reader& file, const std::string& group, const minari::Metadata& metadata);

struct FoundGreys {
  std::optional<Greys> greys;
  std::string array, why;  // what was read, and without greys what is wrong with it
};
/// What the numbers of its picture are, of one without bounds. Throws dream::Error as read_episode() does.
FoundGreys read_greys(const Hdf5Reader& file, const std::string& group, const minari::Metadata& metadata);

/// Its number of steps, after the same checks of shapes and types; the data are not read.
std::uint64_t read_length(const Hdf5Reader& file, const std::string& group, const minari::Metadata& metadata);

}  // namespace dream
