#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

// What calls the operating system here is in platform_file.cpp.

namespace dream {

/// A file that replaces `path` as a whole or not at all: written beside it as `<path>.tmp`, flushed to the disk, then
/// renamed. Without commit() the temporary file is removed. Every method throws dream::Error naming the file.
class DurableFile {
 public:
  explicit DurableFile(std::filesystem::path path);
  ~DurableFile();
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  void write(const void* bytes, std::size_t count);
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

/// Flushes `temporary` to the disk and renames it to `path`, for files that a library has written.
void commit_file(const std::filesystem::path& temporary, const std::filesystem::path& path);

/// The size in bytes of a regular file. Throws dream::Error when `path` is missing, a folder, or a special file.
std::uint64_t regular_file_size(const std::filesystem::path& path);

/// The whole text of a regular file of at most `limit` bytes. Throws dream::Error otherwise.
std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit);

/// Holds the only right to write into a folder among all programs on this machine; given back when destroyed or when
/// the program ends in whatever way. Throws dream::Error when another program has it.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace dream
