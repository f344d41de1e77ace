// What a crash, a failing disk or bad luck leaves of a dataset: whole episodes, or a sentence that says what is wrong.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <tuple>
#include <vector>

#include "api/error.h"
#include "core/data/dataset.h"
#include "tests/data/dataset_fixture.h"

namespace dream {
namespace dataset_crash_test {

using test::episode_of;
using test::expect_equal;
using test::info_of;
using test::TempFolder;

/// A child that appends episodes 'index, index + 1, …' and tells of each through `pipe` once append() has returned.
[[noreturn]] void append_until_killed(const std::filesystem::path& folder, const DatasetInfo& info, int pipe) {
  try {
    DatasetWriter writer(folder, info);
    for (;;) {
      writer.append(episode_of(info, 20 + writer.episodes() % 7, writer.episodes()));
      const char done = '.';
      if (::write(pipe, &done, 1) != 1) ::_exit(3);
    }
  } catch (const std::exception&) {
    ::_exit(2);
  }
}

TEST(DatasetCrash, KilledAtAnyMomentEveryWholeEpisodeIsThere) {
  const TempFolder folder;
  const DatasetInfo info = info_of(32, 32, 3, 3);
  std::mt19937 random(11);
  std::size_t acknowledged = 0;
  for (int round = 0; round < 30; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      append_until_killed(folder / "d", info, ends[1]);
    }
    ::close(ends[1]);
    // Killed somewhere within the episode that follows a few whole ones, or within the opening.
    char dots[64];
    for (std::size_t whole = random() % 4; whole > 0 && ::read(ends[0], dots, 1) == 1; --whole) ++acknowledged;
    ::usleep(random() % 30000);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << WEXITSTATUS(status);
    for (ssize_t count; (count = ::read(ends[0], dots, sizeof dots)) > 0;)
      acknowledged += static_cast<std::size_t>(count);
    ::close(ends[0]);

    if (!std::filesystem::exists(folder / "d" / "data" / "metadata.json")) {
      EXPECT_EQ(acknowledged, 0u);
      continue;
    }
    const Dataset dataset(folder / "d");
    // One more may be whole without the child having lived to tell.
    EXPECT_GE(dataset.episodes(), acknowledged);
    EXPECT_LE(dataset.episodes(), acknowledged + 1);
    acknowledged = dataset.episodes();
    if (acknowledged > 0)
      expect_equal(dataset.read(acknowledged - 1), episode_of(info, 20 + (acknowledged - 1) % 7, acknowledged - 1));
  }
  ASSERT_GT(acknowledged, 30u) << "the children were killed before they wrote anything";
  const Dataset dataset(folder / "d");
  for (std::size_t i = 0; i < dataset.episodes(); ++i) expect_equal(dataset.read(i), episode_of(info, 20 + i % 7, i));
}

class DatasetDamage : public ::testing::Test {
 protected:
  DatasetDamage() {
    DatasetWriter writer(folder_ / "d", info_);
    for (std::uint64_t i = 0; i < 2; ++i) writer.append(episode_of(info_, 40, i));
  }
  /// Reads everything: whether it was accepted. Anything but success and dream::Error ends the test.
  bool accepted(bool& same) {
    same = true;
    try {
      const Dataset dataset(folder_ / "d");
      for (std::size_t i = 0; i < dataset.episodes(); ++i) {
        const Episode read = dataset.read(i), written = episode_of(info_, 40, i);
        same = same && read.frames == written.frames && read.actions == written.actions &&
               read.rewards == written.rewards && read.vectors == written.vectors &&
               read.terminated == written.terminated && read.truncated == written.truncated &&
               read.seed == written.seed;
      }
      same = same && dataset.episodes() == 2;
      return true;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find((folder_ / "d").string()), std::string::npos) << error.what();
      return false;
    }
  }
  void damage(const std::filesystem::path& file, std::size_t flips, std::size_t cuts, bool checksummed) {
    const std::string good = test::read_bytes(file);
    std::size_t refused = 0;
    for (std::size_t i = 0; i < flips; ++i) {
      std::string bytes = good;
      // Every byte of the first kilobytes, where the structures are, and places all over the rest.
      const std::size_t position = i < flips / 2 ? i % good.size() : random_() % good.size();
      bytes[position] = static_cast<char>(bytes[position] ^ (1 << random_() % 8));
      test::write_bytes(file, bytes);
      bool same = false;
      if (!accepted(same)) {
        ++refused;
      } else if (checksummed) {
        EXPECT_TRUE(same) << "byte " << position << " of " << file << " changed the data unnoticed";
      }
    }
    for (std::size_t i = 0; i < cuts; ++i) {
      test::write_bytes(file, good.substr(0, random_() % good.size()));
      bool same = false;
      if (!accepted(same)) {
        ++refused;
      } else if (checksummed) {
        EXPECT_TRUE(same);
      }
    }
    test::write_bytes(file, good);
    refused_ = refused;
  }
  TempFolder folder_;
  DatasetInfo info_ = info_of(32, 32, 3, 2);
  std::mt19937 random_{7};
  std::size_t refused_ = 0;
};

TEST_F(DatasetDamage, AnEpisodesFileIsCheckedByteByByte) {
  damage(folder_ / "d" / "data" / "episodes" / "episode_000001.hdf5", 600, 100, true);
  EXPECT_GT(refused_, 400u);
}

TEST_F(DatasetDamage, TheIndexDoesNotMatter) {
  damage(folder_ / "d" / "data" / "main_data.hdf5", 300, 50, true);
  EXPECT_EQ(refused_, 0u);
}

TEST_F(DatasetDamage, TheMetadataIsValidated) {
  damage(folder_ / "d" / "data" / "metadata.json", 400, 100, false);
  EXPECT_GT(refused_, 100u);
}

TEST_F(DatasetDamage, AMissingEpisodeIsNamed) {
  std::filesystem::remove(folder_ / "d" / "data" / "episodes" / "episode_000000.hdf5");
  std::filesystem::remove(folder_ / "d" / "data" / "main_data.hdf5");
  const std::string message = test::message_of<Error>([&] { Dataset(folder_ / "d"); });
  EXPECT_NE(message.find("episode_0 is missing"), std::string::npos) << message;
}

// Files of the older format, as other programs write them: their structures carry no checksums, and HDF5 itself dies of
// some of them. Found by chance: these bytes of the files of tests/golden/minari ended HDF5 1.10.8.
TEST(ForeignDamage, WhatEndsHdf5IsAnErrorHere) {
  const std::filesystem::path golden = std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "tests" / "golden" / "minari";
  for (const auto& [name, place, byte] :
       std::vector<std::tuple<const char*, std::size_t, int>>{{"vectors", 14471, 0x5b},
                                                              {"dictionary", 9885, 0x20},
                                                              {"dictionary", 14928, 0x7d},
                                                              {"pictures", 28743, 0x20},
                                                              {"pictures", 11321, 0x20}}) {
    const TempFolder folder;
    std::filesystem::copy(golden / name, folder / "d", std::filesystem::copy_options::recursive);
    const std::filesystem::path file = folder / "d" / "data" / "main_data.hdf5";
    std::string bytes = test::read_bytes(file);
    bytes[place] = static_cast<char>(byte);
    test::write_bytes(file, bytes);
    const std::string message = test::message_of<Error>([&] {
      const Dataset dataset(folder / "d");
      for (std::size_t i = 0; i < dataset.episodes(); ++i) dataset.read(i);
    });
    if (!message.empty()) {
      EXPECT_NE(message.find((folder / "d").string()), std::string::npos) << name << " " << place << ": " << message;
    }
  }
}

TEST(ForeignDamage, AnyDamageIsAnErrorOrHarmless) {
  const TempFolder folder;
  std::filesystem::copy(std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "tests" / "golden" / "minari" / "vectors",
                        folder / "d", std::filesystem::copy_options::recursive);
  const std::filesystem::path file = folder / "d" / "data" / "main_data.hdf5";
  const std::string good = test::read_bytes(file);
  std::mt19937 random(5);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string bytes = good;
    std::size_t place = random() % bytes.size();
    while (bytes[place] == 0 && random() % 8 != 0) place = random() % bytes.size();  // most of the file is empty
    bytes[place] = static_cast<char>(random());
    if (i % 10 == 0) bytes.resize(place);
    test::write_bytes(file, bytes);
    try {
      const Dataset dataset(folder / "d");
      for (std::size_t e = 0; e < dataset.episodes(); ++e) dataset.read(e);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 60);
}

TEST(DatasetCrash, AFullDiskIsToldInWordsAndLeavesWholeEpisodes) {
  const TempFolder folder;
  const DatasetInfo info = info_of(64, 64, 3, 0);
  { DatasetWriter(folder / "d", info).append(episode_of(info, 3, 1)); }
  const pid_t child = ::fork();
  if (child == 0) {  // its limit ends with it
    const rlimit little = {100000, 100000};
    ::signal(SIGXFSZ, SIG_IGN);
    bool right = ::setrlimit(RLIMIT_FSIZE, &little) == 0;
    const auto said = test::message_of<Error>([&] {
      DatasetWriter writer(folder / "d", info);
      writer.append(episode_of(info, 300, 2));
    });
    right = right && said.ends_with("episode_000001.hdf5': the file would be larger than is allowed here.");
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  const Dataset left(folder / "d");
  EXPECT_EQ(left.episodes(), 1u);
  expect_equal(left.read(0), episode_of(info, 3, 1));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
}

}  // namespace dataset_crash_test
}  // namespace dream
