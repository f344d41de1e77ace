#include "core/base/durable_file.h"

#include <fstream>
#include <system_error>

#include "api/error.h"

namespace dream {

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  DurableFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

void check_destination(const std::filesystem::path& path) {
  const DurableFile unwritten(path);
}

std::uint64_t regular_file_size(const std::filesystem::path& path) {
  std::error_code code;
  const std::filesystem::file_status status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) throw Error("There is no file '" + path.string() + "'.");
  if (std::filesystem::is_directory(status)) throw Error("'" + path.string() + "' is a folder; a file was expected.");
  if (!std::filesystem::is_regular_file(status)) throw Error("'" + path.string() + "' is not a regular file.");
  const std::uintmax_t size = std::filesystem::file_size(path, code);
  if (code) throw Error("Cannot read '" + path.string() + "': " + reason_of(code.value()) + ".");
  return size;
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit) {
  const std::uint64_t size = regular_file_size(path);
  if (size > limit) {
    throw Error("'" + path.string() + "' has " + std::to_string(size) + " bytes; at most " + std::to_string(limit) +
                " were expected.");
  }
  std::string text(size, '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(text.data(), static_cast<std::streamsize>(size))) {
    throw Error("Cannot read '" + path.string() + "': it could not be opened or ended early.");
  }
  return text;
}

}  // namespace dream
