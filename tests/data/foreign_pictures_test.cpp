// What counts as a picture in datasets of other programs: channels, bounds, and what is said of the rest.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <tuple>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/data/dataset.h"
#include "core/data/hdf5_file.h"
#include "nlohmann/json.hpp"
#include "tests/data/temp_folder.h"

namespace dream::foreign_pictures_test {

using nlohmann::json;
using Shape = std::vector<hsize_t>;

#ifndef EXPECT_SAYS
#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)
#endif

constexpr hsize_t rows = 3;  // one more than steps

json box(const std::string& type, const Shape& shape, double low, double high) {
  return {{"type", "Box"}, {"dtype", type}, {"shape", shape}, {"low", low}, {"high", high}};
}

class ForeignPictures : public ::testing::Test {
 protected:
  struct Part {
    std::string name;  // "" for an observation without parts
    Shape shape;
    std::vector<float> values;  // are repeated
    hid_t type;
  };

  /// Writes the dataset "d" of an episode.
  void make(const json& observation, const std::vector<Part>& parts, const json& action = {{"type", "Discrete"}, {"n", 2}, {"start", 0}},
            const std::vector<Part>& acts = {{"", {}, {0}, H5T_STD_I64LE}}) {
    const auto data = folder_ / "d" / "data";
    std::filesystem::create_directories(data);
    const json metadata = {{"total_episodes", 1}, {"total_steps", rows - 1}, {"observation_space", observation.dump()}, {"action_space", action.dump()}};
    write_file(data / "metadata.json", metadata.dump());
    const Hdf5Access access;
    Hdf5Writer file(data / "main_data.hdf5");
    const Hdf5Id group = file.create_group(file.root(), "episode_0");
    const std::vector<float> zeros(rows - 1);
    for (const char* name : {"rewards", "terminations", "truncations"})
      file.write_array(group, name, {rows - 1}, H5T_NATIVE_FLOAT, H5T_IEEE_F32LE, zeros.data());
    for (const auto& [name, all, count] : {std::tuple("observations", &parts, rows), std::tuple("actions", &acts, rows - 1)}) {
      const bool several = !all->front().name.empty();
      const Hdf5Id within = several ? file.create_group(group, name) : Hdf5Id();
      for (const auto& part : *all) {
        Shape shape = {count};
        shape.insert(shape.end(), part.shape.begin(), part.shape.end());
        std::vector<float> values(std::accumulate(shape.begin(), shape.end(), hsize_t{1}, std::multiplies()));
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = part.values[i % part.values.size()];
        file.write_array(several ? within : group, several ? part.name : name, shape, H5T_NATIVE_FLOAT, part.type, values.data());
      }
    }
    write_file(data / "main_data.hdf5", file.finish());
  }

  std::string refusal() {
    return test::message_of<Error>([&] { Dataset(folder_ / "d").read(0); });
  }
  std::string left_out() {
    const Dataset dataset(folder_ / "d");
    std::string all;
    for (const auto& text : dataset.left_out()) all += text + "\n";
    return all;
  }
  static std::vector<std::uint8_t> first(const Episode& e, std::size_t count) { return {e.frames.begin(), e.frames.begin() + static_cast<std::ptrdiff_t>(count)}; }

  const test::TempFolder folder_;
};

TEST_F(ForeignPictures, FourChannelsThatComeLastAreColoursWithAlpha) {
  make(box("uint8", {8, 9, 4}, 0, 255), {{"", {8, 9, 4}, {10, 20, 30, 255}, H5T_STD_U8LE}});
  const auto e = Dataset(folder_ / "d").read(0);
  EXPECT_EQ(e.channels, 3);
  ASSERT_EQ(e.frames.size(), rows * 8 * 9 * 3);
  EXPECT_EQ(first(e, 6), (std::vector<std::uint8_t>{10, 20, 30, 10, 20, 30}));
  EXPECT_SAYS(left_out(), "the fourth channel, taken for alpha: height × width × 4 is RGB with alpha, 4 × height × width four greys");
  make(box("uint8", {4, 8, 9}, 0, 255), {{"", {4, 8, 9}, {10, 20, 30}, H5T_STD_U8LE}});  // 72 numbers each, so 10 comes first
  EXPECT_EQ(Dataset(folder_ / "d").read(0).channels, 1);
  EXPECT_SAYS(left_out(), "all but the newest of the 4 greys");
  make(box("uint8", {8, 9, 3}, 0, 255), {{"", {8, 9, 3}, {10, 20, 30}, H5T_STD_U8LE}});
  EXPECT_EQ(left_out(), "");
}

TEST_F(ForeignPictures, DeclaredBoundsSayWhatIsBlackAndWhite) {
  make(box("uint16", {32, 33, 3}, 0, 65535), {{"", {32, 33, 3}, {0, 257, 65535}, H5T_STD_U16LE}});
  EXPECT_EQ(first(Dataset(folder_ / "d").read(0), 3), (std::vector<std::uint8_t>{0, 1, 255}));
  EXPECT_SAYS(left_out(), "what is finer than 8 bits, of its numbers from 0 to 65535");
  make(box("float32", {3, 32, 33}, -1, 1), {{"", {3, 32, 33}, {-1, 0.0039215f, 1.05f}, H5T_IEEE_F32LE}});
  EXPECT_EQ(first(Dataset(folder_ / "d").read(0), 9), (std::vector<std::uint8_t>{0, 0, 0, 128, 128, 128, 255, 255, 255})) << "one after another in each channel";
  auto listed = box("int16", {32, 32}, 0, 0);
  listed["low"] = json::array({-10, -10}), listed["high"] = json::array({{245, 245}, {245, 245}});
  make(listed, {{"", {32, 32}, {-10, 0, 245}, H5T_STD_I16LE}});
  EXPECT_EQ(first(Dataset(folder_ / "d").read(0), 3), (std::vector<std::uint8_t>{0, 10, 255}));
}

TEST_F(ForeignPictures, OnlyWhereThereIsNoOther) {
  const json both = {{"type", "Dict"}, {"subspaces", {{"depth", box("float32", {32, 32}, -1, 1)}, {"rgb", box("uint8", {8, 8, 3}, 0, 255)}}}};
  make(both, {{"depth", {32, 32}, {0.5f}, H5T_IEEE_F32LE}, {"rgb", {8, 8, 3}, {7}, H5T_STD_U8LE}});
  const auto e = Dataset(folder_ / "d").read(0);
  EXPECT_EQ(e.frames, std::vector<std::uint8_t>(rows * 8 * 8 * 3, 7));
  EXPECT_EQ(e.vector_size, 1024);
  make(box("float32", {16, 16, 3}, -1, 1), {{"", {16, 16, 3}, {0.5f}, H5T_IEEE_F32LE}});
  EXPECT_EQ(Dataset(folder_ / "d").read(0).vector_size, 768) << "small boxes may be anything";
}

TEST_F(ForeignPictures, WithoutBoundsTheFirstEpisodesNumbersTell) {
  auto space = box("float32", {64, 64, 3}, 0, 0);
  const auto of = [](const std::vector<float>& values) { return Part{"", {64, 64, 3}, values, H5T_IEEE_F32LE}; };
  for (const auto& [low, high] : {std::pair<json, json>{-3.4e38, 3.4e38}, {nullptr, nullptr}, {json::array({0, 1}), 2}, {1, 1}}) {
    space["low"] = low, space["high"] = high;
    make(space, {of({0, 1, 0.4f})});
    const auto frames = Dataset(folder_ / "d").read(0).frames;
    EXPECT_EQ(std::vector(frames.begin(), frames.begin() + 3), (std::vector<std::uint8_t>{0, 255, 102}));
    EXPECT_EQ(left_out(), "what is finer than 8 bits, of its numbers from 0 to 1, as those of the first episode are: no bounds are declared\n");
  }
  make(space, {of({-1, 1, 0})});
  EXPECT_EQ(Dataset(folder_ / "d").read(0).frames[2], 128);
  make(space, {of({0, 7, 255})});
  EXPECT_EQ(Dataset(folder_ / "d").read(0).frames[1], 7);
  make(space, {of({-3, 7.5f})});
  EXPECT_SAYS(refusal(), "'episode_0/observations': its numbers go from -3 to 7.5, and 'observation_space' has no bounds for them; from 0 to 1, from -1 to 1 or whole ones");
  space["shape"] = {32, 32, 3};  // which may be anything
  make(space, {{"", {32, 32, 3}, {-3, 7.5f}, H5T_IEEE_F32LE}});
  EXPECT_EQ(Dataset(folder_ / "d").read(0).vector_size, 32 * 32 * 3);

  make(box("float32", {64, 64, 3}, 0, 1), {of({0.5f, 200})});
  EXPECT_SAYS(refusal(), "'episode_0/observations': it holds 200, and a picture's numbers from 0 to 1 were expected, as 'observation_space' says");
}

TEST_F(ForeignPictures, WithoutBoundsOtherNumbersAreNoPicture) {
  const auto boundless = [](const Shape& shape) {
    auto space = box("float32", shape, 0, 0);
    space["low"] = space["high"] = nullptr;
    return space;
  };
  const Part depth = {"depth", {65, 65}, {0.25f, 9.5f}, H5T_IEEE_F32LE}, joints = {"joints", {2}, {1}, H5T_IEEE_F32LE};
  json parts = {{"depth", boundless({65, 65})}, {"eye", boundless({64, 64})}, {"joints", boundless({2})}};
  make({{"type", "Dict"}, {"subspaces", parts}}, {depth, {"eye", {64, 64}, {-1, 0, 1}, H5T_IEEE_F32LE}, joints});
  const auto eye = Dataset(folder_ / "d").read(0);
  EXPECT_EQ(first(eye, 3), (std::vector<std::uint8_t>{0, 128, 255}));
  EXPECT_EQ(eye.vector_size, 2);
  const std::string far = "depth: Box of 65 × 65, more than 4096 numbers; its numbers go from 0.25 to 9.5, and 'observation_space' has no bounds for them";
  EXPECT_SAYS(left_out(), far);
  EXPECT_SAYS(left_out(), "eye: what is finer than 8 bits, of its numbers from -1 to 1, as those of the first episode are: no bounds are declared\n");

  parts.erase("eye");
  make({{"type", "Dict"}, {"subspaces", parts}}, {depth, joints});
  EXPECT_EQ(Dataset(folder_ / "d").read(0).vector_size, 2);
  EXPECT_SAYS(left_out(), far);
  make({{"type", "Dict"}, {"subspaces", parts}}, {{"depth", {65, 65}, {0.25f, std::numeric_limits<float>::infinity()}, H5T_IEEE_F32LE}, joints});
  EXPECT_EQ(Dataset(folder_ / "d").read(0).vector_size, 2);
  EXPECT_SAYS(left_out(), "it holds a number that is not finite, and");

  make(boundless({64, 64}), {{"", {64, 64}, {0, 1}, H5T_IEEE_F32LE}});
  const Dataset opened(folder_ / "d");
  make(boundless({64, 64}), {{"", {64, 64}, {0, 7}, H5T_IEEE_F32LE}});  // as a later episode may be
  EXPECT_SAYS(test::message_of<Error>([&] { opened.read(0); }), "it holds 7, and a picture's numbers from 0 to 1 were expected, as the first episode's are");
  make(boundless({64, 64}), {{"", {64, 64}, {0.25f, 9.5f}, H5T_IEEE_F32LE}});  // as many numbers as a vector may have
  EXPECT_EQ(Dataset(folder_ / "d").read(0).vector_size, 4096);
  EXPECT_EQ(left_out(), "");
  make(boundless({65, 65}), {{"", {65, 65}, {0.25f, 9.5f}, H5T_IEEE_F32LE}});
  EXPECT_SAYS(refusal(), "'episode_0/observations': its numbers go from 0.25 to 9.5, and 'observation_space' has no bounds for them");
}

TEST_F(ForeignPictures, ActionsOfSeveralKindsAreLaidFlat) {
  const Part seen = {"", {8, 8, 3}, {7}, H5T_STD_U8LE};
  const auto picture = box("uint8", {8, 8, 3}, 0, 255), move = box("float32", {2}, -1, 1);
  const auto dict = [](const json& parts) { return json{{"type", "Dict"}, {"subspaces", parts}}; };
  make(picture, {seen}, dict({{"jump", {{"type", "Discrete"}, {"n", 2}, {"start", 3}}}, {"lights", {{"type", "MultiDiscrete"}, {"nvec", {2, 3}}}}, {"move", move}}),
       {{"jump", {}, {4, 3}, H5T_STD_I64LE}, {"lights", {2}, {1, 0, 0, 2}, H5T_STD_I64LE}, {"move", {2}, {0.5f, -1, 0, 0.25f}, H5T_IEEE_F32LE}});
  const Dataset mixed(folder_ / "d");
  const auto& action = mixed.info().spaces.action;
  EXPECT_FALSE(action.discrete());
  EXPECT_EQ(action.axes, (std::vector<std::string>{"jump = 3", "jump = 4", "lights 0 = 0", "lights 0 = 1", "lights 1 = 0", "lights 1 = 1", "lights 1 = 2", "move 0", "move 1"}));
  EXPECT_EQ(action.low, (std::vector<float>{0, 0, 0, 0, 0, 0, 0, -1, -1}));
  EXPECT_EQ(action.high, std::vector<float>(9, 1));
  EXPECT_EQ(mixed.read(0).actions, (std::vector<float>{0, 1, 0, 1, 1, 0, 0, 0.5f, -1, 1, 0, 1, 0, 0, 0, 1, 0, 0.25f}));

  make(picture, {seen}, dict({{"gear", {{"type", "Discrete"}, {"n", 3}, {"start", 1}}}, {"lights", {{"type", "MultiBinary"}, {"n", 2}}}}),
       {{"gear", {}, {3, 1}, H5T_STD_I64LE}, {"lights", {2}, {0, 1, 1, 1}, H5T_STD_I8LE}});
  const Dataset counted(folder_ / "d");
  ASSERT_EQ(counted.info().spaces.action.choices.size(), 12u);
  EXPECT_EQ(counted.info().spaces.action.choices[9], "gear 3, lights 0,1");
  EXPECT_EQ(counted.read(0).actions, (std::vector<float>{2 * 4 + 1, 3}));

  make(picture, {seen}, {{"type", "Tuple"}, {"subspaces", json::array({move, {{"type", "Text"}}})}});
  EXPECT_SAYS(refusal(), "'action_space'");
  EXPECT_SAYS(refusal(), "the action '_index_1' is of the type 'Text'; Box, Discrete, MultiDiscrete or MultiBinary was expected");
  make(picture, {seen}, dict({{"jump", {{"type", "Discrete"}, {"n", 300}}}, {"move", move}}));
  EXPECT_SAYS(refusal(), "the action 'jump' has more than 256 choices, which beside a Box are an axis each");
  make(picture, {seen}, dict({{"a", {{"type", "Discrete"}, {"n", 300}}}, {"b", {{"type", "Discrete"}, {"n", 300}}}}));
  EXPECT_SAYS(refusal(), "it has more than 4096 combinations of choices");
}

/// What metadata.json promises costs no time.
TEST_F(ForeignPictures, EpisodesThatAreNotThereAreOneSentence) {
  make(box("uint8", {8, 8, 3}, 0, 255), {{"", {8, 8, 3}, {7}, H5T_STD_U8LE}});
  const auto path = folder_ / "d" / "data" / "metadata.json";
  auto metadata = json::parse(read_text_file(path, 1 << 20));
  metadata["total_episodes"] = std::int64_t{1} << 40;
  write_file(path, metadata.dump());
  const auto said = "episode_1 is missing, and 1099511627774 more; metadata.json, 'total_episodes', says 1099511627776, and 1 are there.";
  EXPECT_SAYS(refusal(), said);
  const Dataset dataset(folder_ / "d", Damage::skip);
  EXPECT_EQ(dataset.episodes(), 1u);
  ASSERT_EQ(dataset.skipped().size(), 1u);
  EXPECT_SAYS(dataset.skipped()[0], said);
}

/// Other folders are called what they look like.
TEST_F(ForeignPictures, WhatIsNoDatasetIsCalledWhatItLooksLike) {
  make(box("uint8", {8, 8, 3}, 0, 255), {{"", {8, 8, 3}, {7}, H5T_STD_U8LE}});
  std::filesystem::remove(folder_ / "d" / "data" / "metadata.json");
  EXPECT_SAYS(refusal(), "it looks like a dataset in Minari's layout, whose metadata.json is missing");
  const auto of = [&](const char* name) { return test::message_of<Error>([&] { Dataset(folder_ / name); }); };
  std::filesystem::create_directories(folder_ / "robot" / "meta");
  write_file(folder_ / "robot" / "meta" / "info.json", "{}");
  EXPECT_SAYS(of("robot"), "it is in LeRobot's format (meta/info.json), of which scripts/bring_lerobot.py FOLDER OUT makes a dataset");
  std::filesystem::create_directories(folder_ / "none");
  EXPECT_SAYS(of("none"), "it is empty");
}

}  // namespace dream::foreign_pictures_test
