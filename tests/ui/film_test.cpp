// What is recorded, without a window: files that are read back, and the thread that writes them.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "api/error.h"
#include "tests/ui/film_reader.h"
#include "tests/ui/reference.h"
#include "ui/record/colour_table.h"
#include "ui/record/film_writer.h"
#include "ui/record/new_steps.h"

namespace dream::ui {
namespace film_test {

class Films : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) all.push_back(entry.path().filename());
    std::ranges::sort(all);
    return all;
  }
  std::filesystem::path folder = [] {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    auto made =
        std::filesystem::temp_directory_path() / ("films-" + std::string(info->name()) + std::to_string(getpid()));
    std::filesystem::create_directories(made);
    return made;
  }();
};

/// A world's picture: every one another, `colours` in it at most.
std::shared_ptr<const Image> world(int number, int side, int colours) {
  auto image = std::make_shared<Image>(Image{side, side, 3, {}});
  for (int i = 0; i < side * side; ++i) {
    const int colour = (i * 7 + number * 13) % colours;
    image->pixels.push_back(static_cast<std::uint8_t>(colour % 256));
    image->pixels.push_back(static_cast<std::uint8_t>(40 + colour / 256 * 5));
    image->pixels.push_back(static_cast<std::uint8_t>(number * 5));
  }
  return image;
}

/// Smooth in place and colour, as pictures are that a network paints: thousands of colours.
std::shared_ptr<const Image> painted(int number, int side) {
  auto image = std::make_shared<Image>(Image{side, side, 3, {}});
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      image->pixels.push_back(static_cast<std::uint8_t>(x * 255 / side));
      image->pixels.push_back(static_cast<std::uint8_t>(y * 255 / side));
      image->pixels.push_back(static_cast<std::uint8_t>(128 + 100 * std::sin(0.1 * (x + y + 3 * number))));
    }
  }
  return image;
}

FilmWriter::State ended(const FilmWriter& film) {
  while (!film.state().done) usleep(1000);
  return film.state();
}

double mean_error(const Image& a, const Image& b) {
  double sum = 0;
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  for (std::size_t i = 0; i < std::min(a.pixels.size(), b.pixels.size()); ++i)
    sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

TEST_F(Films, AGifOfFewColoursIsTheSource) {
  FilmWriter film(FilmFormat::gif, folder / "clip.gif", 50);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(film.add({.at = i, .worlds = {world(i, 64, 256)}}));
  film.stop();
  const FilmWriter::State state = ended(film);
  EXPECT_EQ(state.file, folder / "clip.gif");
  EXPECT_EQ(state.written, 20);
  EXPECT_DOUBLE_EQ(state.seconds, 0.4);
  EXPECT_EQ(state.bytes, static_cast<double>(std::filesystem::file_size(state.file)));
  const std::vector<Seen> seen = read_gif(state.file);
  ASSERT_EQ(seen.size(), 20u);
  for (int i = 0; i < 20; ++i) {
    const Seen& frame = seen[static_cast<std::size_t>(i)];
    EXPECT_EQ(frame.hundredths, 2);
    const Image wanted = compose({.worlds = {world(i, 64, 256)}});
    EXPECT_EQ(frame.picture.width, 512);
    EXPECT_EQ(frame.picture.pixels, wanted.pixels) << "frame " << i;
  }
  EXPECT_EQ(names(), std::vector<std::string>{"clip.gif"}) << "nothing else is left";
}

TEST_F(Films, AGifOfManyColoursIsNearToTheSource) {
  FilmWriter film(FilmFormat::gif, folder / "clip.gif", 50);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(film.add({.at = i, .worlds = {painted(i, 64)}}));
  film.stop();
  const std::vector<Seen> seen = read_gif(ended(film).file);
  ASSERT_EQ(seen.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    const Image source = compose({.worlds = {painted(i, 64)}});
    const Indexed table = indexed(source);
    EXPECT_EQ(table.colours.size(), 256u);
    Image wanted = source;
    for (std::size_t k = 0; k < table.pixels.size(); ++k)
      std::ranges::copy(table.colours[table.pixels[k]], &wanted.pixels[3 * k]);
    EXPECT_EQ(seen[static_cast<std::size_t>(i)].picture.pixels, wanted.pixels) << "the palette's picture, exactly";
    EXPECT_LT(mean_error(wanted, source), 6) << "of 255";
  }
}

TEST_F(Films, APictureStaysUntilTheNextOnesTime) {
  FilmWriter film(FilmFormat::gif, folder / "clip.gif", 30);
  for (const int at : {0, 1, 2, 6}) ASSERT_TRUE(film.add({.at = at, .worlds = {world(at, 8, 4)}}));
  film.stop();
  std::vector<int> delays;
  for (const Seen& frame : read_gif(ended(film).file)) delays.push_back(frame.hundredths);
  EXPECT_EQ(delays, (std::vector<int>{3, 4, 13, 3})) << "thirtieths of a second, right in the sum";
}

TEST_F(Films, APngSequenceIsBitExact) {
  FilmWriter film(FilmFormat::png, folder / "clip", 10);
  for (const int at : {0, 1, 5}) ASSERT_TRUE(film.add({.at = at, .worlds = {painted(at, 10), painted(at + 1, 10)}}));
  film.stop();
  EXPECT_EQ(ended(film).file, folder / "clip");
  EXPECT_EQ(names(), std::vector<std::string>{"clip"});
  for (const int at : {0, 1, 5}) {
    const Image read = read_png(folder / "clip" / ("00000" + std::to_string(at) + ".png"));
    const Image wanted = compose({.worlds = {painted(at, 10), painted(at + 1, 10)}});
    EXPECT_EQ(read.width, wanted.width);
    EXPECT_EQ(read.pixels, wanted.pixels);
  }
}

TEST_F(Films, WorldsAreEnlargedByAWholeFactorAndStandSideBySide) {
  const auto dream = world(1, 84, 9), real = world(2, 84, 9);
  const Image one = compose({.worlds = {dream}}), two = compose({.worlds = {dream, real}});
  EXPECT_EQ(one.width, 504);
  const auto pixel = [](const Image& image, int x, int y) {
    const auto* at = &image.pixels[3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                                        static_cast<std::size_t>(x))];
    return std::vector<int>{at[0], at[1], at[2]};
  };
  for (int y = 0; y < one.height; ++y)
    for (int x = 0; x < one.width; ++x) ASSERT_EQ(pixel(one, x, y), pixel(*dream, x / 6, y / 6));
  ASSERT_EQ(two.width, 504 + 8 + 504);
  ASSERT_EQ(two.height, 504 + 8);
  EXPECT_EQ(pixel(two, 500, 8 + 200), pixel(*dream, 500 / 6, 200 / 6));
  EXPECT_EQ(pixel(two, 512 + 500, 8 + 200), pixel(*real, 500 / 6, 200 / 6));
}

TEST_F(Films, AnMp4IsDecodedToTheSource) {
  if (!why_no_mp4().empty()) {
    FilmWriter film(FilmFormat::mp4, folder / "clip.mp4", 50);
    film.add({.worlds = {painted(0, 64)}});
    film.stop();
    EXPECT_NE(ended(film).why.find("FFmpeg"), std::string::npos);
    EXPECT_TRUE(names().empty());
    return;
  }
  FilmWriter film(FilmFormat::mp4, folder / "clip.mp4", 50);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(film.add({.at = i < 39 ? i : 50, .worlds = {painted(i, 64)}}));
  film.stop();
  const FilmWriter::State state = ended(film);
  ASSERT_EQ(state.file, folder / "clip.mp4") << state.why;
  EXPECT_EQ(state.bytes, static_cast<double>(std::filesystem::file_size(state.file)));
  const std::vector<Seen> seen = read_mp4(state.file);
#ifdef DREAMSCOPE_WITH_FFMPEG
  ASSERT_EQ(seen.size(), 40u);
  for (int i = 0; i < 40; ++i) {
    const Seen& frame = seen[static_cast<std::size_t>(i)];
    EXPECT_EQ(frame.hundredths, 2 * (i < 39 ? i : 50)) << "the time at which it comes";
    EXPECT_LT(mean_error(frame.picture, compose({.worlds = {painted(i, 64)}})), 4);
  }
#endif
}

TEST_F(Films, AnMp4OfOddSizeRepeatsItsEdge) {
  if (!why_no_mp4().empty()) GTEST_SKIP() << why_no_mp4();
  FilmWriter film(FilmFormat::mp4, folder / "clip.mp4", 30);
  Image window{301, 201, 4, std::vector<std::uint8_t>(301 * 201 * 4, 90)};
  ASSERT_TRUE(film.add({.window = window}));
  film.stop();
  const std::vector<Seen> seen = read_mp4(ended(film).file);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].picture.width, 302);
  EXPECT_EQ(seen[0].picture.height, 202);
  for (const std::uint8_t value : seen[0].picture.pixels) ASSERT_NEAR(value, 90, 4);
}

TEST_F(Films, TheWindowsRowsAreTurnedAndItsColoursSwapped) {
  const Image bgra{1, 2, 4, {1, 2, 3, 255, 4, 5, 6, 255}};
  EXPECT_EQ(compose({.window = bgra}).pixels, (std::vector<std::uint8_t>{6, 5, 4, 3, 2, 1}));
}

TEST_F(Films, WhatComesTooFastIsDroppedAndCounted) {
  FilmWriter film(FilmFormat::gif, folder / "clip.gif", 50, {.waiting = 3.5 * 64 * 64 * 3});
  int taken = 0;
  for (int i = 0; i < 400; ++i) taken += film.add({.at = i, .worlds = {painted(i, 64)}});
  film.stop();
  const FilmWriter::State state = ended(film);
  EXPECT_LT(taken, 400);
  EXPECT_EQ(state.written, taken) << "all that were taken, though most waited when it was stopped";
  EXPECT_EQ(state.dropped, 400 - taken);
  int hundredths = 0;
  const std::vector<Seen> seen = read_gif(state.file);
  for (const Seen& frame : seen) hundredths += frame.hundredths;
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(taken));
  EXPECT_EQ(hundredths, std::lround(100 * state.seconds)) << "what was dropped leaves its time to the one before";
}

TEST_F(Films, TheDestructorEndsTheFile) {
  {
    FilmWriter film(FilmFormat::gif, folder / "clip.gif", 50);
    for (int i = 0; i < 30; ++i) film.add({.at = i, .worlds = {painted(i, 64)}});
  }
  EXPECT_EQ(read_gif(folder / "clip.gif").size(), 30u);
  {
    FilmWriter film(FilmFormat::gif, folder / "hurried.gif", 50, {.patience = 0});
    for (int i = 0; i < 300; ++i) film.add({.at = i, .worlds = {painted(i, 64)}});
  }
  EXPECT_LT(read_gif(folder / "hurried.gif").size(), 300u);
  EXPECT_LE(names().size(), 2u) << "no unfinished file is left";
}

TEST_F(Films, AFolderThatCannotBeWrittenIsASentence) {
  for (const FilmFormat format : {FilmFormat::mp4, FilmFormat::gif, FilmFormat::png}) {
    FilmWriter film(format, folder / "none" / "clip", 50);
    film.add({.worlds = {painted(0, 64)}});
    film.stop();
    const FilmWriter::State state = ended(film);
    EXPECT_TRUE(state.file.empty());
    EXPECT_FALSE(state.why.empty());
    EXPECT_FALSE(film.add({.worlds = {painted(0, 64)}}));
  }
}

TEST_F(Films, AFullDiskIsASentenceAndLeavesNothingHalf) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);  // no file may be larger: writing fails then as on a full disk
  for (const FilmFormat format : {FilmFormat::gif, FilmFormat::mp4}) {
    if (format == FilmFormat::mp4 && !why_no_mp4().empty()) continue;
    FilmWriter film(format, folder / "clip", 50);
    for (int i = 0; i < 60; ++i) film.add({.at = i, .worlds = {painted(i * 50, 64)}});
    film.stop();
    const FilmWriter::State state = ended(film);
    EXPECT_TRUE(state.file.empty());
    EXPECT_NE(state.why.find("cannot be written"), std::string::npos) << state.why;
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignored);
  EXPECT_TRUE(names().empty());
}

TEST_F(Films, LimitsEndTheFilmWhole) {
  const auto record = [&](FilmWriter::Options options) {
    FilmWriter film(FilmFormat::gif, folder / "clip.gif", 50, options);
    for (int i = 0; i < 50; ++i) film.add({.at = i, .worlds = {painted(i, 64)}});
    film.stop();
    return ended(film);
  };
  const FilmWriter::State by_length = record({.seconds = 0.2});
  EXPECT_EQ(by_length.written, 10);
  EXPECT_NE(by_length.why.find("length"), std::string::npos);
  EXPECT_EQ(read_gif(by_length.file).size(), 10u);
  const FilmWriter::State by_size = record({.bytes = 100'000});
  EXPECT_LT(by_size.written, 50);
  EXPECT_NE(by_size.why.find("size"), std::string::npos);
  EXPECT_EQ(read_gif(by_size.file).size(), static_cast<std::size_t>(by_size.written));
  EXPECT_NE(by_size.file, by_length.file) << "what was there already stays";
}

TEST_F(Films, AnotherSizeEndsTheFilm) {
  FilmWriter film(FilmFormat::gif, folder / "clip.gif", 50);
  film.add({.at = 0, .worlds = {painted(0, 64)}});
  film.add({.at = 1, .worlds = {painted(1, 60)}});
  const FilmWriter::State state = ended(film);
  EXPECT_EQ(read_gif(state.file).size(), 1u);
  EXPECT_NE(state.why.find("another size"), std::string::npos);
}

/// A dream with instants of these ids, of which the last but `ahead` is the present; its pictures say their id.
DreamView line(const std::vector<std::int64_t>& ids, std::size_t present, bool playing = true) {
  DreamView dream;
  dream.playing = playing;
  dream.timeline.present = present;
  for (const std::int64_t id : ids) {
    auto picture = std::make_shared<Image>(Image{1, 1, 1, {static_cast<std::uint8_t>(id)}});
    dream.timeline.line.push_back({id, id});
    dream.timeline.line.back().picture = picture;
  }
  dream.frames.push_back({"dream", "", -1, dream.timeline.line[present].picture});
  return dream;
}
std::vector<int> ids(const std::vector<std::shared_ptr<const Image>>& pictures) {
  std::vector<int> all;
  for (const auto& picture : pictures) all.push_back(picture ? picture->pixels[0] : -1);
  return all;
}

TEST_F(Films, EveryStepIsTakenOnceHoweverManyWereNotSeen) {
  NewSteps steps(line({1, 2, 3}, 2));
  EXPECT_EQ(ids(steps.take(line({1, 2, 3}, 2))), (std::vector<int>{3})) << "the present is the first";
  EXPECT_EQ(ids(steps.take(line({1, 2, 3}, 2))), (std::vector<int>{}));
  EXPECT_EQ(ids(steps.take(line({1, 2, 3, 4, 5, 6}, 5))), (std::vector<int>{4, 5, 6}));
  EXPECT_EQ(ids(steps.take(line({7, 8}, 1))), (std::vector<int>{7, 8})) << "a new start";
}

TEST_F(Films, GoingBackIsNoStepButWhatFollowsIs) {
  const std::vector<std::int64_t> all{1, 2, 3, 4, 5, 6};
  NewSteps steps(line(all, 5));
  steps.take(line(all, 5));
  EXPECT_TRUE(steps.take(line(all, 1, false)).empty());
  EXPECT_TRUE(steps.take(line(all, 3, false)).empty()) << "the mouse moved on along the line";
  EXPECT_EQ(ids(steps.take(line(all, 5, true))), (std::vector<int>{5, 6})) << "lived again";
  EXPECT_TRUE(steps.take(line(all, 2, false)).empty());
  DreamView branch = line({1, 2, 3, 7, 8}, 4);
  branch.timeline.branches = {{6, 3, 6}};
  EXPECT_EQ(ids(steps.take(branch)), (std::vector<int>{7, 8})) << "a branch";
  EXPECT_EQ(ids(steps.take(line({1, 2, 3, 7, 8, 9}, 5, false))), (std::vector<int>{9})) << "the key for one step";
}

}  // namespace film_test
}  // namespace dream::ui
