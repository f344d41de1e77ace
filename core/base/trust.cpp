#include "core/base/trust.h"

#include <mutex>
#include <sstream>

#include "core/base/durable_file.h"
#include "core/base/platform.h"
#include "core/base/text.h"

namespace dream {
namespace {

constexpr std::uint64_t longest_list = 16 << 20;

std::filesystem::path list_of_trusted() {
  return settings_directory() / "trusted_programs";
}

std::string all_trusted() {
  const auto file = list_of_trusted();
  std::error_code ignored;
  return std::filesystem::exists(file, ignored) ? read_text_file(file, longest_list) : "";
}

bool has_line(const std::string& list, const std::string& sha256) {
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);)
    if (line.substr(0, line.find(' ')) == sha256) return true;
  return false;
}

}  // namespace

Untrusted::Untrusted(const std::string& of, const std::string& hash)
    : Error(of + " holds a program, which runs only after you have agreed to it once: open it in the window, or give --trust to "
                 "dreamscope-cli, if you trust whoever made it. SHA-256 " + hash),
      file(of),
      sha256(hash) {}

bool is_trusted(const std::string& sha256) {
  return has_line(all_trusted(), sha256);
}

void trust(const std::string& sha256, const std::string& file) {
  static std::mutex writing;
  const std::lock_guard lock(writing);
  const auto list = all_trusted();
  if (has_line(list, sha256)) return;
  make_folder(settings_directory());
  write_file(list_of_trusted(), list + sha256 + ' ' + printable(file, 400) + '\n');
}

}  // namespace dream
