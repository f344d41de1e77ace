#include "core/dream/bundle.h"

#include <cstdint>
#include <cstdio>

#include "api/error.h"

namespace dream {

BundleOf about_bundle(const Checkpoint& bundle) {
  const auto kind = bundle.metadata.find("kind");
  if (kind == bundle.metadata.end() || kind->second.rfind("dreamscope bundle", 0) != 0)
    throw Error(bundle.origin + " is no bundle of a dream: one is kept by the window, or by 'keep the last 30 s'");
  if (kind->second != bundle_format)
    throw Error(bundle.origin + " is a '" + kind->second + "', of another program's version; '" + bundle_format +
                "' was expected");
  return {bundle.text("run"), bundle.text("environment"), bundle.text("recipe"), bundle.text("weights")};
}

bool is_bundle(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return false;
  try {
    const auto about = Checkpoint::peek(file);
    const auto kind = about.metadata.find("kind");
    return kind != about.metadata.end() && kind->second.rfind("dreamscope bundle", 0) == 0;
  } catch (const std::exception&) {
    return false;  // whatever it is, another reader says what is wrong with it
  }
}

std::filesystem::path run_of_bundle(const Checkpoint& bundle, const std::filesystem::path& assets,
                                    const std::filesystem::path& runs) {
  const std::filesystem::path named = about_bundle(bundle).run;
  const auto name = named.has_filename() ? named.filename() : named.parent_path().filename();
  std::error_code ignored;
  for (const auto& place : {named, assets / "runs" / name, runs / name}) {
    if (std::filesystem::is_regular_file(place / "checkpoint.safetensors", ignored) ||
        (std::filesystem::is_regular_file(place, ignored) && place == named))
      return place;
  }
  throw Error(bundle.origin + " was dreamt with " + named.string() + ", which is not here, nor is a run of that name in " +
              (assets / "runs").string() + " or " + runs.string());
}

}  // namespace dream
