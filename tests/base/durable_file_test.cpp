#include "core/base/durable_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "api/error.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace durable_file_test {

using test::message_of;
using test::read_bytes;
namespace fs = std::filesystem;

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

class DurableFileTest : public ::testing::Test {
 protected:
  std::string refusal(const std::string& name) {
    const auto said = message_of<Error>([&] { write_file(folder_ / name, "new"); });
    EXPECT_NE(said, "") << name << " was written";
    EXPECT_SAYS(said, name);
    EXPECT_EQ(message_of<Error>([&] { check_destination(folder_ / name); }), said) << "known before the work is done";
    return said;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder_.path())) all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  }
  /// The exit status of a process of its own, so that limits and users end with it.
  static int in_child(const std::function<bool()>& works) {
    const pid_t child = fork();
    if (child == 0) _exit(works() ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  }
  using Names = std::vector<std::string>;
  test::TempFolder folder_;
};

TEST_F(DurableFileTest, ReplacesAWholeFileAndKeepsItsPermissions) {
  write_file(folder_ / "a", "first");
  EXPECT_EQ(read_bytes(folder_ / "a"), "first");
  ASSERT_EQ(chmod((folder_ / "a").c_str(), 0640), 0);
  write_file(folder_ / "a", "second");
  EXPECT_EQ(read_bytes(folder_ / "a"), "second");
  struct stat status = {};
  ASSERT_EQ(stat((folder_ / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
  {
    DurableFile given_up(folder_ / "a");
    given_up.write("third", 5);
    EXPECT_EQ(names().size(), 2u);
  }
  EXPECT_EQ(read_bytes(folder_ / "a"), "second");
  check_destination(folder_ / "b");
  EXPECT_EQ(names(), Names{"a"});
}

TEST_F(DurableFileTest, WhatIsNoFileIsRefusedAndStays) {
  fs::create_directory(folder_ / "folder");
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const auto name = (folder_ / "socket").string();
  std::strncpy(address.sun_path, name.c_str(), sizeof address.sun_path - 1);
  const int socket_descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(socket_descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  fs::create_symlink("/dev/null", folder_ / "to_null");
  EXPECT_SAYS(refusal("folder"), "it is a folder");
  EXPECT_SAYS(refusal("fifo"), "it is a pipe");
  EXPECT_SAYS(refusal("socket"), "it is a socket");
  EXPECT_SAYS(refusal("to_null"), "it is a device");
  EXPECT_SAYS(message_of<Error>([] { write_file("/dev/full", "x"); }), "'/dev/full': it is a device");
  EXPECT_EQ(names(), (Names{"fifo", "folder", "socket", "to_null"}));
  EXPECT_TRUE(fs::is_fifo(folder_ / "fifo"));
  EXPECT_TRUE(fs::is_socket(folder_ / "socket"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "to_null"));
  close(socket_descriptor);
}

TEST_F(DurableFileTest, LinksAreFollowed) {
  fs::create_directory(folder_ / "far");
  write_file(folder_ / "far" / "real", "old");
  fs::create_symlink("far/real", folder_ / "link");
  fs::create_symlink("link", folder_ / "twice");
  fs::create_symlink("far/nothing yet", folder_ / "dangling");
  write_file(folder_ / "twice", "new");
  write_file(folder_ / "dangling", "made");
  EXPECT_EQ(read_bytes(folder_ / "far" / "real"), "new");
  EXPECT_EQ(read_bytes(folder_ / "far" / "nothing yet"), "made");
  for (const char* link : {"link", "twice", "dangling"}) EXPECT_TRUE(fs::is_symlink(folder_ / link)) << link;
  fs::create_symlink("circle", folder_ / "circle");
  EXPECT_SAYS(refusal("circle"), "links lead in a circle");
  fs::create_symlink("missing/a", folder_ / "nowhere");
  EXPECT_SAYS(refusal("nowhere"), "there is no folder");
}

TEST_F(DurableFileTest, ADestinationThatCannotBeIsToldInWords) {
  write_file(folder_ / "file", "x");
  EXPECT_SAYS(refusal("no/such/e.json"), "there is no folder");
  EXPECT_SAYS(refusal("file/e.json"), "is not a folder");
  EXPECT_SAYS(refusal("new/"), "there is no folder");
  EXPECT_SAYS(refusal(std::string(300, 'n')), "the name is too long");
  EXPECT_SAYS(message_of<Error>([] { write_file("", "x"); }), "without a name");
  const std::string longest(255, 'n');  // the temporary name must not pass what the name itself just keeps
  write_file(folder_ / longest, "x");
  EXPECT_EQ(read_bytes(folder_ / longest), "x");

  fs::permissions(folder_.path(), fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_exec);
  const int status = in_child([&] {
    if (geteuid() == 0 && setuid(65534) != 0) return false;  // root may write everywhere
    const auto said = message_of<Error>([&] { write_file(folder_ / "e.json", "x"); });
    return said.find("that is not permitted to this user") != std::string::npos;
  });
  fs::permissions(folder_.path(), fs::perms::owner_all);
  EXPECT_EQ(status, 0);
}

TEST_F(DurableFileTest, AFullDiskIsToldInWordsAndLeavesNothing) {
  write_file(folder_ / "a", "old");
  const auto full = [&] {  // the nearest to a full disk that a test can make without rights
    const rlimit little = {1000, 1000};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &little) != 0) return false;
    const auto said = message_of<Error>([&] { write_file(folder_ / "a", std::string(5000, 'x')); });
    return said.find("Cannot write '" + (folder_ / "a").string() + "': the file would be larger") == 0;
  };
  EXPECT_EQ(in_child(full), 0);
  EXPECT_EQ(names(), Names{"a"});
  EXPECT_EQ(read_bytes(folder_ / "a"), "old");
  EXPECT_EQ(reason_of(ENOSPC), "the disk is full");
  EXPECT_EQ(reason_of(EROFS), "the disk can only be read");
}

TEST_F(DurableFileTest, AFolderThatIsRemovedMeanwhileIsToldInWords) {
  fs::create_directory(folder_ / "gone");
  DurableFile file(folder_ / "gone" / "a");
  file.write("x", 1);
  fs::remove_all(folder_ / "gone");
  EXPECT_SAYS(message_of<Error>([&] { file.commit(); }), "gone/a': there is no such file or folder");
}

TEST_F(DurableFileTest, ManyWritersOfOneNameEachWriteAWholeFile) {
  std::vector<pid_t> writers;
  for (char letter = 'a'; letter < 'a' + 6; ++letter) {
    const pid_t child = fork();
    if (child == 0) {
      try {
        for (int i = 0; i < 40; ++i) {
          DurableFile file(folder_ / "shared");
          for (int part = 0; part < 20; ++part) file.write(std::string(500, letter).data(), 500);
          file.commit();
        }
      } catch (const std::exception&) {
        _exit(1);
      }
      _exit(0);
    }
    writers.push_back(child);
  }
  while (!fs::exists(folder_ / "shared")) std::this_thread::yield();
  for (int i = 0; i < 200; ++i) {
    const auto text = read_bytes(folder_ / "shared");
    ASSERT_EQ(text, std::string(10000, text.empty() ? '?' : text[0]));
  }
  for (const pid_t writer : writers) {
    int status = 0;
    waitpid(writer, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(names(), Names{"shared"});
}

TEST_F(DurableFileTest, LeftoversOfTheKilledGoAndThoseOfTheLivingStay) {
  const auto started = [&](const char* name) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
      DurableFile file(folder_ / name);
      file.write("half", 4);
      if (::write(ready[1], "r", 1) == 1) pause();
      _exit(1);
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    close(ready[0]), close(ready[1]);
    return child;
  };
  const pid_t dead = started("a"), living = started("b");
  kill(dead, SIGKILL);
  waitpid(dead, nullptr, 0);
  test::write_bytes(folder_ / "mine.tmp", "not ours");
  EXPECT_EQ(names().size(), 3u);
  write_file(folder_ / "c", "x");
  const auto left = names();
  kill(living, SIGKILL);
  waitpid(living, nullptr, 0);
  ASSERT_EQ(left.size(), 3u);
  EXPECT_TRUE(left[0].starts_with("b.") && left[0].ends_with(".tmp")) << left[0];
  EXPECT_EQ(left[1], "c");
  EXPECT_EQ(left[2], "mine.tmp");
}

TEST_F(DurableFileTest, FoldersAreMadeOrRefusedInWords) {
  make_folder(folder_ / "a" / "b");
  make_folder(folder_ / "a" / "b");
  EXPECT_TRUE(fs::is_directory(folder_ / "a" / "b"));
  write_file(folder_ / "file", "x");
  EXPECT_SAYS(message_of<Error>([&] { make_folder(folder_ / "file" / "c"); }), "not a folder");
}

/// One who looks all the time never misses either.
TEST_F(DurableFileTest, FoldersChangePlaces) {
  make_folder(folder_ / "a"), make_folder(folder_ / "b");
  write_file(folder_ / "a" / "file", "first");
  write_file(folder_ / "b" / "file", "second");
  std::atomic<bool> done = false;
  std::atomic<int> missed = 0;
  std::thread looking([&] {
    while (!done) missed += !fs::exists(folder_ / "a" / "file") + !fs::exists(folder_ / "b" / "file");
  });
  for (int i = 0; i < 501; ++i) exchange_folders(folder_ / "a", folder_ / "b");
  done = true;
  looking.join();
  EXPECT_EQ(missed, 0);
  EXPECT_EQ(test::read_bytes(folder_ / "a" / "file"), "second");
  EXPECT_EQ(test::read_bytes(folder_ / "b" / "file"), "first");
  EXPECT_THROW(exchange_folders(folder_ / "a", folder_ / "missing"), Error);
  EXPECT_TRUE(fs::exists(folder_ / "a" / "file"));
}

}  // namespace durable_file_test
}  // namespace dream
