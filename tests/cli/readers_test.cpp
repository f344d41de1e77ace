// What others make of our files: Minari of a dataset, TensorBoard of a run's curves. And what scripts/bring_lerobot.py makes of
// datasets that LeRobot's own software has written (tests/golden/make_lerobot.py), and scripts/bring_minari.py of Minari's in other formats.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <numeric>

#include "core/base/platform.h"
#include "core/data/dataset.h"
#include "tests/cli/cli_fixture.h"
#include "tests/data/dataset_fixture.h"

namespace dream {
namespace readers_test {

class ReadersTest : public test::CliTest {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(cache_directory() / "worlds" / ".with-readers"))
      GTEST_SKIP() << "Minari and TensorBoard are not there: scripts/setup --with readers brings them";
  }

  /// What a script of tests/golden says of `path`.
  std::string said(const std::string& script, const std::string& path) {
    const auto out = (folder_ / "said").string();
    const auto line = "'" + (cache_directory() / "worlds" / "bin" / "python").string() + "' '" DREAMSCOPE_SOURCE_DIR "/tests/golden/" + script + "' '" + path + "' > '" + out + "' 2>&1";
    const bool good = std::system(line.c_str()) == 0;
    const auto text = test::read_bytes(out);
    EXPECT_TRUE(good) << text;
    return text;
  }
};

TEST_F(ReadersTest, MinariOpensWhatIsCollected) {
  for (const std::string world : {"CarRacing", "Pendulum", "Catch", "PointGoal"}) {
    good({"collect", "--env", world, "--episodes", "2", "--max-steps", "20", "--out", path(world), "--threads", "1", "--quiet"});
    const auto text = said("check_minari.py", path(world));
    EXPECT_SAYS(text, world + "/");
    EXPECT_SAYS(text, "2 episodes");
    EXPECT_SAYS(text, "agree");
  }
}

TEST_F(ReadersTest, TensorBoardOpensARunsCurves) {
  good({"train", "dyna-q", "--env", "DynaMaze", "--out", path("maze"), "--set", "train.steps=1500", "--threads", "1", "--quiet"});
  EXPECT_SAYS(said("check_tensorboard.py", path("maze")), "learn/earned 1500 1500 ");
}

const std::vector<int> lerobot_lengths = {9, 12, 5};

class LeRobotTest : public test::CliTest {
 protected:
  void SetUp() override {
    for (const auto& one : {(cache_directory() / "worlds" / "bin" / "python").string(), std::string("python3")}) {
      python_ = "'" + one + "' -B ";
      if (has("pyarrow, h5py, av")) return;
    }
    GTEST_SKIP() << "pyarrow and av are not there: scripts/setup --with readers brings them";
  }

  bool has(const std::string& modules) { return std::system((python_ + "-c 'import " + modules + "' > /dev/null 2>&1").c_str()) == 0; }

  /// A copy of one of tests/golden/lerobot, to be changed.
  std::filesystem::path copy(const std::string& name) {
    const auto to = folder_ / "from" / name;
    std::filesystem::remove_all(to);
    std::filesystem::create_directories(to.parent_path());
    std::filesystem::copy(golden(name), to, std::filesystem::copy_options::recursive);
    return to;
  }
  static std::filesystem::path golden(const std::string& name) { return std::filesystem::path(DREAMSCOPE_SOURCE_DIR "/tests/golden/lerobot") / name; }

  void change(const std::filesystem::path& file, const std::string& from, const std::string& to) {
    auto text = test::read_bytes(file);
    ASSERT_NE(text.find(from), std::string::npos) << file;
    test::write_bytes(file, text.replace(text.find(from), from.size(), to));
  }

  /// What the script says of `from`; the dataset is path(out).
  std::string brought(const std::filesystem::path& from, const std::string& out, const std::string& options = "", bool good = true) {
    const auto said = path("said"), script = std::string(DREAMSCOPE_SOURCE_DIR "/scripts/bring_lerobot.py");
    const auto line = python_ + "'" + script + "' '" + from.string() + "' '" + path(out) + "' " + options + " > '" + said + "' 2>&1";
    EXPECT_EQ(std::system(line.c_str()) == 0, good) << test::read_bytes(said);
    return test::read_bytes(said);
  }
  /// It must refuse in one line, and leave nothing behind.
  void refused(const std::filesystem::path& from, const std::string& options, const std::vector<std::string>& parts) {
    const auto text = brought(from, "none/out", options, false);
    EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
    for (const auto& part : parts) EXPECT_SAYS(text, part);
    EXPECT_TRUE(!std::filesystem::exists(folder_ / "none") || std::filesystem::is_empty(folder_ / "none"));
  }

  /// That these episodes hold what make_lerobot.py has written. With rewards the last row is seen twice.
  void holds(const std::string& out, const std::vector<int>& episodes, bool rewarded) {
    const Dataset dataset(path(out));
    EXPECT_TRUE(dataset.appendable());
    EXPECT_EQ(dataset.info().spaces.vector_names, (std::vector<std::string>{"shoulder.pos", "elbow.pos", "grip.pos"}));
    EXPECT_EQ(dataset.info().spaces.action.axes, (std::vector<std::string>{"shoulder.pos", "grip.pos"}));
    EXPECT_TRUE(std::isinf(dataset.info().spaces.action.high.at(1)));
    ASSERT_EQ(dataset.episodes(), episodes.size());
    for (std::size_t i = 0; i < episodes.size(); ++i) {
      const auto e = dataset.read(i);
      const auto number = static_cast<float>(episodes[i]);
      const int rows = lerobot_lengths[static_cast<std::size_t>(episodes[i])], steps = rewarded ? rows : rows - 1;
      ASSERT_EQ(e.length(), static_cast<std::size_t>(steps));
      std::vector<float> vectors, actions, rewards;
      for (int t = 0; t <= steps; ++t) {
        const auto row = static_cast<float>(std::min(t, rows - 1));
        vectors.insert(vectors.end(), {number, row / 4, -row});
      }
      for (int t = 0; t < steps; ++t) {
        actions.insert(actions.end(), {static_cast<float>(t) / 8, number - 0.5f});
        rewards.push_back(!rewarded ? 0 : t == rows - 1 ? 100 : static_cast<float>(t));
      }
      EXPECT_EQ(e.vectors, vectors);
      EXPECT_EQ(e.actions, actions);
      EXPECT_EQ(e.rewards, rewards);
      EXPECT_EQ(std::accumulate(e.terminated.begin(), e.terminated.end(), 0), rewarded ? 1 : 0);
      EXPECT_EQ((rewarded ? e.terminated : e.truncated).back(), 1);
    }
  }

  /// That the pictures are those of these episodes and rows, as near as videos keep them; a row off is 18 off in blue.
  void shows(const std::string& out, const std::vector<int>& episodes, int height, int width) {
    const Dataset dataset(path(out));
    for (std::size_t i = 0; i < episodes.size(); ++i) {
      const auto e = dataset.read(i);
      ASSERT_EQ(e.height, height);
      ASSERT_EQ(e.width, width);
      const int rows = lerobot_lengths[static_cast<std::size_t>(episodes[i])];
      for (std::size_t t = 0; t <= e.length(); ++t) {
        double sum[3] = {}, left = 0, right = 0;
        for (std::size_t at = 0; at < e.frame_bytes(); ++at) {
          const double v = e.frames[t * e.frame_bytes() + at];
          sum[at % 3] += v;
          if (at % 3 == 0) (static_cast<int>(at / 3) % width < width / 2 ? left : right) += v;
        }
        const double pixels = static_cast<double>(e.frame_bytes()) / 3;
        EXPECT_NEAR(sum[0] / pixels, 94.5, 6) << i << ", " << t;
        EXPECT_NEAR(sum[1] / pixels, 60 * episodes[i], 6) << i << ", " << t;
        EXPECT_NEAR(sum[2] / pixels, 18 * std::min(static_cast<int>(t), rows - 1), 6) << i << ", " << t;
        EXPECT_GT(right, 1.5 * left);
      }
    }
  }

  std::string python_;
};

TEST_F(LeRobotTest, AVideoAnEpisode) {
  auto text = brought(golden("v21"), "out");
  EXPECT_SAYS(text, "3 episodes, 26 steps of ");
  EXPECT_SAYS(text, "(v2.1): pictures of 64 × 64 of observation.images.front, vectors of 3, actions of 2, rewards");
  EXPECT_SAYS(text, "left out: observation.images.wrist: a further camera");
  EXPECT_SAYS(text, "left out: tasks: 'Touch the wall.', 'Touch nothing.'");
  holds("out", {0, 1, 2}, true);
  shows("out", {0, 1, 2}, 64, 64);
  text = good({"info", path("out")});
  for (const char* part : {"environment  v21", "episodes     3", "steps        26", "picture      64 × 64 × 3", "vector       3 values",
                           "action       2 values", "3 terminated, 0 truncated", "vector       elbow.pos: 0 to 2.75", "action       grip.pos: -0.5 to 1.5"})
    EXPECT_SAYS(text, part);
  EXPECT_SAYS(brought(golden("v21"), "out", "", false), "is there already; a new or an empty folder was expected");

  const auto older = copy("v21");
  change(older / "meta" / "info.json", "v2.1", "v2.0");
  EXPECT_SAYS(brought(older, "wrist", "--camera observation.images.wrist --size 0"), "of observation.images.wrist,");
  shows("wrist", {0, 1, 2}, 64, 64);
  EXPECT_SAYS(brought(older, "blind", "--camera none --episodes :2"), "2 episodes, 21 steps");
  holds("blind", {0, 1}, true);
  EXPECT_EQ(Dataset(path("blind")).info().spaces.image_bytes(), 0u);
}

TEST_F(LeRobotTest, AllEpisodesInOneVideo) {
  std::filesystem::create_directories(folder_ / "out");
  EXPECT_SAYS(brought(golden("v30"), "out", "--size 0"), "(v3.0): pictures of 64 × 48 of observation.images.front, vectors of 3, actions of 2, no rewards");
  holds("out", {0, 1, 2}, false);
  shows("out", {0, 1, 2}, 48, 64);
  EXPECT_SAYS(good({"info", path("out")}), "0 terminated, 3 truncated");
  brought(golden("v30"), "last", "--episodes 2:");
  holds("last", {2}, false);
  shows("last", {2}, 64, 64);
  if (!has("minari")) GTEST_SKIP() << "Minari is not there: scripts/setup --with readers brings it";
  const auto line = python_ + "'" DREAMSCOPE_SOURCE_DIR "/tests/golden/check_minari.py' '" + path("out") + "' > '" + path("said") + "' 2>&1";
  EXPECT_EQ(std::system(line.c_str()), 0) << test::read_bytes(path("said"));
}

TEST_F(LeRobotTest, PicturesInTheTableAndNoneAtAll) {
  brought(golden("images"), "out", "--size 0");
  holds("out", {0, 1, 2}, true);
  const auto e = Dataset(path("out")).read(1);
  ASSERT_EQ(e.frame_bytes(), 8u * 8 * 3);
  for (std::size_t t = 0; t <= e.length(); ++t)
    for (std::size_t at = 0; at < e.frame_bytes(); ++at) {
      const std::size_t expected[] = {24 * (at / 3 % 8), 60, 18 * std::min<std::size_t>(t, 11)};
      ASSERT_EQ(e.frames[t * e.frame_bytes() + at], expected[at % 3]) << t << ", " << at;
    }
  EXPECT_SAYS(brought(golden("numbers"), "numbers"), "no pictures, vectors of 4, one of 3 choices, no rewards");
  const Dataset numbers(path("numbers"));
  EXPECT_EQ(numbers.info().spaces.vector_names, (std::vector<std::string>{"state shoulder.pos", "state elbow.pos", "state grip.pos", "environment_state"}));
  EXPECT_EQ(numbers.info().spaces.action.choices.size(), 3u);
  EXPECT_EQ(numbers.read(2).actions, (std::vector<float>{0, 1, 2, 0}));
  EXPECT_SAYS(good({"info", path("numbers")}), "action       one of 3 choices");
}

TEST_F(LeRobotTest, WhatIsWrongIsSaidAndNothingIsWritten) {
  const auto with = [&](const std::string& name, const std::string& from, const std::string& to, const std::vector<std::string>& parts) {
    const auto changed = copy(name);
    change(changed / "meta" / "info.json", from, to);
    refused(changed, "", parts);
  };
  with("v30", "\"v3.0\"", "\"v4.1\"", {"info.json', 'codebase_version'", "v2.0, v2.1 or v3.0 was expected, and it is 'v4.1'"});
  with("v21", "\"action\"", "\"act\"", {"info.json', 'features'", "numbers called 'action' were expected", "act, next.reward"});
  with("v21", "\"fps\": 10", "\"fps\": \"ten\"", {"'fps': a number was expected, and it is \"ten\""});
  with("v21", "data/chunk", "../chunk", {"'data_path': it leads out of the folder"});
  with("v21", "\"total_episodes\": 3", "\"total_episodes\": 4", {"episodes 0 to 3 were expected", "3 are listed"});
  with("v21", "\"observation.state\"", "\"observation.stat\"", {"episode_000000.parquet' has no column 'observation.stat'", "action"});
  with("v30", "{file_index:03d}", "{file:03d}", {"'data_path': a pattern of chunk_index, file_index was expected"});
  refused(golden("v21"), "--camera observation.images.top",
          {"'features': a camera 'observation.images.top' was expected", "observation.images.front, observation.images.wrist"});
  refused(golden("numbers"), "--camera top", {"a camera 'top' was expected, and there is no camera"});
  refused(golden("v21"), "--episodes 2:7", {"A < B of the 3 episodes was expected, and it is 2:7"});
  refused(folder_ / "nowhere", "", {"meta/info.json' is missing; a folder in LeRobot's format was expected"});
  auto changed = copy("v30");
  std::filesystem::remove_all(changed / "meta" / "episodes");
  refused(changed, "", {"meta/episodes' holds no chunk-000/file-000.parquet"});
  changed = copy("v30");
  std::filesystem::resize_file(changed / "data" / "chunk-000" / "file-000.parquet", 900);
  refused(changed, "--skip-damaged", {"no episode can be read; episode 0: ", "file-000.parquet' is no Parquet file that can be read"});
}

TEST_F(LeRobotTest, ADamagedEpisodeIsAnErrorOrLeftOut) {
  const auto changed = copy("v21"), films = changed / "videos" / "chunk-000" / "observation.images.front";
  const auto left_out = [&](const std::vector<std::string>& parts) {
    refused(changed, "", parts);
    std::filesystem::remove_all(folder_ / "out");
    const auto text = brought(changed, "out", "--skip-damaged");
    EXPECT_SAYS(text, "2 episodes, 14 steps");
    for (const auto& part : parts) EXPECT_SAYS(text, part);
    EXPECT_SAYS(text, "left out: episode 1: ");
    holds("out", {0, 2}, true);
    shows("out", {0, 2}, 64, 64);
  };
  std::filesystem::copy_file(films / "episode_000002.mp4", films / "episode_000001.mp4", std::filesystem::copy_options::overwrite_existing);
  left_out({"episode_000001.mp4': a frame at 0.500 s was expected, for row 5 of the 12 of episode 1, and the nearest is at 0.400 s"});
  std::filesystem::resize_file(films / "episode_000001.mp4", 40);
  left_out({"episode_000001.mp4' is no video that can be read"});
  std::filesystem::remove(films / "episode_000001.mp4");
  left_out({"episode_000001.mp4' is missing"});
  const auto rows = changed / "data" / "chunk-000";
  std::filesystem::copy_file(rows / "episode_000002.parquet", rows / "episode_000001.parquet", std::filesystem::copy_options::overwrite_existing);
  left_out({"'episode_index': 12 rows of episode 1 were expected, as meta says, and there are 0"});
}

/// The same as Minari's own, which it keeps as HDF5, in values and in what they are called.
TEST_F(LeRobotTest, MinarisOtherFormatsBecomeTheOneThatIsRead) {
  const auto minari = std::filesystem::path(DREAMSCOPE_SOURCE_DIR "/tests/golden/minari");
  const auto said = [&](const std::filesystem::path& from, const std::string& out, const std::string& options, bool good) {
    const auto line = python_ + "'" DREAMSCOPE_SOURCE_DIR "/scripts/bring_minari.py' '" + from.string() + "' '" + path(out) + "' " + options + " > '" + path("said") + "' 2>&1";
    EXPECT_EQ(std::system(line.c_str()) == 0, good) << test::read_bytes(path("said"));
    return test::read_bytes(path("said"));
  };
  for (const auto& [name, format] : {std::pair<std::string, std::string>{"mixed", "arrow"}, {"car", "arrow"}, {"pictures", "parquet"}}) {
    const auto from = minari / (name + "_" + format);
    bad({"info", from.string()}, "'data_format' is '" + format + "', and 'hdf5' was expected; scripts/bring_minari.py FOLDER OUT makes such a dataset of it");
    EXPECT_SAYS(said(from, name, "", true), "(" + format + ")");
    const Dataset ours(path(name)), theirs(minari / name);
    ASSERT_EQ(ours.episodes(), theirs.episodes());
    EXPECT_EQ(ours.left_out(), theirs.left_out());
    EXPECT_EQ(ours.info().spaces.vector_names, theirs.info().spaces.vector_names);
    for (std::size_t i = 0; i < ours.episodes(); ++i) test::expect_equal(ours.read(i), theirs.read(i));
    EXPECT_SAYS(said(from, name, "", false), "is there already; a new or an empty folder was expected");
  }
  EXPECT_SAYS(said(minari / "mixed", "none", "", false), "'data_format': arrow or parquet was expected, and it is 'hdf5'; such a dataset opens as it is");
  EXPECT_SAYS(said(golden("v21"), "none", "", false), "data/metadata.json' is missing; a folder of Minari's was expected");

  const auto changed = folder_ / "changed";
  std::filesystem::copy(minari / "pictures_parquet", changed, std::filesystem::copy_options::recursive);
  std::filesystem::resize_file(changed / "data" / "0" / "part-0.parquet", 700);
  EXPECT_SAYS(said(changed, "none", "", false), "data/0/part-0.parquet' cannot be read as parquet");
  EXPECT_FALSE(std::filesystem::exists(path("none")));
  EXPECT_SAYS(said(changed, "rest", "--skip-damaged", true), "left out: episode 0: ");
  EXPECT_EQ(Dataset(path("rest")).read(0).length(), 5u);
}

}  // namespace readers_test
}  // namespace dream
