#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <mutex>
#include <random>
#include <set>
#include <system_error>
#include <tuple>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/platform.h"

namespace dream {
namespace {

namespace fs = std::filesystem;

constexpr const char* temporary_ending = ".tmp";
constexpr std::size_t mark_digits = 16;

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw Error("Cannot " + what + " '" + path.string() + "': " + reason_of(errno) + ".");
}

fs::path folder_of(const fs::path& path) {
  const fs::path folder = path.parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

/// The rename is on the disk. Some file systems refuse to flush a folder, and some folders may be written and not read:
/// the rename is as safe there as it can be.
void flush_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  errno = error;
  if (result != 0 && errno != EINVAL) fail(folder, "flush");
}

/// What is at `path`, where that is no file that can be replaced; "" where it is one, or nothing.
std::string special(fs::file_type type) {
  switch (type) {
    case fs::file_type::directory:
      return "a folder";
    case fs::file_type::character:
    case fs::file_type::block:
      return "a device";
    case fs::file_type::fifo:
      return "a pipe";
    case fs::file_type::socket:
      return "a socket";
    default:
      return "";
  }
}

/// The file that `path` means, behind all links; it need not exist, its folder must.
fs::path target_of(const fs::path& path) {
  const auto refuse = [&](const std::string& why) {
    throw Error("Cannot write '" + path.string() + "': " + why + ".");
  };
  if (path.empty()) throw Error("Cannot write a file without a name.");
  std::error_code code;
  const auto found = special(fs::status(path, code).type());
  if (!found.empty()) refuse("it is " + found + "; the name of a file was expected");
  fs::path target = path;
  constexpr int most_links = 40;
  for (int links = 0; fs::is_symlink(fs::symlink_status(target, code)); ++links) {
    if (links == most_links) refuse(reason_of(ELOOP));
    const fs::path next = fs::read_symlink(target, code);
    if (code) refuse(reason_of(code.value()));
    target = next.is_absolute() ? next : folder_of(target) / next;
  }
  if (fs::symlink_status(target, code).type() == fs::file_type::none) refuse(reason_of(code.value()));
  const auto folder = folder_of(target);
  if (!target.has_filename()) refuse("there is no folder '" + folder.string() + "'");
  const auto status = fs::status(folder, code);
  if (status.type() == fs::file_type::not_found) refuse("there is no folder '" + folder.string() + "'");
  if (status.type() == fs::file_type::none) refuse(reason_of(code.value()));
  if (!fs::is_directory(status)) refuse("'" + folder.string() + "' is not a folder");
  return target;
}

/// What the name of a temporary file for `target` begins with; short enough to be a name where `target` is one.
std::string stem_of(const fs::path& target) {
  constexpr std::size_t longest = 200;
  return target.filename().string().substr(0, longest) + ".";
}

std::string random_mark() {
  std::random_device device;
  char text[mark_digits + 1];
  std::snprintf(text, sizeof text, "%08x%08x", static_cast<unsigned>(device()), static_cast<unsigned>(device()));
  return text;
}

bool is_temporary(const std::string& name) {
  const std::size_t ending = std::strlen(temporary_ending);
  if (!name.ends_with(temporary_ending) || name.size() < ending + mark_digits + 2) return false;
  const std::size_t mark = name.size() - ending - mark_digits;
  return name[mark - 1] == '.' && name.substr(mark, mark_digits).find_first_not_of("0123456789abcdef") == name.npos;
}

/// Once for each folder: removes temporary files whose writer is no more. A living writer holds a lock on its file,
/// which the system takes back when it dies in whatever way; without locks (some network shares) nothing is removed.
void remove_leftovers(const fs::path& folder) {
  static std::mutex guard;         // of `seen`
  static std::set<fs::path> seen;  // folders of datasets are large: reading them for every episode would cost more
  std::error_code ignored;
  {
    const std::lock_guard lock(guard);
    if (!seen.insert(fs::weakly_canonical(folder, ignored)).second) return;
  }
  for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end; entry.increment(ignored)) {
    if (!is_temporary(entry->path().filename().string())) continue;
    const int descriptor = ::open(entry->path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(entry->path().c_str());
    ::close(descriptor);
  }
}

/// Creates and locks a temporary file. Another program may take it for a leftover before it is locked: then it is made
/// anew, under another name.
int create_temporary(const fs::path& path, const fs::path& target, fs::path& temporary) {
  constexpr int most_tries = 100;
  for (int i = 0; i < most_tries; ++i) {
    temporary = folder_of(target) / (stem_of(target) + random_mark() + temporary_ending);
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno == EEXIST) continue;
    if (descriptor < 0) fail(path, "write");
    const bool taken = ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    struct stat mine = {}, there = {};
    if (!taken && ::fstat(descriptor, &mine) == 0 && mine.st_nlink > 0) {
      // Who may read the old file may read the new one.
      if (::stat(target.c_str(), &there) == 0) ::fchmod(descriptor, there.st_mode & 07777);
      return descriptor;
    }
    ::close(descriptor);
  }
  errno = EEXIST;
  fail(path, "write");
}

}  // namespace

std::string reason_of(int error_number) {
  switch (error_number) {
    case ENOSPC:
      return "the disk is full";
    case EDQUOT:
      return "this user's share of the disk is full";
    case EFBIG:
      return "the file would be larger than is allowed here";
    case EROFS:
      return "the disk can only be read";
    case EACCES:
    case EPERM:
      return "that is not permitted to this user";
    case ENOENT:
      return "there is no such file or folder";
    case ENOTDIR:
      return "a part of the path is not a folder";
    case EISDIR:
      return "it is a folder";
    case ELOOP:
      return "its links lead in a circle";
    case ENAMETOOLONG:
      return "the name is too long";
    case EIO:
      return "the disk reports an error";
    case EPIPE:
      return "nobody reads it any more";
    default:
      return std::strerror(error_number);
  }
}

DurableFile::DurableFile(const fs::path& path) : path_(path), target_(target_of(path)) {
  remove_leftovers(folder_of(target_));
  descriptor_ = create_temporary(path_, target_, temporary_);
}

DurableFile::~DurableFile() {
  give_up();
}

void DurableFile::give_up() {
  if (descriptor_ < 0) return;
  ::unlink(temporary_.c_str());  // while it is locked, so that nobody else has it
  ::close(descriptor_);
  descriptor_ = -1;
}

void DurableFile::fail() {
  const int error = errno;
  give_up();
  errno = error;
  dream::fail(path_, "write");
}

void DurableFile::write(const void* bytes, std::size_t count) {
  const char* next = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = ::write(descriptor_, next, count);
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = ENOSPC;
    if (written <= 0) fail();
    next += written;
    count -= static_cast<std::size_t>(written);
  }
}

void DurableFile::commit() {
  if (::fsync(descriptor_) != 0) fail();
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail();
  ::close(descriptor_);
  descriptor_ = -1;
  flush_folder(folder_of(target_));
}

void make_folder(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) throw Error("Cannot create the folder '" + folder.string() + "': " + reason_of(code.value()) + ".");
}

fs::path free_folder(const fs::path& folder) {
  std::error_code ignored;
  auto free = folder;
  for (int i = 2; fs::exists(fs::symlink_status(free, ignored)); ++i) {
    free = folder;
    free += "-" + std::to_string(i);
  }
  return free;
}

void move_folder(const fs::path& from, const fs::path& to) {
  std::error_code failure;
  fs::rename(from, to, failure);
  if (failure) throw Error(from.string() + " cannot be moved to " + to.string() + ": " + reason_of(failure.value()));
}

void exchange_folders(const fs::path& a, const fs::path& b) {
#ifdef RENAME_EXCHANGE
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) {
    flush_folder(folder_of(a));
    return flush_folder(folder_of(b));
  }
  if (errno != EINVAL && errno != ENOSYS) throw Error(a.string() + " and " + b.string() + " cannot change places: " + reason_of(errno));
#endif
  const auto between = free_folder(b);
  move_folder(b, between);
  try {
    move_folder(a, b);
  } catch (const Error&) {
    move_folder(between, b);
    throw;
  }
  move_folder(between, a);
}

void require_free(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(folder, ignored)))
    throw Error(folder.string() + " exists already: choose another name");
}

Unfinished::Unfinished(fs::path at) : folder(std::move(at)) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

Unfinished::~Unfinished() {
  std::error_code ignored;
  if (!folder.empty()) fs::remove_all(folder, ignored);
}

FileMark mark_of(const std::filesystem::path& path) {
  struct stat found = {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_ino, static_cast<std::uint64_t>(found.st_size),
          std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec};
}

namespace {

/// "process 4242 on alpha, since 2026-11-26 14:05:10"
std::string this_owner() {
  const std::time_t now = std::time(nullptr);
  std::tm local = {};
  char since[40] = "";
  if (::localtime_r(&now, &local)) std::strftime(since, sizeof since, ", since %Y-%m-%d %H:%M:%S", &local);
  return "process " + std::to_string(::getpid()) + " on " + host_name() + since;
}

/// What the holder of a lock has written into its file, or something in its place.
std::string owner_in(int descriptor) {
  char owner[200];
  const ssize_t count = ::pread(descriptor, owner, sizeof owner, 0);
  std::string who(owner, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  std::erase_if(who, [](unsigned char c) { return c < ' ' || c == 127; });
  return who;
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / ".lock";
  // Nothing but a plain file: a link would have another file written over, a pipe would wait for ever.
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (descriptor_ < 0 && errno != ELOOP) fail(path, "create");
  struct stat found = {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &found) != 0 || !S_ISREG(found.st_mode)) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw Error("'" + path.string() + "' is no plain file, by which this program tells others that it is writing; remove it.");
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) {
    const std::string owner = this_owner();  // for whoever is refused; the lock does not depend on it
    if (::ftruncate(descriptor_, 0) == 0) std::ignore = ::pwrite(descriptor_, owner.data(), owner.size(), 0);
    return;
  }
  const bool taken = errno == EWOULDBLOCK;
  const std::string who = taken ? owner_in(descriptor_) : "";
  ::close(descriptor_);
  // A file system without locks (some network shares) must not forbid writing.
  descriptor_ = -1;
  if (!taken) return;
  throw Error("Another program" + (who.empty() ? "" : " (" + who + ")") + " is writing into '" + folder.string() +
              "'; end it first.");
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string writer_of(const std::filesystem::path& folder) {
  const int descriptor = ::open((folder / ".lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return "";
  std::string who;
  if (::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    who = owner_in(descriptor);
    if (who.empty()) who = "another program";
  }
  ::close(descriptor);
  return who;
}

}  // namespace dream
