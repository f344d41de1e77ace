// Datasets that Minari wrote, of every kind of space (tests/golden/make_minari.py), and what becomes of them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/data/dataset.h"
#include "core/data/dataset_look.h"
#include "core/data/dataset_sources.h"
#include "tests/data/dataset_fixture.h"

namespace dream::foreign_dataset_test {

using test::TempFolder;

std::filesystem::path golden(const char* name) {
  return std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "tests" / "golden" / "minari" / name;
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(ForeignDataset, EveryKindOfSpaceServesOrIsListed) {
  const Dataset dataset(golden("mixed"));
  const auto& spaces = dataset.info().spaces;
  EXPECT_EQ(spaces.vector_names,
            (std::vector<std::string>{"arm/_index_0 0", "arm/_index_0 1", "arm/_index_1 = 0", "arm/_index_1 = 1", "counts 0",
                                      "counts 1", "lamps 0", "lamps 1", "lamps 2", "lamps 3", "way = 2", "way = 3", "way = 4", "way = 5"}));
  EXPECT_EQ(dataset.left_out(), (std::vector<std::string>{"goal: Text", "second camera: a further picture, Box of 6 × 7 × 3"}));
  EXPECT_EQ(spaces.action.choices, (std::vector<std::string>{"0,0", "0,1", "0,2", "1,0", "1,1", "1,2"}));
  const auto e = dataset.read(0);
  EXPECT_EQ(e.frames, std::vector<std::uint8_t>(4 * 6 * 7 * 3, 9));
  EXPECT_EQ(e.actions, (std::vector<float>{0, 4, 2}));
  const std::vector<float> second(e.vectors.begin() + 14, e.vectors.begin() + 28);
  EXPECT_EQ(second, (std::vector<float>{2, 3, 0, 1, 3, 1, 0, 1, 0, 0, 0, 1, 0, 0}));
}

TEST(ForeignDataset, ActionsOfSeveralKinds) {
  const Dataset car(golden("car"));
  const auto& axes = car.info().spaces.action;
  EXPECT_EQ(axes.axes, (std::vector<std::string>{"arm 0", "arm 1", "gear = 1", "gear = 2", "gear = 3", "lights 0 = 0", "lights 0 = 1", "lights 1 = 0", "lights 1 = 1", "steer"}));
  EXPECT_EQ(axes.low, (std::vector<float>{-1, -1, 0, 0, 0, 0, 0, 0, 0, -2}));
  EXPECT_EQ(axes.high, std::vector<float>(10, 1));
  EXPECT_EQ(car.read(0).actions, (std::vector<float>{0, 0.5f, 0, 0, 1, 1, 0, 0, 1, -2, -1, 1, 1, 0, 0, 0, 1, 0, 1, 0.5f, 0.25f, -0.5f, 0, 1, 0, 1, 0, 1, 0, 1}));

  const Dataset buttons(golden("buttons"));
  const auto& choices = buttons.info().spaces.action.choices;
  ASSERT_EQ(choices.size(), 48u);
  EXPECT_EQ(choices[41], "_index_0 2, _index_1/arrow 1,1, _index_1/pad 0,1");
  EXPECT_EQ(buttons.read(0).actions, (std::vector<float>{9, 42, 47}));
}

/// Number `index` of the array that make_minari.py counts up, frame `t`.
std::uint8_t counted(std::size_t t, std::size_t numbers, std::size_t index) {
  return static_cast<std::uint8_t>((t * numbers + index) % 251);
}

TEST(ForeignDataset, OfStackedPicturesTheNewestIsTaken) {
  const auto e = Dataset(golden("stacked")).read(0);
  ASSERT_EQ(e.channels, 1);
  ASSERT_EQ(e.frames.size(), 4u * 8 * 9);
  for (std::size_t t = 0; t < 4; ++t)
    for (std::size_t i = 0; i < 72; ++i) ASSERT_EQ(e.frames[t * 72 + i], counted(t, 288, 216 + i));
  const auto clip = Dataset(golden("clip")).read(0);
  ASSERT_EQ(clip.channels, 3);
  for (std::size_t i = 0; i < 216; ++i) ASSERT_EQ(clip.frames[216 + i], counted(1, 432, 216 + i));
}

TEST(ForeignDataset, ChannelsMayComeFirst) {
  const auto e = Dataset(golden("channels_first")).read(0);
  ASSERT_EQ(e.channels, 3);
  ASSERT_EQ(e.height, 8);
  for (std::size_t pixel = 0; pixel < 72; ++pixel)
    for (std::size_t c = 0; c < 3; ++c) ASSERT_EQ(e.frames[216 + pixel * 3 + c], counted(1, 216, c * 72 + pixel));
}

TEST(ForeignDataset, PicturesMayBeNumbersFromZeroToOne) {
  const auto e = Dataset(golden("unit")).read(0);
  ASSERT_EQ(e.frames.size(), 4u * 216);
  for (std::size_t i = 0; i < e.frames.size(); ++i) ASSERT_EQ(e.frames[i], counted(0, 216, i));
}

TEST(ForeignDataset, TheNumberOfAStateIsOne) {
  const Dataset dataset(golden("state"));
  EXPECT_EQ(dataset.info().spaces.states, 48);
  EXPECT_EQ(dataset.info().spaces.action.choices, (std::vector<std::string>{"1", "2", "3", "4"}));
  const auto e = dataset.read(0);
  EXPECT_EQ(e.vectors, (std::vector<float>{36, 37, 38, 39}));
  EXPECT_EQ(e.actions, (std::vector<float>{0, 1, 2}));
}

TEST(ForeignDataset, WhatNeedNotBeThereMayBeMissing) {
  const Dataset dataset(golden("damaged"));
  EXPECT_EQ(dataset.info().policy, "unknown");
  EXPECT_EQ(dataset.episodes(), 3u);
  EXPECT_EQ(dataset.steps(), 12);
  const auto e = dataset.read(0);  // whose flags are numbers
  EXPECT_EQ(e.terminated.back(), 1);
  EXPECT_EQ(e.truncated, (std::vector<std::uint8_t>{0, 0, 0, 0}));
}

TEST(ForeignDataset, ADamagedEpisodeIsNamedAndLeftOutWhenAsked) {
  const auto want = Dataset(golden("damaged")).info().spaces;
  {
    DatasetSources sources({golden("damaged")}, fit_to(want, "Toy"));
    Replay replay(std::size_t{1} << 20);
    EXPECT_TRUE(sources.read_into(replay));
    EXPECT_SAYS(test::message_of<Error>([&] { sources.read_into(replay); }), "episode_1/observations");
  }
  DatasetSources sources({golden("damaged")}, fit_to(want, "Toy"), Damage::skip);
  Replay replay(std::size_t{1} << 20);
  while (sources.read_into(replay)) {
  }
  EXPECT_EQ(replay.episodes(), 2u);
  ASSERT_EQ(sources.notes().size(), 1u);
  EXPECT_SAYS(sources.notes()[0], "episode_1/observations");
  const auto look = look_at(Dataset(golden("damaged"), Damage::skip), 100);
  EXPECT_EQ(look.episodes.size(), 2u);
  EXPECT_EQ(look.damaged.size(), 1u);
}

TEST(ForeignDataset, AMissingEpisodeIsNamedAndLeftOutWhenAsked) {
  const TempFolder folder;
  std::filesystem::copy(golden("damaged"), folder / "d", std::filesystem::copy_options::recursive);
  const auto path = folder / "d" / "data" / "metadata.json";
  auto text = read_text_file(path, 1 << 20);
  const std::string three = "\"total_episodes\": 3";
  ASSERT_NE(text.find(three), std::string::npos);
  text.replace(text.find(three), three.size(), "\"total_episodes\": 4");
  write_file(path, text);
  EXPECT_SAYS(test::message_of<Error>([&] { Dataset(folder / "d"); }), "episode_3 is missing");
  const Dataset dataset(folder / "d", Damage::skip);
  EXPECT_EQ(dataset.episodes(), 3u);
  ASSERT_EQ(dataset.skipped().size(), 1u);
}

TEST(ForeignDataset, AnyPathIntoItIsUnderstood) {
  for (const auto& path : {golden("state"), golden("state") / "data", golden("state") / "data" / "", golden("state") / "data" / "main_data.hdf5",
                           golden("state") / "data" / "metadata.json"})
    EXPECT_EQ(Dataset(path).episodes(), 1u) << path;
  EXPECT_SAYS(test::message_of<Error>([&] { Dataset(golden("state").parent_path()); }), "there are datasets further in");
}

TEST(ForeignDataset, APathMayHoldAColon) {
  const TempFolder folder;
  const auto odd = folder / "run:3";
  std::filesystem::create_directories(odd);
  const auto plain = folder / "plain";
  std::filesystem::create_directories(plain);
  const auto list = odd.string() + ":" + plain.string();
  EXPECT_EQ(folders_of(list), (std::vector<std::filesystem::path>{odd, plain}));
  EXPECT_EQ(folders_of("/no/a:/no/b"), (std::vector<std::filesystem::path>{"/no/a", "/no/b"}));
}

Spaces world(int side, int channels, int numbers) {
  auto spaces = test::info_of(side, side, channels, numbers).spaces;
  return spaces;
}

TEST(ForeignDataset, PicturesAreBroughtToTheWorldsSize) {
  const auto dataset = Dataset(golden("unit"));
  auto want = world(16, 1, 2);
  want.action.low = {-1, 0}, want.action.high = {1, std::numeric_limits<float>::infinity()};
  const auto fit = fit_to(want, "Toy", {.pictures = true, .vectors = false})(dataset.info());
  EXPECT_EQ(fit.refusal, "");
  EXPECT_SAYS(fit.note, "8 × 9 × 3, which become 16 × 16 × 1");
  auto e = dataset.read(0);
  fit.apply(e);
  EXPECT_EQ(e.channels, 1);
  EXPECT_EQ(e.frames.size(), 4u * 16 * 16);
  EXPECT_EQ(e.vectors, std::vector<float>(8, 0.0f)) << "nobody needs them here";
}

TEST(ForeignDataset, WhatDoesNotFitIsSaidExactly) {
  const auto refusal = [](const char* name, const Spaces& want, Needs needs = {}) { return fit_to(want, "Toy", needs)(Dataset(golden(name)).info()).refusal; };
  EXPECT_SAYS(refusal("vectors", world(8, 3, 0)), "holds no pictures, and Toy is learned from pictures here");
  EXPECT_SAYS(refusal("vectors", world(0, 0, 5)), "holds vectors of 3 numbers, and Toy has vectors of 5");
  EXPECT_SAYS(refusal("unit", world(8, 3, 5)), "holds no vectors, and Toy has vectors of 5");
  EXPECT_SAYS(refusal("vectors", world(0, 0, 3)), "holds actions of one of 4 choices, and Toy has 2 axes");
  auto other = world(8, 3, 0);
  other.action.low[0] = -2;
  EXPECT_SAYS(refusal("unit", other), "axis 0 goes from -1 to 1, and that of Toy from -2 to 1");
  EXPECT_EQ(refusal("unit", world(8, 3, 5), {.pictures = true, .vectors = false}), "");
}

TEST(ForeignDataset, ALookFindsWhatStandsStillAndWhatIsThereTwice) {
  const TempFolder folder;
  const auto info = test::info_of(6, 6, 3, 0, true);
  {
    DatasetWriter writer(folder / "d", info);
    auto e = test::episode_of(info, 5, 1);
    writer.append(e);
    writer.append(e);
    std::fill(e.frames.begin(), e.frames.end(), std::uint8_t{7});
    std::fill(e.actions.begin(), e.actions.end(), 2.0f);
    writer.append(e);
  }
  const auto look = look_at(Dataset(folder / "d"), 10);
  ASSERT_EQ(look.episodes.size(), 3u);
  EXPECT_EQ(look.episodes[1].twin, "episode_0");
  EXPECT_EQ(look.episodes[2].twin, "");
  EXPECT_EQ(look.episodes[2].still, 5u);
  EXPECT_EQ(look.episodes[0].still, 0u);
  EXPECT_NEAR(look.choices[0] + look.choices[1] + look.choices[2], 1, 1e-12);
  EXPECT_GT(look.coverage, 0);
  EXPECT_LE(look.coverage, 1);
  const auto sheet = thumbnails(Dataset(folder / "d"), 8, 3, 12);
  EXPECT_EQ(sheet.width, 3 * 14 - 2);
  EXPECT_EQ(sheet.height, 3 * 14 - 2);
  EXPECT_EQ(sheet.rgb.back(), 7) << "the last frame of the last episode";
}

}  // namespace dream::foreign_dataset_test
