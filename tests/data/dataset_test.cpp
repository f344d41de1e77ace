#include "core/data/dataset.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <thread>

#include "api/error.h"
#include "tests/data/dataset_fixture.h"

namespace dream {
namespace dataset_test {

using test::episode_of;
using test::expect_equal;
using test::info_of;
using test::TempFolder;

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

void round_trip(const DatasetInfo& info) {
  const TempFolder folder;
  std::vector<Episode> episodes;
  for (const std::uint64_t seed : {0ull, 1ull, 18446744073709551615ull}) {
    episodes.push_back(episode_of(info, 70 + seed % 3, seed));
  }
  episodes.push_back(episode_of(info, 1, 4));
  {
    DatasetWriter writer(folder / "d", info);
    for (const Episode& episode : episodes) writer.append(episode);
    EXPECT_EQ(writer.episodes(), 4u);
  }
  const Dataset dataset(folder / "d");
  ASSERT_EQ(dataset.episodes(), 4u);
  std::int64_t steps = 0;
  for (std::size_t i = 0; i < episodes.size(); ++i) {
    expect_equal(dataset.read(i), episodes[i]);
    steps += static_cast<std::int64_t>(episodes[i].length());
  }
  EXPECT_EQ(dataset.steps(), steps);
  EXPECT_TRUE(dataset.appendable());
  EXPECT_NE(test::message_of<Error>([&] { dataset.read(4); }), "");

  const DatasetInfo& read = dataset.info();
  EXPECT_EQ(read.environment, info.environment);
  EXPECT_EQ(read.policy, info.policy);
  EXPECT_EQ(read.spaces.vector_names, info.spaces.vector_names);
  EXPECT_EQ(read.spaces.max_episode_steps, 1000);
  EXPECT_EQ(read.spaces.action.axes, info.spaces.action.axes);
  EXPECT_EQ(read.spaces.action.choices, info.spaces.action.choices);
  EXPECT_EQ(read.spaces.action.low, info.spaces.action.low);
  EXPECT_EQ(read.spaces.action.high, info.spaces.action.high);
  EXPECT_EQ(read.spaces.action.idle, info.spaces.action.idle);
  ASSERT_EQ(read.spaces.action.keys.size(), info.spaces.action.keys.size());
  for (std::size_t i = 0; i < read.spaces.action.keys.size(); ++i) {
    EXPECT_EQ(read.spaces.action.keys[i].key, info.spaces.action.keys[i].key);
    EXPECT_EQ(read.spaces.action.keys[i].value, info.spaces.action.keys[i].value);
  }
}

TEST(Dataset, PicturesComeBack) {
  round_trip(info_of(40, 33, 3, 0));
}
TEST(Dataset, GreyPicturesComeBack) {
  round_trip(info_of(32, 40, 1, 0));
}
TEST(Dataset, SmallPicturesComeBack) {
  round_trip(info_of(6, 5, 3, 0));
}
TEST(Dataset, SmallGreyPicturesComeBack) {
  round_trip(info_of(6, 5, 1, 0));
}
TEST(Dataset, PicturesWithVectorsAndChoicesComeBack) {
  round_trip(info_of(36, 36, 3, 4, true));
}
TEST(Dataset, VectorsComeBack) {
  round_trip(info_of(0, 0, 0, 5));
}

TEST(Dataset, UnboundedActionsComeBack) {
  DatasetInfo info = info_of(0, 0, 0, 2);
  info.spaces.action.low = {-std::numeric_limits<float>::infinity(), 0.1f};
  info.spaces.action.high = {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max()};
  round_trip(info);
}

TEST(Dataset, AnEpisodeIsThereAsSoonAsItIsAppended) {
  const TempFolder folder;
  const DatasetInfo info = info_of(0, 0, 0, 2);
  DatasetWriter writer(folder / "d", info);
  EXPECT_EQ(Dataset(folder / "d").episodes(), 0u);
  for (std::uint64_t i = 0; i < 40; ++i) {
    writer.append(episode_of(info, 3, i));
    const Dataset dataset(folder / "d");
    ASSERT_EQ(dataset.episodes(), i + 1);
    expect_equal(dataset.read(i), episode_of(info, 3, i));
  }
}

TEST(Dataset, AWriterGoesOnWithWhatIsThere) {
  const TempFolder folder;
  const DatasetInfo info = info_of(32, 32, 3, 0);
  { DatasetWriter(folder / "d", info).append(episode_of(info, 4, 0)); }
  {
    DatasetWriter writer(folder / "d", info);
    EXPECT_EQ(writer.episodes(), 1u);
    EXPECT_EQ(writer.steps(), 4);
    writer.append(episode_of(info, 5, 1));
  }
  const Dataset dataset(folder / "d");
  EXPECT_EQ(dataset.steps(), 9);
  expect_equal(dataset.read(0), episode_of(info, 4, 0));
  expect_equal(dataset.read(1), episode_of(info, 5, 1));
}

TEST(Dataset, AWriterDropsWhatComesAfter) {
  const TempFolder folder;
  const DatasetInfo info = info_of(0, 0, 0, 2);
  DatasetWriter writer(folder / "d", info);
  for (std::uint64_t i = 0; i < 5; ++i) writer.append(episode_of(info, 3 + i, i));
  writer.keep(9);
  EXPECT_EQ(writer.episodes(), 5u);
  writer.keep(2);
  EXPECT_EQ(writer.episodes(), 2u);
  EXPECT_EQ(writer.steps(), 7);
  EXPECT_EQ(Dataset(folder / "d").episodes(), 2u);
  writer.append(episode_of(info, 9, 77));
  const Dataset dataset(folder / "d");
  ASSERT_EQ(dataset.episodes(), 3u);
  EXPECT_EQ(dataset.steps(), 16);
  expect_equal(dataset.read(1), episode_of(info, 4, 1));
  expect_equal(dataset.read(2), episode_of(info, 9, 77));
}

TEST(Dataset, AWriterRefusesOtherEnvironmentsAndShapes) {
  const TempFolder folder;
  { DatasetWriter(folder / "d", info_of(32, 32, 3, 0)); }
  DatasetInfo other = info_of(32, 32, 3, 0);
  other.environment = "CarRacing";
  EXPECT_SAYS(test::message_of<Error>([&] { DatasetWriter(folder / "d", other); }), "CarRacing");
  EXPECT_SAYS(test::message_of<Error>([&] { DatasetWriter(folder / "d", info_of(32, 33, 3, 0)); }), "shape");
  EXPECT_SAYS(test::message_of<Error>([&] { DatasetWriter(folder / "d", info_of(32, 32, 3, 0, true)); }), "shape");
  EXPECT_SAYS(test::message_of<Error>([&] { DatasetWriter(folder / "d", info_of(0, 0, 0, 0)); }), "neither");
  test::write_bytes(folder / "file", "x");
  EXPECT_NE(test::message_of<Error>([&] { DatasetWriter(folder / "file", info_of(0, 0, 0, 1)); }), "");
}

TEST(Dataset, ThereIsOneWriterAtATime) {
  const TempFolder folder;
  const DatasetInfo info = info_of(0, 0, 0, 1);
  {
    const DatasetWriter first(folder / "d", info);
    EXPECT_SAYS(test::message_of<Error>([&] { DatasetWriter(folder / "d", info); }), "Another program");
  }
  EXPECT_EQ(DatasetWriter(folder / "d", info).episodes(), 0u);
}

/// Costs, visit counts, values: by their names, a row beside every action or every frame; and the lane.
TEST(Dataset, ColumnsComeBack) {
  const TempFolder folder;
  const DatasetInfo info = info_of(6, 6, 3, 2);
  auto written = episode_of(info, 3, 1);
  written.lane = 5;
  written.extra["visits"] = {2, false, {1, 2, 3, 4, 5, 6}};
  written.extra["value"] = {1, true, {0.5f, -0.5f, 0.25f, 8}};
  {
    DatasetWriter writer(folder / "d", info);
    writer.append(written);
    writer.append(episode_of(info, 3, 2));
  }
  const Dataset dataset(folder / "d");
  const auto read = dataset.read(0);
  expect_equal(read, written);
  EXPECT_EQ(read.lane, 5);
  ASSERT_EQ(read.extra.size(), 2u);
  for (const auto& [name, column] : written.extra) {
    EXPECT_EQ(read.extra.at(name).width, column.width) << name;
    EXPECT_EQ(read.extra.at(name).per_frame, column.per_frame) << name;
    EXPECT_EQ(read.extra.at(name).values, column.values) << name;
  }
  EXPECT_TRUE(dataset.read(1).extra.empty());
  EXPECT_EQ(dataset.read(1).lane, -1);
}

TEST(Dataset, AnEpisodeThatDoesNotFitIsRefused) {
  const TempFolder folder;
  const DatasetInfo info = info_of(6, 6, 3, 2);
  DatasetWriter writer(folder / "d", info);
  const Episode good = episode_of(info, 3, 1);
  const auto refused = [&](auto change, const char* part) {
    Episode bad = good;
    change(bad);
    EXPECT_SAYS(test::message_of<Error>([&] { writer.append(bad); }), part);
  };
  refused([](Episode& e) { e.frames.pop_back(); }, "'frames'");
  refused([](Episode& e) { e.vectors.push_back(0); }, "'vectors'");
  refused([](Episode& e) { e.actions.clear(); }, "'actions'");
  refused([](Episode& e) { e.terminated.pop_back(); }, "'terminated'");
  refused([](Episode& e) { e.truncated[0] = 2; }, "'truncated'");
  refused([](Episode& e) { e.rewards[1] = NAN; }, "'rewards'");
  refused([](Episode& e) { e.actions[1] = INFINITY; }, "'actions'");
  refused([](Episode& e) { e.truncated.back() = e.terminated.back() = 0; }, "neither terminated nor truncated");
  refused([](Episode& e) { e = Episode(); }, "step");
  refused([](Episode& e) { e.extra["cost"] = {1, false, {0, 0}}; }, "'cost'");
  refused([](Episode& e) { e.extra["cost"] = {2, true, std::vector<float>(6)}; }, "'cost'");
  refused([](Episode& e) { e.extra["cost"] = {0, false, {}}; }, "'cost'");
  refused([](Episode& e) { e.extra["cost"] = {1, false, {0, NAN, 0}}; }, "'cost'");
  refused([](Episode& e) { e.extra["a/b"] = {1, false, {0, 0, 0}}; }, "'a/b'");
  EXPECT_EQ(writer.episodes(), 0u);
  writer.append(good);
  EXPECT_EQ(Dataset(folder / "d").episodes(), 1u);
}

TEST(Dataset, ItsFilesAreThoseOfMinari) {
  const TempFolder folder;
  const DatasetInfo info = info_of(32, 32, 3, 0, true);
  {
    DatasetWriter writer(folder / "d", info);
    writer.append(episode_of(info, 3, 0));
    writer.append(episode_of(info, 2, 1));
  }
  const std::string text = test::read_bytes(folder / "d" / "data" / "metadata.json");
  EXPECT_SAYS(text, "\"dataset_id\": \"Toy/random-v0\"");
  EXPECT_SAYS(text, "\"minari_version\": \"0.5.3\"");
  EXPECT_SAYS(text, "\"data_format\": \"hdf5\"");
  EXPECT_SAYS(text, "\"total_episodes\": 2");
  EXPECT_SAYS(text, "\"total_steps\": 5");
  EXPECT_SAYS(text, R"("action_space": "{\"type\": \"Discrete\", \"dtype\": \"int64\", \"start\": 0, \"n\": 3}")");
  EXPECT_TRUE(std::filesystem::exists(folder / "d" / "data" / "main_data.hdf5"));
}

TEST(Dataset, WhatOthersAddToTheMetadataIsKept) {
  const TempFolder folder;
  const DatasetInfo info = info_of(0, 0, 0, 1);
  { DatasetWriter(folder / "d", info).append(episode_of(info, 3, 0)); }
  const std::filesystem::path file = folder / "d" / "data" / "metadata.json";
  std::string text = test::read_bytes(file);
  text.insert(text.find('{') + 1, "\"author\": [\"Ada\"], \"ref_max_score\": Infinity,");
  test::write_bytes(file, text);
  { DatasetWriter(folder / "d", info).append(episode_of(info, 3, 1)); }
  const std::string after = test::read_bytes(file);
  EXPECT_SAYS(after, "Ada");
  EXPECT_SAYS(after, "\"total_episodes\": 2");
}

TEST(Dataset, TheIndexCanBeLost) {
  const TempFolder folder;
  const DatasetInfo info = info_of(0, 0, 0, 1);
  { DatasetWriter(folder / "d", info).append(episode_of(info, 3, 0)); }
  const std::filesystem::path main = folder / "d" / "data" / "main_data.hdf5";
  const std::uintmax_t size = std::filesystem::file_size(main);
  test::write_bytes(main, "no HDF5 at all");
  EXPECT_EQ(Dataset(folder / "d").episodes(), 1u);
  std::filesystem::remove(main);
  EXPECT_EQ(Dataset(folder / "d").episodes(), 1u);
  { const DatasetWriter writer(folder / "d", info); }
  EXPECT_EQ(std::filesystem::file_size(main), size);
}

TEST(Dataset, HalfWrittenFilesAreIgnoredAndRemoved) {
  const TempFolder folder;
  const DatasetInfo info = info_of(0, 0, 0, 1);
  { DatasetWriter(folder / "d", info).append(episode_of(info, 3, 0)); }
  const std::filesystem::path leftover = folder / "d" / "data" / "episodes" / "episode_000001.hdf5.tmp";
  test::write_bytes(leftover, "half");
  EXPECT_EQ(Dataset(folder / "d").episodes(), 1u);
  { DatasetWriter(folder / "d", info).append(episode_of(info, 3, 1)); }
  EXPECT_FALSE(std::filesystem::exists(leftover));
  EXPECT_EQ(Dataset(folder / "d").episodes(), 2u);
}

TEST(Dataset, SeveralThreadsRead) {
  const TempFolder folder;
  const DatasetInfo info = info_of(32, 32, 3, 0);
  DatasetWriter writer(folder / "d", info);
  for (std::uint64_t i = 0; i < 4; ++i) writer.append(episode_of(info, 40, i));
  const Dataset dataset(folder / "d");
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 8; ++i) {
        const std::uint64_t index = (i + t) % 4;
        if (dataset.read(index).frames != episode_of(info, 40, index).frames) ++wrong;
      }
    });
  }
  for (std::uint64_t i = 4; i < 8; ++i) writer.append(episode_of(info, 40, i));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// -- what the real Minari has written (tests/golden/make_minari.py) --------------------------------------------------

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "tests" / "golden" / "minari" / name;
}

void expect_gradient(const Episode& e) {
  for (std::size_t t = 0; t <= e.length(); ++t) {
    double difference = 0;
    for (int y = 0; y < e.height; ++y) {
      for (int x = 0; x < e.width; ++x) {
        const std::uint8_t* pixel = &e.frames[(t * e.height * e.width + static_cast<std::size_t>(y * e.width + x)) * 3];
        difference += std::abs(pixel[0] - 200 * x / (e.width - 1));
        difference += std::abs(pixel[1] - 200 * y / (e.height - 1));
        difference += std::abs(pixel[2] - static_cast<int>(10 * t));
      }
    }
    EXPECT_LT(difference / (e.height * e.width * 3), 4.0) << "frame " << t;  // JPEG's loss
  }
}

TEST(MinariDataset, PicturesAreRead) {
  const Dataset dataset(golden("pictures"));
  ASSERT_EQ(dataset.episodes(), 2u);  // the first in rows of one length, the second in rows of several
  EXPECT_EQ(dataset.steps(), 8);
  EXPECT_EQ(dataset.info().environment, "golden/pictures-v0");
  EXPECT_EQ(dataset.info().policy, "by hand");
  EXPECT_EQ(dataset.info().spaces.image_width, 48);
  EXPECT_TRUE(std::isinf(dataset.info().spaces.action.high[1]));
  for (std::size_t i = 0; i < 2; ++i) {
    const Episode e = dataset.read(i);
    const std::size_t steps = i == 0 ? 3 : 5;
    ASSERT_EQ(e.length(), steps);
    EXPECT_EQ(e.seed, 100 + i);
    EXPECT_EQ(e.height, 32);
    EXPECT_EQ(e.width, 48);
    EXPECT_EQ(e.channels, 3);
    ASSERT_EQ(e.frames.size(), (steps + 1) * 32 * 48 * 3);
    expect_gradient(e);
    EXPECT_EQ(e.actions[2], 0.5f);
    EXPECT_EQ(e.actions[3], 1.0f);
    EXPECT_EQ(e.rewards[2], 1.75f);
    EXPECT_EQ(e.terminated[0], 0);
    EXPECT_EQ(e.terminated.back(), 1);
    EXPECT_EQ(e.truncated.back(), 0);
  }
}

TEST(MinariDataset, ADictionaryIsRead) {
  const Dataset dataset(golden("dictionary"));
  const Episode e = dataset.read(0);
  EXPECT_EQ(e.height, 4);
  EXPECT_EQ(e.width, 5);
  EXPECT_EQ(e.frames.size(), 3u * 4 * 5 * 3);
  EXPECT_EQ(e.vectors, (std::vector<float>{0, 0.25f, 0.5f, 0.75f, 1, 1.25f}));
}

TEST(MinariDataset, VectorsAndChoicesAreRead) {
  const Dataset dataset(golden("vectors"));
  EXPECT_EQ(dataset.info().spaces.action.choices.size(), 4u);
  const Episode e = dataset.read(0);
  EXPECT_EQ(e.actions, (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(e.action_size, 1);
  EXPECT_EQ(e.vector_size, 3);
  EXPECT_EQ(e.vectors[14], 14.0f / 16);
  EXPECT_TRUE(e.frames.empty());
}

TEST(MinariDataset, ItIsNotWrittenInto) {
  const TempFolder folder;
  std::filesystem::copy(golden("vectors"), folder / "d", std::filesystem::copy_options::recursive);
  DatasetInfo info = Dataset(folder / "d").info();
  EXPECT_SAYS(test::message_of<Error>([&] { DatasetWriter(folder / "d", info); }), "another program");
  EXPECT_EQ(Dataset(folder / "d").episodes(), 1u);
}

}  // namespace dataset_test
}  // namespace dream
