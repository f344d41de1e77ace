#pragma once
#include <filesystem>
#include <string>

#include "core/engine/system.h"
#include "core/nn/checkpoint.h"

namespace dream {

/// What a bundle says of itself (Player::keep). Throws dream::Error for a file that is none.
struct BundleOf {
  std::string run, environment, recipe, weights;  // run: its folder or file when it was kept
};
BundleOf about_bundle(const Checkpoint& bundle);
/// Whether a file is one, by what its header says.
bool is_bundle(const std::filesystem::path& file);
/// The run that it was dreamt with: where it was, or one of its name among the shipped runs or the user's own. Throws
/// dream::Error where there is none.
std::filesystem::path run_of_bundle(const Checkpoint& bundle, const std::filesystem::path& assets,
                                    const std::filesystem::path& runs);

constexpr const char* bundle_format = "dreamscope bundle 1";

}  // namespace dream
