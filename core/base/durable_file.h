#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

// What calls the operating system here is in platform_file.cpp.

namespace dream {

/// A file that replaces `path` as a whole or not at all: written beside it under a name of its own, flushed to the
/// disk, then renamed. Without commit() the temporary file is removed; what killed programs left is removed by the next
/// one that writes into the folder. Symbolic links are followed. Every method throws dream::Error, which names the file
/// and gives the reason in words: no such folder, a full disk, a device in its place …
class DurableFile {
 public:
  explicit DurableFile(const std::filesystem::path& path);
  ~DurableFile();
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  void write(const void* bytes, std::size_t count);
  void commit();

 private:
  void give_up();
  [[noreturn]] void fail();
  std::filesystem::path path_, target_, temporary_;  // as given; behind all links; beside it
  int descriptor_ = -1;
};

/// `path` becomes a file of these bytes, by a DurableFile.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Throws what writing to `path` would throw at once: called before long work whose result goes there. Leaves nothing.
void check_destination(const std::filesystem::path& path);

/// Makes a folder and those above it. Throws dream::Error with the reason in words.
void make_folder(const std::filesystem::path& folder);
/// `folder`, or with a number behind it that makes it one which does not exist: runs/car, runs/car-2 …
std::filesystem::path free_folder(const std::filesystem::path& folder);
/// Throws dream::Error with the reason in words.
void move_folder(const std::filesystem::path& from, const std::filesystem::path& to);
/// Both are there, and change places at once where the file system can: whoever looks, and whoever comes after a crash, finds
/// one or the other. Throws dream::Error with the reason in words.
void exchange_folders(const std::filesystem::path& a, const std::filesystem::path& b);
/// Throws dream::Error when there is something at this path.
void require_free(const std::filesystem::path& folder);
/// What is under way: it goes, unless it was complete and `folder` made empty.
struct Unfinished {
  std::filesystem::path folder;
  explicit Unfinished(std::filesystem::path at);  // what a killed program left there goes first
  ~Unfinished();
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
};

/// "the disk is full", "there is no such file or folder" …: what the operating system reports, in words.
std::string reason_of(int error_number);

/// The size in bytes of a regular file. Throws dream::Error when `path` is missing, a folder, or a special file.
std::uint64_t regular_file_size(const std::filesystem::path& path);

/// What changes whenever a file is replaced or written: two equal ones stand for the same content.
struct FileMark {
  std::uint64_t file = 0, size = 0;  // the file's number in its file system, bytes
  std::int64_t changed = 0;          // nanoseconds since 1970; 0: there is no file
  bool operator==(const FileMark&) const = default;
};
FileMark mark_of(const std::filesystem::path& path);

/// The whole text of a regular file of at most `limit` bytes. Throws dream::Error otherwise.
std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit);

/// Holds the only right to write into a folder among all programs on this machine; given back when destroyed or when
/// the program ends in whatever way. Throws dream::Error when another program has it, with its process, machine and
/// the time at which it began.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

/// Who holds that right now, "process 4242 on alpha, since …", without asking for it; empty where nobody does.
std::string writer_of(const std::filesystem::path& folder);

}  // namespace dream
