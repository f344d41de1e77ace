#include "core/env/bridge/gym_python.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "api/error.h"
#include "core/base/platform.h"
#include "core/base/text.h"

namespace dream {
namespace {

namespace fs = std::filesystem;

fs::path gym_server_script() {
  std::error_code ignored;
  for (auto folder = program_directory(); !folder.empty(); folder = folder.parent_path()) {
    if (const auto file = folder / "scripts" / "gym_server.py"; fs::is_regular_file(file, ignored)) return file;
    if (folder == folder.root_path()) break;
  }
  throw Error(
      fmt::format("scripts/gym_server.py is not beside the program, or above it; it was looked for from '{}' upwards.",
                  program_directory().string()));
}

}  // namespace

std::string GymName::option(const std::string& name) const {
  for (const auto& option : options)
    if (option.starts_with(name + "=")) return option.substr(name.size() + 1);
  return "";
}

GymName read_gym_name(const std::string& name) {
  const auto bracket = name.find('[');
  GymName read{name.substr(0, bracket), {}};
  if (bracket != std::string::npos && name.back() != ']')
    throw Error(fmt::format("'{}': the bracket of its options does not close.", name));
  for (std::size_t from = bracket; from < name.size() - 1;) {
    const auto end = std::min(name.find(',', from + 1), name.size() - 1);
    read.options.push_back(name.substr(from + 1, end - from - 1));
    if (const auto equals = read.options.back().find('='); equals == 0 || equals == std::string::npos)
      throw Error(fmt::format("'{}': an option reads name=value, as in gym:ALE/Pong-v5[size=64,grey=true].", name));
    from = end;
  }
  const auto colon = read.world.find(':');
  if (colon == 0 || colon + 1 >= read.world.size())
    throw Error(fmt::format("'{}' names no environment; a name reads gym:CartPole-v1.", name));
  return read;
}

GymPatience gym_patience() {
  const char* text = std::getenv("DREAMSCOPE_GYM_TIMEOUT");
  if (!text || !*text) return {};
  const auto seconds = finite_number(text);
  if (!seconds || *seconds <= 0)
    throw Error(fmt::format("DREAMSCOPE_GYM_TIMEOUT is '{}', expected seconds.", printable(text)));
  return {*seconds, 5 * *seconds};
}

std::string gym_python() {
  if (const char* named = std::getenv("DREAMSCOPE_PYTHON"); named && *named) return named;
  std::error_code ignored;
  if (const auto own = cache_directory() / "worlds" / "bin" / "python"; fs::exists(own, ignored)) return own.string();
  const auto found = program_in_path("python3");
  if (found.empty())
    throw Error(
        "There is no Python for its environment; run scripts/setup --with gymnasium, or name one in "
        "DREAMSCOPE_PYTHON.");
  return found;
}

std::unique_ptr<ChildProcess> start_gym_server(const std::string& name) {
  const auto read = read_gym_name(name);
  std::vector<std::string> arguments{read.world};
  arguments.insert(arguments.end(), read.options.begin(), read.options.end());
  return std::make_unique<ChildProcess>(gym_python(), std::vector<std::string>{gym_server_script().string()},
                                        arguments);
}

}  // namespace dream
