#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "api/error.h"
#include "core/base/durable_file.h"

namespace dream {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  const std::string reason = std::strerror(errno);
  throw Error("Cannot " + what + " '" + path.string() + "': " + reason + ".");
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

void flush(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) fail(path, "open");
  const int result = ::fsync(descriptor);
  ::close(descriptor);
  // Some file systems refuse to flush a folder (EINVAL); the rename is as safe there as it can be.
  if (result != 0 && errno != EINVAL) fail(path, "flush");
}

}  // namespace

DurableFile::DurableFile(std::filesystem::path path) : path_(std::move(path)), temporary_(path_) {
  temporary_ += ".tmp";
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(temporary_, "create");
}

DurableFile::~DurableFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void DurableFile::write(const void* bytes, std::size_t count) {
  const char* next = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = ::write(descriptor_, next, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(temporary_, "write");
    next += written;
    count -= static_cast<std::size_t>(written);
  }
}

void DurableFile::commit() {
  if (::fsync(descriptor_) != 0) fail(temporary_, "flush");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, "replace");
  ::close(descriptor_);
  descriptor_ = -1;
  flush(folder_of(path_), O_RDONLY);
}

void commit_file(const std::filesystem::path& temporary, const std::filesystem::path& path) {
  flush(temporary, O_RDWR);
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail(path, "replace");
  flush(folder_of(path), O_RDONLY);
}

FolderLock::FolderLock(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / ".lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(path, "create");
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const bool taken = errno == EWOULDBLOCK;
  ::close(descriptor_);
  // A file system without locks (some network shares) must not forbid writing.
  descriptor_ = -1;
  if (taken) throw Error("Another program is writing into '" + folder.string() + "'; end it first.");
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace dream
