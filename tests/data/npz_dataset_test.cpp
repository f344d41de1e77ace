// Episodes as NumPy files (tests/golden/make_npz.py), read as datasets.
#include <gtest/gtest.h>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/npy.h"
#include "core/data/dataset.h"
#include "tests/data/temp_folder.h"

namespace dream::npz_dataset_test {

std::filesystem::path golden(const char* name) {
  return std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "tests" / "golden" / "npz" / name;
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

/// Row `row` of the file's frames, which count up.
void expect_frame(const Episode& e, std::size_t t, std::size_t row) {
  for (std::size_t i = 0; i < e.frame_bytes(); ++i) ASSERT_EQ(e.frames[t * e.frame_bytes() + i], (row * 126 + i) % 251);
}

TEST(NpzDataset, DreamerV1sEpisode) {
  const Dataset dataset(golden("dreamer_v1"));
  EXPECT_EQ(dataset.info().environment, "dreamer_v1");
  EXPECT_FALSE(dataset.appendable());
  ASSERT_EQ(dataset.episodes(), 1u);
  EXPECT_EQ(dataset.steps(), 4);
  const auto e = dataset.read(0);
  EXPECT_EQ(e.rewards, (std::vector<float>{0.5f, 1, 1.5f, 2})) << "half precision; the first row has no step";
  EXPECT_EQ(e.actions, (std::vector<float>{0.125f, -0.25f, 0.25f, -0.5f, 0.375f, -0.75f, 0.5f, -1}));
  EXPECT_EQ(e.terminated, (std::vector<std::uint8_t>{0, 0, 0, 1})) << "by its discount";
  EXPECT_EQ(e.truncated.back(), 0);
  expect_frame(e, 0, 0);
  expect_frame(e, 4, 4);
}

TEST(NpzDataset, DreamerV2sChoices) {
  const Dataset dataset(golden("dreamer_v2") / "20210101T000000-abc-5.npz");
  EXPECT_EQ(dataset.info().spaces.action.choices.size(), 3u);
  const auto e = dataset.read(0);
  EXPECT_EQ(e.actions, (std::vector<float>{2, 0, 1, 1}));
  EXPECT_EQ(e.terminated.back(), 0);
  EXPECT_EQ(e.truncated.back(), 1) << "it ended by time";
}

TEST(NpzDataset, DreamerV3sStreamIsCutIntoItsEpisodes) {
  const Dataset dataset(golden("dreamer_v3"));
  ASSERT_EQ(dataset.episodes(), 3u);
  EXPECT_EQ(dataset.steps(), 2 + 3 + 1);
  EXPECT_EQ(dataset.info().spaces.vector_names, (std::vector<std::string>{"position 0", "position 1"}));
  const auto middle = dataset.read(1);
  EXPECT_EQ(middle.rewards, (std::vector<float>{4, 5, 6}));
  EXPECT_EQ(middle.actions, (std::vector<float>{1, 0, 1})) << "taken at rows 3, 4, 5";
  EXPECT_EQ(middle.vectors, (std::vector<float>{6, 7, 8, 9, 10, 11, 12, 13}));
  EXPECT_EQ(middle.terminated.back(), 1);
  EXPECT_EQ(dataset.read(0).truncated.back(), 1);
  expect_frame(middle, 0, 3);
  expect_frame(dataset.read(2), 1, 8);
}

TEST(NpzDataset, RolloutsOfWorldModels) {
  const Dataset dataset(golden("rollouts"));
  ASSERT_EQ(dataset.episodes(), 2u);
  const auto e = dataset.read(1);
  EXPECT_EQ(e.length(), 4u);
  EXPECT_EQ(e.rewards, (std::vector<float>{0.5f, 1.5f, 2.5f, 3.5f}));
  EXPECT_EQ(e.actions[0], 3.0f / 32);
  EXPECT_EQ(e.terminated.back(), 1);
}

TEST(NpzDataset, WhatIsNoEpisodeIsNamedAndLeftOutWhenAsked) {
  const test::TempFolder folder;
  std::filesystem::copy(golden("rollouts"), folder / "d");
  write_file(folder / "d" / "a_bad.npz", "no zip");
  EXPECT_SAYS(test::message_of<Error>([&] { Dataset(folder / "d"); }), "a_bad.npz");
  const Dataset dataset(folder / "d", Damage::skip);
  EXPECT_EQ(dataset.episodes(), 2u);
  ASSERT_EQ(dataset.skipped().size(), 1u);
  const std::vector<float> numbers(4);
  write_npz(folder / "x.npz", {{{"x", NpyArray::of<float>({4}, numbers)}}, ""});
  EXPECT_SAYS(test::message_of<Error>([&] { Dataset(folder / "x.npz"); }), "'action' and 'reward'");
  write_npz(folder / "y.npz", {{{"action", NpyArray::of<float>({3}, std::span(numbers).first(3))}, {"reward", NpyArray::of<float>({4}, numbers)}}, ""});
  EXPECT_SAYS(test::message_of<Error>([&] { Dataset(folder / "y.npz"); }), "fewer rows");
  EXPECT_TRUE(is_dataset(folder / "d"));
  EXPECT_FALSE(is_dataset(folder.path() / "none"));
}

TEST(NpzDataset, WhatIsNoChoiceAndWhatIsAnotherPictureIsRefused) {
  const test::TempFolder folder;
  const std::vector<float> rewards(4);
  const std::vector<std::uint8_t> pixels(4 * 3 * 16 * 16);
  const auto file = [&](const std::string& name, std::vector<std::size_t> shape, std::vector<std::int64_t> actions) {
    write_npz(folder / name, {{{"action", NpyArray::of<std::int64_t>({4}, actions)},
                               {"reward", NpyArray::of<float>({4}, rewards)},
                               {"image", NpyArray::of<std::uint8_t>(shape, pixels)}},
                              ""});
  };
  for (const std::int64_t none : {std::int64_t{2'000'000'000}, std::int64_t{-3}}) {
    file("x.npz", {4, 16, 16, 3}, {0, 1, none, 0});
    EXPECT_SAYS(test::message_of<Error>([&] { Dataset(folder / "x.npz"); }), "counted from 0 to 4095");
  }
  std::filesystem::create_directories(folder / "d");
  file("d/0.npz", {4, 16, 16, 3}, {0, 1, 2, 0});
  file("d/1.npz", {4, 3, 16, 16}, {0, 1, 2, 0});
  file("d/2.npz", {4, 768}, {0, 1, 2, 0});
  const Dataset dataset(folder / "d");
  EXPECT_EQ(dataset.read(0).height, 16);
  for (const std::size_t other : {1, 2}) EXPECT_SAYS(test::message_of<Error>([&] { dataset.read(other); }), "another shape");
}

TEST(NpzDataset, WhatNobodyNeedsMayBeAnything) {
  const Dataset dataset(golden("texts"));
  ASSERT_EQ(dataset.left_out().size(), 2u);
  const auto all = dataset.left_out()[0] + "\n" + dataset.left_out()[1];
  EXPECT_SAYS(all, "note: element type '<U5', expected one of");
  EXPECT_SAYS(all, "info: element type '|O'");
  const auto e = dataset.read(0);
  EXPECT_EQ(e.rewards, (std::vector<float>{1, 2, 3, 4}));
  expect_frame(e, 4, 4);
  for (const auto damage : {Damage::refuse, Damage::skip}) {
    const auto said = test::message_of<Error>([&] { Dataset(golden("text_reward"), damage); });
    EXPECT_SAYS(said, "text_reward.npz: array 'reward': element type '<U4'");
  }
}

TEST(NpzDataset, PicturesMayBeOtherNumbers) {
  const test::TempFolder folder;
  constexpr std::size_t rows = 3, numbers = 32 * 33 * 3;
  const std::vector<float> rewards(rows);
  std::filesystem::create_directories(folder / "d");
  const auto file = [&]<typename T>(const std::string& name, const std::string& array, std::vector<T> some, std::size_t side = 0) {
    const std::vector<std::size_t> shape = {rows, side > 0 ? side : 32, side > 0 ? side : 33, 3};
    std::vector<T> values;
    for (std::size_t i = 0; i < shape[0] * shape[1] * shape[2] * 3; ++i) values.push_back(some[i % some.size()]);
    write_npz(folder / name, {{{"action", NpyArray::of<float>({rows}, rewards)}, {"reward", NpyArray::of<float>({rows}, rewards)}, {array, NpyArray::of<T>(shape, values)}}, ""});
  };
  const auto seen = [&](const std::string& name) {
    const auto e = Dataset(folder / name).read(0);
    EXPECT_EQ(e.frames.size(), rows * numbers);
    return std::vector<std::uint8_t>(e.frames.begin(), e.frames.begin() + 3);
  };
  using Bytes = std::vector<std::uint8_t>;
  file("unit.npz", "image", std::vector<float>{0, 0.5f, 1});
  EXPECT_EQ(seen("unit.npz"), (Bytes{0, 128, 255}));
  EXPECT_EQ(Dataset(folder / "unit.npz").left_out(), std::vector<std::string>{"image: what is finer than 8 bits, of its numbers from 0 to 1"});
  file("signed.npz", "view", std::vector<double>{-1, 0.0039215, 1});
  EXPECT_EQ(seen("signed.npz"), (Bytes{0, 128, 255}));
  file("whole.npz", "view", std::vector<float>{0, 7, 255});
  EXPECT_EQ(seen("whole.npz"), (Bytes{0, 7, 255}));
  EXPECT_TRUE(Dataset(folder / "whole.npz").left_out().empty());
  file("ints.npz", "view", std::vector<std::int32_t>{1, 0, 1});
  EXPECT_EQ(seen("ints.npz"), (Bytes{1, 0, 1})) << "whole numbers are never shares of one";

  file("none.npz", "view", std::vector<float>{0, 300, 0.5f}, 64);
  EXPECT_SAYS(test::message_of<Error>([&] { Dataset(folder / "none.npz"); }),
              "(view: more than 4096 numbers, and no picture: numbers from 0 to 1, from -1 to 1, or whole ones from 0 to 255 were expected)");
  file("small.npz", "view", std::vector<float>{0, 1, 0.5f}, 16);
  EXPECT_EQ(Dataset(folder / "small.npz").info().spaces.vector_names.size(), 768u) << "they may be anything";
  file("d/0.npz", "image", std::vector<float>{0, 0.5f, 1});
  file("d/1.npz", "image", std::vector<float>{0, 0.5f, 40});
  EXPECT_SAYS(test::message_of<Error>([&] { Dataset(folder / "d").read(1); }),
              "1.npz: array 'image' holds 40, and a picture's numbers from 0 to 1 were expected, as in the first file");
}

TEST(NpzDataset, WhatIsWrongWithAllFilesIsSaid) {
  const test::TempFolder folder;
  std::filesystem::create_directories(folder / "d");
  write_file(folder / "d" / "a.npz", "no zip"), write_file(folder / "d" / "b.npz", "nor this");
  const auto said = test::message_of<Error>([&] { Dataset(folder / "d", Damage::skip); });
  EXPECT_SAYS(said, "holds no episode that can be read in 2 files, of which the first: ");
  EXPECT_SAYS(said, "a.npz: not an .npz file, or cut short");
}

}  // namespace dream::npz_dataset_test
