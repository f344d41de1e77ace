// Videos as datasets. They are made here, which takes FFmpeg's libraries with an encoder; what needs none is tested anyway.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/data/dataset.h"
#include "core/data/dataset_look.h"
#include "core/data/fit.h"
#include "core/data/video_reader.h"
#include "core/data/video_table.h"
#include "core/data/video_writer.h"
#include "tests/cli/cli_fixture.h"
#include "tests/data/temp_folder.h"

namespace dream::video_test {

struct Rgb {
  int red, green, blue;
};
using Paint = std::function<Rgb(int t, int x, int y)>;

Rgb grey(int level) {
  return {level, level, level};
}
int level_of(int t) {
  return 30 + 8 * t % 200;
}
Rgb plain(int t, int, int) {
  return grey(level_of(t));
}
/// Something that moves all over, so that no frame is another.
Rgb moving(int t, int x, int y) {
  return {(x * 3 + t * 7) % 256, (y * 5 + t * 3) % 256, (x + y + t * 11) / 9 % 2 * 180};
}

void write_clip(const std::filesystem::path& file, int frames, const Paint& paint = plain, VideoWriter::Options options = {}) {
  VideoWriter writer(file, options);
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(options.width * options.height * 3));
  for (int t = 0; t < frames; ++t) {
    for (int y = 0; y < options.height; ++y) {
      for (int x = 0; x < options.width; ++x) {
        const auto colour = paint(t, x, y);
        auto* pixel = &rgb[static_cast<std::size_t>((y * options.width + x) * 3)];
        pixel[0] = static_cast<std::uint8_t>(colour.red), pixel[1] = static_cast<std::uint8_t>(colour.green), pixel[2] = static_cast<std::uint8_t>(colour.blue);
      }
    }
    writer.add(rgb.data());
  }
  writer.finish();
}

std::string opening(const std::filesystem::path& path) {
  return test::message_of<Error>([&] { Dataset opened(path); });
}

class Videos : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = why_no_videos(); !why.empty()) GTEST_SKIP() << why;
    if (!VideoWriter::can_write()) GTEST_SKIP() << "FFmpeg's libraries here have no encoder to make a video with";
    std::filesystem::create_directory(folder_ / "clips");
  }
  std::filesystem::path clip(const std::string& name) const { return folder_ / "clips" / name; }
  std::filesystem::path clips() const { return folder_ / "clips"; }

  test::TempFolder folder_;
};

void expect_colour(const Episode& e, std::size_t frame, int x, int y, Rgb wanted) {
  const auto* pixel = e.frames.data() + frame * e.frame_bytes() + static_cast<std::size_t>((y * e.width + x) * 3);
  const int found[] = {pixel[0], pixel[1], pixel[2]}, want[] = {wanted.red, wanted.green, wanted.blue};
  for (int c = 0; c < 3; ++c) ASSERT_NEAR(found[c], want[c], 8) << "frame " << frame << " at " << x << ", " << y << ", colour " << c;
}

TEST_F(Videos, AnEpisodeIsTheMiddleSquareOfEveryFrame) {
  write_clip(
      clip("drive.mp4"), 12,
      [](int t, int x, int y) {
        if (x < 64 || x >= 192) return Rgb{200, 30, 30};
        return y < 64 ? grey(level_of(t)) : Rgb{20, 20, 180};
      },
      {.width = 256, .height = 128});
  const Dataset dataset(clips());
  const auto& info = dataset.info();
  EXPECT_EQ(info.environment, "clips");
  EXPECT_EQ(info.spaces.image_height, 64);
  EXPECT_EQ(info.spaces.image_channels, 3);
  EXPECT_EQ(info.spaces.action.size(), 0u);
  EXPECT_NEAR(info.spaces.natural_rate, 30, 0.1);
  EXPECT_FALSE(dataset.appendable());
  ASSERT_EQ(dataset.left_out().size(), 1u);
  EXPECT_SAYS(dataset.left_out()[0], "256 × 128");
  ASSERT_EQ(dataset.episodes(), 1u);
  EXPECT_EQ(dataset.name(0), "drive");
  EXPECT_EQ(dataset.steps(), 11);
  const auto e = dataset.read(0);
  ASSERT_EQ(e.frames.size(), 12 * 64 * 64 * 3u);
  EXPECT_EQ(e.rewards, std::vector<float>(11, 0));
  EXPECT_EQ(e.truncated.back(), 1);
  EXPECT_EQ(std::accumulate(e.terminated.begin(), e.terminated.end(), 0), 0);
  for (std::size_t t = 0; t < 12; ++t) {
    for (const int x : {2, 32, 61}) {
      expect_colour(e, t, x, 10, grey(level_of(static_cast<int>(t))));
      expect_colour(e, t, x, 50, {20, 20, 180});
    }
  }
  const auto look = look_at(dataset, 10);
  EXPECT_EQ(look.episodes.size(), 1u);
  EXPECT_TRUE(look.actions.empty());
  EXPECT_FALSE(thumbnails(dataset, 8, 4, 32).rgb.empty());
}

TEST_F(Videos, SettingsBesideThemSaySizeFitAndWorld) {
  write_clip(clip("a.mp4"), 4, [](int, int x, int) { return x < 64 ? Rgb{200, 30, 30} : Rgb{20, 20, 180}; }, {.width = 256, .height = 128});
  write_file(clip("videos.toml"), "size = 32\nfit = \"stretch\"\nenvironment = \"Street\"\n");
  const Dataset dataset(clip("a.mp4"));
  EXPECT_EQ(dataset.info().environment, "Street");
  EXPECT_TRUE(dataset.left_out().empty());
  const auto e = dataset.read(0);
  EXPECT_EQ(e.width, 32);
  expect_colour(e, 2, 3, 16, {200, 30, 30});
  expect_colour(e, 2, 12, 16, {20, 20, 180});
  write_file(clip("videos.toml"), "size = 32\nsise = 64\n");
  const auto said = opening(clips());
  EXPECT_SAYS(said, "videos.toml");
  EXPECT_SAYS(said, "'sise'");
  EXPECT_SAYS(said, "'size'");
}

TEST_F(Videos, TheyAreTurnedAsTheirFileSays) {
  write_clip(clip("a.mp4"), 4, [](int, int x, int) { return x < 48 ? Rgb{200, 30, 30} : Rgb{20, 20, 180}; }, {.width = 96, .height = 64});
  auto bytes = test::read_bytes(clip("a.mp4"));
  const auto head = bytes.find("tkhd");  // ISO 14496-12: its matrix, in 16.16 numbers, big-endian
  ASSERT_NE(head, std::string::npos);
  const auto put = [&](std::size_t number, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) bytes[head + 44 + 4 * number + i] = static_cast<char>(value >> (24 - 8 * i));
  };
  put(0, 0), put(1, 0x10000), put(3, 0xffff0000), put(4, 0), put(6, 64 << 16);  // a quarter turn to the right
  write_file(clip("a.mp4"), bytes);
  const Dataset dataset(clips());
  EXPECT_SAYS(dataset.left_out().at(0), "64 × 96");
  const auto e = dataset.read(0);
  for (const int x : {3, 60}) {
    expect_colour(e, 2, x, 5, {200, 30, 30});
    expect_colour(e, 2, x, 58, {20, 20, 180});
  }
}

TEST_F(Videos, LongOnesAreCutIntoEpisodesThatShareAFrame) {
  write_clip(clip("long.mp4"), 25, moving, {.key_every = 6});
  write_clip(clip("short.mp4"), 9, moving);
  write_clip(clip("short.mkv"), 9, moving);
  write_file(clip("videos.toml"), "longest = 10");
  const Dataset dataset(clips());
  ASSERT_EQ(dataset.episodes(), 5u);
  EXPECT_EQ(dataset.steps(), 24 + 8 + 8);
  EXPECT_EQ(dataset.name(1), "long@8");
  EXPECT_EQ(dataset.name(3), "short.mkv");
  EXPECT_EQ(dataset.name(4), "short.mp4");
  VideoReader reader(clip("long.mp4"), index_video(clip("long.mp4")), {});
  std::vector<std::int64_t> numbers(25);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::vector<std::uint8_t> whole(25 * 64 * 64 * 3);
  reader.read(numbers, whole.data());
  for (const std::size_t i : {2, 0, 3, 1, 1, 2}) {
    const auto e = dataset.read(i);
    ASSERT_EQ(e.length(), 8u);
    if (i < 3) {
      EXPECT_TRUE(std::equal(e.frames.begin(), e.frames.end(), whole.begin() + static_cast<std::ptrdiff_t>(i * 8 * e.frame_bytes()))) << i;
    }
  }
}

TEST_F(Videos, EveryFrameIsTheSameWhereverReadingBegins) {
  struct Kind {
    std::string name, codec;
    int reordered;
  };
  int tried = 0;
  for (const auto& kind : {Kind{"a.mp4", "", 3}, Kind{"b.mkv", "", 3}, Kind{"c.mp4", "mpeg4", 2}, Kind{"d.avi", "mpeg4", 0}, Kind{"e.avi", "mpeg4", 2},
                           Kind{"f.gif", "gif", 0}, Kind{"g.webm", "libvpx", 0}}) {
    if (!VideoWriter::can_write(kind.codec)) continue;
    ++tried;
    constexpr std::int64_t frames = 90;
    write_clip(clip(kind.name), frames, moving, {.width = 96, .height = 64, .key_every = 12, .reordered = kind.reordered, .codec = kind.codec});
    const auto index = index_video(clip(kind.name));
    ASSERT_EQ(index.frames(), static_cast<std::size_t>(frames)) << kind.name;
    VideoReader reader(clip(kind.name), index, {.size = 32});
    std::vector<std::int64_t> numbers(frames);
    std::iota(numbers.begin(), numbers.end(), 0);
    constexpr std::size_t bytes = 32 * 32 * 3;
    std::vector<std::uint8_t> whole(frames * bytes), one(bytes);
    reader.read(numbers, whole.data());
    for (std::int64_t i = 0, at = 5; i < 30; ++i, at = (at + 53) % frames) {
      reader.read({&at, 1}, one.data());
      ASSERT_TRUE(std::equal(one.begin(), one.end(), whole.begin() + at * static_cast<std::ptrdiff_t>(bytes))) << kind.name << ", frame " << at;
    }
    for (std::size_t t = 1; t < frames; ++t) {
      const auto* frame = whole.data() + t * bytes;
      ASSERT_FALSE(std::equal(frame, frame + bytes, frame - bytes)) << kind.name << ": frame " << t << " is the one before it";
    }
  }
  EXPECT_GE(tried, 2);
}

TEST_F(Videos, ALowerRateTakesTheFirstFrameOfEveryInterval) {
  write_clip(clip("a.mp4"), 12);
  std::string table = "action,reward,cost\n";
  for (int t = 0; t < 12; ++t) table += std::to_string(t % 3 == 0 ? 1 : 0) + "," + std::to_string(t) + ",0.5\n";
  write_file(clip("a.csv"), table);
  write_file(clip("videos.toml"), "rate = 10");
  const Dataset dataset(clips());
  EXPECT_NEAR(dataset.info().spaces.natural_rate, 10, 1e-3);
  EXPECT_TRUE(dataset.info().spaces.costs);
  const auto e = dataset.read(0);
  ASSERT_EQ(e.length(), 3u);
  for (std::size_t t = 0; t < 4; ++t) expect_colour(e, t, 30, 30, grey(level_of(static_cast<int>(3 * t))));
  EXPECT_EQ(e.actions, (std::vector<float>{1, 1, 1})) << "what was done where a frame that stays was seen";
  EXPECT_EQ(e.rewards, (std::vector<float>{0 + 1 + 2, 3 + 4 + 5, 6 + 7 + 8})) << "with what is left out behind it";
  EXPECT_DOUBLE_EQ(e.cost(), 4.5);
}

TEST_F(Videos, ActionsAreChoicesOrAxes) {
  write_clip(clip("a.mp4"), 5);
  write_file(clip("a.csv"), "frame, action ,reward\n0,2,0.5\n1,0,1\n2,1,1.5\n3,0,2\n4,0,9\n\n");
  const Dataset chosen(clips());
  EXPECT_EQ(chosen.info().spaces.action.choices.size(), 3u);
  EXPECT_SAYS(chosen.left_out().at(0), "frame");
  const auto e = chosen.read(0);
  EXPECT_EQ(e.actions, (std::vector<float>{2, 0, 1, 0}));
  EXPECT_EQ(e.rewards, (std::vector<float>{0.5f, 1, 1.5f, 2})) << "of the last frame nothing came any more";
  EXPECT_EQ(e.action_size, 1);
  write_file(clip("videos.toml"), "choices = 5");
  EXPECT_EQ(Dataset(clips()).info().spaces.action.choices.size(), 5u);
  write_file(clip("videos.toml"), "choices = 2");
  EXPECT_SAYS(opening(clips()), "frame 0, column 'action': choice 2");
  write_file(clip("videos.toml"), "");

  write_file(clip("a.csv"), "steer,gas\r\n-0.5,1\r\n0,2\r\n0.5,3\r\n1,4\r\n0,0\r\n");
  const Dataset driven(clips());
  EXPECT_EQ(driven.info().spaces.action.axes, (std::vector<std::string>{"steer", "gas"}));
  EXPECT_TRUE(std::isinf(driven.info().spaces.action.high[0]));
  EXPECT_EQ(driven.read(0).actions, (std::vector<float>{-0.5f, 1, 0, 2, 0.5f, 3, 1, 4}));
}

TEST_F(Videos, AnEpisodeEndsWhereItsTableSaysSo) {
  write_clip(clip("a.mp4"), 10);
  write_file(clip("a.csv"), "action,terminated\n0,0\n1,0\n2,1\n3,0\n4,0\n5,0\n6,0\n7,true\n8,0\n9,0\n");
  const Dataset dataset(clips());
  // Frames 0 to 3, 4 to 8; the last one alone is no episode.
  ASSERT_EQ(dataset.episodes(), 2u);
  const auto first = dataset.read(0), second = dataset.read(1);
  EXPECT_EQ(first.actions, (std::vector<float>{0, 1, 2}));
  EXPECT_EQ(first.terminated, (std::vector<std::uint8_t>{0, 0, 1}));
  EXPECT_EQ(first.truncated.back(), 0);
  EXPECT_EQ(second.actions, (std::vector<float>{4, 5, 6, 7}));
  EXPECT_EQ(second.terminated.back(), 1);
  expect_colour(first, 3, 30, 30, grey(level_of(3)));
  expect_colour(second, 0, 30, 30, grey(level_of(4)));
}

TEST_F(Videos, OneOfAFolderMustFitTheOthers) {
  write_clip(clip("a.mp4"), 4);
  write_clip(clip("b.mp4"), 4);
  write_file(clip("a.csv"), "steer\n0\n0\n0\n0\n");
  EXPECT_SAYS(opening(clips()), "b.mp4' has no actions (b.csv) beside it");
  const Dataset kept(clips(), Damage::skip);
  EXPECT_EQ(kept.episodes(), 1u);
  ASSERT_EQ(kept.skipped().size(), 1u);
  write_file(clip("b.csv"), "gas\n0\n0\n0\n0\n");
  const auto said = opening(clips());
  EXPECT_SAYS(said, "b.csv', line 1");
  EXPECT_SAYS(said, "'gas'");
  EXPECT_SAYS(said, "'steer'");
  write_file(clip("b.csv"), "steer\n0\n0\n");
  EXPECT_SAYS(opening(clips()), "b.csv' has 2 lines below its columns' names, and the video beside it has 4 frames");
}

TEST_F(Videos, DamageIsNamedAndLeftOutWhenAsked) {
  write_clip(clip("a.mp4"), 30, moving);
  write_clip(clip("b.mp4"), 30, moving);
  const auto whole = test::read_bytes(clip("b.mp4"));
  write_file(clip("cut.mp4"), whole.substr(0, 100));
  EXPECT_SAYS(opening(clip("cut.mp4")), "cut.mp4' is no video that can be read");
  std::filesystem::remove(clip("cut.mp4"));
  write_file(clip("none.avi"), "no video");
  EXPECT_SAYS(opening(clips()), "none.avi' is no video that can be read");
  {
    const Dataset dataset(clips(), Damage::skip);
    EXPECT_EQ(dataset.episodes(), 2u);
    ASSERT_EQ(dataset.skipped().size(), 1u);
    EXPECT_SAYS(dataset.skipped()[0], "none.avi");
  }
  std::filesystem::remove(clip("none.avi"));
  // Cut off where the container just ends.
  write_clip(clip("cut.mkv"), 150, moving);
  const auto long_one = test::read_bytes(clip("cut.mkv"));
  EXPECT_EQ(Dataset(clip("cut.mkv")).steps(), 149);
  write_file(clip("cut.mkv"), long_one.substr(0, long_one.size() / 2));
  EXPECT_SAYS(opening(clip("cut.mkv")), "cut.mkv' is cut off");
  std::filesystem::remove(clip("cut.mkv"));
  // Overwritten within its pictures: that shows when they are read, and the others are there all the same.
  auto broken = whole;
  std::fill_n(broken.begin() + static_cast<std::ptrdiff_t>(whole.size() / 2), whole.size() / 8, '\x5a');
  write_file(clip("b.mp4"), broken);
  const auto said = test::message_of<Error>([&] {
    const Dataset dataset(clips());
    for (std::size_t i = 0; i < dataset.episodes(); ++i) dataset.read(i);
  });
  EXPECT_SAYS(said, "b.mp4");
  EXPECT_SAYS(said, "damaged");
  const Dataset dataset(clips(), Damage::skip);
  EXPECT_EQ(dataset.read(0).length(), 29u);
  EXPECT_EQ(dataset.name(0), "a");
  std::filesystem::remove(clip("a.mp4"));
  write_clip(clip("b.mp4"), 1);
  EXPECT_SAYS(opening(clips()), "1 frame; two or more");
}

TEST_F(Videos, WhatHasChangedOnTheDiskIsSaid) {
  write_clip(clip("a.mp4"), 60, moving, {.key_every = 6});
  const Dataset dataset(clips());
  write_clip(clip("a.mp4"), 20, moving);
  EXPECT_SAYS(test::message_of<Error>([&] { dataset.read(0); }), "a.mp4");
}

class VideoCli : public test::CliTest {};

TEST_F(VideoCli, InfoTellsOfThemAndPaintsASheet) {
  if (const auto why = why_no_videos(); !why.empty()) GTEST_SKIP() << why;
  if (!VideoWriter::can_write()) GTEST_SKIP() << "FFmpeg's libraries here have no encoder to make a video with";
  std::filesystem::create_directory(folder_ / "clips");
  write_clip(folder_ / "clips" / "a.mp4", 12, moving, {.width = 96, .height = 64});
  write_file(folder_ / "clips" / "b.mp4", "no video");
  const auto result = run({"info", path("clips"), "--sheet", path("sheet.png")});
  EXPECT_EQ(result.code, 1) << "one of them cannot be read";
  EXPECT_SAYS(result.err, "clips is damaged in one place, which is named above");
  const auto& told = result.out;
  EXPECT_SAYS(told, "picture      64 × 64 × 3");
  EXPECT_SAYS(told, "action       none");
  EXPECT_SAYS(told, "b.mp4' is no video that can be read");
  EXPECT_SAYS(told, "96 × 64");
  EXPECT_EQ(told.find("coverage"), std::string::npos) << told;
  EXPECT_GT(std::filesystem::file_size(folder_ / "sheet.png"), 1000u);
}

// -- what needs no video ----------------------------------------------------------------------------------------------

TEST(VideoNames, AFolderIsOfVideosWhereMostFilesAreSome) {
  const test::TempFolder folder;
  std::filesystem::create_directories(folder / "d");
  EXPECT_FALSE(is_dataset(folder / "d"));
  write_file(folder / "d" / "a.MP4", "");
  EXPECT_TRUE(is_dataset(folder / "d"));
  EXPECT_TRUE(is_dataset(folder / "d" / "a.MP4"));
  write_file(folder / "d" / "a.csv", ""), write_file(folder / "d" / "b.csv", ""), write_file(folder / "d" / ".hidden", "");
  EXPECT_TRUE(is_dataset(folder / "d")) << "what lies beside videos does not count";
  write_file(folder / "d" / "x.txt", "");
  EXPECT_FALSE(is_dataset(folder / "d")) << "a film in a folder of other things";
  EXPECT_FALSE(is_dataset(folder / "d" / "x.txt"));
  EXPECT_FALSE(is_dataset(folder / "d" / "none.mp4"));
}

TEST(VideoNames, ABuildWithoutFFmpegSaysSo) {
  if (why_no_videos().empty()) GTEST_SKIP() << "this one has FFmpeg's libraries";
  const test::TempFolder folder;
  write_file(folder / "a.mp4", "");
  EXPECT_SAYS(opening(folder / "a.mp4"), "libavformat-dev");
}

TEST(VideoTables, WhatIsWrongIsNamedByFileLineAndColumn) {
  const test::TempFolder folder;
  const auto said = [&](const std::string& text) {
    write_file(folder / "c.csv", text);
    return test::message_of<Error>([&] { read_video_table(folder / "c.csv", 2); });
  };
  EXPECT_EQ(said("action\n0\n1\n"), "");
  EXPECT_EQ(said("\xef\xbb\xbf\"action\"\n\"0\"\n1"), "") << "as spreadsheets write it";
  EXPECT_SAYS(said(""), "c.csv' is empty");
  EXPECT_SAYS(said("action\n0\n"), "has 1 lines below its columns' names, and the video beside it has 2 frames");
  EXPECT_SAYS(said("action\n0\n1\n2\n"), "has 3 lines");
  EXPECT_SAYS(said("steer\n0\nfast\n"), "c.csv', line 3, column 'steer': 'fast' was found, and a finite number");
  EXPECT_SAYS(said("steer\n0\nnan\n"), "line 3");
  EXPECT_SAYS(said("steer\n0\n1e300\n"), "a finite number");
  EXPECT_SAYS(said("steer\n\n0\n\n\"\"\n"), "line 5, column 'steer'");
  EXPECT_SAYS(said("action\n0.5\n1\n"), "line 2, column 'action': '0.5' was found, and the number of a choice");
  EXPECT_SAYS(said("action\n0\n-1\n"), "the number of a choice");
  EXPECT_SAYS(said("action,steer\n0,0\n0,0\n"), "line 1: unknown column 'steer'");
  EXPECT_SAYS(said("steer,steer\n0,0\n0,0\n"), "'steer' is there twice");
  EXPECT_SAYS(said("steer,\n0,0\n0,0\n"), "column 2 has no name");
  EXPECT_SAYS(said("reward\n0\n0\n"), "names no action");
  EXPECT_SAYS(said("steer,gas\n0,0\n0\n"), "line 3 has 1 columns, and 2 are named");
  EXPECT_SAYS(said("steer,terminated\n0,0\n0,2\n"), "line 3, column 'terminated': '2' was found, and 0 or 1");
}

TEST(VideoFit, WhoeverLooksAtActionsRefusesDataWithoutAny) {
  DatasetInfo info;
  info.spaces.image_height = info.spaces.image_width = 64, info.spaces.image_channels = 3;
  Spaces world = info.spaces;
  world.action.choices = {"left", "right", "stay"}, world.action.idle = {2};
  EXPECT_SAYS(fit_to(world, "Toy", {})(info).refusal, "holds no actions, and what was done in Toy is learned from here");
  const auto fit = fit_to(world, "Toy", {.vectors = false, .actions = false})(info);
  EXPECT_EQ(fit.refusal, "");
  EXPECT_FALSE(fit.acted);
  EXPECT_SAYS(fit.note, "no actions");
  Episode e;
  e.height = e.width = 64, e.channels = 3;
  e.frames.resize(3 * e.frame_bytes(), 7), e.rewards = {0, 0};
  fit.apply(e);
  EXPECT_EQ(e.actions, (std::vector<float>{2, 2})) << "the idle one";
  EXPECT_EQ(e.action_size, 1);
  EXPECT_EQ(e.frames, std::vector<std::uint8_t>(3 * e.frame_bytes(), 7));
  info.spaces.action = world.action;
  EXPECT_TRUE(fit_to(world, "Toy", {.actions = false})(info).acted);
}

}  // namespace dream::video_test
